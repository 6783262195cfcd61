import { beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import type { EvictionPolicy } from '../../../src/node/shard/eviction-policy.ts';
import type { Shard } from '../../../src/node/shard/shard.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient, testShard } from '../../support/fixtures.ts';
import { recordWrites } from '../commands/writes.ts';

const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
const VALUE = 'v'.repeat(1_000);

const setUp = (config: Readonly<Record<string, string>>, seed: string | number = 1) => {
  const world = new SimWorld({ seed });
  const test = testShard({ commands: dataCommands, world, config });
  return { world, ...test, client: test.client() };
};

const fill = (client: TestClient, keys: number, more: (i: number) => readonly string[] = () => []): void => {
  for (let i = 0; i < keys; i++) client.call('SET', `key:${i}`, VALUE, ...more(i));
};

/** Lets so many more bytes be used than are now, less when negative. */
const allow = ({ memory, config }: Shard, moreBytes: number): void => {
  const limit = String(Math.round(memory.usedBytes + moreBytes));
  expect(config.set([['maxmemory', limit]])).toMatchObject({ ok: true });
};

describe('a shard whose memory is used up', () => {
  it('refuses what needs memory, runs what does not, and goes on when there is room again', () => {
    using test = setUp({});
    const { client, shard } = test;
    fill(client, 10);
    allow(shard, -1);
    for (const words of [
      ['SET', 'a', 'b'],
      ['LPUSH', 'l', 'x'],
      ['APPEND', 'key:1', 'x'],
      ['ZADD', 'z', '1', 'm'],
    ]) {
      expect(client.call(...words), words[0]).toMatchObject({ message: OOM });
    }
    expect(client.call('GET', 'key:1')).toBe(VALUE);
    expect(client.call('EXPIRE', 'key:1', '100')).toBe(1);
    expect(client.call('DEL', 'key:2')).toBe(1);
    expect(client.call('SET', 'a', 'b')).toBe('OK');
    expect(shard.stats.evicted).toBe(0);
  });

  it('queues nothing, and runs no transaction that needs memory', () => {
    using test = setUp({});
    const { client, shard } = test;
    client.call('MULTI');
    client.call('SET', 'a', 'b');
    allow(shard, -1);
    expect(client.call('GET', 'a')).toMatchObject({ message: OOM });
    expect(client.call('EXEC')).toMatchObject({ message: `EXECABORT Transaction discarded because of: ${OOM}` });
    expect(client.call('EXISTS', 'a')).toBe(0);
  });

  it('lets its limit be raised', () => {
    using test = setUp({});
    fill(test.client, 3);
    allow(test.shard, -1);
    expect(test.client.call('CONFIG', 'SET', 'maxmemory', '0')).toBe('OK');
    expect(test.client.call('SET', 'a', 'b')).toBe('OK');
  });

  it('refuses writes when no key may go by the policy', () => {
    using test = setUp({ 'maxmemory-policy': 'volatile-lru' });
    const { client, shard } = test;
    fill(client, 10);
    allow(shard, -1);
    expect(client.call('SET', 'a', 'b')).toMatchObject({ message: OOM });
    expect(client.call('DBSIZE')).toBe(10);
  });

  it('counts what clients queue, as long as they are there', () => {
    using test = setUp({});
    const before = test.shard.memory.clientBytes;
    const other = new TestClient(test.shard);
    other.call('MULTI');
    other.call('SET', 'a', 'x'.repeat(100_000));
    expect(test.shard.memory.clientBytes - before).toBeGreaterThan(100_000);
    test.shard.closeSession(other.session);
    expect(test.shard.memory.clientBytes).toBe(before);
  });
});

describe('a script', () => {
  beforeAll(scriptEngineReady);

  const writes = (count: number): readonly string[] => [
    'EVAL',
    `for i = 1, ${count} do redis.call('SET', 'script:' .. i, string.rep('x', 1000)) end return redis.call('DBSIZE')`,
    '0',
  ];

  it('that begins with room may use more, and no key goes in the middle of it', () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-lru' });
    const { client, shard } = test;
    fill(client, 5);
    allow(shard, 3_000);
    const replicated = recordWrites(shard);
    expect(client.call(...writes(10))).toBe(15);
    expect(shard.stats.evicted).toBe(0);
    expect(replicated.map(([name]) => name)).toEqual(['MULTI', ...Array.from({ length: 10 }, () => 'SET'), 'EXEC']);
    client.call('PING');
    expect(shard.stats.evicted).toBeGreaterThan(5);
  });

  it('that begins without room is refused its first write that needs memory', () => {
    using test = setUp({});
    const { client, shard } = test;
    fill(client, 5);
    allow(shard, -1);
    expect(client.call('EVAL', "return redis.call('GET', 'key:1')", '0')).toBe(VALUE);
    expect(client.call(...writes(1))).toMatchObject({
      message: expect.stringMatching(/^(ERR )?.*OOM command not allowed/),
    });
    expect(client.call('EVAL', "redis.call('DEL', 'key:1') return redis.call('SET', 'a', 'b')", '0')).toBe('OK');
    expect(shard.keyspaces[0]!.has('script:1')).toBe(false);
  });
});

describe('a destination of Replica Of whose memory is used up', () => {
  it('refuses every write, evicts nothing whatever its policy, and expires nothing', async () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-lru' });
    const { client, shard, world } = test;
    shard.expiryPolicy = 'ignore';
    expect(shard.eviction.mode).toBe('refuse');
    fill(client, 10, () => ['PX', '50']);
    allow(shard, -1);
    await world.advance(1_000);
    expect(client.call('SET', 'a', 'b')).toMatchObject({ message: OOM });
    expect(client.call('DBSIZE')).toBe(10);
    expect(shard.stats.evicted).toBe(0);
    shard.expiryPolicy = 'delete';
    expect(client.call('SET', 'a', 'b')).toBe('OK');
  });
});

