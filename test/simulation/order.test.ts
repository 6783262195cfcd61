/** What order is kept on the way: all of it from one source shard, that of arrival between sources; the order of the list means nothing. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Shard } from '../../src/node/shard/shard.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';
import { startShardAt } from '../support/sim-shards.ts';

const SEED = Number(process.env['ANTIPODE_SEED'] ?? 20261126);
const RUNS = 15 * Number(process.env['ANTIPODE_RUNS'] ?? 1);
const [NEAR, FAR] = ['127.9.0.1', '127.9.0.2'] as const;
const west = (shards: number) => [{ name: 'west.local', databases: [{ name: 'copy', shards }] }];

/** Every write of a shard from now on, one text each; without the marks of Replica Of and what surrounds a unit. */
const recordWrites = (shard: Shard): string[] => {
  const writes: string[] = [];
  shard.writeLog.subscribe({
    write(_database, words) {
      if (!['MULTI', 'EXEC', 'ANTIPODE'].includes(words[0]!.toUpperCase())) writes.push(words.join(' '));
    },
  });
  return writes;
};

const replicate = async ({ sandbox }: SimStory, uris: readonly string[]): Promise<void> => {
  const edit = { replicaSources: uris.map((uri) => ({ uri })), replicaSync: 'enabled' } as const;
  await sandbox.cluster('west.local').updateDatabase('copy', edit);
  await sandbox.cluster('west.local').database('copy').inSync();
};

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const write = fc.oneof(
  fc.tuple(fc.constant('SET'), key, fc.constantFrom('1', '2', '3')),
  fc.tuple(fc.constant('DEL'), key),
  fc.tuple(fc.constant('INCR'), key),
  fc.tuple(fc.constant('APPEND'), key, fc.constantFrom('4', '5')),
);
/** Writes with the time that passes after each, so that some share a packet and others do not. */
const load = fc.array(fc.tuple(write, fc.constantFrom(0, 0, 0, 1, 7)), { minLength: 1, maxLength: 60 });

describe(`the writes of one source (seed ${SEED}, ANTIPODE_SEED changes it)`, () => {
  it.each([1, 3])('reach each of %i shard(s) in the order in which they were done', { timeout: 60_000 }, (shards) =>
    fc.assert(
      fc.asyncProperty(fc.nat(), load, (seed, steps) =>
        inSimulation({ seed, clusters: west(shards) }, async (story) => {
          const { sandbox, world, wait } = story;
          using source = await startShardAt(world, NEAR);
          await replicate(story, [source.url]);
          world.network.faults.conditions('127.0.1.', NEAR, { latencyMs: 3, jitterMs: 2, chunking: 'random' });
          const done = recordWrites(source.shard);
          const copy = sandbox.cluster('west.local').database('copy');
          const arrived = sandbox.cluster('west.local').control.shards(copy.uid).map(recordWrites);
          for (const [words, pauseMs] of steps) {
            source.client.call(...words);
            if (pauseMs > 0) await wait(pauseMs);
          }
          const count = () => arrived.reduce((sum, writes) => sum + writes.length, 0);
          for (let i = 0; i < 100 && count() < done.length; i++) await wait(10);
          expect(count()).toBe(done.length);
          const keysOf = (writes: readonly string[]) => new Set(writes.map((text) => text.split(' ')[1]));
          for (const writes of arrived) {
            const own = keysOf(writes);
            expect(writes).toEqual(done.filter((text) => own.has(text.split(' ')[1])));
          }
        }),
      ),
      { seed: SEED, numRuns: RUNS },
    ),
  );
});

describe('the writes of several sources', () => {
  it('are applied as they arrive: the last to arrive wins, and nobody reconciles', () =>
    inSimulation({ clusters: west(2) }, async (story) => {
      const { sandbox, world, connect, wait } = story;
      using near = await startShardAt(world, NEAR);
      using far = await startShardAt(world, FAR);
      await replicate(story, [near.url, far.url]);
      world.network.faults.conditions('127.0.1.', FAR, { latencyMs: 200 });
      const client = await connect(sandbox.cluster('west.local').database('copy'));
      far.client.call('SET', 'k', 'done first, arrives last');
      await wait(50);
      near.client.call('SET', 'k', 'done last, arrives first');
      await wait(50);
      expect(await client.ask('GET', 'k')).toBe('done last, arrives first');
      await wait(300);
      expect(await client.ask('GET', 'k')).toBe('done first, arrives last');
      expect([near.client.call('GET', 'k'), far.client.call('GET', 'k')], 'sources keep their own').toEqual([
        'done last, arrives first',
        'done first, arrives last',
      ]);
      // What one appends to, the other has set: types and values mix as they come.
      near.client.call('APPEND', 'k', '!');
      await wait(50);
      expect(await client.ask('GET', 'k')).toBe('done first, arrives last!');
    }));
});

describe('the order of the list of sources', () => {
  it('means nothing: every permutation gives the same data, and permuting starts nothing over', () =>
    inSimulation({ clusters: west(3) }, async (story) => {
      const { sandbox, world, connect, wait } = story;
      const hosts = [NEAR, FAR, '127.9.0.3'];
      const sources = await Promise.all(hosts.map((host) => startShardAt(world, host)));
      for (const [index, { client }] of sources.entries())
        for (let at = 0; at < 20; at++) client.call('SET', `s${index}:${at}`, `v${at}`);
      const copy = sandbox.cluster('west.local').database('copy');
      const client = await connect(copy);
      const names = sources.flatMap((_, index) => Array.from({ length: 20 }, (_each, at) => `s${index}:${at}`));
      const contents: unknown[] = [];
      for (const [a, b, c] of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ] as const) {
        // prettier-ignore
        await sandbox.cluster('west.local').updateDatabase('copy', { replicaSync: 'disabled', replicaSources: [] });
        expect(await client.ask('FLUSHALL')).toBe('OK');
        await replicate(story, [sources[a]!.url, sources[b]!.url, sources[c]!.url]);
        expect(copy.status().keys).toBe(60);
        contents.push(await client.ask('MGET', ...names));
      }
      expect(new Set(contents.map((each) => JSON.stringify(each))).size).toBe(1);
      const { ledger } = copy.status();
      const reversed = [0, 2, 1].map((index) => ({ uri: sources[index]!.url }));
      await sandbox.cluster('west.local').updateDatabase('copy', { replicaSources: reversed });
      await wait(5_000);
      expect(copy.status()).toMatchObject({ ledger, keys: 60, replicaSync: 'enabled' });
      for (const source of sources) source[Symbol.dispose]();
    }));
});
