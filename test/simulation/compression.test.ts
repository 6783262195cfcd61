/** A source's endpoint compresses what it sends to a syncer that asks for it, and counts tell how much that is. */

import { describe, expect, it } from 'vitest';
import type { SourceWish } from '../../src/cluster/state/change.ts';
import type { Sandbox, SandboxDatabase } from '../../src/sandbox/sandbox.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';
import { startShardAt } from '../support/sim-shards.ts';

const clusters = (shards: number) => [
  { name: 'east.local', databases: [{ name: 'orders', shards }] },
  { name: 'west.local', databases: [{ name: 'copy', shards: 2 }] },
];

const orders = (sandbox: Sandbox): SandboxDatabase => sandbox.cluster('east.local').database('orders');
const copy = (sandbox: Sandbox): SandboxDatabase => sandbox.cluster('west.local').database('copy');

const replicate = (sandbox: Sandbox, sources: readonly SourceWish[]): void => {
  const { control } = sandbox.cluster('west.local');
  const edit = { replicaSources: sources, replicaSync: 'enabled' as const };
  expect(control.submit(control.edit(copy(sandbox).uid, edit))).toMatchObject({ ok: true });
};

/** Something that compresses well, and something that does not. */
async function fill({ sandbox, connect }: SimStory, prefix: string): Promise<void> {
  const client = await connect(orders(sandbox));
  for (let i = 0; i < 300; i++)
    await client.ask('SET', `${prefix}:${i}`, `{"name":"somebody","number":${i}}`.repeat(5));
  client.close();
}

describe('compression', () => {
  it.each([1, 3])(
    'of a source with %i shard(s): every level gives the same data in fewer bytes over the wire',
    { timeout: 60_000 },
    (shards) =>
      inSimulation({ clusters: clusters(shards) }, async (story) => {
        const { sandbox } = story;
        await fill(story, 'before');
        const ratios: number[] = [];
        for (const compression of [0, 1, 2, 3, 4, 5, 6]) {
          replicate(sandbox, [{ uri: orders(sandbox).sourceUrl(), compression }]);
          await copy(sandbox).inSync();
          await fill(story, `level${compression}`);
          await copy(sandbox).inSync();
          expect(copy(sandbox).status().keys).toBe(orders(sandbox).status().keys);
          const [source] = copy(sandbox).status().sources;
          expect(source!.ingressBytes).toBeGreaterThan(1_000);
          ratios.push(source!.ingressBytes / source!.ingressBytesDecompressed);
        }
        const [plain, ...packed] = ratios;
        expect(plain).toBe(1);
        for (const ratio of packed) expect(ratio).toBeLessThan(0.5);
      }),
  );

  it('is gone on with after a cut, without another full sync', () =>
    inSimulation({ clusters: clusters(3) }, async (story) => {
      const { sandbox, world, wait } = story;
      await fill(story, 'before');
      replicate(sandbox, [{ uri: orders(sandbox).sourceUrl(), compression: 6 }]);
      await copy(sandbox).inSync();
      world.network.faults.cut('127.0.2.', '127.0.1.', 'reset');
      await fill(story, 'after');
      await wait(3_000);
      await copy(sandbox).inSync();
      expect(copy(sandbox).status()).toMatchObject({
        keys: orders(sandbox).status().keys,
        fullSyncs: 1,
        partialSyncs: 3,
      });
    }));

  it('that a source does not know stops the sync by its name', () =>
    inSimulation({ clusters: clusters(1) }, async ({ sandbox, world, wait }) => {
      using outside = await startShardAt(world, '127.9.0.1');
      replicate(sandbox, [{ uri: outside.url, compression: 3 }]);
      await wait(5_000);
      const { replicaSync, stopped, sources } = copy(sandbox).status();
      expect(replicaSync).toBe('stopped');
      expect(stopped).toMatch(/127\.9\.0\.1:6379.*compression-unsupported/);
      expect(sources[0]!.lastError).toBe(stopped);
      const { events } = sandbox.cluster('west.local').control.events;
      expect(events.map(({ type }) => type)).toContain('compression_unsup_err');
    }));
});
