/** As many sources as a destination may have, some of them in trouble: the others do not notice. */

import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { inSimulation } from '../support/sandboxes.ts';
import { startShardAt, type OutsideShard } from '../support/sim-shards.ts';

const clusters = [{ name: 'west.local', databases: [{ name: 'copy', shards: 3 }] }];
const SOURCES = 32;
const hostOf = (index: number): string => `127.9.0.${index + 1}`;

const replicate = (sandbox: Sandbox, uris: readonly string[]) => {
  const { control } = sandbox.cluster('west.local');
  const database = sandbox.cluster('west.local').database('copy');
  const replicaSources = uris.map((uri) => ({ uri }));
  return control.submit(control.edit(database.uid, { replicaSources, replicaSync: 'enabled' }));
};

describe('32 sources', () => {
  it(
    'reach one destination; a blackholed and a refusing one do not slow three that write 3,000 times a second',
    { timeout: 120_000 },
    () =>
      inSimulation({ clusters }, async ({ sandbox, world, wait }) => {
        const copy = sandbox.cluster('west.local').database('copy');
        const sources: OutsideShard[] = [];
        // The last one refuses: nobody listens there
        for (let i = 0; i < SOURCES - 1; i++) sources.push(await startShardAt(world, hostOf(i)));
        for (const [i, { client }] of sources.entries()) client.call('SET', `source:${i}`, 'x');
        const blackholed = SOURCES - 2;
        world.network.faults.partition(['127.0.1.'], [hostOf(blackholed)], 'both-ways');
        const urls = [...sources.map(({ url }) => url), `redis://${hostOf(SOURCES - 1)}:6379`];
        expect(replicate(sandbox, [...urls, 'redis://127.9.0.99:6379'])).toMatchObject({ ok: false });
        expect(replicate(sandbox, urls)).toMatchObject({ ok: true });
        const states = (): string[] => copy.status().sources.map(({ status }) => status);
        const good = (): number => states().filter((status) => status === 'in-sync').length;
        for (let i = 0; i < 600 && good() < SOURCES - 2; i++) await wait(100);
        expect(good()).toBe(SOURCES - 2);
        let lagMs = 0;
        for (let n = 0; n < 3_000; n++) {
          for (const [i, { client }] of sources.slice(0, 3).entries()) {
            for (let k = 0; k < 3; k++) client.call('SET', `${i}:${n}:${k}`, String(n));
          }
          await wait(1);
          if (n % 100 === 0)
            lagMs = Math.max(
              lagMs,
              ...copy
                .status()
                .sources.slice(0, 30)
                .map((source) => source.lagMs),
            );
        }
        expect(lagMs).toBeLessThan(100);
        const bad = copy.status().sources.slice(-2);
        expect(bad.map(({ status }) => status)).toEqual(['out-of-sync', 'out-of-sync']);
        expect(bad.map(({ lastError }) => lastError.split(':')[0])).toEqual(['timeout', 'refused']);
        expect(bad.map(({ alerts }) => alerts.replica_src_syncer_connection_error.isOn)).toEqual([true, true]);
        const wanted = 3 * 9_000 + SOURCES - 2;
        for (let i = 0; i < 100 && copy.status().keys !== wanted; i++) await wait(50);
        expect(copy.status().keys).toBe(wanted);
        world.network.faults.heal();
        for (let i = 0; i < 300 && copy.status().keys !== wanted + 1; i++) await wait(100);
        expect(copy.status(), 'the blackholed one joins without touching the others').toMatchObject({
          keys: wanted + 1,
        });
        expect(good()).toBe(SOURCES - 1);
        for (const source of sources) source[Symbol.dispose]();
      }),
  );

  it('are sent as gradually as the settings say: so many at once, and no more', { timeout: 60_000 }, () =>
    inSimulation({ clusters }, async ({ sandbox, world, wait }) => {
      const { control } = sandbox.cluster('west.local');
      const copy = sandbox.cluster('west.local').database('copy');
      const settings = { gradual_src_mode: 'enabled', gradual_src_max_sources: 2 } as const;
      expect(control.submit(control.edit(copy.uid, { settings }))).toMatchObject({ ok: true });
      const sources: OutsideShard[] = [];
      for (let i = 0; i < 6; i++) sources.push(await startShardAt(world, hostOf(i)));
      for (const [i, { client }] of sources.entries()) {
        for (let k = 0; k < 50; k++) client.call('SET', `${i}:${k}`, world.random.bytes(500).toString('hex'));
      }
      world.network.faults.conditions('127.0.1.', '127.9.0.', { bandwidth: 50_000 });
      expect(
        replicate(
          sandbox,
          sources.map(({ url }) => url),
        ),
      ).toMatchObject({ ok: true });
      const busy: number[] = [];
      const isBusy = (state: string): boolean => state === 'connecting' || state === 'transferring';
      for (let i = 0; i < 2_000 && copy.status().keys < 300; i++) {
        const { sources: all } = copy.status();
        busy.push(all.filter(({ shards }) => shards.some(({ state }) => isBusy(state))).length);
        await wait(10);
      }
      expect(Math.max(...busy)).toBe(2);
      expect(copy.status()).toMatchObject({ keys: 300, fullSyncs: 1 });
      for (const source of sources) source[Symbol.dispose]();
    }),
  );
});
