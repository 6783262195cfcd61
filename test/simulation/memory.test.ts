/** Memory at both ends: a destination never evicts by itself and so runs out; a source evicts, and tells. [RS replica-of: the destination does not expire by itself] */

import { describe, expect, it } from 'vitest';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';

const MEGABYTE = 1024 ** 2;
const VALUE = 'x'.repeat(10_000);
const clusters = [
  { name: 'east.local', databases: [{ name: 'orders', port: 12_000, shards: 2 }] },
  {
    name: 'west.local',
    databases: [{ name: 'copy', port: 12_000, shards: 2, settings: { eviction_policy: 'allkeys-lru' as const }, replicaOf: ['east.local/orders'] }],
  },
]; // prettier-ignore

const parts = async ({ sandbox, connect }: SimStory) => {
  const [east, west] = [sandbox.cluster('east.local'), sandbox.cluster('west.local')];
  const [orders, copy] = [east.database('orders'), west.database('copy')];
  await copy.inSync();
  return { east, west, orders, copy, source: await connect(orders), target: await connect(copy) };
};

describe('a destination with an eviction policy and too little memory', () => {
  it('evicts nothing while Replica Of is enabled: it refuses, and the sync stops as out of memory', () =>
    inSimulation({ clusters }, async (story) => {
      const { west, orders, copy, source, target } = await parts(story);
      await west.updateDatabase('copy', { memorySizeBytes: 4 * MEGABYTE });
      let written = 0;
      for (; written < 1_000 && copy.status().replicaSync === 'enabled'; written++) {
        await source.ask('SET', `k${written}`, VALUE);
        if (written % 10 === 0) await story.wait(20);
      }
      const { replicaSync, stopped, keys } = copy.status();
      expect([replicaSync, stopped]).toEqual(['stopped', expect.stringMatching(/the destination refused .*OOM/)]);
      expect(west.control.events.events.map(({ type }) => type)).toContain('oom_err');
      // What arrived is there from the first write on; the source has them all.
      expect(keys).toBeGreaterThan(200);
      expect(orders.status().keys).toBe(written);
      expect(await target.ask('EXISTS', ...Array.from({ length: 100 }, (_, at) => `k${at}`))).toBe(100);
      expect(await target.ask('INFO', 'stats')).toMatch(/evicted_keys:0\r/);
    }));

  it('starts over, whole, once it has more memory', () =>
    inSimulation({ clusters }, async (story) => {
      const { west, orders, copy, source } = await parts(story);
      await west.updateDatabase('copy', { memorySizeBytes: 4 * MEGABYTE });
      for (let at = 0; at < 500; at++) await source.ask('SET', `k${at}`, VALUE);
      for (let i = 0; i < 100 && copy.status().replicaSync === 'enabled'; i++) await story.wait(100);
      expect(copy.status().replicaSync).toBe('stopped');
      await west.updateDatabase('copy', { memorySizeBytes: 40 * MEGABYTE, replicaSync: 'enabled' });
      await copy.inSync();
      expect([copy.status().keys, orders.status().keys]).toEqual([500, 500]);
    }));

  it('evicts by its policy once Replica Of is disabled', () =>
    inSimulation({ clusters }, async (story) => {
      const { west, copy, source, target } = await parts(story);
      for (let at = 0; at < 300; at++) await source.ask('SET', `k${at}`, VALUE);
      await copy.inSync();
      await west.updateDatabase('copy', { replicaSync: 'disabled', memorySizeBytes: 2 * MEGABYTE });
      for (let at = 0; at < 20; at++) expect(await target.ask('SET', `own${at}`, 'v')).toBe('OK');
      expect(copy.status().keys).toBeLessThan(250);
    }));
});

describe('a source that evicts', () => {
  it('has the same keys evicted at the destination', () =>
    inSimulation({ clusters }, async (story) => {
      const { east, orders, copy, source, target } = await parts(story);
      for (let at = 0; at < 300; at++) await source.ask('SET', `k${at}`, VALUE);
      await copy.inSync();
      const settings = { eviction_policy: 'allkeys-random' } as const;
      await east.updateDatabase('orders', { memorySizeBytes: 2 * MEGABYTE, settings });
      for (let at = 0; at < 20; at++) expect(await source.ask('SET', `more${at}`, 'v')).toBe('OK');
      await copy.inSync();
      expect(orders.status().keys).toBeLessThan(250);
      const keysOf = async (client: typeof source) => ((await client.ask('KEYS', '*')) as string[]).toSorted();
      expect(await keysOf(target)).toEqual(await keysOf(source));
      expect(copy.status()).toMatchObject({ replicaSync: 'enabled', fullSyncs: 1 });
    }));
});