describe('a plain replica', () => {
  it('holds what its primary holds, unless it is told to obey its own limit', () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-lru', 'replica-read-only': 'no' });
    const { client, shard } = test;
    fill(client, 10);
    shard.role = 'replica';
    shard.linkUp = true;
    allow(shard, -1);
    expect(shard.eviction.mode).toBe('ignore');
    expect(client.call('SET', 'a', 'b')).toBe('OK');
    expect(client.call('DBSIZE')).toBe(11);
    client.call('CONFIG', 'SET', 'replica-ignore-maxmemory', 'no');
    expect(client.call('SET', 'a', 'c')).toBe('OK');
    expect(shard.stats.evicted).toBeGreaterThan(0);
  });
});

describe('eviction', () => {
  it('replicates each key as a deletion of its own before the write that it made room for', () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-random' });
    const { client, shard } = test;
    fill(client, 5);
    const writes = recordWrites(shard);
    allow(shard, -1);
    client.call('SET', 'new', VALUE);
    expect(writes).toEqual([
      ['DEL', expect.stringMatching(/^key:\d$/)],
      ['SET', 'new', VALUE],
    ]);
    shard.config.set([['lazyfree-lazy-eviction', 'yes']]);
    client.call('GET', 'new');
    expect(writes[2]?.[0]).toBe('UNLINK');
    expect(shard.stats.evicted).toBe(2);
    expect(client.call('INFO', 'stats')).toMatch(/^evicted_keys:2\r$/m);
  });

  it('begins by itself when the limit is lowered', async () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-lru' });
    fill(test.client, 10);
    allow(test.shard, -5_000);
    await test.world.advance(10);
    expect(test.shard.memory.overLimit).toBe(false);
    expect(test.shard.stats.evicted).toBeGreaterThan(3);
  });

  it('wakes those who watch an evicted key', () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-random' });
    const { client, shard } = test;
    fill(client, 1);
    client.call('WATCH', 'key:0');
    client.call('MULTI');
    client.call('PING');
    allow(shard, -1);
    expect(client.call('EXEC')).toBeNull();
  });

  it('goes on by itself where one call would take too long, and lets writes pass meanwhile', async () => {
    using test = setUp({ 'maxmemory-policy': 'allkeys-lru', 'maxmemory-eviction-tenacity': '0' });
    const { client, shard, world } = test;
    fill(client, 200);
    const half = shard.memory.keys.bytes / 2;
    allow(shard, -half);
    expect(client.call('SET', 'a', 'b')).toBe('OK');
    expect(shard.memory.overLimit).toBe(true);
    await world.advance(1_000);
    expect(shard.memory.overLimit).toBe(false);
    expect(client.call('DBSIZE')).toBeGreaterThan(90);
  });

  it('evicts the same keys again from the same seed', () => {
    const left = (): unknown => {
      using test = setUp({ 'maxmemory-policy': 'allkeys-lru', 'maxmemory-eviction-tenacity': '100' }, 'evict');
      fill(test.client, 100);
      allow(test.shard, -20_000);
      test.client.call('PING');
      return test.client.call('KEYS', '*');
    };
    expect(left()).toEqual(left());
  });
});

/** Shares of the evicted among keys that should go and keys that should stay, over a few seeds. */
const victims = async (policy: EvictionPolicy, seed: number): Promise<{ bad: number; good: number; kept: number }> => {
  using test = setUp({ 'maxmemory-policy': policy, 'maxmemory-eviction-tenacity': '100', 'lfu-log-factor': '1' }, seed);
  const { client, shard, world } = test;
  const KEYS = 400;
  // Even keys have an expiry, near for those below the half
  fill(client, KEYS, (i) => (i % 2 === 0 ? ['EX', String(i < KEYS / 2 ? 10_000 + i : 50_000 + i)] : []));
  await world.advance(60_000);
  // The upper half is in use
  for (let round = 0; round < 20; round++) for (let i = KEYS / 2; i < KEYS; i++) client.call('GET', `key:${i}`);
  await world.advance(10_000);
  allow(shard, -(shard.memory.keys.bytes / 5));
  client.call('PING');
  let [bad, good, kept] = [0, 0, 0];
  for (let i = 0; i < KEYS; i++) {
    if (client.call('EXISTS', `key:${i}`) === 1) continue;
    if (i < KEYS / 2) good++;
    else bad++;
    if (i % 2 === 1) kept++;
  }
  expect(bad + good).toBe(shard.stats.evicted);
  expect(bad + good).toBeGreaterThan(50);
  return { bad, good, kept };
};

describe('policies', () => {
  for (const policy of ['allkeys-lru', 'allkeys-lfu', 'volatile-lru', 'volatile-lfu', 'volatile-ttl'] as const) {
    it(`${policy} takes the unused, or those that end soon, nearly always`, async () => {
      for (const seed of [1, 2, 3]) {
        const { bad, good, kept } = await victims(policy, seed);
        expect(bad / (bad + good), `seed ${seed}`).toBeLessThan(0.1);
        if (policy.startsWith('volatile')) expect(kept, `keys without expiry, seed ${seed}`).toBe(0);
      }
    });
  }

  for (const policy of ['allkeys-random', 'volatile-random'] as const) {
    it(`${policy} takes any`, async () => {
      for (const seed of [1, 2, 3]) {
        const { bad, good, kept } = await victims(policy, seed);
        expect(bad / (bad + good), `seed ${seed}`).toBeGreaterThan(0.25);
        expect(bad / (bad + good), `seed ${seed}`).toBeLessThan(0.75);
        if (policy === 'volatile-random') expect(kept).toBe(0);
      }
    });
  }
});
