/**
 * The fields of a database in the REST API, each with its type: those that are plain settings (from `database-settings.ts`), those
 * with rules of their own, and those that are only shown. Bodies, answers and the published schema are made of these. [RS objects/bdb]
 *
 * A value that a rule with a code of its own refuses (a port, a proxy policy) is let through here, so that the rule can say so with
 * 406; whatever else does not fit is refused by the schema with 400.
 */

import { z } from 'zod';
import { DATABASE_SETTINGS } from '../state/database-settings.ts';
import { settingSchemas } from './setting-schema.ts';

const settings = settingSchemas(DATABASE_SETTINGS);

const replicaSync = z.enum(['enabled', 'disabled', 'paused', 'stopped']);
const certificates = z.array(z.strictObject({ client_cert: z.string() }));

/** What an administrator says of a source. [RS objects/bdb, syncer_sources] */
const sourceWish = {
  uid: z.number().int().meta({ description: 'Numbered by the cluster; may be repeated.' }),
  uri: z.string().meta({ description: 'redis://[user:password@]host:port' }),
  compression: z.number().int().meta({ description: 'From 0 (none) to 6.' }),
  encryption: z.boolean(),
  server_cert: z.string(),
  client_cert: z.string(),
  client_key: z.string(),
  replication_tls_sni: z.string(),
};

/** What is seen of it. */
const sourceSight = {
  status: z.enum(['out-of-sync', 'syncing', 'in-sync']),
  rdb_size: z.number(),
  rdb_transferred: z.number(),
  last_update: z.string(),
  lag: z.number().meta({ description: 'Milliseconds.' }),
  last_error: z.string(),
};

/** Read-only fields of an object that comes back: whatever they hold is let through and not looked at. */
const ignored = <Shape extends Readonly<Record<string, z.ZodType>>>(shape: Shape) =>
  Object.fromEntries(
    Object.keys(shape).map((name) => [name, z.unknown().optional().meta({ readOnly: true })]),
  ) as unknown as { readonly [Name in keyof Shape]: z.ZodOptional<z.ZodUnknown> };

const sourceBody = z.strictObject({
  ...z.object(sourceWish).partial().required({ uri: true }).shape,
  ...ignored(sourceSight),
});
const sourceReply = z.strictObject({ ...sourceWish, ...sourceSight });

export type SourceBody = z.infer<typeof sourceBody>;

const whole = z.number().int();

/** Fields with rules of their own. */
const ruled = {
  uid: whole.meta({ description: 'Given out by itself; may be chosen at creation.' }),
  name: z.string(),
  type: z.string().meta({ description: 'redis' }),
  port: whole.meta({ description: 'Chosen by itself when left out, and then shown as 0. Decided at creation.' }),
  memory_size: whole.meta({ description: 'Bytes; 0: no limit.' }),
  shards_count: whole,
  sharding: z.boolean(),
  shard_key_regex: z.array(z.strictObject({ regex: z.string() })),
  version: z.string(),
  redis_version: z.string(),
  authentication_redis_pass: z.string(),
  tls_mode: z.enum(['disabled', 'enabled', 'replica_ssl']),
  ssl: z.boolean().meta({ description: 'Older form of tls_mode.' }),
  enforce_client_authentication: z.enum(['enabled', 'disabled']),
  authentication_ssl_client_certs: certificates,
  authentication_ssl_crdt_certs: certificates,
  authorized_subjects: z.array(
    z.strictObject({
      CN: z.string(),
      O: z.string().optional(),
      OU: z.array(z.string()).optional(),
      L: z.string().optional(),
      ST: z.string().optional(),
      C: z.string().optional(),
    }),
  ),
  snapshot_policy: z.array(z.strictObject({ secs: whole, writes: whole })),
  roles_permissions: z.array(z.strictObject({ role_uid: whole, redis_acl_uid: whole })),
  tags: z.array(z.strictObject({ key: z.string(), value: z.string() })),
  replica_sync: replicaSync,
  replica_read_only: z.boolean().meta({ description: 'Decided at creation.' }),
  sync: replicaSync.meta({ description: 'Older name of replica_sync.' }),
  // one possible value
  acl: z.array(z.unknown()),
  module_list: z.array(
    z.strictObject({
      module_id: z.string().optional(),
      module_name: z.string().optional(),
      module_args: z.string().optional(),
      semantic_version: z.string().optional(),
    }),
  ),
  crdt: z.boolean(),
  crdt_sync: replicaSync,
  crdt_sources: z.array(z.unknown()),
};

