/** MIGRATE between shards, to a redis-server and back, with what may go wrong on the way and what may change meanwhile. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { SimWorld } from '../../src/world/sim-world.ts';
import { eventually, eventuallyIn } from '../support/eventually.ts';
import type { TestClient, TestReply } from '../support/fixtures.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { realNode, servedShard, type ReplicationNode, type ServedShard } from '../support/replication.ts';
import { startShardAt } from '../support/sim-shards.ts';

const WITHIN_MS = 10_000;

const answer = async (client: TestClient, ...words: string[]): Promise<TestReply | undefined> => {
  const reply = client.call(...words);
  if (reply !== undefined) return reply;
  await eventually(() => client.replies.length > 0, { withinMs: WITHIN_MS, what: `${words[0]} is answered` });
  return client.replies.shift();
};

const migrate = (from: ServedShard, to: { host: string; port: number }, ...words: string[]) =>
  answer(from.client(), 'MIGRATE', to.host, String(to.port), ...words);

const everyType = async (node: ReplicationNode): Promise<string[]> => {
  await node.call('SET', 'string', 'v\r\n\0');
  await node.call('SET', 'number', '17', 'PX', '100000');
  await node.call('RPUSH', 'list', ...Array.from({ length: 5_000 }, (_, at) => `item ${at}`));
  await node.call('SADD', 'set', 'a', 'b');
  await node.call('ZADD', 'zset', '1.5', 'a', '-2', 'b');
  await node.call('HSET', 'hash', 'f', 'v', 'g', 'w');
  await node.call('XADD', 'stream', '1-1', 'f', 'v');
  return ['string', 'number', 'list', 'set', 'zset', 'hash', 'stream'];
};

describe('MIGRATE', () => {
  it('moves keys of every type with their times, and replicates that they went', async () => {
    await using from = await servedShard();
    await using to = await servedShard();
    await using replica = await servedShard();
    replica.replication.follow({ host: from.host, port: from.port });
    const keys = await everyType(from);
    const before = await from.digest();
    await eventually(async () => (await replica.digest()) === before, { withinMs: WITHIN_MS, what: 'in sync' });
    expect(await migrate(from, to, '', '0', '5000', 'KEYS', 'missing', ...keys)).toBe('OK');
    expect(await to.digest()).toBe(before);
    expect(await from.call('DBSIZE')).toBe(0);
    await eventually(async () => (await replica.call('DBSIZE')) === 0, { withinMs: WITHIN_MS, what: 'gone there too' });
    expect(Number(await to.call('PTTL', 'number'))).toBeGreaterThan(90_000);
    expect(await migrate(from, to, 'string', '0', '5000')).toBe('NOKEY');
    expect(await migrate(to, from, 'string', '9', '5000')).toBe('OK');
    expect(await from.call('DBSIZE')).toBe(0);
    await from.call('SELECT', '9');
    expect(await from.call('GET', 'string')).toBe('v\r\n\0');
  });

  it('copies, and replaces only when told', async () => {
    await using from = await servedShard();
    await using to = await servedShard();
    for (const key of ['a', 'b']) await from.call('SET', key, 'new');
    await to.call('SET', 'a', 'old');
    expect(await migrate(from, to, '', '0', '0', 'COPY', 'KEYS', 'a', 'b')).toMatchObject({
      message: 'ERR Target instance replied with error: BUSYKEY Target key name already exists.',
    });
    expect([await to.call('MGET', 'a', 'b'), await from.call('DBSIZE')]).toEqual([['old', 'new'], 2]);
    // What has arrived goes, what has not stays
    await to.call('DEL', 'b');
    expect(await migrate(from, to, '', '0', '0', 'KEYS', 'a', 'b')).toMatchObject({
      message: expect.stringContaining('BUSYKEY'),
    });
    expect(await from.call('MGET', 'a', 'b')).toEqual(['new', null]);
    expect(await migrate(from, to, 'a', '0', '0', 'replace')).toBe('OK');
    expect([await to.call('MGET', 'a', 'b'), await from.call('DBSIZE')]).toEqual([['new', 'new'], 0]);
  });

  it('logs in, by password or as a user, and keeps that to itself', async () => {
    await using from = await servedShard({ config: { 'slowlog-log-slower-than': '0' } });
    await using to = await servedShard({ config: { requirepass: 'geheim' } });
    await to.call('ACL', 'SETUSER', 'mover', 'on', '>secret', '~*', '+@all');
    for (const key of ['a', 'b', 'c']) await from.call('SET', key, 'v');
    const refused = (text: string) => ({ message: `ERR Target instance replied with error: ${text}` });
    expect(await migrate(from, to, 'a', '0', '0')).toMatchObject(refused('NOAUTH Authentication required.'));
    expect(await migrate(from, to, 'a', '0', '0', 'AUTH', 'no')).toMatchObject(
      refused('WRONGPASS invalid username-password pair or user is disabled.'),
    );
    expect(await from.call('EXISTS', 'a')).toBe(1);
    expect(await migrate(from, to, 'a', '0', '0', 'AUTH', 'geheim')).toBe('OK');
    expect(await migrate(from, to, '', '0', '0', 'AUTH2', 'mover', 'secret', 'KEYS', 'b', 'auth')).toBe('OK');
    const log = JSON.stringify(await from.call('SLOWLOG', 'GET', '-1'));
    expect(log).toContain('"AUTH2","(redacted)","(redacted)","KEYS","b","auth"');
    expect(log).not.toMatch(/geheim|secret|mover/);
    expect(await migrate(from, to, 'c', '99', '0', 'AUTH', 'geheim')).toMatchObject(
      refused('ERR DB index is out of range'),
    );
  });

  it.each([
    [['', '0', '0', 'AUTH'], 'ERR syntax error'],
    [['', '0', '0', 'AUTH2', 'a'], 'ERR syntax error'],
    [['', '0', '0', 'SOON'], 'ERR syntax error'],
    [
      ['k', '0', '0', 'KEYS', 'k'],
      'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
    ],
    [['k', 'x', '0'], 'ERR value is not an integer or out of range'],
    [['k', '0', 'x'], 'ERR value is not an integer or out of range'],
  ])('refuses %j', async (words, message) => {
    await using from = await servedShard();
    expect(await migrate(from, { host: '127.0.0.1', port: 1 }, ...words)).toMatchObject({ message });
  });

  it('is no part of a transaction', async () => {
    await using from = await servedShard();
    const client = from.client();
    client.call('SET', 'k', 'v');
    client.call('MULTI');
    client.call('MIGRATE', '127.0.0.1', '1', 'k', '0', '0');
    expect(client.call('EXEC')).toMatchObject([
      { message: expect.stringContaining('cannot be part of a transaction') },
    ]);
  });

  it('tells where it failed, keeps its keys, and serves others meanwhile', async () => {
    await using from = await servedShard();
    await from.call('SET', 'k', 'v');
    const io = (what: string) => ({ message: `IOERR error or timeout ${what}` });
    {
      await using silent = await fakeServer(() => undefined);
      const client = from.client();
      expect(client.call('MIGRATE', '127.0.0.1', String(silent.port), 'k', '0', '50')).toBeUndefined();
      expect(await from.call('GET', 'k')).toBe('v');
      await eventually(() => client.replies.length > 0, { withinMs: WITHIN_MS, what: 'the time is up' });
      expect(client.replies[0]).toMatchObject(io('reading to target instance'));
    }
    {
      await using rude = await fakeServer((end) => end());
      expect(await migrate(from, { host: '127.0.0.1', port: rude.port }, 'k', '0', '5000')).toMatchObject(
        io('reading to target instance'),
      );
    }
    expect(await migrate(from, { host: '127.0.0.1', port: 1 }, 'k', '0', '500')).toMatchObject(
      io('writing to target instance'),
    );
    expect(await migrate(from, { host: 'nosuch.invalid', port: 1 }, 'k', '0', '500')).toMatchObject(
      io('connecting to the client'),
    );
    expect(await from.call('GET', 'k')).toBe('v');
  });

  it('ends there with what a key is here when it changes, or goes, before the other has answered', async () => {
    const world = new SimWorld({ seed: 'migration', conditions: { latencyMs: 10 } });
    using from = await world.run(startShardAt(world, '127.0.1.1'));
    using to = await world.run(startShardAt(world, '127.0.2.1'));
    const other = from.client;
    for (const key of ['changes', 'goes', 'stays']) other.call('SET', key, 'first');
    const mover = from.shard.openSession({
      local: { host: '', port: 0 },
      remote: { host: '', port: 0 },
      write: (bytes) => void (said += bytes),
      end: () => undefined,
    });
    let said = '';
    mover.receive(Buffer.from('MIGRATE 127.0.2.1 6379 "" 0 5000 KEYS changes goes stays\r\n'));
    // They are there, and here nobody knows of it
    await eventuallyIn(world, () => to.client.call('EXISTS', 'goes') === 1, { withinMs: 5_000, what: 'restored' });
    expect(said).toBe('');
    other.call('APPEND', 'changes', ' and second');
    other.call('DEL', 'goes');
    await eventuallyIn(world, () => said !== '', { withinMs: 5_000, what: 'answered' });
    expect(said).toBe('+OK\r\n');
    expect(other.call('DBSIZE')).toBe(0);
    expect(to.client.call('MGET', 'changes', 'goes', 'stays')).toEqual(['first and second', null, 'first']);
  });
});

/** Does something with each connection once it has said something. */
async function fakeServer(then: (end: () => void) => void): Promise<{ port: number } & AsyncDisposable> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => then(() => socket.destroy()));
    closers.push(() => socket.destroy());
  });
  const closers: (() => void)[] = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const close of closers) close();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('RESTORE-ASKING', () => {
  it('restores as RESTORE does', async () => {
    await using shard = await servedShard();
    const client = shard.client();
    client.call('RPUSH', 'a', 'x', 'y');
    client.bytes('DUMP', 'a');
    const payload = client.raw.replace(/^\$\d+\r\n/, '').slice(0, -2);
    expect(client.call('RESTORE-ASKING', 'b', '0', payload)).toBe('OK');
    expect(client.call('LRANGE', 'b', '0', '-1')).toEqual(['x', 'y']);
  });
});

