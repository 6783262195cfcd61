/**
 * The data of databases over the end of a sandbox, orderly or by a crash of the machine at any moment, in the simulated world: what
 * comes back, and how a Replica Of goes on.
 */

import { describe, expect, it } from 'vitest';
import { toRdbValue } from '../../src/node/keyspace/rdb-values.ts';
import { startSandbox, type ClusterConfig, type Sandbox, type SandboxDatabase } from '../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { PlainClient } from '../support/sandboxes.ts';

const EAST = '/east';
const WEST = '/west';

const wait = (world: SimWorld, ms: number): Promise<void> =>
  new Promise((resolve) => world.clock.after(ms, () => resolve()));

const AOF = { settings: { data_persistence: 'aof', aof_policy: 'appendfsync-every-sec' } } as const;

/** Two sandboxes in one world, so that one can end without the other. */
const source = (world: SimWorld): Promise<Sandbox> => {
  const clusters: ClusterConfig[] = [{ name: 'east.local', subnet: '127.0.1' }];
  return startSandbox({ world, clusters, data: EAST });
};
const destination = (world: SimWorld): Promise<Sandbox> => {
  const clusters: ClusterConfig[] = [{ name: 'west.local', subnet: '127.0.2' }];
  return startSandbox({ world, clusters, data: WEST });
};

const connect = (world: SimWorld, database: SandboxDatabase): Promise<PlainClient> =>
  PlainClient.connect(world, database);

const contents = (sandbox: Sandbox, cluster: string, name: string): Record<string, string> => {
  const { control } = sandbox.cluster(cluster);
  const { uid } = sandbox.cluster(cluster).database(name);
  const found: Record<string, string> = {};
  for (const shard of control.shards(uid)) {
    const { values } = shard.keyspaces[0]!;
    for (const key of values.keys()) {
      const value = toRdbValue(values.get(key)!);
      expect(typeof value).toBe('string');
      found[key] = value as string;
    }
  }
  return found;
};

const fullSyncs = (sandbox: Sandbox): number => {
  const cluster = sandbox.cluster('west.local');
  return cluster.control.sight(cluster.database('copy').uid).sync?.fullSyncs ?? 0;
};

const make = async (world: SimWorld, settings: object = AOF): Promise<{ east: Sandbox; west: Sandbox }> => {
  const east = await source(world);
  const west = await destination(world);
  const orders = await east
    .cluster('east.local')
    .createDatabase({ name: 'orders', port: 12_000, shardsCount: 2, ...settings });
  const copy = await west.cluster('west.local').createDatabase({
    name: 'copy',
    port: 12_000,
    shardsCount: 3,
    ...settings,
    replicaSources: [{ uri: orders.sourceUrl() }],
    replicaSync: 'enabled',
  });
  await copy.inSync();
  expect(fullSyncs(west)).toBe(1);
  return { east, west };
};

describe('data of a database', () => {
  it('come back as its persistence says: aof and snapshot whole, disabled empty', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await source(world);
      const cluster = first.cluster('east.local');
      for (const [name, settings] of Object.entries({
        aof: { settings: { data_persistence: 'aof' } },
        snapshot: { settings: { data_persistence: 'snapshot' }, snapshotPolicy: [{ secs: 3600, writes: 1 }] },
        disabled: {},
      } as const)) {
        const client = await connect(world, await cluster.createDatabase({ name, shardsCount: 2, ...settings }));
        for (let i = 0; i < 20; i++) expect(await client.ask('SET', `k${i}`, name)).toBe('OK');
        client.close();
      }
      await first.close();
      await using second = await source(world);
      const sizes = ['aof', 'snapshot', 'disabled'].map(
        (name) => Object.keys(contents(second, 'east.local', name)).length,
      );
      expect(sizes).toEqual([20, 20, 0]);
      const client = await connect(world, second.cluster('east.local').database('aof'));
      expect(await client.ask('GET', 'k7')).toBe('aof');
    });
  });

  it('of a deleted database are gone, and its numbers bring nothing back', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await source(world);
      const client = await connect(world, await first.cluster('east.local').createDatabase({ name: 'a', ...AOF }));
      await client.ask('SET', 'k', 'v');
      await first.cluster('east.local').deleteDatabase('a');
      expect(await world.files.folder(`${EAST}/clusters/east.local/node-1`).list()).toMatchObject({ value: [] });
      await first.close();
    });
  });

  it('turned on later are kept from then on, and turned off are not kept', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const first = await source(world);
      const cluster = first.cluster('east.local');
      const client = await connect(world, await cluster.createDatabase({ name: 'a' }));
      await client.ask('SET', 'before', 'v');
      await cluster.updateDatabase('a', AOF);
      await wait(world, 100);
      await client.ask('SET', 'after', 'v');
      await first.close();
      const second = await source(world);
      expect(contents(second, 'east.local', 'a')).toEqual({ before: 'v', after: 'v' });
      await second.cluster('east.local').updateDatabase('a', { settings: { data_persistence: 'disabled' } });
      await wait(world, 100);
      await second.close();
      await using third = await source(world);
      expect(contents(third, 'east.local', 'a')).toEqual({});
    });
  });
});

