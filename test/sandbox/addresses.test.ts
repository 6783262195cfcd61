import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { Network, World } from '../../src/world/world.ts';
import { inSimulation, PlainClient } from '../support/sandboxes.ts';

/** As macOS without aliases: of the loopback addresses only one can be listened on. */
const withOneAddress = (network: Network): Network => ({
  from: (host) => withOneAddress(network.from(host)),
  listen: async (at, options, accept) =>
    at.host === '127.0.0.1'
      ? network.listen(at, options, accept)
      : { ok: false, why: 'unavailable', detail: 'EADDRNOTAVAIL' },
  connect: (to, options) => network.connect(to, options),
  resolve: (name) => network.resolve(name),
  addNames: (source) => network.addNames(source),
  datagrams: (at, options, receive) => network.datagrams(at, options, receive),
  faults: network.faults,
});

const oneAddress = (): { readonly sim: SimWorld; readonly world: World } => {
  const sim = new SimWorld({ seed: 1 });
  const { clock, random, files, log, threads } = sim;
  return { sim, world: { clock, random, files, log, threads, network: withOneAddress(sim.network) } };
};

describe('where the system has one address', () => {
  it('clusters share it, with ports of their own', async () => {
    const { sim, world } = oneAddress();
    await sim.run(async () => {
      await using sandbox = await startSandbox({ world });
      expect(sandbox.isAddressShared).toBe(true);
      const orders = sandbox.cluster('east.local').database('orders');
      const copy = sandbox.cluster('west.local').database('orders-copy');
      expect([orders.host, orders.port, copy.host, copy.port]).toEqual(['127.0.0.1', 12_000, '127.0.0.1', 13_000]);
      expect(copy.endpoint).toBe('redis-13000.west.local:13000');
      await (await PlainClient.connect(world, orders)).ask('SET', 'k', 'v');
      await copy.inSync();
      expect(await (await PlainClient.connect(world, copy)).ask('GET', 'k')).toBe('v');
      const chosen = await sandbox.cluster('west.local').createDatabase({ name: 'chosen' });
      expect(chosen.port).toBe(11_000);
    });
  });

  it('refuses faults between clusters, which it could not keep apart', async () => {
    const { sim, world } = oneAddress();
    await sim.run(async () => {
      await using sandbox = await startSandbox({ world });
      expect(() => sandbox.faults.partition('east.local', 'west.local')).toThrow(/share one address/);
    });
  });

  it('has no room for more than eight clusters', async () => {
    const { sim, world } = oneAddress();
    const clusters = Array.from({ length: 9 }, (_, index) => ({ name: `c${index}.local` }));
    await expect(sim.run(() => startSandbox({ world, clusters }))).rejects.toThrow(/lo0 alias/);
  });
});

describe('faults between clusters', () => {
  it('cut the connections of a link, which resumes', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const copy = sandbox.cluster('west.local').database('orders-copy');
      await copy.inSync();
      await (await connect(sandbox.cluster('east.local').database('orders'))).ask('SET', 'k', '1');
      await copy.inSync();
      expect(sandbox.faults.cut('east.local', 'west.local')).toBe(2);
      await wait(10);
      expect(copy.status().sources[0]?.status).toBe('out-of-sync');
      await copy.inSync();
      expect(copy.status().fullSyncs).toBe(1);
    }));

  it('are told in clusters with several nodes, too', () =>
    inSimulation(
      {
        clusters: [
          { name: 'east.local', databases: [{ name: 'a' }] },
          { name: 'west.local', nodes: 3, databases: [{ name: 'filler' }, { name: 'b', replicaOf: ['east.local/a'] }] },
        ],
      },
      async ({ sandbox, connect, wait }) => {
        const b = sandbox.cluster('west.local').database('b');
        expect(b.host).toBe('127.0.2.2');
        await b.inSync();
        sandbox.faults.partition('east.local', 'west.local');
        await (await connect(sandbox.cluster('east.local').database('a'))).ask('SET', 'k', '1');
        await expect(b.inSync({ timeoutMs: 500 })).rejects.toThrow(/not in sync: after 500 ms/);
        sandbox.faults.heal();
        await wait(1);
        await b.inSync();
      },
    ));
});
