/** The serving side: whom it lets in, what it sends when, and whom it gives up. In a simulated world, against raw replicas. */

import { describe, expect, it } from 'vitest';
import { RdbReader } from '../../src/rdb/reader.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { scriptEngineReady } from '../../src/node/scripting/engine.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { Connection, LogFields } from '../../src/world/world.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { RawClient } from '../support/raw-client.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { servedShard, type ServedShard } from '../support/replication.ts';

const HOST = '127.0.1.1';
const REPLICA = '127.0.2.1';

interface RawReplica {
  readonly connection: Connection;
  readonly received: () => string;
  readonly closed: () => boolean;
  say(...words: string[]): void;
}

interface Stage extends AsyncDisposable {
  readonly world: SimWorld;
  readonly shard: ServedShard;
  readonly events: { name: string; fields: LogFields }[];
  join(...requests: string[]): Promise<RawReplica>;
}

async function stage(config: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const events: { name: string; fields: LogFields }[] = [];
  const world = new SimWorld({
    seed: 1,
    conditions: { latencyMs: 1 },
    log: { event: (name, fields = {}) => void events.push({ name, fields }) },
  });
  const shard = await world.run(servedShard({ world, host: HOST, config }));
  const join = async (...requests: string[]): Promise<RawReplica> => {
    const outcome = await world.run(world.network.from(REPLICA).connect(shard, { timeoutMs: 1000 }));
    if (!outcome.ok) throw new Error(outcome.detail);
    const { connection } = outcome;
    let received = '';
    let closed = false;
    connection.handle({ data: (chunk) => (received += chunk.toString('latin1')), closed: () => (closed = true) });
    const say = (...words: string[]): void => void connection.write(encodeRequest(words));
    for (const request of requests) {
      say(...request.split(' '));
      await world.advance(10);
    }
    return { connection, received: () => received, closed: () => closed, say };
  };
  return {
    world,
    shard,
    events,
    join,
    [Symbol.asyncDispose]: () => world.run(() => Promise.resolve(shard[Symbol.asyncDispose]())),
  };
}

/** Code of libraries, and keys. */
const contentOf = (dump: string): { functions: string[]; keys: string[] } => {
  const [functions, keys]: [string[], string[]] = [[], []];
  const reader = new RdbReader({
    functionLibrary: (code) => void functions.push(code),
    entry: ({ key }) => void keys.push(key),
  });
  reader.push(Buffer.from(dump.slice(dump.indexOf('REDIS0')), 'latin1'));
  expect(reader.done).toBe(true);
  return { functions, keys };
};

const keysOf = (dump: string): Map<string, string> => {
  const keys = new Map<string, string>();
  new RdbReader({ entry: (entry) => void keys.set(entry.key, entry.decode() as string) }).push(
    Buffer.from(dump, 'latin1'),
  );
  return keys;
};

