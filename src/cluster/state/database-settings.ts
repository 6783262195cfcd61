/**
 * The plain settings of a database, declared once under the names of the REST API: type, default, allowed values, what refusing
 * one is called, and whether it may change after creation. The record, the checks, the API's schema and its documents are read
 * from this table. Pure.
 *
 * Border: settings with rules of their own (name, port, memory, shards, passwords, certificates, sources) are fields of the
 * record; rules that concern several settings are `setting-rules.ts`; what a setting does is where it is obeyed. [RS objects/bdb]
 */

import { EVICTION_POLICIES } from '../../node/shard/eviction-policy.ts';
import {
  choice,
  editTable,
  fallbacksOf,
  fixed,
  flag,
  inert,
  refusedAs,
  text,
  whole,
  WHOLE_MAX,
  type EditOf,
  type Setting,
  type SettingsOf,
  type SettingsOutcome,
} from './setting.ts';

const CONNECTIONS_MAX = 1_000_000;

const BACKLOG_FORM = { pattern: /^(?:auto|\d{1,15})$/, words: 'auto or a number of bytes' };
const BUFFER_FORM = {
  pattern: /^(?:auto|\d{1,9}(?:\.\d{1,6})?|\d{1,15}:\d{1,15}:\d{1,9})$/,
  words: 'auto, a number of megabytes, or hard:soft:seconds',
};
/** [RS objects/bdb]: of names for memcached clients */
const NAME_FORM = { pattern: /^[^&<>"]*$/, words: 'a text without & < > "' };
const BYTES_FORM = { pattern: /^\d{1,15}$/, words: 'a number of bytes' };

export const DATABASE_SETTINGS = {
  // sharding
  hash_slots_policy: refusedAs('invalid_sharding', fixed(choice('16k', ['16k', 'legacy']))),
  implicit_shard_key: flag(false),
  oss_sharding: fixed(flag(false)),
  shards_placement: choice('dense', ['dense', 'sparse']),
  oss_cluster: flag(false),
  oss_cluster_api_preferred_endpoint_type: inert(choice('ip', ['ip', 'hostname'])),
  oss_cluster_api_preferred_ip_type: inert(choice('internal', ['internal', 'external'])),
  shard_block_foreign_keys: inert(flag(true)),
  shard_block_crossslot_keys: inert(flag(false)),
  compare_key_hslot: inert(flag(false)),
  // proxy
  proxy_policy: refusedAs('invalid_proxy_policy', choice('single', ['single', 'all-master-shards', 'all-nodes'])),
  mkms: flag(true),
  resp3: flag(true),
  max_connections: refusedAs('invalid_connections', whole(0, 0, CONNECTIONS_MAX)),
  maxclients: whole(10_000, 1, WHOLE_MAX),
  max_pipelined: whole(2_000, 1, WHOLE_MAX),
  max_client_pipeline: whole(200, 1, 2_047),
  conns: inert(whole(5, 1, 1_000)),
  conns_type: inert(choice('per-thread', ['per-thread', 'per-shard'])),
  sched_policy: inert(choice('cmp', ['cmp', 'mru', 'spread', 'mnp'])),
  multi_commands_opt: inert(text('auto', 32)),
  tracking_table_max_keys: inert(whole(1_000_000, 0, WHOLE_MAX)),
  throughput_ingress: inert(whole(0, 0, WHOLE_MAX)),
  data_internode_encryption: inert(flag(false)),
  db_conns_auditing: inert(flag(false)),
  // who may do what
  default_user: flag(true),
  client_cert_subject_validation_type: choice('disabled', ['disabled', 'san_cn', 'full_subject']),
  mtls_allow_outdated_certs: flag(false),
  mtls_allow_weak_hashing: flag(false),
  authentication_sasl_uname: refusedAs('invalid_sasl_credentials', inert(text('', 255, NAME_FORM))),
  authentication_sasl_pass: refusedAs('invalid_sasl_credentials', inert(text('', 512))),
  // data
  eviction_policy: refusedAs('eviction_policy_violation', choice('volatile-lru', EVICTION_POLICIES)),
  data_persistence: refusedAs('invalid_data_persistence', choice('disabled', ['disabled', 'snapshot', 'aof'])),
  aof_policy: refusedAs(
    'invalid_data_persistence',
    choice('appendfsync-every-sec', ['appendfsync-every-sec', 'appendfsync-always']),
  ),
  max_aof_file_size: inert(whole(322_122_547_200, 1, Number.MAX_SAFE_INTEGER)),
  max_aof_load_time: inert(whole(3_600, 0, WHOLE_MAX)),
  master_persistence: inert(flag(false)),
  replication: flag(false),
  rack_aware: flag(false),
  bigstore: flag(false),
  bigstore_ram_size: inert(whole(0, 0, Number.MAX_SAFE_INTEGER)),
  bigstore_max_ram_ratio: inert(whole(10, 0, 100)),
  backup: flag(false),
  backup_history: inert(whole(0, 0, WHOLE_MAX)),
  backup_interval: inert(whole(86_400, 1, WHOLE_MAX)),
  skip_import_analyze: inert(choice('disabled', ['enabled', 'disabled'])),
  activedefrag: inert(choice('no', ['yes', 'no'])),
  active_defrag_cycle_min: inert(whole(1, 1, 99)),
  active_defrag_cycle_max: inert(whole(25, 1, 99)),
  active_defrag_ignore_bytes: inert(text('104857600', 15, BYTES_FORM)),
  active_defrag_max_scan_fields: inert(whole(1_000, 1, WHOLE_MAX)),
  active_defrag_threshold_lower: inert(whole(10, 0, 1_000)),
  active_defrag_threshold_upper: inert(whole(100, 0, 1_000)),
  auto_upgrade: inert(flag(false)),
  slave_ha: inert(flag(false)),
  slave_ha_priority: inert(whole(0, 0, WHOLE_MAX)),
  recovery_wait_time: inert(whole(-1, -1, WHOLE_MAX)),
  // replication
  repl_backlog_size: refusedAs('invalid_replication', text('auto', 15, BACKLOG_FORM)),
  slave_buffer: refusedAs('invalid_replication', text('auto', 64, BUFFER_FORM)),
  replica_sync_dist: flag(true),
  replica_sync_connection_alarm_timeout_seconds: whole(0, 0, WHOLE_MAX),
  sync_dedicated_threads: inert(whole(5, 0, 10)),
  gradual_src_mode: choice('disabled', ['disabled', 'enabled']),
  gradual_src_max_sources: whole(1, 1, WHOLE_MAX),
  gradual_sync_mode: choice('auto', ['auto', 'enabled', 'disabled']),
  gradual_sync_max_shards_per_source: whole(1, 1, WHOLE_MAX),
  support_syncer_reconf: inert(flag(true)),
  syncer_log_level: inert(choice('info', ['crit', 'error', 'warn', 'info', 'trace', 'debug'])),
  generate_text_monitor: inert(flag(false)),
  flush_on_fullsync: inert(flag(true)),
  use_selective_flush: inert(flag(true)),
  // watching
  email_alerts: inert(flag(false)),
  metrics_export_all: inert(flag(false)),
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof DATABASE_SETTINGS;

export type DatabaseSettings = SettingsOf<typeof DATABASE_SETTINGS>;

export type SettingsEdit = EditOf<typeof DATABASE_SETTINGS>;

export const SETTING_NAMES = Object.keys(DATABASE_SETTINGS) as readonly SettingName[];

/** Of a new database. */
export const DEFAULT_SETTINGS = fallbacksOf(DATABASE_SETTINGS);

/** The settings after an edit; `isNew`: what is fixed may be chosen. */
export const editSettings = (
  settings: DatabaseSettings,
  edit: SettingsEdit,
  isNew: boolean,
): SettingsOutcome<DatabaseSettings> =>
  editTable(DATABASE_SETTINGS, settings, edit, (name) => {
    const setting: Setting = DATABASE_SETTINGS[name as SettingName];
    return setting.fixed === true && !isNew
      ? `${name} is decided when a database is created: it is ${JSON.stringify(settings[name as SettingName])}`
      : null;
  });
