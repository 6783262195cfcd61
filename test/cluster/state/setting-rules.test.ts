import { describe, expect, it } from 'vitest';
import type { DatabaseWish } from '../../../src/cluster/state/change.ts';
import { databaseAlertSetting } from '../../../src/cluster/state/database-alerts.ts';
import { applied, creation, database, NOW_MS, refused, testCluster, update } from './fixtures.ts';

const refusal = (wish: DatabaseWish, nodes = 3) => refused(testCluster(nodes), creation(wish));

describe('settings that would promise what nothing here does', () => {
  it.each([
    ['replication on one node', { settings: { replication: true } }, 1, 'replication_node_violation'],
    [
      'replication in too little memory',
      { settings: { replication: true }, memorySizeBytes: 1 },
      3,
      'replication_size_violation',
    ],
    ['replication', { settings: { replication: true } }, 3, 'not_emulated'],
    ['flash', { settings: { bigstore: true } }, 3, 'insufficient_resources'],
    ['periodic backup', { settings: { backup: true, backup_interval: 60 } }, 3, 'not_emulated'],
  ] as const)('refuse %s', (_, wish, nodes, code) => {
    expect(refusal(wish, nodes).code).toBe(code);
  });

  it('refuse an OSS cluster with what it lacks first', () => {
    const sharded = { shardsCount: 2 };
    expect(refusal({ settings: { oss_cluster: true } }).description).toContain('needs sharding');
    expect(refusal({ ...sharded, settings: { oss_cluster: true, hash_slots_policy: 'legacy' } }).description).toContain(
      'legacy',
    );
    expect(refusal({ ...sharded, settings: { oss_cluster: true, proxy_policy: 'single' } }).description).toContain(
      'proxy_policy',
    );
    const whole = { oss_cluster: true, proxy_policy: 'all-nodes' };
    expect(refusal({ ...sharded, settings: whole })).toMatchObject({
      code: 'invalid_oss_cluster_configuration',
      description: expect.stringContaining('not emulated'),
    });
  });
});

describe('settings that belong together', () => {
  it('snapshots need rules, and rules whole numbers from 1', () => {
    const snapshot = { settings: { data_persistence: 'snapshot' } };
    expect(refusal(snapshot).code).toBe('invalid_data_persistence');
    expect(refusal({ ...snapshot, snapshotPolicy: [{ secs: 0, writes: 1 }] }).code).toBe('invalid_data_persistence');
    const state = applied(testCluster(), creation({ ...snapshot, snapshotPolicy: [{ secs: 60, writes: 1 }] }));
    expect(refused(state, update(1, { snapshotPolicy: [] })).code).toBe('invalid_data_persistence');
    expect(database(applied(state, update(1, { settings: { resp3: false } }))).snapshotPolicy).toHaveLength(1);
  });

  it('SASL user and password are given both or neither', () => {
    expect(refusal({ settings: { authentication_sasl_pass: 'x' } }).code).toBe('invalid_sasl_credentials');
    const both = { authentication_sasl_uname: 'u', authentication_sasl_pass: 'p' };
    expect(database(applied(testCluster(), creation({ settings: both }))).settings).toMatchObject(both);
  });

  it('tags have unique keys without special characters', () => {
    const tag = { key: 'team', value: 'a & b' };
    expect(database(applied(testCluster(), creation({ tags: [tag] }))).tags).toEqual([tag]);
    expect(refusal({ tags: [tag, tag] }).code).toBe('invalid_bdb_tags');
    expect(refusal({ tags: [{ key: '<b>', value: '' }] }).code).toBe('invalid_bdb_tags');
  });

  it('what is decided at creation is refused later, and repeated without harm', () => {
    const state = applied(testCluster(), creation());
    expect(refused(state, update(1, { settings: { hash_slots_policy: 'legacy' } }))).toMatchObject({
      code: 'invalid_sharding',
      description: expect.stringContaining('"16k"'),
    });
    applied(state, update(1, { settings: { hash_slots_policy: '16k' } }));
  });
});

describe('alerts of a database', () => {
  const alerts = (edit: object) => ({ kind: 'update-alerts' as const, atMs: NOW_MS, uid: 1, edit });
  const state = applied(testCluster(), creation());

  it('have defaults, and keep what is set', () => {
    expect(databaseAlertSetting(database(state).alerts, 'bdb_size')).toEqual({ enabled: false, threshold: '80' });
    const after = database(applied(state, alerts({ bdb_size: { enabled: true } }))).alerts;
    expect(databaseAlertSetting(after, 'bdb_size')).toEqual({ enabled: true, threshold: '80' });
    expect(databaseAlertSetting(after, 'bdb_high_latency').enabled).toBe(false);
  });

  it('take a number as threshold, and none where there is nothing to measure', () => {
    expect(refused(state, alerts({ bdb_size: { enabled: true, threshold: '' } })).code).toBe('invalid_alert');
    expect(refused(state, alerts({ bdb_size: { threshold: 'high' } })).code).toBe('invalid_alert');
    applied(state, alerts({ bdb_size: { enabled: false, threshold: '' } }));
    applied(state, alerts({ bdb_replica_src_syncer_general_error: { enabled: true } }));
  });
});

describe('a distributed syncer', () => {
  it('cannot be asked for under the policy single, and giving back what was read changes nothing', () => {
    const state = applied(testCluster(), creation());
    expect(database(state).settings).toMatchObject({ proxy_policy: 'single', replica_sync_dist: true });
    applied(state, update(1, { settings: { replica_sync_dist: true } }));
    const central = applied(state, update(1, { settings: { replica_sync_dist: false } }));
    expect(refused(central, update(1, { settings: { replica_sync_dist: true } }))).toMatchObject({
      code: 'invalid_proxy_policy',
      description: expect.stringContaining('needs proxy_policy "all-master-shards" or "all-nodes"'),
    });
    for (const policy of ['all-master-shards', 'all-nodes'] as const) {
      const many = applied(central, update(1, { settings: { proxy_policy: policy, replica_sync_dist: true } }));
      expect(database(many).settings.replica_sync_dist).toBe(true);
    }
  });
});