describe('a Replica Of', () => {
  it('goes on without a full sync when its destination starts again, orderly or after a crash', async () => {
    for (const how of ['orderly', 'crash'] as const) {
      const world = new SimWorld({ seed: how });
      await world.run(async () => {
        const { east, west } = await make(world);
        const client = await connect(world, east.cluster('east.local').database('orders'));
        for (let i = 0; i < 50; i++) await client.ask('INCR', `n${i % 7}`);
        await wait(world, 2_500); // synced
        if (how === 'crash') world.files.crash(WEST);
        await west.close();
        for (let i = 0; i < 50; i++) await client.ask('INCR', `n${i % 7}`);
        await using again = await destination(world);
        await again.cluster('west.local').database('copy').inSync();
        expect(fullSyncs(again)).toBe(0);
        expect(contents(again, 'west.local', 'copy')).toEqual(contents(east, 'east.local', 'orders'));
        await east.close();
      });
    }
  });

  it('loses nothing and applies nothing twice when its destination crashes under load, again and again', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const world = new SimWorld({ seed });
      const chance = world.random.fork('test');
      await world.run(async () => {
        const { east, west } = await make(world);
        const client = await connect(world, east.cluster('east.local').database('orders'));
        const load = { isOver: false };
        const loading = (async () => {
          for (let i = 0; !load.isOver; i++) {
            await client.ask('INCR', `n${i % 11}`);
            if (i % 5 === 0) await client.ask('APPEND', `a${i % 3}`, String(i % 10));
            await wait(world, chance.unit() * 20);
          }
        })();
        let current = west;
        for (let crash = 0; crash < 3; crash++) {
          await wait(world, chance.integer(100, 4_000));
          world.files.crash(WEST);
          await current.close();
          current = await destination(world);
        }
        await wait(world, 500);
        load.isOver = true;
        await loading;
        await current.cluster('west.local').database('copy').inSync();
        expect(contents(current, 'west.local', 'copy'), `seed ${seed}`).toEqual(contents(east, 'east.local', 'orders'));
        await current.close();
        await east.close();
      });
    }
  });

  it('ends up equal to a source that crashed and lost its last moment, whether it had that or not', async () => {
    let partial = 0;
    for (let seed = 0; seed < 6; seed++) {
      const world = new SimWorld({ seed });
      const chance = world.random.fork('test');
      await world.run(async () => {
        const { east, west } = await make(world);
        const client = await connect(world, east.cluster('east.local').database('orders'));
        const rounds = chance.integer(1, 80);
        for (let i = 0; i < rounds; i++) {
          await client.ask('INCR', `n${i % 11}`);
          await wait(world, chance.unit() * 20);
        }
        if (seed % 2 === 0) await wait(world, 3_000); // everything is synced
        client.close();
        world.files.crash(EAST);
        await east.close();
        const before = fullSyncs(west);
        const again = await source(world);
        const database = again.cluster('east.local').database('orders');
        const second = await connect(world, database);
        for (let i = 0; i < 30; i++) await second.ask('APPEND', `n${i % 11}`, '0');
        await wait(world, 30_000);
        await west.cluster('west.local').database('copy').inSync();
        if (fullSyncs(west) === before) partial++;
        expect(contents(west, 'west.local', 'copy'), `seed ${seed}`).toEqual(contents(again, 'east.local', 'orders'));
        await west.close();
        await again.close();
      });
    }
    expect(partial).toBeGreaterThan(0);
  });

  it('goes on without a full sync when both ends end in an orderly way', async () => {
    const world = new SimWorld({ seed: 9 });
    await world.run(async () => {
      const { east, west } = await make(world);
      const client = await connect(world, east.cluster('east.local').database('orders'));
      for (let i = 0; i < 50; i++) await client.ask('INCR', `n${i % 7}`);
      await west.cluster('west.local').database('copy').inSync();
      await wait(world, 1_000);
      await east.close();
      await west.close();
      const eastAgain = await source(world);
      const westAgain = await destination(world);
      await westAgain.cluster('west.local').database('copy').inSync();
      expect(fullSyncs(westAgain)).toBe(0);
      const second = await connect(world, eastAgain.cluster('east.local').database('orders'));
      for (let i = 0; i < 20; i++) await second.ask('INCR', `n${i % 7}`);
      await westAgain.cluster('west.local').database('copy').inSync();
      await wait(world, 1_000);
      expect(contents(westAgain, 'west.local', 'copy')).toEqual(contents(eastAgain, 'east.local', 'orders'));
      await eastAgain.close();
      await westAgain.close();
    });
  });

  it('replays its crash from the seed', async () => {
    const hash = async (): Promise<string> => {
      const world = new SimWorld({ seed: 77 });
      await world.run(async () => {
        const { east, west } = await make(world);
        const client = await connect(world, east.cluster('east.local').database('orders'));
        for (let i = 0; i < 50; i++) await client.ask('INCR', `n${i % 7}`);
        world.files.crash(WEST);
        await west.close();
        const again = await destination(world);
        await again.cluster('west.local').database('copy').inSync();
        await again.close();
        await east.close();
      });
      return world.eventLogHash();
    };
    expect(await hash()).toBe(await hash());
  });
});
