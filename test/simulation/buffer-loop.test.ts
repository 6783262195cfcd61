/** A source whose buffer for replicas is too small for what is written while its snapshot travels: the destination never gets there. */

import { describe, expect, it } from 'vitest';
import type { SettingsEdit } from '../../src/cluster/state/database-settings.ts';
import type { FullSyncEntry } from '../../src/replication/replica-of/status.ts';
import { inSimulation } from '../support/sandboxes.ts';

const clusters = [
  { name: 'east.local', databases: [{ name: 'orders', shards: 1 }] },
  { name: 'west.local', databases: [{ name: 'copy', shards: 1 }] },
];

describe('a buffer for replicas that is too small', () => {
  it('makes Replica Of fail repeatedly, says what to raise, and is healed by raising it', { timeout: 60_000 }, () =>
    inSimulation({ clusters }, async ({ sandbox, world, connect, wait }) => {
      const orders = sandbox.cluster('east.local').database('orders');
      const copy = sandbox.cluster('west.local').database('copy');
      const { control: east } = sandbox.cluster('east.local');
      const tune = (settings: SettingsEdit): void => {
        expect(east.submit(east.edit(orders.uid, { settings }))).toMatchObject({ ok: true });
      };
      tune({ slave_buffer: '100000:0:0', repl_backlog_size: '16384' });
      const client = await connect(orders);
      for (let i = 0; i < 400; i++)
        await client.ask('SET', `key:${i}`, Buffer.from(world.random.bytes(500)).toString('hex'));
      // Slow enough that the snapshot takes seconds
      world.network.faults.conditions('127.0.2.', '127.0.1.', { bandwidth: 100_000 });
      const { control: west } = sandbox.cluster('west.local');
      const replicaSources = [{ uri: orders.sourceUrl() }];
      west.submit(west.edit(copy.uid, { replicaSources, replicaSync: 'enabled' }));
      let writes = 0;
      const write = async (seconds: number): Promise<void> => {
        for (const end = world.clock.now() + seconds * 1_000; world.clock.now() < end; await wait(50)) {
          await client.ask('SET', `written:${writes++ % 10}`, 'y'.repeat(10_000));
        }
      };
      const says = (): string => copy.status().sources[0]?.lastError ?? '';
      for (let i = 0; i < 300 && !says().includes('raise slave_buffer'); i++) await write(0.2);
      expect(says()).toMatch(
        /the source has ended the transfer \d+ times.*raise slave_buffer.*client-output-buffer-limit "slave/,
      );
      await write(60);
      const failing = copy.status();
      expect(failing.replicaSync, 'it is tried for ever').toBe('enabled');
      const isFailure = ({ cause, detail }: FullSyncEntry): boolean =>
        (cause === 'transfer-broken' || cause === 'backlog-lost') && detail.includes('raise slave_buffer');
      expect(failing.ledger.filter(isFailure).length).toBeGreaterThan(2);
      tune({ slave_buffer: '100' });
      const tunedMs = world.clock.now();
      await write(30);
      world.network.faults.conditions('127.0.2.', '127.0.1.', { bandwidth: 0 });
      await copy.inSync();
      const healed = copy.status();
      expect(healed.sources[0]).toMatchObject({ status: 'in-sync', lastError: '' });
      expect(healed.keys).toBe(orders.status().keys);
      expect(healed.ledger.filter(({ atMs }) => atMs > tunedMs + 15_000)).toEqual([]);
      client.close();
    }),
  );
});
