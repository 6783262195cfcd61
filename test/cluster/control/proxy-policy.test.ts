import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../../../src/sandbox/sandbox.ts';
import type { World } from '../../../src/world/world.ts';
import { eventually } from '../../../src/sandbox/eventually.ts';
import { inSimulation, PlainClient } from '../../support/sandboxes.ts';

const EAST: ClusterConfig = {
  name: 'east.local',
  nodes: 3,
  databases: [
    { name: 'orders', port: 12_000, shards: 2, settings: { shards_placement: 'sparse', proxy_policy: 'all-nodes' } },
  ],
};
const WEST: ClusterConfig = {
  name: 'west.local',
  databases: [{ name: 'orders-copy', port: 12_000, shards: 3, replicaOf: ['east.local/orders'] }],
};
const NODES = ['127.0.1.1', '127.0.1.2', '127.0.1.3'] as const;

const clientAt = (world: World, host: string): Promise<PlainClient> =>
  PlainClient.connect(world, { host, port: 12_000 });
const addressesOf = async (world: World): Promise<readonly string[]> => {
  const found = await world.network.resolve('redis-12000.east.local');
  return found.ok ? found.addresses : [];
};

describe('an all-nodes endpoint', () => {
  it('serves every shard from every node and has an address for each', () =>
    inSimulation({ clusters: [EAST] }, async ({ world, sandbox }) => {
      expect(await addressesOf(world)).toEqual(NODES);
      expect(sandbox.cluster('east.local').database('orders').hosts).toEqual(NODES);
      const clients = await Promise.all(NODES.map((host) => clientAt(world, host)));
      const pairs = Array.from({ length: 20 }, (_, index) => [`k${index}`, `v${index}`]);
      expect(await clients[0]!.ask('MSET', ...pairs.flat())).toBe('OK');
      for (const client of clients) {
        expect(await client.ask('MGET', ...pairs.map(([key]) => key!))).toEqual(pairs.map(([, value]) => value));
      }
      const { control } = sandbox.cluster('east.local');
      expect(
        control
          .shards(1)
          .map((shard) => shard.keyspaces[0]!.size)
          .every((size) => size > 0),
      ).toBe(true);
    }));

  it('holds max_connections on each node', () =>
    inSimulation({ clusters: [EAST] }, async ({ world, sandbox }) => {
      await sandbox.cluster('east.local').updateDatabase('orders', { settings: { max_connections: 1 } });
      const [one, other] = [await clientAt(world, NODES[0]), await clientAt(world, NODES[1])];
      expect([await one.ask('PING'), await other.ask('PING')]).toEqual(['PONG', 'PONG']);
      const second = await clientAt(world, NODES[0]);
      expect(await second.ask('PING')).toBe('ERR max number of clients reached');
      expect(await one.ask('PING')).toBe('PONG');
    }));
});

describe('another proxy policy', () => {
  it('opens and closes endpoints and leaves alone those that stay', () =>
    inSimulation({ clusters: [EAST] }, async ({ world, sandbox }) => {
      const east = sandbox.cluster('east.local');
      const [stays, goes] = [await clientAt(world, NODES[0]), await clientAt(world, NODES[2])];
      expect(await goes.ask('SET', 'k', 'v')).toBe('OK');
      await east.updateDatabase('orders', { settings: { proxy_policy: 'all-master-shards' } });
      expect(await addressesOf(world)).toEqual(NODES.slice(0, 2));
      await eventually(world.clock, () => goes.closed, 1_000);
      expect([stays.closed, goes.closed]).toEqual([false, true]);
      await expect(clientAt(world, NODES[2])).rejects.toThrow(/refused/);
      await east.updateDatabase('orders', { settings: { proxy_policy: 'single' } });
      expect(await addressesOf(world)).toEqual(NODES.slice(0, 1));
      await expect(clientAt(world, NODES[1])).rejects.toThrow(/refused/);
      await east.updateDatabase('orders', { settings: { proxy_policy: 'all-nodes' } });
      expect(await addressesOf(world)).toEqual(NODES);
      expect(await (await clientAt(world, NODES[2])).ask('GET', 'k')).toBe('v');
      expect(await stays.ask('GET', 'k')).toBe('v');
    }));
});

describe('a Replica Of from an all-nodes source', () => {
  const story = (fault: 'partition' | 'cut') =>
    inSimulation({ clusters: [EAST, WEST] }, async ({ world, sandbox, wait }) => {
      const copy = sandbox.cluster('west.local').database('orders-copy');
      await copy.inSync();
      const { ledger } = copy.status();
      const writer = await clientAt(world, NODES[1]);
      const write = async (round: string): Promise<void> => {
        for (let index = 0; index < 20; index++) await writer.ask('SET', `${round}${index}`, round);
      };
      await write('before');
      await copy.inSync();
      if (fault === 'partition') sandbox.faults.partition([NODES[0]], 'west.local');
      else expect(sandbox.faults.cut('west.local', NODES[0])).toBeGreaterThan(0);
      await write('during');
      await wait(90_000);
      await copy.inSync();
      const target = await clientAt(world, '127.0.2.1');
      expect(await target.ask('DBSIZE')).toBe(40);
      expect(copy.status().ledger).toEqual(ledger);
    });

  it('goes on by another address when the node it came through is out of reach', () => story('partition'));
  it('dials again when its connections are cut', () => story('cut'));

  it('is the same from whichever of the addresses its URL names', () =>
    inSimulation(
      { clusters: [EAST, { name: 'west.local', databases: [{ name: 'copy', port: 12_000 }] }] },
      async ({ world, sandbox }) => {
        const orders = sandbox.cluster('east.local').database('orders');
        await (await clientAt(world, NODES[0])).ask('MSET', 'a', '1', 'b', '2', 'c', '3');
        for (const host of NODES) {
          const uri = orders.sourceUrl().replace('redis-12000.east.local', host);
          const west = sandbox.cluster('west.local');
          const copy = await west.updateDatabase('copy', { replicaSources: [{ uri }], replicaSync: 'enabled' });
          await copy.inSync();
          expect(copy.status()).toMatchObject({ keys: 3, sources: [{ status: 'in-sync' }] });
        }
      },
    ));
});
