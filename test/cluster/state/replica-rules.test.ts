import { describe, expect, it } from 'vitest';
import { SOURCES_MAX } from '../../../src/replication/replica-of/source-url.ts';
import { applied, certificates, creation, database, refused, replicating, testCluster, update } from './fixtures.ts';

const SOURCE = 'redis://admin:pw@redis-12000.west.local:12000';
const OTHER = 'redis://10.0.0.2:6379';
const replicaOf = (edit: Parameters<typeof update>[1]) => update(1, edit);

describe('sources', () => {
  const state = applied(testCluster(), creation({ port: 12_000 }));

  it.each([
    ['an unknown scheme', 'http://h:1', /scheme "http"/],
    ['rediss', 'rediss://h:1', /encryption/],
    ['a missing port', 'redis://h', /port is missing/],
    ['its own endpoint name', 'redis://admin:x@redis-12000.east.local:12000', /itself/],
    ['its own endpoint name in capitals with a final dot', 'redis://REDIS-12000.EAST.LOCAL.:12000', /itself/],
    ['its own address', 'redis://127.0.1.1:12000', /itself/],
    ['its cluster at its own port', 'redis://east.local:12000', /itself/],
  ])('refuses %s', (_, uri, words) => {
    const problem = refused(state, replicaOf({ replicaSources: [{ uri }], replicaSync: 'enabled' }));
    expect(problem.code).toBe('invalid_replication');
    expect(problem.description).toMatch(words);
  });

  it('knows localhost as its own where the cluster lives at 127.0.0.1', () => {
    const moved = { ...state, nodes: state.nodes.map((node) => ({ ...node, address: '127.0.0.1' })) };
    const edit = replicaOf({ replicaSources: [{ uri: OTHER }, { uri: 'redis://LOCALHOST:12000' }] });
    expect(refused(moved, edit)).toMatchObject({ description: expect.stringContaining('itself'), source: 1 });
    applied(state, edit);
  });

  it('allows another port of the same address', () => {
    const after = applied(state, replicaOf({ replicaSources: [{ uri: 'redis://127.0.1.1:12001' }] }));
    expect(database(after).replica.sources).toHaveLength(1);
  });

  it(`allows ${SOURCES_MAX} and refuses the next`, () => {
    const many = Array.from({ length: SOURCES_MAX + 1 }, (_, index) => ({ uri: `redis://10.0.0.1:${7000 + index}` }));
    expect(database(applied(state, replicaOf({ replicaSources: many.slice(1) }))).replica.sources).toHaveLength(
      SOURCES_MAX,
    );
    expect(refused(state, replicaOf({ replicaSources: many })).description).toContain('33');
  });

  it('refuses one place twice', () => {
    const twice = [{ uri: OTHER }, { uri: `${OTHER}/` }];
    expect(refused(state, replicaOf({ replicaSources: twice })).description).toContain('replica source 1 already');
  });

  it('refuses encryption without the certificate to trust, or with text that is none', () => {
    const wish = { uri: SOURCE, encryption: true };
    expect(refused(state, replicaOf({ replicaSources: [wish] })).code).toBe('invalid_certificate');
    expect(refused(state, replicaOf({ replicaSources: [{ ...wish, serverCertificate: 'x' }] })).code).toBe(
      'invalid_certificate',
    );
    const pinned = { ...wish, serverCertificate: certificates.proxy.certificate };
    expect(database(applied(state, replicaOf({ replicaSources: [pinned] }))).replica.sources[0]?.encryption).toBe(true);
  });

  it('keep their numbers when others come and go', () => {
    const two = applied(state, replicaOf({ replicaSources: [{ uri: SOURCE }, { uri: OTHER }] }));
    const one = applied(two, replicaOf({ replicaSources: [{ uri: OTHER }, { uri: 'redis://10.0.0.3:6379' }] }));
    expect(database(one).replica.sources.map(({ uid, uri }) => [uid, uri])).toEqual([
      [2, OTHER],
      [3, 'redis://10.0.0.3:6379'],
    ]);
  });
});

