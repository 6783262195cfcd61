/** A database as GET /v1/bdbs shows it: what was decided, and of its sources what is seen. [RS objects/bdb, syncer_sources] */

import type { ControlPlane } from '../control/control-plane.ts';
import { addressOf } from '../control/database-routing.ts';
import {
  databaseHost,
  shardsOf,
  type ClusterState,
  type DatabaseRecord,
  type SourceRecord,
} from '../state/cluster-state.ts';
import { FIXED_FIELDS } from './bdb-schema.ts';
import { isoTime } from './route.ts';

/** `state` is the one that the record is of: a dry run's is not the cluster's. */
export const bdbView = (control: ControlPlane, database: DatabaseRecord, state: ClusterState = control.state) => {
  const replicaSources = database.replica.sources.map((source) => sourceView(control, database, source));
  return {
    uid: database.uid,
    name: database.name,
    status: database.status,
    port: database.portWished ? database.port : 0,
    memory_size: database.memorySizeBytes,
    shards_count: database.shardsCount,
    shard_list: shardsOf(state, database.uid).map((shard) => shard.uid),
    sharding: database.sharding,
    shard_key_regex: database.sharding ? database.hashingRules : [],
    ...FIXED_FIELDS,
    endpoints: [
      {
        uid: `${database.uid}:1`,
        dns_name: databaseHost(state, database),
        port: database.port,
        addr: [addressOf(state, database.endpointNodeUid, database.port).host],
        addr_type: 'external',
        proxy_policy: 'single',
      },
    ],
    authentication_redis_pass: database.passwords[0] ?? '',
    authentication_admin_pass: database.adminPassword,
    tls_mode: database.tlsMode,
    ssl: database.tlsMode !== 'disabled',
    enforce_client_authentication: database.enforceClientAuthentication ? 'enabled' : 'disabled',
    authentication_ssl_client_certs: database.clientCertificates.map((pem) => ({ client_cert: pem })),
    max_connections: database.maxConnections,
    mkms: database.multiSlot,
    replica_sources: replicaSources,
    replica_sync: database.replica.sync,
    replica_read_only: database.replica.readOnly,
    sync_sources: replicaSources,
    sync: database.replica.sync,
    created_time: isoTime(database.createdMs),
    last_changed_time: isoTime(database.changedMs),
  };
};

const sourceView = (control: ControlPlane, database: DatabaseRecord, source: SourceRecord) => {
  const seen = control.sight(database.uid).sync?.sources.find((each) => each.key === String(source.uid));
  return {
    uid: source.uid,
    uri: source.uri,
    compression: 0,
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
    last_error: seen?.lastError ?? '',
  };
};