/** Only for bodies: never shown. */
const writeOnly = {
  shards_blueprint: z.array(
    z.strictObject({
      nodes: z.array(z.strictObject({ node_uid: z.string(), role: z.enum(['master', 'slave']) })),
      slot_range: z.string(),
    }),
  ),
  avoid_nodes: z.array(z.string()),
  use_nodes: z.array(z.string()),
};

const endpoint = z.strictObject({
  uid: z.string(),
  dns_name: z.string(),
  port: whole,
  addr: z.array(z.string()),
  addr_type: z.enum(['external', 'internal']),
  proxy_policy: z.string(),
  oss_cluster_api_preferred_endpoint_type: z.string(),
  oss_cluster_api_preferred_ip_type: z.string(),
});

/** Only shown. */
const readOnly = {
  authentication_admin_pass: z.string(),
  background_op: z.array(
    z.strictObject({ status: z.string(), name: z.string().optional(), progress: z.number().optional() }),
  ),
  backup_failure_reason: z.string(),
  backup_progress: z.number(),
  backup_status: z.string(),
  bigstore_version: whole,
  crdt_causal_consistency: z.boolean(),
  crdt_config_version: whole,
  crdt_ghost_replica_ids: z.string(),
  crdt_guid: z.string(),
  crdt_modules: z.string(),
  crdt_repl_backlog_size: z.string(),
  crdt_replica_id: whole,
  crdt_replicas: z.string(),
  crdt_sync_connection_alarm_timeout_seconds: whole,
  crdt_sync_dist: z.boolean(),
  crdt_syncer_auto_oom_unlatch: z.boolean(),
  crdt_xadd_id_uniqueness_mode: z.string(),
  created_time: z.string(),
  dataset_import_sources: z.array(z.unknown()),
  dns_address_master: z.string(),
  dns_suffixes: z.array(z.string()),
  endpoints: z.array(endpoint),
  export_failure_reason: z.string(),
  export_progress: z.number(),
  export_status: z.string(),
  group_uid: whole,
  import_failure_reason: z.string(),
  import_progress: z.number(),
  import_status: z.string(),
  internal: z.boolean(),
  last_changed_time: z.string(),
  redis_cluster_enabled: z.boolean(),
  shard_list: z.array(whole),
  status: z.enum([
    'pending', 'active', 'active-change-pending', 'import-pending', 'delete-pending', 'creation-failed', 'recovery',
  ]), // prettier-ignore
  syncer_mode: z.enum(['distributed', 'centralized']),
  topology_epoch: whole,
  traffic_manually_disabled: z.boolean(),
  wait_command: z.boolean(),
};

/** Shown when there is something to show. */
const sometimes = {
  action_uid: z.string().meta({ description: 'The action that is running.' }),
  last_backup_time: z.string(),
  last_export_time: z.string(),
};

/** Body of POST and PUT. It may be what GET gave. */
export const bdbBody = z
  .strictObject({
    ...z.object({ ...settings, ...ruled, ...writeOnly }).partial().shape,
    replica_sources: z.array(sourceBody).optional(),
    sync_sources: z.array(sourceBody).optional().meta({ description: 'Older name of replica_sources.' }),
    ...ignored({ ...readOnly, ...sometimes }),
  })
  .meta({ title: 'A database, as POST and PUT take it' });

export type BdbBody = z.infer<typeof bdbBody>;

/** What GET shows. */
export const bdbReply = z
  .strictObject({
    ...settings,
    ...ruled,
    ...readOnly,
    ...z.object(sometimes).partial().shape,
    replica_sources: z.array(sourceReply),
    sync_sources: z.array(sourceReply),
  })
  .meta({ title: 'A database' });

export type BdbReply = z.infer<typeof bdbReply>;
export type SourceReply = z.infer<typeof sourceReply>;
