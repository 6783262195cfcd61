import { describe, expect, it } from 'vitest';
import { inSimulation } from '../../support/sandboxes.ts';

const NAME = 'redis-12000.east.local';
const WEST_NODE = '127.0.2.1';

describe('a destination whose node has no multicast DNS', () => {
  it('is out of sync, says why and what to do, and heals when it has', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      await copy.inSync();
      west.setMdnsMissing({ nodes: 'all' });
      sandbox.faults.cut('east.local', 'west.local');
      await (await connect(sandbox.cluster('east.local').database('orders'))).ask('SET', 'k', 'v');
      await wait(30_000);
      const [source] = copy.status().sources;
      expect(source?.status).toBe('out-of-sync');
      expect(source?.lastError).toContain(`${NAME}: node 1 (${WEST_NODE}) of west.local has no multicast DNS`);
      expect(source?.lastError).toMatch(/install libnss-mdns .* or use an address instead of the name/);
      expect(copy.status().replicaSync).toBe('enabled');
      west.setMdnsMissing({});
      await copy.inSync();
      expect(await (await connect(copy)).ask('GET', 'k')).toBe('v');
    }));

  it('replicates by address all the same', () =>
    inSimulation({}, async ({ sandbox }) => {
      const west = sandbox.cluster('west.local');
      const orders = sandbox.cluster('east.local').database('orders');
      west.setMdnsMissing({ nodes: [1] });
      const uri = orders.sourceUrl().replace(NAME, orders.host);
      await west.updateDatabase('orders-copy', { replicaSources: [{ uri }] });
      await west.database('orders-copy').inSync();
    }));
});

describe('a name under .local', () => {
  it('is resolved by those who have multicast DNS, and by no others', () =>
    inSimulation({}, async ({ world, sandbox }) => {
      const [east, west] = [sandbox.cluster('east.local'), sandbox.cluster('west.local')];
      const seen = async () => {
        const hosts = ['127.0.0.1', '127.0.1.1', WEST_NODE];
        return Promise.all(hosts.map(async (host) => (await world.network.from(host).resolve(NAME)).ok));
      };
      expect(await seen()).toEqual([true, true, true]);
      west.setMdnsMissing({ nodes: [1] });
      expect(await seen()).toEqual([true, true, false]);
      east.setMdnsMissing({ clients: true });
      expect(await seen()).toEqual([false, true, false]);
      west.setMdnsMissing({});
      expect(await seen()).toEqual([false, true, true]);
    }));

  it('cannot be taken from a node that there is not', () =>
    inSimulation({}, async ({ sandbox }) => {
      expect(() => sandbox.cluster('west.local').setMdnsMissing({ nodes: [2] })).toThrow(
        /node_not_exist: west.local has no node 2; its nodes are 1/,
      );
    }));
});

describe('a source whose name service is disabled', () => {
  for (const [name, service] of [
    ['east.local', 'mdns_server'],
    ['east.example.com', 'pdns_server'],
  ] as const) {
    it(`is not found by the destination, which says so: ${service} of ${name}`, () =>
      inSimulation(
        {
          clusters: [
            { name, services: { [service]: 'disabled' }, databases: [{ name: 'orders', port: 12_000 }] },
            { name: 'west.local', databases: [{ name: 'copy', port: 12_000, replicaOf: [`${name}/orders`] }] },
          ],
        },
        async ({ sandbox, wait }) => {
          const copy = sandbox.cluster('west.local').database('copy');
          await wait(5_000);
          expect(copy.status().sources[0]).toMatchObject({
            status: 'out-of-sync',
            lastError: expect.stringContaining(
              `${service} of ${name} is disabled; enable it in its services_configuration`,
            ),
          });
          sandbox.cluster(name).setServices({ [service]: 'enabled' });
          await copy.inSync();
        },
      ));
  }
});

describe('any other name', () => {
  it('needs no multicast DNS', () =>
    inSimulation(
      {
        clusters: [
          { name: 'east.example.com', databases: [{ name: 'orders', port: 12_000 }] },
          {
            name: 'west.local',
            mdnsMissing: { nodes: 'all', clients: true },
            databases: [{ name: 'copy', port: 12_000, replicaOf: ['east.example.com/orders'] }],
          },
        ],
      },
      async ({ world, sandbox }) => {
        await sandbox.cluster('west.local').database('copy').inSync();
        expect(await world.network.resolve('redis-12000.east.example.com')).toMatchObject({ ok: true });
        expect(await world.network.resolve('redis-12000.west.local')).toEqual({
          ok: false,
          detail: expect.stringContaining('clients of west.local have no multicast DNS'),
        });
      },
    ));
});
