/** What makes a Replica Of start over from scratch, for all of its sources, and what does not. [RS replica-of: sources] */

import { describe, expect, it } from 'vitest';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';
import { startShardAt } from '../support/sim-shards.ts';

const HOSTS = ['127.9.0.1', '127.9.0.2', '127.9.0.3'] as const;
const clusters = [{ name: 'west.local', databases: [{ name: 'copy', shards: 2 }] }];

const replicate = async ({ sandbox }: SimStory, sources: readonly object[]): Promise<void> => {
  const replicaSources = sources as { uri: string }[];
  await sandbox.cluster('west.local').updateDatabase('copy', { replicaSources, replicaSync: 'enabled' });
  await sandbox.cluster('west.local').database('copy').inSync();
};

describe('every source of a Replica Of starts over', () => {
  it('when one of them is edited, and when one is added: the destination is flushed and filled by all', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, connect } = story;
      const outside = await Promise.all(HOSTS.map((host) => startShardAt(world, host)));
      for (const [index, { client }] of outside.entries()) client.call('SET', `from:${index}`, '1');
      const [first, second, third] = outside.map(({ url }) => ({ uri: url }));
      const copy = sandbox.cluster('west.local').database('copy');
      const target = await connect(copy);
      await replicate(story, [first!, second!]);
      for (const sources of [
        [{ ...first!, serverName: 'edited' }, second!],
        [{ ...first!, serverName: 'edited' }, second!, third!],
      ]) {
        const { fullSyncs } = copy.status();
        // It would stay if anything less than everything were flushed.
        for (let at = 0; at < 20; at++) await target.ask('SET', `local:${at}`, '1');
        await replicate(story, sources);
        expect(copy.status()).toMatchObject({ keys: sources.length, fullSyncs: fullSyncs + 1, replicaSync: 'enabled' });
        expect(copy.status().ledger.at(-1)).toMatchObject({ cause: 'config-changed' });
        expect(copy.status().sources.map(({ status, rdbSize }) => [status, rdbSize > 0])).toEqual(
          sources.map(() => ['in-sync', true]),
        );
      }
      for (const each of outside) each[Symbol.dispose]();
    }));

  it('when one of them has lost what its destination missed: the stream goes on within the backlog, and not beyond it', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, connect, wait } = story;
      using source = await startShardAt(world, HOSTS[0], { 'repl-backlog-size': String(16 * 1024) });
      await replicate(story, [{ uri: source.url }]);
      const copy = sandbox.cluster('west.local').database('copy');
      const target = await connect(copy);
      await target.ask('SET', 'local', '1');
      const missing = async (bytes: number): Promise<void> => {
        world.network.faults.partition(['127.0.1.'], [HOSTS[0]], 'both-ways');
        world.network.faults.cut('127.0.1.', HOSTS[0], 'reset');
        source.client.call('SET', `of ${bytes}`, 'x'.repeat(bytes));
        await wait(5_000);
        expect(copy.status().sources[0]!.status).toBe('out-of-sync');
        world.network.faults.heal();
        await wait(15_000);
        await copy.inSync();
      };
      await missing(1_000);
      expect(copy.status()).toMatchObject({ keys: 2, fullSyncs: 1, partialSyncs: 1 });
      expect(await target.ask('EXISTS', 'local'), 'nothing was flushed').toBe(1);
      await missing(40_000);
      expect(copy.status()).toMatchObject({ keys: 2, fullSyncs: 2, partialSyncs: 1 });
      expect(await target.ask('EXISTS', 'local'), 'flushed and filled anew').toBe(0);
    }));
});