describeReal('MIGRATE beside redis-server', () => {
  it('moves everything there, and redis-server moves it back', async () => {
    await using real = await startRealRedis();
    await using ours = await servedShard();
    const theirs = realNode(real);
    const keys = await everyType(ours);
    const digest = await ours.digest();
    expect(await migrate(ours, real, '', '0', '5000', 'KEYS', ...keys)).toBe('OK');
    expect([await theirs.digest(), await ours.call('DBSIZE')]).toEqual([digest, 0]);
    expect(await theirs.call('MIGRATE', ours.host, String(ours.port), '', '0', '5000', 'KEYS', ...keys)).toBe('OK');
    expect([await ours.digest(), await theirs.call('DBSIZE')]).toEqual([digest, 0]);
  });

  it('fails in the same words', async () => {
    await using real = await startRealRedis();
    await using ours = await servedShard();
    await using target = await servedShard({ config: { requirepass: 'p' } });
    for (const node of [ours, realNode(real)]) await node.call('SET', 'k', 'v');
    const ask = async (node: ReplicationNode, words: readonly string[]): Promise<unknown> => {
      const reply = node === ours ? answer(ours.client(), ...words) : node.call(...words);
      return (reply as Promise<unknown>)
        .then((value) => (value instanceof Error ? value.message : value))
        .catch((error: Error) => error.message);
    };
    const { host } = target;
    const port = String(target.port);
    for (const words of [
      ['MIGRATE', host, '1', 'k', '0', '500'],
      ['MIGRATE', host, port, 'k', '0', '500'],
      ['MIGRATE', host, port, 'k', '0', '500', 'AUTH', 'x'],
      ['MIGRATE', host, port, 'k', '99', '500', 'AUTH', 'p'],
      ['MIGRATE', host, port, 'missing', '0', '500', 'AUTH2', 'default', 'p'],
      ['MIGRATE', host, port, 'k', '0', '500', 'AUTH2', 'default', 'p', 'COPY'],
      ['MIGRATE', host, port, 'k', '0', '500', 'AUTH2', 'default', 'p'],
      ['MIGRATE', host, port, '', '0', '500', 'REPLACE', 'AUTH', 'p', 'KEYS', 'missing', 'k'],
      ['COMMAND', 'GETKEYS', 'MIGRATE', host, port, '', '0', '1', 'KEYS', 'a', 'b'],
      ['COMMAND', 'GETKEYS', 'MIGRATE', host, port, 'a', '0', '1'],
    ]) {
      const mine = await ask(ours, words);
      await target.call('FLUSHALL');
      expect([words, mine]).toEqual([words, await ask(realNode(real), words)]);
      await target.call('FLUSHALL');
    }
  });
});
