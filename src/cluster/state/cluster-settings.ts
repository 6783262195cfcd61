/**
 * The plain settings of a cluster, declared once under the names of the REST API, with the defaults of a recorded cluster or, where
 * none was recorded, the documented ones. `CLUSTER_SETTINGS` are those of /v1/cluster, `POLICY_SETTINGS` those of
 * /v1/cluster/policy; services and alerts are switches of their own. Pure. [RS objects/cluster] [RS objects/cluster_settings]
 *
 * Border: what a setting does is where it is obeyed; FIDELITY.md lists those that are kept without effect. Ports of services are
 * facts of the sandbox, not settings.
 */

import {
  choice,
  fallbacksOf,
  flag,
  inert,
  list,
  refusedAs,
  text,
  whole,
  type EditOf,
  type SettingsOf,
} from './setting.ts';

const TLS_VERSIONS = ['1.2', '1.3'] as const;
const PROXY_POLICIES = ['single', 'all-master-shards', 'all-nodes'] as const;
const TLS_1_3_SUITE = {
  pattern: /^TLS_[A-Z0-9_]{1,64}$/,
  words: 'the name of a TLS 1.3 cipher suite, as TLS_AES_128_GCM_SHA256',
};
const CIPHER_SUITE = { pattern: /^[A-Z0-9_-]{1,64}$/, words: 'the name of a cipher suite' };
const PORT_OR_RANGE = {
  pattern: /^[1-9]\d{0,4}(?:-[1-9]\d{0,4})?$/,
  words: 'a port or a range of ports, as 11000 or 13000-13010',
};

