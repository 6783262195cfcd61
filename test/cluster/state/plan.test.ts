import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/cluster/state/apply.ts';
import type { Change } from '../../../src/cluster/state/change.ts';
import type { ClusterState } from '../../../src/cluster/state/cluster-state.ts';
import { plan, wantedOf, type Found, type Step } from '../../../src/cluster/state/plan.ts';
import { applied, creation, NOW_MS, replicating, SECRET, testCluster, update } from './fixtures.ts';

const NOTHING: Found = { shards: [], endpoints: [], syncers: [] };

/** What nodes would have after a step; told again, it changes nothing. */
const carriedOut = (found: Found, step: Step): Found => {
  const others = <T extends { readonly databaseUid: number }>(list: readonly T[]): readonly T[] =>
    list.filter((each) => each.databaseUid !== step.databaseUid);
  switch (step.kind) {
    case 'start-shard':
      return { ...found, shards: [...found.shards.filter((each) => each.uid !== step.shard.uid), step.shard] };
    case 'stop-shard':
      return {
        ...found,
        shards: found.shards.filter((each) => each.uid !== step.uid || each.nodeUid !== step.nodeUid),
      };
    case 'set-expiry':
      return {
        ...found,
        shards: found.shards.map((each) => (each.uid === step.uid ? { ...each, expiry: step.expiry } : each)),
      };
    case 'configure-shard':
      return {
        ...found,
        shards: found.shards.map((each) =>
          each.uid === step.uid ? { ...each, settings: [...new Map([...each.settings, ...step.settings])] } : each,
        ),
      };
    case 'open-endpoint':
      return { ...found, endpoints: [...others(found.endpoints), step.endpoint] };
    case 'close-endpoint':
      return { ...found, endpoints: others(found.endpoints) };
    case 'cut-admin':
      return {
        ...found,
        endpoints: found.endpoints.map((each) =>
          each.databaseUid === step.databaseUid ? { ...each, adminPasswordEpoch: step.adminPasswordEpoch } : each,
        ),
      };
    case 'start-syncer':
      return { ...found, syncers: [...others(found.syncers), step.syncer] };
    case 'stop-syncer':
      return { ...found, syncers: others(found.syncers) };
  }
};

const kinds = (state: ClusterState, found: Found): string[] => plan(state, found).map((step) => step.kind);
const reached = (state: ClusterState, found = NOTHING): Found => plan(state, found).reduce(carriedOut, found);

describe('a plan', () => {
  it('starts shards, then the endpoint, then the syncer', () => {
    expect(kinds(replicating(), NOTHING)).toEqual(['start-shard', 'open-endpoint', 'start-syncer']);
  });

  it('starts the shards of a destination without expiry, and turns it on again when Replica Of is disabled', () => {
    const state = replicating();
    expect(reached(state).shards[0]?.expiry).toBe('ignore');
    const disabled = applied(state, update(1, { replicaSync: 'disabled' }));
    expect(kinds(disabled, reached(state))).toEqual(['stop-syncer', 'set-expiry']);
    expect(reached(disabled, reached(state)).shards[0]?.expiry).toBe('delete');
  });

  it('keeps a paused destination from expiring', () => {
    const state = replicating();
    expect(kinds(applied(state, update(1, { replicaSync: 'paused' })), reached(state))).toEqual(['stop-syncer']);
  });

  it('replaces the syncer when the sources are edited, and says why it starts over', () => {
    const state = replicating();
    const steps = plan(
      applied(state, update(1, { replicaSources: [{ uri: 'redis://10.0.0.9:6379' }] })),
      reached(state),
    );
    expect(steps.map((step) => step.kind)).toEqual(['stop-syncer', 'start-syncer']);
    expect(steps[1]).toMatchObject({ fresh: 'config-changed', syncer: { generation: 'east.local/1#2' } });
  });

  it('cuts the connections of admin when its password was regenerated', () => {
    const state = applied(testCluster(), creation());
    const changed = applied(state, { kind: 'regenerate-password', atMs: NOW_MS, uid: 1, adminPassword: SECRET });
    expect(kinds(changed, reached(state))).toEqual(['cut-admin']);
  });

  it('divides the memory of a database among its shards, and tells running ones when it changes', () => {
    const state = applied(testCluster(), creation({ memorySizeBytes: 3_000_000, shardsCount: 2 }));
    const found = reached(state);
    expect(found.shards.map((shard) => new Map(shard.settings).get('maxmemory'))).toEqual(['1500000', '1500000']);
    const changed = applied(state, update(1, { memorySizeBytes: 0, settings: { eviction_policy: 'allkeys-lfu' } }));
    const told = [
      ['maxmemory', '0'],
      ['maxmemory-policy', 'allkeys-lfu'],
    ];
    expect(plan(changed, found)).toMatchObject([
      { kind: 'configure-shard', uid: 1, settings: told },
      { kind: 'configure-shard', uid: 2, settings: told },
    ]);
    expect(kinds(changed, reached(changed, found))).toEqual([]);
  });

  it('tells a shard only what has changed', () => {
    const state = applied(testCluster(), creation({ memorySizeBytes: 1_000_000 }));
    const changed = applied(state, update(1, { settings: { eviction_policy: 'noeviction' } }));
    expect(plan(changed, reached(state))).toMatchObject([{ settings: [['maxmemory-policy', 'noeviction']] }]);
  });

  it('takes a deleted database down from its door inwards', () => {
    const state = replicating();
    const deleted = applied(state, { kind: 'delete-database', atMs: NOW_MS, uid: 1 });
    expect(kinds(deleted, reached(state))).toEqual(['stop-syncer', 'close-endpoint', 'stop-shard']);
  });

  it('does nothing when nothing that runs is concerned', () => {
    const state = applied(testCluster(), creation());
    expect(kinds(applied(state, update(1, { passwords: ['x'], name: 'b' })), reached(state))).toEqual([]);
  });
});

