/** A shard that follows another and keeps its data on disk: what a full sync brings is kept, and after a start it goes on where it was. */

import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import { datasetDigest } from '../../../src/node/keyspace/digest.ts';
import { attachPersistence, type Persistence } from '../../../src/node/persistence/persistence.ts';
import { serveShard, type RespServer } from '../../../src/node/shard/resp-server.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { attachReplication, type Replication } from '../../../src/replication/replication.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient } from '../../support/fixtures.ts';

const PRIMARY = { host: '127.0.1.1', port: 7000 };
const REPLICA = { host: '127.0.2.1', port: 7000 };
const DATA = '/data';

interface Server {
  readonly shard: Shard;
  readonly replication: Replication;
  readonly persistence: Persistence | null;
  readonly client: TestClient;
  end(): Promise<void>;
}

const start = async (
  world: SimWorld,
  at: { readonly host: string; readonly port: number },
  config: Readonly<Record<string, string>> | null,
): Promise<Server> => {
  const shard = new Shard({ world, commands: shardCommands, config: config ?? {} });
  const replication = attachReplication(shard, { network: world.network.from(at.host) });
  const persistence =
    config === null ? null : attachPersistence(shard, world.files.folder(at === PRIMARY ? '/primary' : DATA));
  const serving = await serveShard(shard, world.network, at);
  if (!serving.ok) throw new Error(serving.detail);
  const server: RespServer = serving.server;
  const started = await persistence?.start(at === PRIMARY);
  if (started?.ok === false) throw new Error(started.detail);
  return {
    shard,
    replication,
    persistence,
    client: new TestClient(shard),
    async end() {
      await server.close();
      await persistence?.close('as-configured');
      shard.close();
    },
  };
};

const wait = (world: SimWorld, ms: number): Promise<void> =>
  new Promise((resolve) => world.clock.after(ms, () => resolve()));

const digestOf = ({ shard }: Server): string => datasetDigest(shard.keyspaces);

const caughtUp = async (world: SimWorld, primary: Server, replica: Server): Promise<void> => {
  for (let waits = 0; ; waits++) {
    const { replica: link, feed } = replica.replication;
    if (link?.state === 'connected' && feed.offset === primary.replication.feed.offset) return;
    if (waits > 2_000) throw new Error(`not caught up: ${link?.state}, ${link?.outcome?.detail}`);
    await wait(world, 10);
  }
};

const CONFIGS: readonly Readonly<Record<string, string>>[] = [
  { appendonly: 'yes' },
  { appendonly: 'yes', appendfsync: 'always' },
  { save: '3600 1' },
];

describe('a replica that keeps its data', () => {
  it.each(CONFIGS)('goes on with a partial sync after a start (%j)', async (config) => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const primary = await start(world, PRIMARY, null);
      for (let i = 0; i < 500; i++) primary.client.call('SET', `before ${i}`, 'v');
      const first = await start(world, REPLICA, config);
      first.client.call('SET', 'own', 'gone with the full sync');
      first.replication.follow(PRIMARY);
      await caughtUp(world, primary, first);
      primary.client.call('SELECT', '3');
      for (let i = 0; i < 100; i++) primary.client.call('INCR', 'n');
      await caughtUp(world, primary, first);
      await wait(world, 2_000);
      await first.end();
      for (let i = 0; i < 100; i++) primary.client.call('INCR', 'n');
      const second = await start(world, REPLICA, config);
      const { values } = second.shard.keyspaces[0]!;
      expect([values.has('own'), values.has('before 7')]).toEqual([false, true]);
      second.replication.follow(PRIMARY);
      await caughtUp(world, primary, second);
      expect(primary.replication.primary.stats).toMatchObject({ full: 1, partial: 1 });
      expect(digestOf(second)).toBe(digestOf(primary));
      await second.end();
      await primary.end();
    });
  });

  it('is equal to its primary after crashes at any moment, of the full sync too', async () => {
    let partial = 0;
    for (let seed = 0; seed < 12; seed++) {
      const world = new SimWorld({ seed, conditions: { latencyMs: 1, jitterMs: 2, chunking: 'random' } });
      const chance = world.random.fork('test');
      await world.run(async () => {
        const primary = await start(world, PRIMARY, null);
        for (let i = 0; i < 2_000; i++) primary.client.call('SET', `before ${i}`, 'v'.repeat(50));
        let replica = await start(world, REPLICA, { appendonly: 'yes' });
        replica.replication.follow(PRIMARY);
        for (let crash = 0; crash < 4; crash++) {
          for (let left = chance.integer(1, 300); left > 0; left--) {
            primary.client.call('MULTI');
            primary.client.call('INCR', 'n');
            primary.client.call('APPEND', 'a', 'x');
            primary.client.call('EXEC');
            await wait(world, chance.unit() * 6);
          }
          world.files.crash(DATA);
          await replica.end();
          replica = await start(world, REPLICA, { appendonly: 'yes' });
          const [n, a] = [replica.client.call('GET', 'n'), replica.client.call('STRLEN', 'a')];
          expect(Number(n ?? 0), `seed ${seed}`).toBe(a);
          replica.replication.follow(PRIMARY);
        }
        await caughtUp(world, primary, replica);
        expect(digestOf(replica), `seed ${seed}`).toBe(digestOf(primary));
        partial += primary.replication.primary.stats.partial;
        await replica.end();
        await primary.end();
      });
    }
    // A crash mostly cuts the log behind its last remark; then the place is unknown, and everything is copied.
    expect(partial).toBeGreaterThan(0);
  });
});

