/** A source and a destination with other numbers of shards and other hashing rules, under load and cuts: equal in the end. */

import { describe, expect, it } from 'vitest';
import { compareServers } from '../../src/replication/compare/compare.ts';
import { sourceUrl } from '../support/replica-of.ts';
import { inSimulation } from '../support/sandboxes.ts';

/** Keys by what stands before the colon. */
const BY_PREFIX = ['(?<tag>[a-z]+):.*', '(?<tag>.*)'];

describe('a source', () => {
  it.each([
    [4, undefined, 2, undefined],
    [2, undefined, 5, undefined],
    [4, BY_PREFIX, 2, undefined],
    [2, undefined, 5, BY_PREFIX],
    [3, BY_PREFIX, 3, BY_PREFIX],
  ])(
    'of %i shards (rules %j) into %i (rules %j) is equal after load and cuts, and the ledger explains each full sync',
    { timeout: 60_000 },
    (shards, hashingRules, copies, copyRules) =>
      inSimulation(
        {
          clusters: [
            { name: 'east.local', databases: [{ name: 'orders', shards, hashingRules }] },
            {
              name: 'west.local',
              databases: [{ name: 'copy', shards: copies, hashingRules: copyRules, replicaOf: ['east.local/orders'] }],
            },
          ],
        },
        async ({ sandbox, world, connect, wait }) => {
          const orders = sandbox.cluster('east.local').database('orders');
          const copy = sandbox.cluster('west.local').database('copy');
          const client = await connect(orders);
          for (let round = 0; round < 60; round++) {
            for (let i = 0; i < 20; i++) {
              const key = `${'abcdefg'[i % 7]}:${(round * 7 + i) % 50}`;
              await client.ask('INCR', `count:${i % 5}`);
              await client.ask('HSET', key, `field${round % 9}`, String(round));
              if (i % 6 === 0) await client.ask('DEL', key);
            }
            if (round % 10 === 5)
              world.network.faults.cut('127.0.2.', '127.0.1.', round % 20 === 5 ? 'reset' : 'silent');
            await wait(100);
          }
          for (let i = 0; i < 200 && copy.status().sources[0]?.status !== 'in-sync'; i++) await wait(500);
          await copy.inSync({ timeoutMs: 120_000 });
          const [from, to] = [orders, copy].map((database) => ({ url: sourceUrl(database.sourceUrl()) }));
          expect(await compareServers({ world, from: from!, to: to! })).toMatchObject({ verdict: 'equal' });
          const { fullSyncs, partialSyncs, ledger } = copy.status();
          expect(partialSyncs).toBeGreaterThan(0);
          expect(fullSyncs).toBe(1);
          expect(ledger.map(({ cause, source }) => `${source} ${cause}`).sort()).toEqual(
            Array.from({ length: shards }, (_, index) => `1/${index} no-offset`),
          );
          client.close();
        },
      ),
  );
});