export const CLUSTER_SETTINGS = {
  // TLS
  min_data_TLS_version: choice('1.2', TLS_VERSIONS),
  min_control_TLS_version: choice('1.2', TLS_VERSIONS),
  min_sentinel_TLS_version: inert(choice('1.2', TLS_VERSIONS)),
  data_cipher_list: text(
    'DEFAULT:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!RC4:!MD5:!PSK:!aECDH:!EDH-DSS-DES-CBC3-SHA:!EDH-RSA-DES-CBC3-SHA:!KRB5-DES-CBC3-SHA',
    4_096,
  ),
  data_cipher_suites_tls_1_3: list(TLS_1_3_SUITE, 16),
  control_cipher_suites: text('DEFAULT:!3DES', 4_096),
  sentinel_cipher_suites: inert(list(CIPHER_SUITE, 64)),
  sentinel_tls_mode: inert(choice('allowed', ['allowed', 'disabled', 'required'])),
  data_internode_encryption: inert(flag(false)),
  // the API itself
  http_support: flag(false),
  handle_redirects: inert(flag(false)),
  handle_metrics_redirects: inert(flag(false)),
  options_method_forbidden: flag(false),
  mask_bdb_credentials: flag(false),
  cm_session_timeout_minutes: inert(whole(15, 1, 1_440)),
  cnm_http_workers: inert(whole(1, 1, 128)),
  cnm_http_max_threads_per_worker: inert(whole(10, 1, 1_000)),
  envoy_max_downstream_connections: inert(whole(1_024, 100, 2_048)),
  metrics_auth: inert(flag(false)),
  // clients of the API who show a certificate
  mtls_certificate_authentication: inert(flag(false)),
  mtls_client_cert_subject_validation_type: inert(choice('disabled', ['disabled', 'san_cn', 'full_subject'])),
  // passwords
  password_complexity: flag(false),
  password_min_length: whole(8, 8, 256),
  password_expiration_duration: whole(0, 0, 36_500),
  password_hashing_algorithm: inert(choice('SHA-256', ['SHA-256', 'PBKDF2'])),
  encrypt_pkeys: inert(flag(false)),
  // ports
  reserved_ports: list(PORT_OR_RANGE),
  // databases
  availability_lag_tolerance_ms: whole(100),
  bigstore_driver: inert(choice('speedb', ['speedb', 'rocksdb'])),
  multi_commands_opt: inert(choice('batch', ['disabled', 'batch', 'force_disabled'])),
  robust_crdt_syncer: inert(flag(true)),
  crdb_coordinator_ignore_requests: inert(flag(false)),
  block_cluster_changes: inert(flag(false)),
  disconnect_clients_on_password_removal: inert(choice('auto', ['enabled', 'disabled', 'auto'])),
  replica_sconns_on_demand: inert(choice('auto', ['enabled', 'disabled', 'auto'])),
  client_maint_notifications: inert(flag(false)),
  state_machine_smart_client_handoffs_delay_ms: inert(whole(2_000, 0, 10_000)),
  // mail
  email_alerts: inert(flag(false)),
  email_from: inert(text('')),
  smtp_host: inert(text('')),
  smtp_port: inert(whole(25, 0, 65_535)),
  smtp_username: inert(text('')),
  smtp_password: inert(text('')),
  smtp_tls_mode: inert(choice('none', ['none', 'starttls', 'tls'])),
  smtp_use_tls: inert(flag(false)),
  // the machine
  debuginfo_path: refusedAs(
    'bad_debuginfo_path',
    text('/tmp', 4_096, { pattern: /^\//, words: 'the full path of a folder' }),
  ),
  slowlog_in_sanitized_support: inert(flag(true)),
  s3_url: inert(text('')),
  s3_ca_cert: inert(text('', 65_536)),
  s3_certificate_verification: inert(flag(true)),
  module_upload_max_size_mb: inert(whole(40, 1, 10_000)),
  entra_id_cache_ttl: inert(whole(30)),
  use_external_ipv6: inert(flag(true)),
  use_ipv6: inert(flag(true)),
  upgrade_mode: inert(flag(false)),
  metrics_system: inert(whole(0, 0, 2)),
} as const;

export const POLICY_SETTINGS = {
  default_sharded_proxy_policy: choice('all-master-shards', PROXY_POLICIES),
  default_non_sharded_proxy_policy: choice('single', PROXY_POLICIES),
  default_shards_placement: choice('dense', ['dense', 'sparse']),
  default_provisioned_redis_version: inert(choice('7.4', ['6.2', '7.2', '7.4', '8.0'])),
  default_fork_evict_ram: inert(flag(false)),
  default_concurrent_restore_actions: inert(whole(10)),
  redis_upgrade_policy: inert(choice('major', ['major', 'latest'])),
  resp3_default: flag(true),
  acl_pubsub_default: choice('resetchannels', ['resetchannels', 'allchannels']),
  db_conns_auditing: inert(flag(false)),
  login_lockout_threshold: whole(5),
  login_lockout_duration: whole(1_800),
  login_lockout_counter_reset_after: whole(900),
  slave_ha: inert(flag(false)),
  slave_ha_grace_period: inert(whole(600)),
  slave_ha_cooldown_period: inert(whole(3_600)),
  slave_ha_bdb_cooldown_period: inert(whole(7_200)),
  auto_recovery: inert(flag(false)),
  // known to clients of the real API, not documented
  automatic_node_offload: inert(flag(true)),
  default_oss_sharding: inert(flag(false)),
  default_recovery_wait_time: inert(whole(0)),
  default_tracking_table_max_keys_policy: inert(text('', 64)),
  hot_spare: inert(flag(false)),
  persistent_node_removal: inert(flag(false)),
  slave_threads_when_master: inert(flag(true)),
  use_empty_shard_backups: inert(flag(false)),
  rack_aware: inert(flag(false)),
  shards_overbooking: inert(flag(false)),
  show_internals: inert(flag(false)),
  failure_detection_sensitivity: inert(choice('high', ['high', 'low'])),
  endpoint_rebind_propagation_grace_time: inert(whole(15)),
  max_simultaneous_backups: inert(whole(4, 0, 1_000)),
  max_saved_events_per_type: whole(1_000, 1, 10_000),
  parallel_shards_upgrade: inert(whole(0)),
  persistence_cleanup_scan_interval: inert(text('0 0 * * *', 128)),
  // a text in what real clients expect, though documented as a number
  redis_migrate_node_threshold: inert(text('0', 32)),
  redis_migrate_node_threshold_p: inert(whole(8, 0, 100)),
  redis_provision_node_threshold: inert(text('0', 32)),
  redis_provision_node_threshold_p: inert(whole(12, 0, 100)),
  bigstore_migrate_node_threshold: inert(whole(0)),
  bigstore_migrate_node_threshold_p: inert(whole(8, 0, 100)),
  bigstore_provision_node_threshold: inert(whole(0)),
  bigstore_provision_node_threshold_p: inert(whole(12, 0, 100)),
} as const;

/** Of both tables; no name is in two. */
export const ALL_CLUSTER_SETTINGS = { ...CLUSTER_SETTINGS, ...POLICY_SETTINGS } as const;

export type ClusterSettings = SettingsOf<typeof ALL_CLUSTER_SETTINGS>;

export type ClusterSettingsEdit = EditOf<typeof ALL_CLUSTER_SETTINGS>;

export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = fallbacksOf(ALL_CLUSTER_SETTINGS);

/** Parts of a node that can be switched off. [RS objects/services_configuration] */
export const SERVICES = [
  'alert_mgr',
  'call_home_agent',
  'cm_server',
  'crdb_coordinator',
  'crdb_worker',
  'entraid_agent_mgr',
  'ldap_agent_mgr',
  'mdns_server',
  'metrics_local_storage_service',
  'pdns_server',
  'sentinel_service',
  'stats_archiver',
] as const;

export type ServiceName = (typeof SERVICES)[number];

export type OperatingMode = 'enabled' | 'disabled';

export type Services = Readonly<Record<ServiceName, OperatingMode>>;

const OFF_AT_FIRST: ReadonlySet<string> = new Set(['call_home_agent', 'entraid_agent_mgr', 'ldap_agent_mgr']);

export const DEFAULT_SERVICES = Object.fromEntries(
  SERVICES.map((name) => [name, OFF_AT_FIRST.has(name) ? 'disabled' : 'enabled']),
) as Services;
