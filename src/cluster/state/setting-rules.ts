/**
 * Rules that concern several settings of a database, or settings that can have one value only here. Pure.
 *
 * What Redis Enterprise would do and this does not is refused, not kept: nobody shall believe that their data are replicated,
 * backed up or spread over racks. The codes are the product's where it has one. [RS bdbs: 406 codes]
 */

import { problem, type DatabaseEdit } from './change.ts';
import { databaseByUid, type ClusterState, type DatabaseRecord, type SnapshotRule, type Tag } from './cluster-state.ts';
import type { DatabaseSettings } from './database-settings.ts';

const TAGS_MAX = 50;
const TAG_LENGTH_MAX = 255;
const TAG_KEY = /^[^&<>"]+$/;
const SNAPSHOT_RULES_MAX = 16;
const SUBJECTS_MAX = 1_000;

type Refused = ReturnType<typeof problem> | null;

export const checkSettings = (
  state: ClusterState,
  database: DatabaseRecord,
  edit: DatabaseEdit,
  isNew: boolean,
): Refused =>
  checkOne(state, database, edit, isNew) ??
  checkTags(database.tags) ??
  (edit.settings?.data_persistence === undefined && edit.snapshotPolicy === undefined
    ? null
    : checkSnapshots(database.settings, database.snapshotPolicy)) ??
  checkSubjects(database);

/** Settings that cannot be turned on. */
const checkOne = (
  state: ClusterState,
  { uid, settings, memorySizeBytes, shardsCount, sharding }: DatabaseRecord,
  edit: DatabaseEdit,
  isNew: boolean,
): Refused => {
  if (settings.replication) {
    const nodes = state.nodes.length;
    if (nodes < 2) {
      return problem(
        'replication_node_violation',
        `replication needs two nodes, and the cluster has ${nodes}: add nodes`,
      );
    }
    if (memorySizeBytes > 0 && memorySizeBytes < 2 * shardsCount) {
      const least = 2 * shardsCount;
      return problem(
        'replication_size_violation',
        `memory_size ${memorySizeBytes} is below ${least}, a byte for each shard`,
      );
    }
    return problem(
      'not_emulated',
      'replication inside a database is not emulated: leave replication out, or set false',
    );
  }
  if (settings.rack_aware) {
    const text = 'rack_aware: the nodes of this cluster have no racks; leave it out, or set false';
    return problem(isNew ? 'not_rack_aware' : 'rack_awareness_violation', text);
  }
  if (settings.bigstore) {
    return problem('insufficient_resources', 'bigstore: no node has flash memory; leave it out, or set false');
  }
  const wasCentralized = databaseByUid(state, uid)?.settings.replica_sync_dist === false;
  // Who gives back what was read changes nothing; who asks for it must have the proxies for it. [RS synchronization-mode]
  if (wasCentralized && settings.replica_sync_dist && settings.proxy_policy === 'single') {
    const rule = 'a distributed syncer needs proxy_policy "all-master-shards" or "all-nodes"';
    return problem('invalid_proxy_policy', `replica_sync_dist: ${rule}, and it is "single": change that first`);
  }
  if (settings.oss_cluster) return checkCluster(settings, sharding);
  if (settings.backup && edit.settings?.backup_interval === undefined) {
    return problem('missing_backup_interval', 'backup is on and backup_interval is missing: a number of seconds');
  }
  if (settings.backup) {
    const advice = 'leave backup out, and export when you need a copy';
    return problem('not_emulated', `periodic backups are not emulated: ${advice}`);
  }
  if ((settings.authentication_sasl_uname === '') !== (settings.authentication_sasl_pass === '')) {
    const both = 'authentication_sasl_uname and authentication_sasl_pass';
    return problem('invalid_sasl_credentials', `${both} go together: give both or neither`);
  }
  return null;
};

const checkCluster = (
  { proxy_policy: policy, hash_slots_policy: slots }: DatabaseSettings,
  sharding: boolean,
): Refused => {
  const why = !sharding
    ? 'it needs sharding'
    : slots === 'legacy'
      ? 'it does not go with hash_slots_policy "legacy"'
      : policy === 'single'
        ? 'it needs proxy_policy "all-master-shards" or "all-nodes"'
        : 'the OSS Cluster API is not emulated';
  return problem('invalid_oss_cluster_configuration', `oss_cluster: ${why}; leave it out, or set false`);
};

const checkTags = (tags: readonly Tag[]): Refused => {
  if (tags.length > TAGS_MAX)
    return problem('invalid_bdb_tags', `${tags.length} tags: a database has at most ${TAGS_MAX}`);
  const keys = new Set<string>();
  for (const { key, value } of tags) {
    if (!TAG_KEY.test(key) || key.length > TAG_LENGTH_MAX || value.length > TAG_LENGTH_MAX) {
      const rule = `1 to ${TAG_LENGTH_MAX} characters without & < > "`;
      return problem('invalid_bdb_tags', `the tag "${key}": a key is ${rule}, a value at most as long`);
    }
    if (keys.has(key)) return problem('invalid_bdb_tags', `the tag "${key}" is given twice: keys are unique`);
    keys.add(key);
  }
  return null;
};

const checkSnapshots = (settings: DatabaseSettings, policy: readonly SnapshotRule[]): Refused => {
  if (policy.length > SNAPSHOT_RULES_MAX) {
    return problem(
      'invalid_data_persistence',
      `snapshot_policy has ${policy.length} rules; at most ${SNAPSHOT_RULES_MAX}`,
    );
  }
  for (const { secs, writes } of policy) {
    if (secs < 1 || writes < 1) {
      const text = `snapshot_policy {"secs":${secs},"writes":${writes}}: both are whole numbers from 1`;
      return problem('invalid_data_persistence', text);
    }
  }
  if (settings.data_persistence !== 'snapshot' || policy.length > 0) return null;
  const example = '[{"secs":3600,"writes":1}]';
  return problem('invalid_data_persistence', `data_persistence "snapshot" needs a snapshot_policy, say ${example}`);
};

const checkSubjects = ({ authorizedSubjects }: DatabaseRecord): Refused => {
  if (authorizedSubjects.length > SUBJECTS_MAX) {
    return problem('invalid_certificate', `more than ${SUBJECTS_MAX} authorized_subjects`);
  }
  if (authorizedSubjects.some((subject) => subject.CN === '')) {
    return problem('invalid_certificate', 'authorized_subjects: a subject needs its CN');
  }
  return null;
};
