/** Refusals for want of memory, access times and frequencies, and the order of volatile-ttl against redis-server. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { differential } from '../../support/differential.ts';
import { TestClient, testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, isInRealRedis, type RealRedis, startRealRedis } from '../../support/real-redis.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';

const GROUPS = new Set(['string', 'generic', 'list', 'hash', 'set', 'sorted-set', 'bitmap']);
const byName = (...names: readonly string[]) => dataCommands.filter(({ name }) => names.includes(name));

describeReal('memory as redis-server has it', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(() => real[Symbol.asyncDispose]());

  /** Two of them had fewer words in 7.0, where too many are refused first. */
  const writing = dataCommands.filter(
    ({ group, flags, name, since }) =>
      GROUPS.has(group) &&
      isInRealRedis({ since }) &&
      !flags.has('blocking') &&
      (flags.has('write') || flags.has('readonly')) &&
      !['ZRANK', 'ZREVRANK'].includes(name),
  );

  it('refuses the same commands when nothing may go, and none when all is gone', { timeout: 60_000 }, async () => {
    using client = await RawClient.to(real.port);
    for (const policy of ['noeviction', 'volatile-lru', 'allkeys-lru']) {
      const setUp = [['FLUSHALL'], ['CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', '1']];
      using test = testShard({ commands: dataCommands });
      const ours = new TestClient(test.shard);
      for (const words of setUp) ours.call(...words);
      await client.exchange(setUp);
      // One of each is enough: whether it is refused depends on its flags alone
      for (const command of writing) {
        const request = fc.sample(requestsFrom([command], POOLS), { numRuns: 1, seed: 7 })[0]!;
        for (const requests of [[request], [['MULTI'], request, ['EXEC'], ['DISCARD']]]) {
          const theirs = (await client.exchange(requests)).map(oom);
          expect(
            requests.map((words) => oom(ours.bytes(...words))),
            `${policy}: ${requests.join(' / ')}`,
          ).toEqual(theirs);
        }
      }
      await client.exchange([['CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction']]);
    }
  });

  const stringWrites = byName('SET', 'APPEND', 'INCR', 'GETSET', 'SETEX', 'MSET');
  const others = [
    ...byName('GET', 'MGET', 'LPUSH', 'LLEN', 'HSET', 'HGET', 'SADD', 'SCARD', 'ZADD', 'ZSCORE', 'STRLEN', 'GETRANGE'),
    ...byName('EXISTS', 'TOUCH', 'TYPE', 'TTL', 'EXPIRE', 'PERSIST', 'RENAME', 'COPY'),
    ...byName('OBJECT FREQ', 'OBJECT FREQ', 'OBJECT FREQ', 'OBJECT IDLETIME'),
  ];
  const pools = { ...POOLS, double: ['0', '1.5', '-2.25'] };

  differential({
    name: 'counts accesses alike where every access counts',
    commands: dataCommands,
    real: () => real,
    requests: mutated(requestsFrom([...stringWrites, ...others], pools)),
    // A word that a script gives is an object of an earlier script in 7.0, with the accesses of that time
    scripted: mutated(requestsFrom(others, pools)),
    // With a limit Redis shares no small integers between keys: their accesses would be counted together
    setUp: [
      [
        'CONFIG',
        'SET',
        'maxmemory',
        '100gb',
        'maxmemory-policy',
        'allkeys-lfu',
        'lfu-log-factor',
        '0',
        'lfu-decay-time',
        '0',
      ],
    ],
  });

  it('tells for how long a key was not accessed', { timeout: 20_000 }, async () => {
    using client = await RawClient.to(real.port);
    const requests = [
      ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
      ['FLUSHALL'],
      ['SET', 'a', 'b'],
      ['RESTORE', 'c', '0', await dumpOf(client), 'IDLETIME', '1000'],
      ['OBJECT', 'IDLETIME', 'a'],
      ['OBJECT', 'FREQ', 'a'],
      ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu'],
      ['OBJECT', 'IDLETIME', 'a'],
      ['RESTORE', 'd', '0', await dumpOf(client), 'FREQ', '77'],
      ['OBJECT', 'FREQ', 'd'],
      ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'],
    ];
    using test = testShard({ commands: dataCommands });
    const ours = new TestClient(test.shard);
    expect(requests.map((words) => ours.bytes(...words))).toEqual(await client.exchange(requests));
    // A second may begin between the two
    const idle = Number((await client.exchange([['OBJECT', 'IDLETIME', 'c']]))[0]!.slice(1));
    expect(Math.abs(Number(ours.call('OBJECT', 'IDLETIME', 'c')) - idle)).toBeLessThanOrEqual(2);
    expect(idle).toBeGreaterThanOrEqual(1000);
  });

  it(
    'evicts by volatile-ttl what ends soonest, exactly where all keys are looked at',
    { timeout: 20_000 },
    async () => {
      using client = await RawClient.to(real.port);
      const KEYS = 12;
      const fill = Array.from({ length: KEYS }, (_, i) => [
        'SET',
        `k${i}`,
        'v'.repeat(100_000),
        'EX',
        String(1000 + ((i * 7) % KEYS) * 100),
      ]);
      const settings = ['CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl', 'maxmemory-samples', '64'];
      using test = testShard({ commands: dataCommands });
      const ours = new TestClient(test.shard);
      await client.exchange([['FLUSHALL'], settings, ...fill]);
      for (const words of [settings, ...fill]) ours.call(...words);
      const used = Number(/used_memory:(\d+)/.exec((await client.exchange([['INFO', 'memory']]))[0]!)![1]);
      // Room for about half of them on both sides
      const half = (KEYS / 2) * 100_000;
      await client.exchange([['CONFIG', 'SET', 'maxmemory', String(used - half)], ['PING'], ['PING']]);
      ours.call('CONFIG', 'SET', 'maxmemory', String(test.shard.memory.usedBytes - half));
      ours.call('PING');
      const theirs = await client.exchange([
        ...fill.map(([, key]) => ['EXISTS', key!]),
        ['CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-samples', '5'],
      ]);
      const mine = fill.map(([, key]) => ours.bytes('EXISTS', key!));
      const soonestLeft = (left: readonly string[]): number[] =>
        fill.flatMap(([, , , , ttl], i) => (left[i] === ':1\r\n' ? [Number(ttl)] : [])).toSorted((a, b) => a - b);
      for (const left of [soonestLeft(mine), soonestLeft(theirs)]) {
        const all = fill.map(([, , , , ttl]) => Number(ttl)).toSorted((a, b) => a - b);
        expect(left).toEqual(all.slice(KEYS - left.length));
        expect(left.length).toBeGreaterThan(3);
        expect(left.length).toBeLessThan(9);
      }
    },
  );
});

/** What a reply says of memory: refused for it, or not. */
const oom = (reply: string): string => /^-(EXECABORT [^\r]*OOM|OOM)[^\r]*/.exec(reply)?.[0] ?? 'has room';

const dumpOf = async (client: RawClient): Promise<string> => {
  const [, dump] = await client.exchange([
    ['SET', 'dumped', 'x'],
    ['DUMP', 'dumped'],
  ]);
  return dump!.slice(dump!.indexOf('\r\n') + 2, -2);
};
