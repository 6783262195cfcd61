/**
 * node-redis with its default options at a shard and at redis-server: every result that the library gives an application is the same,
 * in RESP2 and in RESP3. What needs two connections or waits for something is told by hand.
 */

import { createClient, createClientPool } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { describeReal, realRedisVersion, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { servedShard } from '../../support/served-shard.ts';
import { NODE_REDIS_STEPS, type NodeRedis } from './node-redis-steps.ts';

const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 5_000, what });

async function connected(port: number, protocol: 2 | 3): Promise<NodeRedis & Disposable> {
  const client = createClient({ RESP: protocol as 3, socket: { host: '127.0.0.1', port } });
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.dispose]: () => client.destroy() });
}

/** What became of it, as a text: maps and errors too. */
const told = async (step: () => Promise<unknown>): Promise<string> => {
  try {
    const shown = JSON.stringify(await step(), (_key, value: unknown) =>
      value instanceof Map || value instanceof Set
        ? [...value]
        : value instanceof Error
          ? `error: ${value.message}`
          : value === Infinity || value === -Infinity
            ? String(value)
            : value,
    );
    return shown === undefined ? 'nothing' : shown;
  } catch (error) {
    const replies = (error as { readonly replies?: readonly unknown[] }).replies ?? [];
    return [`error: ${(error as Error).message}`, ...replies.map(String)].join(' | ');
  }
};

const known = (since: string): boolean => Number.parseFloat(realRedisVersion) >= Number.parseFloat(since);

