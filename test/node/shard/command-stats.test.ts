/** INFO commandstats, errorstats and latencystats, and the histogram below them. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { Histogram } from '../../../src/node/shard/histogram.ts';
import { RawClient } from '../../support/raw-client.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

const REQUESTS = [
  ['SET', 'a', '1'],
  ['GET', 'a'],
  ['INCR', 'a'],
  ['LPUSH', 'a', '1'],
  ['GET'],
  ['NOSUCH'],
  ['CONFIG', 'GET', 'hz'],
  ['CONFIG', 'SET', 'nosuch', '1'],
  ['EVAL', "return redis.call('LPUSH', KEYS[1], '1')", '1', 'a'],
  ['EVAL', "return redis.pcall('LPUSH', KEYS[1], '1')", '1', 'a'],
  ['EVAL', "return redis.error_reply('MINE said so')", '0'],
  ['MULTI'],
  ['GET'],
  ['EXEC'],
  ['MULTI'],
  ['LPUSH', 'a', '1'],
  ['GET', 'a'],
  ['EXEC'],
  ['BLPOP', 'none', '0.01'],
  ['AUTH', 'wrong'],
];

const FIELD = /^((?:cmdstat|errorstat)_[^:]+):(.*)$/gm;
/** Without times, and without what asked for them. */
const countsIn = (text: string): string[] =>
  Array.from(
    text.matchAll(FIELD),
    ([, name, value]) => `${name} ${value!.replace(/usec=\d+,usec_per_call=[\d.]+,/, '').trim()}`,
  )
    .filter((line) => !/cmdstat_(info|hello|config\|resetstat)/.test(line))
    .sort();

describeReal('numbers of commands and errors', () => {
  it('are counted as redis-server counts them', async () => {
    await scriptEngineReady();
    await using real = await startRealRedis();
    using client = await RawClient.to(real.port);
    const theirs = await client.exchange([
      ['CONFIG', 'RESETSTAT'],
      ...REQUESTS,
      ['INFO', 'commandstats', 'errorstats'],
    ]);
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    for (const words of [['CONFIG', 'RESETSTAT'], ...REQUESTS.filter(([name]) => name !== 'BLPOP')])
      ours.call(...words);
    const mine = countsIn(ours.bytes('INFO', 'commandstats', 'errorstats'));
    const wanted = countsIn(theirs.at(-1)!).filter((line) => !line.startsWith('cmdstat_blpop'));
    expect(mine).toEqual(wanted);
  });
});

describe('a command that waits', () => {
  it('is counted once, when its time is up as well [redis 7.2]', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      using test = testShard({ world, commands: dataCommands });
      const [client, waiting] = [test.client(), test.client()];
      const calls = (): string | undefined =>
        /cmdstat_blpop:(calls=\d+),/.exec(client.bytes('INFO', 'commandstats'))?.[1];
      waiting.send('BLPOP', 'none', '0');
      expect(calls()).toBeUndefined();
      client.call('CLIENT', 'UNBLOCK', String(waiting.session.id));
      expect(calls()).toBe('calls=1');
      waiting.send('BLPOP', 'none', '1');
      await new Promise<void>((resolve) => world.clock.after(1500, resolve));
      expect(waiting.replies).toEqual([null, null]);
      expect(calls()).toBe('calls=2');
      waiting.send('BLPOP', 'some', '1');
      client.call('RPUSH', 'some', 'v');
      expect(calls()).toBe('calls=3');
      waiting.send('BLPOP', 'none', '1');
      client.call('CLIENT', 'UNBLOCK', String(waiting.session.id), 'ERROR');
      expect(calls()).toBe('calls=4');
    });
  });
});

describe('errorstats', () => {
  it('ends with more than 128 codes, says so, and begins anew with CONFIG RESETSTAT [redis 7.4]', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const codes = (): string[] => client.bytes('INFO', 'errorstats').match(/errorstat_[^\r]*/g) ?? [];
    for (let i = 0; i < 128; i++) client.call('DEBUG', 'ERROR', `CODE${i} said so`);
    expect(codes()).toHaveLength(128);
    client.call('DEBUG', 'ERROR', 'CODE0 said so');
    expect(codes()).toContain('errorstat_CODE0:count=2');
    for (let i = 100; i < 200; i++) client.call('DEBUG', 'ERROR', `CODE${i} said so`);
    expect(codes()).toEqual(['errorstat_ERRORSTATS_DISABLED:count=1']);
    expect(client.bytes('INFO', 'stats')).toContain('total_error_replies:229\r\n');
    expect(client.bytes('INFO', 'memory')).toContain('lazyfreed_objects:128\r\n');
    client.call('CONFIG', 'RESETSTAT');
    client.call('DEBUG', 'ERROR', 'MINE said so');
    expect(codes()).toEqual(['errorstat_MINE:count=1']);
  });
});

describe('latencystats', () => {
  it('say the percentiles that are configured, until tracking is off', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('SET', 'a', '1');
    expect(client.bytes('INFO', 'latencystats')).toMatch(
      /latency_percentiles_usec_set:p50=[\d.]+,p99=[\d.]+,p99.9=[\d.]+\r\n/,
    );
    expect(client.bytes('CONFIG', 'SET', 'latency-tracking-info-percentiles', '101')).toMatch(/should sit between/);
    client.call('CONFIG', 'SET', 'latency-tracking-info-percentiles', '0 100');
    expect(client.bytes('INFO', 'latencystats')).toMatch(/latency_percentiles_usec_set:p0=[\d.]+,p100=[\d.]+\r\n/);
    client.call('CONFIG', 'SET', 'latency-tracking', 'no');
    expect(client.bytes('INFO', 'latencystats')).not.toMatch(/latency_percentiles/);
    expect(client.bytes('INFO', 'everything')).toMatch(/# Commandstats[^]*# Errorstats/);
    expect(client.bytes('INFO')).not.toMatch(/# Commandstats/);
  });
});

describe('a histogram', () => {
  it('tells percentiles that are at most a sixteenth too large', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1e9 }), { minLength: 1 }),
        fc.integer({ min: 0, max: 100 }),
        (values, percent) => {
          const histogram = new Histogram();
          for (const value of values) histogram.add(value, 1);
          const sorted = values.toSorted((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil((values.length * percent) / 100)) - 1]!;
          const found = histogram.percentile(percent);
          expect(found).toBeGreaterThanOrEqual(exact);
          expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 16) + 1);
          expect(histogram.upTo(found)).toBeGreaterThanOrEqual((values.length * percent) / 100);
        },
      ),
    );
  });
});