describe('a shard with replicas', () => {
  it('leaves out of a snapshot what the replica does not want', async () => {
    await scriptEngineReady();
    const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    const wishes: readonly (readonly [string, readonly string[], ReturnType<typeof contentOf>])[] = [
      ['all', [], { functions: [code], keys: ['k'] }],
      ['functions', ['REPLCONF rdb-filter-only functions'], { functions: [code], keys: [] }],
      ['nothing', ['REPLCONF rdb-filter-only '], { functions: [], keys: [] }],
    ];
    for (const [what, wish, content] of wishes) {
      await using on = await stage();
      const client = on.shard.client();
      client.call('SET', 'k', 'v');
      client.call('FUNCTION', 'LOAD', code);
      const replica = await on.join('REPLCONF rdb-only 1', ...wish, 'SYNC');
      await on.world.advance(1_000);
      expect(contentOf(replica.received()), what).toEqual(content);
      expect(replica.closed()).toBe(true);
    }
  });

  it('sends a snapshot of the moment of PSYNC, in slices, while it serves others and is written to', async () => {
    await using on = await stage();
    const { world, shard, join } = on;
    const client = shard.client();
    for (let i = 0; i < 20_000; i++) client.call('SET', `key${i}`, 'old');
    const replica = await join('REPLCONF capa eof capa psync2');
    replica.say('PSYNC', '?', '-1');
    await world.runUntil(() => replica.received().includes('$EOF:'), { virtualMs: 1000 });
    let rounds = 0;
    while (!/\r\nREDIS[^]*[0-9a-f]{40}$/.test(replica.received())) {
      for (let i = 0; i < 100; i++) client.call('SET', `key${((rounds * 100 + i) * 7) % 20_000}`, 'new');
      client.call('SET', `new${rounds}`, 'new');
      rounds++;
      world.step();
    }
    expect(rounds).toBeGreaterThan(20);
    const [, mark, dump] = /\$EOF:(\w{40})\r\n([^]*)$/.exec(replica.received())!;
    expect(dump!.endsWith(mark!)).toBe(true);
    const keys = keysOf(dump!.slice(0, -40));
    expect(keys.size).toBe(20_000);
    expect(new Set(keys.values())).toEqual(new Set(['old']));
  });

  it('sends nothing after an end mark before the replica has spoken', async () => {
    await using on = await stage();
    const { world, shard, join } = on;
    const replica = await join('REPLCONF capa eof', 'PSYNC ? -1');
    await shard.call('SET', 'a', '1');
    await world.advance(3000);
    expect(replica.received()).not.toContain('SELECT');
    replica.say('REPLCONF', 'ACK', '0');
    await world.advance(10);
    expect(replica.received().endsWith(encodeRequest(['SELECT', '0']) + encodeRequest(['SET', 'a', '1']))).toBe(true);
  });

  it('keeps a replica alive that waits for a sized snapshot, and sends the stream right behind it', async () => {
    await using on = await stage({ 'repl-diskless-sync': 'no' });
    const { world, shard, join } = on;
    await shard.call('SET', 'a', '1');
    const replica = await join('REPLCONF capa eof', 'PSYNC ? -1');
    await shard.call('SET', 'a', '2');
    await world.advance(10);
    const [, length, rest] = /\+FULLRESYNC \w{40} 0\r\n\$(\d+)\r\n([^]*)$/.exec(replica.received())!;
    expect(keysOf(rest!.slice(0, Number(length)))).toEqual(new Map([['a', '1']]));
    expect(rest!.slice(Number(length))).toBe(encodeRequest(['SELECT', '0']) + encodeRequest(['SET', 'a', '2']));
  });

  it('pings replicas, asks none for anything else, and gives up one that never acknowledges', async () => {
    await using on = await stage({ 'repl-timeout': '30', 'repl-ping-replica-period': '10' });
    const { world, shard, events, join } = on;
    const replica = await join('PSYNC ? -1');
    await world.advance(25_000);
    expect(replica.received().split(encodeRequest(['PING'])).length - 1).toBe(2);
    expect(replica.closed()).toBe(false);
    await world.advance(10_000);
    expect(replica.closed()).toBe(true);
    expect(events.filter(({ name }) => name === 'replica-dropped').map(({ fields }) => fields['why'])).toEqual([
      'timeout',
    ]);
    expect(await shard.info('replication')).toMatchObject({ connected_slaves: '0' });
  });

  it.each([
    ['during its snapshot', ['REPLCONF capa eof', 'PSYNC ? -1'], 'slave 1mb 0 0', 0],
    ['in the stream', ['PSYNC ? -1'], 'slave 1mb 0 0', 0],
    ['for too long above the soft limit', ['PSYNC ? -1'], 'slave 0 1mb 5', 7000],
  ])('gives up a replica that does not read %s', async (_when, requests, limit, waitMs) => {
    await using on = await stage({ 'client-output-buffer-limit': limit, 'repl-backlog-size': '16kb' });
    const { world, shard, events, join } = on;
    const replica = await join(...requests);
    replica.connection.pause();
    for (let i = 0; i < 100; i++) {
      await shard.call('SET', 'a', 'x'.repeat(100_000));
      await world.advance(1);
    }
    await world.advance(waitMs);
    expect(events.filter(({ name }) => name === 'replica-dropped').map(({ fields }) => fields['why'])).toEqual([
      'output-buffer-limit',
    ]);
    replica.connection.resume();
    await world.advance(100);
    expect(replica.closed()).toBe(true);
  });

  it('gives up its history when it has had no replica for an hour', async () => {
    await using on = await stage();
    const { world, shard, join } = on;
    const replica = await join('PSYNC ? -1');
    replica.connection.end();
    await world.advance(59 * 60_000);
    expect(await shard.info('replication')).toMatchObject({ repl_backlog_active: '1' });
    const { master_replid: id } = await shard.info('replication');
    await world.advance(2 * 60_000);
    const after = await shard.info('replication');
    expect(after).toMatchObject({ repl_backlog_active: '0' });
    expect(after['master_replid']).not.toBe(id);
  });

  it('keeps its history without a replica for as long as repl-backlog-ttl says', async () => {
    for (const [seconds, isKept] of [
      ['60', false],
      ['0', true],
    ] as const) {
      await using on = await stage({ 'repl-backlog-ttl': seconds });
      const { world, shard, join } = on;
      const replica = await join('PSYNC ? -1');
      replica.connection.end();
      await world.advance(2 * 3_600_000);
      expect(await shard.info('replication')).toMatchObject({ repl_backlog_active: isKept ? '1' : '0' });
    }
  });

  it('releases clients that WAIT when their time is up, at once inside MULTI, and when it becomes a replica', async () => {
    await using on = await stage();
    const { world, shard } = on;
    const client = shard.client();
    expect(client.call('WAIT', '0', '0')).toBe(0);
    expect(client.call('WAIT', '1', '100')).toBeUndefined();
    await world.advance(101);
    expect(client.replies).toEqual([0]);
    client.call('MULTI');
    client.call('WAIT', '1', '0');
    expect(client.call('EXEC')).toEqual([0]);
    client.call('WAIT', '1', '0');
    await shard.call('REPLICAOF', '127.0.9.9', '1');
    expect(String(client.replies[0])).toContain(
      'UNBLOCKED force unblock from blocking operation, instance state changed',
    );
    expect(String(shard.client().call('WAIT', '1', '0'))).toContain('WAIT cannot be used with replica instances');
  });

  it('answers clients that WAIT and are unblocked as if their time were up', async () => {
    await using on = await stage();
    const { shard } = on;
    const [client, other] = [shard.client(), shard.client()];
    const id = String(client.session.id);
    for (const [words, answer] of [
      [['WAIT', '1', '0'], 0],
      [
        ['WAITAOF', '0', '1', '0'],
        [0, 0],
      ],
    ] as const) {
      client.call(...words);
      expect(other.call('CLIENT', 'UNBLOCK', id)).toBe(1);
      expect(client.replies).toEqual([answer]);
      client.replies.length = 0;
    }
    client.call('WAIT', '1', '0');
    expect(other.call('CLIENT', 'UNBLOCK', id, 'ERROR')).toBe(1);
    expect(String(client.replies[0])).toContain('UNBLOCKED');
  });

  it('sends no stream before it has one', async () => {
    await using on = await stage();
    const { shard, join } = on;
    await shard.call('REPLICAOF', '127.0.9.9', '1');
    const replica = await join('PSYNC ? -1');
    expect(replica.received()).toBe("-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
    expect(String(shard.client().call('PSYNC', '?', '-1'))).toContain('NOMASTERLINK');
  });

  it('goes on from its former id only up to where that history ended', async () => {
    await using on = await stage();
    const { world, shard, join } = on;
    const first = await join('REPLCONF capa psync2', 'PSYNC ? -1');
    await shard.call('SET', 'a', '1');
    await world.advance(10);
    const { master_replid: id, master_repl_offset: offset } = await shard.info('replication');
    await shard.call('REPLICAOF', '127.0.9.9', '1');
    await shard.call('REPLICAOF', 'NO', 'ONE');
    expect(first.closed()).toBe(false);
    await world.advance(10);
    expect(first.closed()).toBe(true);
    await shard.call('SET', 'a', '2');
    const within = await join('REPLCONF capa psync2', `PSYNC ${id} ${Number(offset) + 1}`);
    expect(within.received()).toMatch(/^\+OK\r\n\+CONTINUE \w{40}\r\n\*2\r\n\$6\r\nSELECT/);
    const beyond = await join(`PSYNC ${id} ${Number(offset) + 2}`);
    expect(beyond.received()).toMatch(/^\+FULLRESYNC /);
    const old = await join(`PSYNC ${id} ${Number(offset) + 1}`);
    expect(old.received()).toMatch(/^\+CONTINUE\r\n/);
  });
});

describeReal('the words of replication', () => {
  it('have WAIT end at its timeout as it does at a redis-server, for a client that stays', async () => {
    await using redis = await startRealRedis();
    await using shard = await servedShard();
    for (const port of [redis.port, shard.port]) {
      using client = await RawClient.to(port);
      expect(await client.exchange([['WAIT', '1', '1']])).toEqual([':0\r\n']);
    }
  });

  it('are answered as a redis-server answers them', async () => {
    await using redis = await startRealRedis();
    await using shard = await servedShard();
    const requests = [
      'REPLCONF',
      'REPLCONF x',
      'REPLCONF x y',
      'REPLCONF listening-port 7000',
      'REPLCONF listening-port x',

      'REPLCONF ip-address a.b',
      'REPLCONF capa eof capa psync2 capa whatever',
      'REPLCONF capa',
      'REPLCONF rdb-only 2',
      'REPLCONF rdb-only x',
      'REPLCONF rdb-only 0',
      'REPLCONF rdb-filter-only x',
      'REPLCONF rdb-filter-only ""',
      'REPLCONF rdb-filter-only functions',
      'REPLCONF rdb-filter-only "functions Functions"',
      'REPLCONF rdb-filter-only "functions x"',
      `REPLCONF rdb-filter-only '"'`,

      'REPLCONF ack 1',
      'REPLCONF ACK x',
      'REPLCONF getack *',
      'PSYNC',
      'PSYNC a',
      'PSYNC a b',
      'SYNC x',
      'ROLE',
      'ROLE x',

      'REPLICAOF',
      'REPLICAOF a',
      'REPLICAOF a b',
      'REPLICAOF a 99999',
      'REPLICAOF no one',
      'SLAVEOF NO ONE',
      'REPLICAOF a b c',
      'WAIT',
      'WAIT 1',
      'WAIT x 1',
      'WAIT 1 x',
      'WAIT 1 -1',
      'WAIT -1 0',
      'WAIT 0 0',
      'MULTI\r\nPSYNC ? -1\r\nSYNC\r\nREPLCONF capa eof\r\nWAIT 3 0\r\nROLE\r\nDISCARD',
      'MULTI\r\nREPLCONF capa eof\r\nWAIT 3 0\r\nROLE\r\nEXEC',
    ];
    for (const request of requests) {
      const bytes = `${request}\r\n`;
      expect([request, await rawExchange(shard.port, bytes)]).toEqual([request, await rawExchange(redis.port, bytes)]);
    }
  });

  it('are accepted with replies still pending by neither', async () => {
    await using redis = await startRealRedis();
    await using shard = await servedShard();
    const bytes = 'PING\r\nPSYNC ? -1\r\n';
    expect(await rawExchange(shard.port, bytes)).toBe(await rawExchange(redis.port, bytes));
  });
});