describe.each([['RESP2', 2] as const, ['RESP3', 3] as const])('node-redis in %s', (_name, protocol) => {
  describeReal('asked one thing after another', () => {
    let real: RealRedis;
    beforeAll(async () => {
      real = await startRealRedis();
    });
    afterAll(async () => real.stop());

    it('gives an application the same as with redis-server', async () => {
      await using shard = await servedShard();
      using ours = await connected(shard.port, protocol);
      using theirs = await connected(real.port, protocol);
      const wrong: unknown[] = [];
      const replies: string[] = [];
      for (const step of NODE_REDIS_STEPS.filter(({ since }) => known(since)).flatMap(({ steps }) => steps)) {
        const [mine, reals] = [await told(() => step(ours)), await told(() => step(theirs))];
        replies.push(reals);
        if (mine !== reals) wrong.push({ step: String(step), mine, real: reals });
      }
      expect(wrong).toEqual([]);
      // Not a session of nothing but refusals
      expect(replies.length).toBeGreaterThan(200);
      expect(replies.filter((reply) => reply.startsWith('error')).length).toBeLessThan(20);
    });
  });

  it('hears of channels, patterns and shard channels until it wants to no more', async () => {
    await using shard = await servedShard();
    using publisher = await connected(shard.port, protocol);
    using listener = await connected(shard.port, protocol);
    const heard: string[] = [];
    const hear = (message: string, channel: string): void => void heard.push(`${channel} ${message}`);
    await listener.subscribe(['news', 'weather'], hear);
    await listener.pSubscribe('n*', hear);
    await listener.sSubscribe('{shard}', hear);
    expect(await publisher.publish('news', 'häil')).toBe(2);
    expect(await publisher.publish('weather', 'sun')).toBe(1);
    expect(await publisher.sPublish('{shard}', 'near')).toBe(1);
    await eventually(() => heard.length === 4, patience('four messages'));
    expect(heard.toSorted()).toEqual(['news häil', 'news häil', 'weather sun', '{shard} near']);
    expect(await publisher.pubSubNumSub(['news', 'nobody'])).toEqual({ news: 1, nobody: 0 });
    expect(await publisher.pubSubNumPat()).toBe(1);
    expect(await publisher.pubSubShardNumSub(['{shard}'])).toEqual({ '{shard}': 1 });
    await listener.unsubscribe('weather');
    await listener.pUnsubscribe();
    await listener.sUnsubscribe();
    expect(await publisher.publish('weather', 'rain')).toBe(0);
    expect(await publisher.publish('news', 'last')).toBe(1);
    await eventually(() => heard.length === 5, patience('the last message'));
    await listener.unsubscribe();
    expect(await publisher.pubSubChannels()).toEqual([]);
    expect(await listener.get('again an ordinary client')).toBeNull();
  });

  it('waits for elements that another client adds, for each kind of key', async () => {
    await using shard = await servedShard();
    using redis = await connected(shard.port, protocol);
    using first = await connected(shard.port, protocol);
    using second = await connected(shard.port, protocol);
    using third = await connected(shard.port, protocol);
    const waiting = Promise.all([
      first.blPop(['absent', 'list'], 0),
      second.bzPopMax('sorted', 0),
      third.xRead({ key: 'stream', id: '$' }, { BLOCK: 0 }),
    ]);
    await eventually(() => shard.shard.blocking.count === 3, patience('three clients wait'));
    await redis.rPush('list', ['a', 'b']);
    await redis.zAdd('sorted', { score: 1.5, value: 'm' });
    await redis.xAdd('stream', '5-0', { f: 'v' });
    const [popped, top, read] = await waiting;
    expect({ ...popped }).toEqual({ key: 'list', element: 'a' });
    expect({ ...top }).toEqual({ key: 'sorted', value: 'm', score: 1.5 });
    expect(JSON.parse(JSON.stringify(read))).toEqual([
      { name: 'stream', messages: [{ id: '5-0', message: { f: 'v' } }] },
    ]);
  });

  it('gives a transaction up when a watched key was changed by somebody else', async () => {
    await using shard = await servedShard();
    using redis = await connected(shard.port, protocol);
    using other = await connected(shard.port, protocol);
    await redis.watch('balance');
    await other.set('balance', '5');
    await expect(redis.multi().incr('balance').exec()).rejects.toThrow(/watched keys has been changed/);
    await redis.watch('balance');
    expect(await redis.multi().incr('balance').exec()).toEqual([6]);
  });

  it('works a stream off in a group of consumers, and takes over what one of them left', async () => {
    await using shard = await servedShard();
    using redis = await connected(shard.port, protocol);
    await redis.xGroupCreate('jobs', 'workers', '$', { MKSTREAM: true });
    for (let at = 1; at <= 10; at++) await redis.xAdd('jobs', `${at}-0`, { at: String(at) });
    const take = async (consumer: string, count: number): Promise<string[]> => {
      const reply = await redis.xReadGroup('workers', consumer, { key: 'jobs', id: '>' }, { COUNT: count });
      const [stream] = (reply ?? []) as unknown as { readonly messages: readonly { readonly id: string }[] }[];
      return stream === undefined ? [] : stream.messages.map(({ id }) => id);
    };
    const mine = await take('a', 6);
    expect(await take('b', 10)).toHaveLength(4);
    expect(await take('b', 10)).toEqual([]);
    expect(await redis.xAck('jobs', 'workers', mine.slice(0, 4))).toBe(4);
    const { messages } = await redis.xAutoClaim('jobs', 'workers', 'b', 0, '0-0');
    expect(messages.map((each) => each?.id)).toEqual(mine.slice(4).concat('7-0', '8-0', '9-0', '10-0'));
    expect(await redis.xPending('jobs', 'workers')).toMatchObject({ pending: 6, firstId: '5-0', lastId: '10-0' });
  });

  it('scans a large keyspace and large collections to their end, while they grow', async () => {
    await using shard = await servedShard();
    using redis = await connected(shard.port, protocol);
    const names = Array.from({ length: 2_000 }, (_, at) => `key:${at}`);
    await Promise.all(names.map((name) => redis.set(name, name)));
    await redis.sAdd('set', names);
    const found = new Set<string>();
    let added = 0;
    for await (const page of redis.scanIterator({ MATCH: 'key:*', COUNT: 50 })) {
      for (const each of page) found.add(each);
      for (let n = 0; n < 50 && added < 4_000; n++) await redis.set(`other:${added++}`, '');
    }
    expect(names.filter((name) => !found.has(name))).toEqual([]);
    const members = new Set<string>();
    for await (const page of redis.sScanIterator('set', { COUNT: 100 })) for (const each of page) members.add(each);
    expect(members.size).toBe(names.length);
  });

  it('serves a pool of clients, each with a connection of its own', async () => {
    await using shard = await servedShard();
    const pool = createClientPool({ RESP: protocol as 3, socket: { host: '127.0.0.1', port: shard.port } });
    pool.on('error', () => undefined);
    await pool.connect();
    try {
      const waiting = pool.blPop('l', 0);
      await eventually(() => shard.shard.blocking.count === 1, patience('one waits'));
      expect(await pool.rPush('l', 'x')).toBe(1);
      expect({ ...(await waiting) }).toEqual({ key: 'l', element: 'x' });
      const counts = await Promise.all(Array.from({ length: 100 }, async () => pool.incr('n')));
      expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    } finally {
      pool.destroy();
    }
  });
});

describe('node-redis with a cache of its own', () => {
  it('answers from it until another client changes what it holds', async () => {
    await using shard = await servedShard();
    const cached = createClient({
      RESP: 3,
      clientSideCache: { ttl: 0, maxEntries: 100, evictPolicy: 'LRU' },
      socket: { host: '127.0.0.1', port: shard.port },
    });
    cached.on('error', () => undefined);
    await cached.connect();
    try {
      using other = await connected(shard.port, 3);
      await other.set('k', 'one');
      await other.hSet('h', { f: 'v' });
      expect(await cached.get('k')).toBe('one');
      const asked = shard.shard.stats.commands;
      for (let at = 0; at < 10; at++) expect(await cached.get('k')).toBe('one');
      expect(shard.shard.stats.commands).toBe(asked);
      expect({ ...(await cached.hGetAll('h')) }).toEqual({ f: 'v' });
      await other.set('k', 'two');
      await other.flushDb();
      await other.set('k', 'three');
      await eventually(async () => (await cached.get('k')) === 'three', patience('the cache is told'));
      await eventually(async () => Object.keys(await cached.hGetAll('h')).length === 0, patience('of all keys, too'));
    } finally {
      cached.destroy();
    }
  });
});
