/**
 * The plain settings of a database, declared once under the names of the REST API: type, default, allowed values, and whether
 * they may change after creation. The record, the checks, the API's schema and its documents are read from this table. Pure.
 *
 * Border: settings with rules of their own (name, port, memory, shards, passwords, certificates, sources) are fields of the
 * record; what a setting does is where it is obeyed. [RS objects/bdb]
 */

export type Setting =
  | { readonly kind: 'flag'; readonly fallback: boolean; readonly fixed: boolean }
  | {
      readonly kind: 'whole';
      readonly fallback: number;
      readonly min: number;
      readonly max: number;
      readonly fixed: boolean;
    }
  | {
      readonly kind: 'choice';
      readonly fallback: string;
      readonly values: readonly string[];
      readonly fixed: boolean;
    }
  | { readonly kind: 'text'; readonly fallback: string; readonly lengthMax: number; readonly fixed: boolean };

const flag = (fallback: boolean) => ({ kind: 'flag', fallback, fixed: false }) as const;

const whole = (fallback: number, min: number, max: number) =>
  ({ kind: 'whole', fallback, min, max, fixed: false }) as const;

const choice = <const Values extends readonly string[]>(fallback: Values[number], values: Values) =>
  ({ kind: 'choice', fallback, values, fixed: false }) as const;

const text = (fallback: string, lengthMax: number) => ({ kind: 'text', fallback, lengthMax, fixed: false }) as const;

/** Decided when the database is created. */
const fixed = <Given extends Setting>(setting: Given) => ({ ...setting, fixed: true }) as const;

const WHOLE_MAX = 2 ** 31 - 1;

export const DATABASE_SETTINGS = {
  // sharding
  hash_slots_policy: fixed(choice('16k', ['16k', 'legacy'])),
  implicit_shard_key: flag(false),
  shards_placement: choice('dense', ['dense', 'sparse']),
  oss_cluster: flag(false),
  oss_cluster_api_preferred_endpoint_type: choice('ip', ['ip', 'hostname']),
  oss_cluster_api_preferred_ip_type: choice('internal', ['internal', 'external']),
  shard_block_foreign_keys: flag(true),
  shard_block_crossslot_keys: flag(false),
  // proxy
  proxy_policy: choice('single', ['single', 'all-master-shards', 'all-nodes']),
  resp3: flag(true),
  maxclients: whole(10_000, 1, WHOLE_MAX),
  max_pipelined: whole(2_000, 1, WHOLE_MAX),
  max_client_pipeline: whole(200, 1, 2_047),
  conns: whole(5, 1, 1_000),
  conns_type: choice('per-thread', ['per-thread', 'per-shard']),
  sched_policy: choice('cmp', ['cmp', 'mru', 'spread', 'mnp']),
  tracking_table_max_keys: whole(1_000_000, 0, WHOLE_MAX),
  wait_command: flag(true),
  // who may do what
  default_user: flag(true),
  client_cert_subject_validation_type: choice('disabled', ['disabled', 'san_cn', 'full_subject']),
  mtls_allow_outdated_certs: flag(false),
  mtls_allow_weak_hashing: flag(false),
  authentication_sasl_uname: text('', 255),
  authentication_sasl_pass: text('', 512),
  // data
  eviction_policy: choice('volatile-lru', [
    'volatile-lru', 'allkeys-lru', 'noeviction', 'volatile-ttl', 'volatile-random', 'allkeys-random', 'volatile-lfu', 'allkeys-lfu',
  ]), // prettier-ignore
  data_persistence: choice('disabled', ['disabled', 'snapshot', 'aof']),
  aof_policy: choice('appendfsync-every-sec', ['appendfsync-every-sec', 'appendfsync-always']),
  master_persistence: flag(false),
  replication: flag(false),
  rack_aware: flag(false),
  bigstore: flag(false),
  auto_upgrade: flag(false),
  slave_ha: flag(false),
  recovery_wait_time: whole(-1, -1, WHOLE_MAX),
  // replication
  repl_backlog_size: text('auto', 32),
  slave_buffer: text('auto', 64),
  replica_sync_dist: flag(true),
  replica_sync_connection_alarm_timeout_seconds: whole(0, 0, WHOLE_MAX),
  sync_dedicated_threads: whole(5, 0, 10),
  gradual_src_mode: choice('disabled', ['disabled', 'enabled']),
  gradual_src_max_sources: whole(1, 1, WHOLE_MAX),
  gradual_sync_mode: choice('auto', ['auto', 'enabled', 'disabled']),
  gradual_sync_max_shards_per_source: whole(1, 1, WHOLE_MAX),
  support_syncer_reconf: flag(true),
  syncer_log_level: choice('info', ['crit', 'error', 'warn', 'info', 'trace', 'debug']),
  flush_on_fullsync: flag(true),
  use_selective_flush: flag(true),
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof DATABASE_SETTINGS;

type ValueOf<Given extends Setting> = Given extends { readonly kind: 'flag' }
  ? boolean
  : Given extends { readonly kind: 'whole' }
    ? number
    : Given extends { readonly kind: 'choice'; readonly values: readonly (infer Value)[] }
      ? Value
      : string;

export type DatabaseSettings = { readonly [Name in SettingName]: ValueOf<(typeof DATABASE_SETTINGS)[Name]> };

export type SettingsEdit = { readonly [Name in SettingName]?: DatabaseSettings[Name] | undefined };

export const SETTING_NAMES = Object.keys(DATABASE_SETTINGS) as readonly SettingName[];

/** Of a new database. */
export const DEFAULT_SETTINGS = Object.fromEntries(
  SETTING_NAMES.map((name) => [name, DATABASE_SETTINGS[name].fallback]),
) as unknown as DatabaseSettings;

/** What is wrong with a value for a setting; null: nothing. */
export const settingTrouble = (name: SettingName, value: unknown): string | null => {
  const setting: Setting = DATABASE_SETTINGS[name];
  const shown = `${name} ${JSON.stringify(value)}`;
  switch (setting.kind) {
    case 'flag':
      return typeof value === 'boolean' ? null : `${shown} is not true or false`;
    case 'whole':
      return Number.isInteger(value) && (value as number) >= setting.min && (value as number) <= setting.max
        ? null
        : `${shown} is not a whole number from ${setting.min} to ${setting.max}`;
    case 'choice':
      return setting.values.includes(value as string) ? null : `${shown} is not one of ${setting.values.join(', ')}`;
    case 'text':
      return typeof value === 'string' && value.length <= setting.lengthMax
        ? null
        : `${shown} is not a text of at most ${setting.lengthMax} characters`;
  }
};

type SettingsOutcome =
  | { readonly ok: true; readonly settings: DatabaseSettings }
  | { readonly ok: false; readonly name: SettingName; readonly trouble: string };

/** The settings after an edit; `isNew`: what is fixed may be chosen. */
export const editSettings = (settings: DatabaseSettings, edit: SettingsEdit, isNew: boolean): SettingsOutcome => {
  const next: Record<string, unknown> = { ...settings };
  for (const name of SETTING_NAMES) {
    const value = edit[name];
    if (value === undefined || value === settings[name]) continue;
    const trouble =
      settingTrouble(name, value) ??
      (DATABASE_SETTINGS[name].fixed && !isNew
        ? `${name} is decided when a database is created: it is "${String(settings[name])}"`
        : null);
    if (trouble !== null) return { ok: false, name, trouble };
    next[name] = value;
  }
  return { ok: true, settings: next as unknown as DatabaseSettings };
};
