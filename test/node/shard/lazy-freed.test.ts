/** `lazyfreed_objects`: what counts as given back later is what counts in Redis. */

import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `member-${i}`);
const pairs = (count: number): string[] => many(count).flatMap((name, i) => [String(i), name]);

const SMALL_SORTED_SETS = ['CONFIG', 'SET', 'zset-max-listpack-entries', '1'];
const SMALL_LISTS = ['CONFIG', 'SET', 'list-max-listpack-size', '4'];
const SMALL_STREAMS = ['CONFIG', 'SET', 'stream-node-max-entries', '5'];
const stream = (entries: number): string[][] =>
  Array.from({ length: entries }, (_, i) => ['XADD', 'k', `1000-${i + 1}`, 'f', 'v']);

/** Each ends a key `k`, or everything. */
const ENDINGS: readonly (readonly [what: string, requests: readonly (readonly string[])[]])[] = [
  [
    'a string',
    [
      ['SET', 'k', 'x'.repeat(100_000)],
      ['UNLINK', 'k'],
    ],
  ],
  [
    'a packed set',
    [
      ['SADD', 'k', ...pairs(32)],
      ['UNLINK', 'k'],
    ],
  ],
  [
    'a set',
    [
      ['SADD', 'k', ...many(200)],
      ['UNLINK', 'k'],
    ],
  ],
  ['a sorted set of 64', [SMALL_SORTED_SETS, ['ZADD', 'k', ...pairs(64)], ['UNLINK', 'k']]],
  ['a sorted set of 65', [SMALL_SORTED_SETS, ['ZADD', 'k', ...pairs(65)], ['UNLINK', 'k']]],
  [
    'a hash',
    [
      ['CONFIG', 'SET', 'hash-max-listpack-entries', '1'],
      ['HSET', 'k', ...pairs(70)],
      ['UNLINK', 'k'],
    ],
  ],
  [
    'a sorted set',
    [
      ['ZADD', 'k', ...pairs(200)],
      ['UNLINK', 'k'],
    ],
  ],
  ['a short list', [SMALL_LISTS, ['RPUSH', 'k', ...many(200)], ['UNLINK', 'k']]],
  ['a long list', [SMALL_LISTS, ['RPUSH', 'k', ...many(300)], ['UNLINK', 'k']]],
  ['a stream', [SMALL_STREAMS, ...stream(400), ['UNLINK', 'k']]],
  ['a short stream', [SMALL_STREAMS, ...stream(20), ['UNLINK', 'k']]],
  [
    'a short stream that a group has read',
    [
      ...stream(65),
      ['XGROUP', 'CREATE', 'k', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'k', '>'],
      ['UNLINK', 'k'],
    ],
  ],
  [
    'what DEL ends',
    [
      ['SADD', 'k', ...many(200)],
      ['DEL', 'k'],
    ],
  ],
  [
    'what DEL ends as UNLINK would',
    [
      ['CONFIG', 'SET', 'lazyfree-lazy-user-del', 'yes'],
      ['SADD', 'k', ...many(200)],
      ['DEL', 'k'],
    ],
  ],
  [
    'all keys',
    [
      ['MSET', ...pairs(10)],
      ['SELECT', '1'],
      ['MSET', ...pairs(20)],
      ['FLUSHDB', 'ASYNC'],
      ['FLUSHALL', 'ASYNC'],
    ],
  ],
  ['all keys at once, in a transaction', [['MSET', ...pairs(10)], ['MULTI'], ['FLUSHALL'], ['EXEC']]],
  [
    'what expires at once',
    [
      ['SADD', 'k', ...many(200)],
      ['EXPIRE', 'k', '-1'],
    ],
  ],
  [
    'what expires at once, as UNLINK would',
    [
      ['CONFIG', 'SET', 'lazyfree-lazy-expire', 'yes'],
      ['SADD', 'k', ...many(200)],
      ['EXPIRE', 'k', '-1'],
    ],
  ],
  ['scripts', [...many(70).map((name) => ['SCRIPT', 'LOAD', `return '${name}'`]), ['SCRIPT', 'FLUSH', 'ASYNC']]],
];

const freedIn = (text: string): number => Number(/lazyfreed_objects:(\d+)/.exec(text)?.[1]);

describeReal('what is freed lazily', () => {
  it('counts as in redis-server', async () => {
    await scriptEngineReady();
    await using real = await startRealRedis();
    using client = await RawClient.to(real.port);
    for (const [what, requests] of ENDINGS) {
      const begun = [['FLUSHALL'], ['CONFIG', 'RESETSTAT'], ...requests];
      using test = testShard({ commands: dataCommands });
      const ours = test.client();
      for (const words of begun) ours.call(...words);
      const wanted = freedIn(ours.bytes('INFO', 'memory'));
      await client.exchange(begun);
      const isSame = async (): Promise<boolean> => {
        const [memory = ''] = await client.exchange([['INFO', 'memory']]);
        return memory.includes('lazyfree_pending_objects:0\r\n') && freedIn(memory) === wanted;
      };
      await eventually(isSame, { withinMs: 2_000, what: `${what}: ${wanted} freed at redis-server too` });
    }
  });
});

describe('lazyfreed_objects', () => {
  it('counts a flush that is to end at once too, where its client may wait for it [redis 7.4]', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('MSET', ...pairs(10));
    client.call('FLUSHALL');
    client.call('MSET', ...pairs(5));
    client.call('FLUSHDB', 'SYNC');
    expect(freedIn(client.bytes('INFO', 'memory'))).toBe(15);
    client.call('CONFIG', 'RESETSTAT');
    expect(freedIn(client.bytes('INFO', 'memory'))).toBe(0);
  });

  it('counts what expires only where that is to be lazy', async () => {
    for (const [lazy, wanted] of [
      ['no', 0],
      ['yes', 1],
    ] as const) {
      const world = new SimWorld({ seed: 1 });
      using test = testShard({ commands: dataCommands, world, config: { 'lazyfree-lazy-expire': lazy } });
      const client = test.client();
      client.call('SADD', 'k', ...many(200));
      client.call('PEXPIRE', 'k', '10');
      await world.advance(50);
      expect(client.call('EXISTS', 'k')).toBe(0);
      expect(freedIn(client.bytes('INFO', 'memory')), lazy).toBe(wanted);
    }
  });
});