describe('a primary that starts again from its snapshot', () => {
  const restarted = async (
    backlogBytes: number,
    check: (
      primary: Server,
      replica: Server,
      before: { readonly replicationId: string; readonly offset: number },
    ) => void,
  ): Promise<void> => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const config = { save: '3600 1', 'repl-backlog-size': String(backlogBytes) };
      const first = await start(world, PRIMARY, config);
      const replica = await start(world, REPLICA, null);
      replica.replication.follow(PRIMARY);
      await caughtUp(world, first, replica);
      first.client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
      first.client.call('SET', 'stays', 'v');
      for (let i = 0; i < 1_024; i++) {
        first.client.call('SELECT', String(i % 16));
        first.client.call('SET', String(i), 'v', 'PX', '10');
      }
      await caughtUp(world, first, replica);
      await wait(world, 20);
      const { replicationId, offset } = first.replication.feed;
      await first.end();
      const second = await start(world, PRIMARY, config);
      await wait(world, 100); // the link is down by now
      await caughtUp(world, second, replica);
      expect(digestOf(replica)).toBe(digestOf(second));
      expect(second.client.call('INFO', 'persistence')).toContain(
        'rdb_last_load_keys_expired:1024\r\nrdb_last_load_keys_loaded:1\r\n',
      );
      for (const { client } of [second, replica]) expect(client.call('DBSIZE')).toBe(1);
      check(second, replica, { replicationId, offset });
      await replica.end();
      await second.end();
    });
  };

  it('tells its replicas what has expired meanwhile, and they go on', () =>
    restarted(1_000_000, ({ replication: { feed, primary } }, _replica, before) => {
      expect(primary.stats).toMatchObject({ full: 0, partial: 1 });
      expect(feed.replicationId).not.toBe(before.replicationId);
      expect([feed.secondId, feed.secondOffset]).toEqual([before.replicationId, before.offset + 1]);
      expect(feed.offset).toBeGreaterThan(before.offset + 1_024 * 20);
    }));

  it('sends them everything where that is more than the backlog holds', () =>
    restarted(16_384, ({ replication: { primary } }) => expect(primary.stats).toMatchObject({ full: 1, partial: 0 })));
});

describe('WAITAOF', () => {
  it('waits for the logs on disk, here and at replicas, or tells how far they are', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const everySecond = { appendonly: 'yes', appendfsync: 'everysec' };
      const primary = await start(world, PRIMARY, everySecond);
      const replica = await start(world, REPLICA, everySecond);
      replica.replication.follow(PRIMARY);
      await caughtUp(world, primary, replica);
      await wait(world, 3_000);
      const { client } = primary;
      const answer = async (...words: string[]): Promise<unknown> => {
        client.replies.length = 0;
        client.send(...words);
        for (let waits = 0; client.replies.length === 0; waits++) {
          if (waits > 2_000) throw new Error(`no answer to ${words.join(' ')}`);
          await wait(world, 10);
        }
        return client.replies.shift();
      };
      await answer('SET', 'k', 'v');
      expect(await answer('WAITAOF', '1', '1', '5000')).toEqual([1, 1]);
      expect(replica.client.call('GET', 'k')).toBe('v');
      expect(await answer('WAITAOF', '1', '2', '100')).toEqual([1, 1]);
      await answer('MULTI');
      await answer('SET', 'k', 'w');
      await answer('WAITAOF', '1', '1', '0');
      expect(await answer('EXEC')).toEqual(['OK', [0, 1]]); // of what was written before
      expect(await answer('WAITAOF', '0', '1', '0')).toEqual([1, 1]);
      expect(String(await answer('WAITAOF', '2', '0', '0'))).toContain('value must between 0 and 1');
      expect(replica.client.bytes('WAITAOF', '0', '0', '0')).toMatch(
        /^-ERR WAITAOF cannot be used with replica instances\./,
      );
      await answer('CONFIG', 'SET', 'appendonly', 'no');
      await wait(world, 1_000);
      expect(String(await answer('WAITAOF', '1', '0', '0'))).toContain('appendonly is disabled');
      await answer('SET', 'k', 'x');
      expect(await answer('WAITAOF', '0', '1', '0')).toEqual([0, 1]);
      await answer('CONFIG', 'SET', 'appendonly', 'yes');
      expect(primary.shard.syncedLog).toBeNull(); // it is only being begun
      await answer('SET', 'k', 'y');
      expect(await answer('WAITAOF', '1', '0', '5000')).toMatchObject([1, expect.any(Number)]);
      await replica.end();
      await primary.end();
    });
  });

  it('hears from a replica whose log is still being made when the write arrives, as soon as it is there', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const everySecond = { appendonly: 'yes', appendfsync: 'everysec', 'repl-ping-replica-period': '1000' };
      const primary = await start(world, PRIMARY, everySecond);
      const replica = await start(world, REPLICA, everySecond);
      const { client } = primary;
      replica.replication.follow(PRIMARY);
      while (replica.shard.syncedLog !== null) await wait(world, 1);
      client.call('SET', 'k', 'v');
      while (replica.client.call('GET', 'k') === null) await wait(world, 1);
      expect(replica.shard.syncedLog).toBeNull();
      client.send('WAITAOF', '0', '1', '5000');
      await wait(world, 5_001);
      expect(client.replies.at(-1)).toEqual([1, 1]);
      await replica.end();
      await primary.end();
    });
  });

  it('is refused when the log here is turned off meanwhile', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const primary = await start(world, PRIMARY, { appendonly: 'yes' });
      const { client } = primary;
      client.send('WAITAOF', '1', '1', '0');
      primary.shard.config.set([['appendonly', 'no']]);
      await wait(world, 1_000);
      expect(String(client.replies.at(-1))).toContain('appendonly is disabled');
      await primary.end();
    });
  });
});
