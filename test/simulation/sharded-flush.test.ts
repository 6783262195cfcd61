/** A flush of a sharded source arrives shard by shard, each at its own time: no write that came after it may go with it. */

import { describe, expect, it } from 'vitest';
import { inSimulation } from '../support/sandboxes.ts';

describe('FLUSHALL of a source', () => {
  it.each([1, 2, 5])(
    'with 3 shards empties a destination of %i shard(s) and takes nothing that was written after it',
    { timeout: 60_000 },
    (shards) =>
      inSimulation(
        {
          seed: 7,
          clusters: [
            { name: 'east.local', databases: [{ name: 'orders', shards: 3 }] },
            { name: 'west.local', databases: [{ name: 'copy', shards, replicaOf: ['east.local/orders'] }] },
          ],
        },
        async ({ sandbox, world, connect }) => {
          // Shards' streams overtake each other
          world.network.faults.conditions('127.0.2.', '127.0.1.', { latencyMs: 5, jitterMs: 200 });
          const orders = sandbox.cluster('east.local').database('orders');
          const copy = sandbox.cluster('west.local').database('copy');
          const client = await connect(orders);
          for (let round = 0; round < 20; round++) {
            for (let i = 0; i < 6; i++) await client.ask('SET', `key:${round}:${i}`, 'x');
            await client.ask('FLUSHALL');
            await client.ask('SET', `after:${round}`, 'x');
          }
          await copy.inSync();
          expect(orders.status().keys).toBe(1);
          expect(copy.status()).toMatchObject({ keys: 1, fullSyncs: 1 });
          const reader = await connect(copy);
          expect(await reader.ask('GET', 'after:19')).toBe('x');
        },
      ),
  );
});
