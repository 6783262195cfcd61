import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import type { World } from '../../../src/world/world.ts';
import { inSimulation } from '../../support/sandboxes.ts';

/** Has a port until the returned function is called. */
const occupy = async (world: World, host: string, port: number): Promise<() => Promise<void>> => {
  const outcome = await world.network.listen({ host, port }, {}, (connection) => connection.destroy());
  if (!outcome.ok) throw new Error(outcome.detail);
  return () => outcome.listener.close();
};

describe('a database whose port another program has', () => {
  it('fails to be created, says why, and becomes active when the port is free', () =>
    inSimulation({ clusters: [{ name: 'one.local' }] }, async ({ world, sandbox, connect, wait }) => {
      const cluster = sandbox.cluster('one.local');
      const release = await occupy(world, '127.0.1.1', 12_000);
      await expect(cluster.createDatabase({ name: 'orders', port: 12_000 })).rejects.toThrow(
        /127\.0\.1\.1:12000 \(in-use\)/,
      );
      const database = cluster.database('orders');
      expect(database.status()).toMatchObject({ status: 'creation-failed', trouble: expect.stringContaining('12000') });
      const other = await cluster.createDatabase({ name: 'other', port: 12_001 });
      expect(other.status().status).toBe('active');
      await release();
      await wait(3_000);
      expect(database.status()).toMatchObject({ status: 'active', trouble: '' });
      expect(await (await connect(database)).ask('PING')).toBe('PONG');
    }));

  it('can be deleted', () =>
    inSimulation({ clusters: [{ name: 'one.local' }] }, async ({ world, sandbox }) => {
      const cluster = sandbox.cluster('one.local');
      await occupy(world, '127.0.1.1', 20_000);
      await expect(cluster.createDatabase({ name: 'orders' })).rejects.toThrow(/shard 1 cannot listen/);
      await cluster.deleteDatabase('orders');
      expect(cluster.databases).toEqual([]);
    }));

  it('keeps a sandbox from starting, which then leaves nothing behind', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const release = await occupy(world, '127.0.2.1', 12_000);
      await expect(startSandbox({ world })).rejects.toMatchObject({ path: ['clusters', 1, 'databases', 0, 'port'] });
      await release();
      await using sandbox = await startSandbox({ world });
      expect(sandbox.cluster('west.local').database('orders-copy').status().status).toBe('active');
    });
  });
});

describe('changes in quick succession', () => {
  it('end in the last one', () =>
    inSimulation({}, async ({ sandbox, connect }) => {
      const { control } = sandbox.cluster('west.local');
      for (let round = 0; round < 20; round++) {
        control.submit(control.edit(1, { replicaSync: 'paused' }));
        control.submit(control.edit(1, { replicaSync: 'enabled' }));
      }
      control.submit(control.edit(1, { replicaSync: 'disabled' }));
      control.submit(control.edit(1, { replicaSync: 'enabled' }));
      const copy = sandbox.cluster('west.local').database('orders-copy');
      await copy.inSync();
      await (await connect(sandbox.cluster('east.local').database('orders'))).ask('SET', 'k', 'v');
      await copy.inSync();
      expect(await (await connect(copy)).ask('GET', 'k')).toBe('v');
      expect(copy.status().status).toBe('active');
    }));
});

describe('only the syncer', () => {
  it('resumes without a full sync when it was stopped and started', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      const source = await connect(sandbox.cluster('east.local').database('orders'));
      await source.ask('INCR', 'n');
      await copy.inSync();
      const { fullSyncs } = copy.status();
      await west.control.restartSyncer(copy.uid);
      await source.ask('INCR', 'n');
      await copy.inSync();
      await wait(100);
      expect(await (await connect(copy)).ask('GET', 'n')).toBe('2');
      expect(copy.status()).toMatchObject({ fullSyncs, partialSyncs: 2 });
    }));
});
