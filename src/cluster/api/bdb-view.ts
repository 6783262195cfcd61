/** A database as GET /v1/bdbs shows it: what was decided, and of its sources what is seen. [RS objects/bdb, syncer_sources] */

import { REDIS_VERSION } from '../../node/shard/version.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { shardsOf, type ClusterState, type DatabaseRecord, type SourceRecord } from '../state/cluster-state.ts';
import { endpointsOf } from '../state/endpoints.ts';
import { SHORT_VERSION } from './bdb-body.ts';
import type { BdbReply, SourceReply } from './bdb-fields.ts';
import { isoTime } from './route.ts';

/** What a database has of Active-Active, backups and the like while it has none of them. [RS recorded objects] */
const NOTHING_OF_IT = {
  acl: [],
  module_list: [],
  background_op: [{ status: 'idle' }],
  backup_failure_reason: '',
  backup_progress: 0,
  backup_status: '',
  bigstore_version: 1,
  crdt: false,
  crdt_causal_consistency: false,
  crdt_config_version: 0,
  crdt_ghost_replica_ids: '',
  crdt_guid: '',
  crdt_modules: '[]',
  crdt_repl_backlog_size: 'auto',
  crdt_replica_id: 0,
  crdt_replicas: '',
  crdt_sources: [],
  crdt_sync: 'disabled',
  crdt_sync_connection_alarm_timeout_seconds: 0,
  crdt_sync_dist: true,
  crdt_syncer_auto_oom_unlatch: true,
  crdt_xadd_id_uniqueness_mode: 'strict',
  dataset_import_sources: [],
  dns_address_master: '',
  dns_suffixes: [],
  export_failure_reason: '',
  export_progress: 0,
  export_status: '',
  group_uid: 0,
  import_failure_reason: '',
  import_progress: 0,
  import_status: '',
  internal: false,
  redis_cluster_enabled: false,
  topology_epoch: 1,
  wait_command: true,
} as const;

/** `state` is the one that the record is of: a dry run's is not the cluster's. */
export const bdbView = (
  control: ControlPlane,
  database: DatabaseRecord,
  state: ClusterState = control.state,
): BdbReply => {
  const replicaSources = database.replica.sources.map((source) => sourceView(control, database, source));
  const actionUid = state === control.state ? control.actions.running(database.uid)?.uid : undefined;
  return {
    ...(structuredClone(NOTHING_OF_IT) as unknown as BdbReply),
    ...database.settings,
    uid: database.uid,
    name: database.name,
    type: 'redis',
    syncer_mode: database.settings.replica_sync_dist ? 'distributed' : 'centralized',
    ...transferView(control, database),
    ...(actionUid === undefined ? {} : { action_uid: actionUid }),
    port: database.portWished ? database.port : 0,
    memory_size: database.memorySizeBytes,
    shards_count: database.shardsCount,
    shard_list: shardsOf(state, database.uid).map((shard) => shard.uid),
    sharding: database.sharding,
    shard_key_regex: database.sharding ? database.hashingRules.map(({ regex }) => ({ regex })) : [],
    version: REDIS_VERSION,
    redis_version: SHORT_VERSION,
    endpoints: endpointViews(state, database),
    authentication_redis_pass: database.passwords[0] ?? '',
    authentication_admin_pass: database.adminPassword,
    tls_mode: database.tlsMode,
    ssl: database.tlsMode !== 'disabled',
    enforce_client_authentication: database.enforceClientAuthentication ? 'enabled' : 'disabled',
    authentication_ssl_client_certs: database.clientCertificates.map((pem) => ({ client_cert: pem })),
    authentication_ssl_crdt_certs: database.crdtCertificates.map((pem) => ({ client_cert: pem })),
    authorized_subjects: database.authorizedSubjects.map((subject) => ({
      ...subject,
      OU: subject.OU === undefined ? undefined : [...subject.OU],
    })),
    snapshot_policy: database.snapshotPolicy.map(({ secs, writes }) => ({ secs, writes })),
    roles_permissions: database.rolePermissions.map((each) => ({
      role_uid: each.roleUid,
      redis_acl_uid: each.aclUid,
    })),
    tags: database.tags.map(({ key, value }) => ({ key, value })),
    traffic_manually_disabled: database.trafficStopped,
    replica_sources: replicaSources,
    replica_sync: database.replica.sync,
    replica_read_only: database.replica.readOnly,
    sync_sources: replicaSources,
    sync: database.replica.sync,
    created_time: isoTime(database.createdMs),
    last_changed_time: isoTime(database.changedMs),
  };
};

/** How the last export and import went, and what an import makes of the status. [RS objects/bdb] */
const transferView = (control: ControlPlane, database: DatabaseRecord) => {
  const exported = control.transfers.latest('export', database.uid);
  const imported = control.transfers.latest('import', database.uid);
  const isImporting = imported?.status === 'importing' && database.status === 'active';
  return {
    status: isImporting ? ('import-pending' as const) : database.status,
    ...(exported === undefined
      ? {}
      : {
          export_status: exported.status,
          export_progress: exported.progress,
          export_failure_reason: exported.failure,
          ...(exported.endedMs === null ? {} : { last_export_time: isoTime(exported.endedMs) }),
        }),
    ...(imported === undefined
      ? {}
      : {
          import_status: imported.status,
          import_progress: imported.progress,
          import_failure_reason: imported.failure,
          dataset_import_sources: imported.paths.map((path) => ({ type: 'mount_point', path })),
        }),
  };
};

const endpointViews = (state: ClusterState, database: DatabaseRecord): BdbReply['endpoints'] =>
  endpointsOf(state, database).map(({ uid, name, port, addresses, kind }) => ({
    uid,
    dns_name: name,
    port,
    addr: [...addresses],
    addr_type: kind,
    proxy_policy: database.settings.proxy_policy,
    oss_cluster_api_preferred_endpoint_type: database.settings.oss_cluster_api_preferred_endpoint_type,
    oss_cluster_api_preferred_ip_type: database.settings.oss_cluster_api_preferred_ip_type,
  }));

const sourceView = (control: ControlPlane, database: DatabaseRecord, source: SourceRecord): SourceReply => {
  const seen = control.sight(database.uid).sync?.sources.find((each) => each.key === String(source.uid));
  const stopped = database.replica.stopped?.detail ?? '';
  return {
    uid: source.uid,
    uri: source.uri,
    compression: source.compression,
    encryption: source.encryption,
    server_cert: source.serverCertificate,
    client_cert: source.clientCertificate,
    client_key: source.clientKey,
    replication_tls_sni: source.serverName,
    status: seen?.status ?? 'out-of-sync',
    rdb_size: seen?.rdbSize ?? 0,
    rdb_transferred: seen?.rdbTransferred ?? 0,
    lag: seen?.lagMs ?? 0,
    last_update: seen?.lastUpdateMs === null || seen?.lastUpdateMs === undefined ? '' : isoTime(seen.lastUpdateMs),
    last_error: seen?.lastError || stopped,
  };
};
