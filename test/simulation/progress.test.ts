/** What a source's numbers say while it is copied and followed: how much of the snapshot has come, since when nothing, how far behind. */

import { describe, expect, it } from 'vitest';
import { asking } from '../support/api.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';
import { startShardAt } from '../support/sim-shards.ts';

const HOST = '127.9.0.1';
const clusters = [{ name: 'west.local', databases: [{ name: 'copy', shards: 2 }] }];

/** The one source as `GET /v1/bdbs` gives it. */
const shown = async ({ sandbox }: SimStory) =>
  (await asking(sandbox.cluster('west.local'))('GET', '/v1/bdbs/1')).json.replica_sources[0] as {
    readonly status: string;
    readonly rdb_size: number;
    readonly rdb_transferred: number;
    readonly last_update: string;
    readonly lag: number;
    readonly last_error: string;
  };

const replicate = ({ sandbox }: SimStory, uri: string) =>
  sandbox.cluster('west.local').updateDatabase('copy', { replicaSources: [{ uri }], replicaSync: 'enabled' });

describe('the numbers of a source', () => {
  it('about its snapshot rise from nothing to its size while it is syncing', () =>
    inSimulation({ clusters }, async (story) => {
      const { world, wait } = story;
      using source = await startShardAt(world, HOST);
      for (let at = 0; at < 800; at++) source.client.call('SET', `k${at}`, world.random.bytes(500).toString('hex'));
      world.network.faults.conditions('127.0.1.', HOST, { bandwidth: 50_000 });
      await replicate(story, source.url);
      const seen: { readonly transferred: number; readonly size: number }[] = [];
      let last = await shown(story);
      for (let i = 0; i < 500 && last.status !== 'in-sync'; i++) {
        if (last.status === 'syncing') seen.push({ transferred: last.rdb_transferred, size: last.rdb_size });
        await wait(100);
        last = await shown(story);
      }
      expect(last.status).toBe('in-sync');
      const transferred = seen.map((each) => each.transferred);
      expect(transferred).toEqual(transferred.toSorted((a, b) => a - b));
      expect(new Set(transferred).size, 'it is seen at many points').toBeGreaterThan(5);
      for (const each of seen) expect(each.transferred).toBeLessThanOrEqual(each.size);
      expect(last.rdb_transferred).toBe(last.rdb_size);
      expect(last.rdb_size, '800 values of 500 bytes of chance').toBeGreaterThan(400_000);
    }));

  it('tell when its last command was applied: it advances as commands arrive, and stands still while none can', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, wait } = story;
      using source = await startShardAt(world, HOST);
      await replicate(story, source.url);
      await sandbox.cluster('west.local').database('copy').inSync();
      const shownMs = async () => Date.parse((await shown(story)).last_update);
      for (let n = 0; n < 3; n++) {
        await wait(60_000);
        const writtenMs = world.clock.now();
        source.client.call('SET', 'k', String(n));
        await wait(100);
        // Whole seconds may be shown.
        expect(await shownMs()).toBeGreaterThanOrEqual(writtenMs - (writtenMs % 1_000));
        expect(await shownMs()).toBeLessThanOrEqual(writtenMs + 100);
      }
      const before = await shownMs();
      world.network.faults.partition(['127.0.1.'], [HOST], 'both-ways');
      source.client.call('SET', 'k', 'unheard');
      await wait(60_000);
      expect(await shownMs()).toBe(before);
      world.network.faults.heal();
      await wait(30_000);
      expect(await shownMs()).toBeGreaterThan(before + 60_000);
    }));

  it('tell its lag in milliseconds: small while writes flow, and growing while the destination does not take them', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, wait } = story;
      using source = await startShardAt(world, HOST);
      await replicate(story, source.url);
      const copy = sandbox.cluster('west.local').database('copy');
      await copy.inSync();
      for (let n = 0; n < 20; n++) {
        source.client.call('SET', 'k', String(n));
        await wait(10);
      }
      expect(copy.status().keys).toBe(1);
      const { lag, status } = await shown(story);
      expect([status, Number.isInteger(lag)]).toEqual(['in-sync', true]);
      expect(lag).toBeLessThan(100);
      // The shards of the destination answer late: what has come from the source waits.
      world.network.faults.conditions('127.0.1.', '127.0.1.', { latencyMs: 1_500 });
      source.client.call('SET', 'k', 'late');
      await wait(500);
      const early = (await shown(story)).lag;
      await wait(1_000);
      expect((await shown(story)).lag - early).toBe(1_000);
      world.network.faults.conditions('127.0.1.', '127.0.1.', { latencyMs: 0 });
      await wait(10_000);
      source.client.call('SET', 'k', 'soon');
      await wait(100);
      expect((await shown(story)).lag).toBeLessThan(100);
    }));
});