const uid = fc.integer({ min: 1, max: 3 });
const sources = fc.uniqueArray(
  fc.integer({ min: 1, max: 3 }).map((host) => ({ uri: `redis://10.0.0.${host}:6379` })),
  {
    selector: (source) => source.uri,
  },
);
const memory = fc.constantFrom(0, 1_000_000);
const sync = fc.constantFrom('enabled', 'paused', 'disabled' as const, undefined);

/** Changes that people and the system make, most of them legal somewhere. */
const change: fc.Arbitrary<Change> = fc.oneof(
  fc
    .record({
      name: fc.constantFrom('a', 'b', 'c'),
      shardsCount: fc.integer({ min: 1, max: 3 }),
      replicaSources: sources,
      replicaSync: sync,
      memorySizeBytes: memory,
    })
    .map((wish) => creation(wish as never)),
  fc
    .record({
      uid,
      replicaSources: fc.option(sources, { nil: undefined }),
      replicaSync: sync,
      memorySizeBytes: memory,
    })
    .map(({ uid, ...edit }) => update(uid, edit as never)),
  uid.map((uid): Change => ({ kind: 'delete-database', atMs: NOW_MS, uid })),
  uid.map((uid): Change => ({ kind: 'regenerate-password', atMs: NOW_MS, uid, adminPassword: SECRET })),
  uid.map((uid): Change => ({ kind: 'database-ready', uid })),
  fc
    .record({ uid, generation: fc.integer({ min: 1, max: 3 }) })
    .map((facts): Change => ({ kind: 'replica-stopped', ...facts, cause: 'general', detail: '' })),
);

const byUid = <T extends { readonly databaseUid: number }>(list: readonly T[]): readonly T[] =>
  list.toSorted((a, b) => a.databaseUid - b.databaseUid);

const unique = (values: readonly unknown[]): void => expect(new Set(values).size).toBe(values.length);

describe('any history of changes', () => {
  it('leads to what is wanted by carrying out its plan, however much of earlier plans was carried out, and then to an empty plan', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(change, fc.nat({ max: 12 })), { maxLength: 25 }), (history) => {
        let state = testCluster();
        let found = NOTHING;
        for (const [each, stepsDone] of history) {
          const outcome = apply(state, each);
          if (outcome.ok) ({ state } = outcome);
          // Interrupted somewhere, and the last step told twice.
          const steps = plan(state, found).slice(0, stepsDone);
          for (const step of steps) found = carriedOut(carriedOut(found, step), step);
        }
        found = reached(state, found);
        expect(plan(state, found)).toEqual([]);
        const wanted = wantedOf(state);
        expect(byUid(found.endpoints)).toEqual(byUid(wanted.endpoints));
        expect(byUid(found.syncers)).toEqual(byUid(wanted.syncers));
        expect(new Set(found.shards.map((shard) => shard.uid))).toEqual(
          new Set(wanted.shards.map((shard) => shard.uid)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('keeps uids, names, ports and places of shards unique', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (history) => {
        let state = testCluster();
        for (const each of history) {
          const outcome = apply(state, each);
          if (outcome.ok) ({ state } = outcome);
        }
        unique(state.databases.map((each) => each.uid));
        unique(state.databases.map((each) => each.name));
        unique(state.databases.map((each) => each.port));
        unique(state.shards.map((each) => each.uid));
        unique(state.shards.map((each) => each.port));
        for (const each of state.databases) {
          expect(state.shards.filter((shard) => shard.databaseUid === each.uid)).toHaveLength(each.shardsCount);
        }
      }),
      { numRuns: 500 },
    );
  });
});