describe('replica_sync', () => {
  it('needs a source to be enabled', () => {
    expect(refused(testCluster(), creation({ replicaSync: 'enabled' })).description).toContain('replica_sources');
  });

  it('starts a first generation when enabled, without a reason to start over', () => {
    expect(database(replicating()).replica).toMatchObject({ sync: 'enabled', generation: 1, restart: null });
  });

  it('starts over after a pause', () => {
    const paused = applied(replicating(), replicaOf({ replicaSync: 'paused' }));
    expect(database(paused).replica).toMatchObject({ sync: 'paused', generation: 1 });
    const resumed = applied(paused, replicaOf({ replicaSync: 'enabled' }));
    expect(database(resumed).replica).toMatchObject({ generation: 2, restart: 'operator-restart' });
  });

  it('forgets the reason once the full sync has begun', () => {
    const paused = applied(replicating(), replicaOf({ replicaSync: 'paused' }));
    const resumed = applied(paused, replicaOf({ replicaSync: 'enabled' }));
    const late = applied(resumed, { kind: 'full-sync-begun', uid: 1, generation: 1, cause: 'operator-restart' });
    expect(late).toBe(resumed);
    const begun = applied(resumed, { kind: 'full-sync-begun', uid: 1, generation: 2, cause: 'operator-restart' });
    expect(database(begun).replica.restart).toBeNull();
  });

  it('does not start over when nothing changes: enabled again, sources in another order', () => {
    const state = replicating(SOURCE, OTHER);
    const again = applied(
      state,
      replicaOf({ replicaSync: 'enabled', replicaSources: [{ uri: OTHER }, { uri: SOURCE }] }),
    );
    expect(database(again).replica).toEqual(database(state).replica);
  });

  it('starts all sources over when one is edited', () => {
    const edited = applied(replicating(SOURCE, OTHER), replicaOf({ replicaSources: [{ uri: SOURCE }] }));
    expect(database(edited).replica).toMatchObject({ generation: 2, restart: 'config-changed' });
  });

  it('is disabled with its last source, and keeps nothing of it', () => {
    const off = applied(replicating(), replicaOf({ replicaSources: [] }));
    expect(database(off).replica).toMatchObject({ sync: 'disabled', sources: [] });
  });

  it('is stopped by the system alone', () => {
    expect(refused(replicating(), replicaOf({ replicaSync: 'stopped' })).description).toContain('system');
  });

  it('goes nowhere that the documented graph does not lead', () => {
    expect(
      refused(
        applied(testCluster(), creation({ replicaSources: [{ uri: OTHER }] })),
        replicaOf({ replicaSync: 'paused' }),
      ).code,
    ).toBe('invalid_replication');
    const stopped = applied(replicating(), {
      kind: 'replica-stopped',
      uid: 1,
      generation: 1,
      cause: 'authentication',
      detail: 'd',
    });
    expect(refused(stopped, replicaOf({ replicaSync: 'paused' })).description).toContain('"stopped" to "paused"');
  });
});

describe('a Replica Of that the system stopped', () => {
  const stopped = applied(replicating(SOURCE), {
    kind: 'replica-stopped',
    uid: 1,
    generation: 1,
    cause: 'authentication',
    detail: 'WRONGPASS',
  });

  it('says why', () => {
    expect(database(stopped).replica).toMatchObject({
      sync: 'stopped',
      stopped: { cause: 'authentication', detail: 'WRONGPASS' },
    });
  });

  it('starts over when enabled', () => {
    const again = applied(stopped, replicaOf({ replicaSync: 'enabled' }));
    expect(database(again).replica).toMatchObject({
      sync: 'enabled',
      stopped: null,
      generation: 2,
      restart: 'operator-restart',
    });
  });

  it('starts over when its source is mended', () => {
    const mended = applied(stopped, replicaOf({ replicaSources: [{ uri: SOURCE.replace('pw', 'new') }] }));
    expect(database(mended).replica).toMatchObject({ sync: 'enabled', generation: 2, restart: 'config-changed' });
  });

  it('is not stopped by a syncer of an earlier configuration', () => {
    const again = applied(stopped, replicaOf({ replicaSync: 'enabled' }));
    expect(applied(again, { kind: 'replica-stopped', uid: 1, generation: 1, cause: 'general', detail: 'late' })).toBe(
      again,
    );
  });
});
