/**
 * The parameters of a shard as one table: what kind each is, what it is at first, what it may be. [redis config.c static_configs]
 *
 * Border: reading and changing values is `config.ts`. What is listed as inert moves up as soon as something obeys it.
 */

import { EVICTION_POLICIES } from './eviction-policy.ts';
import { DEFAULT_OUTPUT_LIMITS } from './output-limits.ts';

type Kind =
  | 'text'
  | 'percentiles'
  | 'save-points'
  | 'integer'
  | 'bytes'
  | 'boolean'
  | 'word'
  | 'flags'
  | 'file-name'
  | 'output-limits'
  | 'octal'
  | 'events';

export interface Parameter {
  readonly kind: Kind;
  readonly value: string | number | boolean;
  readonly min?: number;
  readonly max?: number;
  /** Accepted beyond these bounds too; the nearest bound is taken. */
  readonly clampedTo?: readonly [min: number, max: number];
  /** Set at start only. */
  readonly atStart?: 'fixed';
  /** It names files: clients may not change it unless `enable-protected-configs` lets them. */
  readonly isProtected?: true;
  /** A share of `maxmemory` is taken too, as `5%`; the value is then negative. */
  readonly percentMax?: number;
  /** Where the shard listens (`place`: set at start only, unless somebody follows it), or how TLS is spoken there. */
  readonly listening?: 'place' | 'tls';
  /** Another name for the same parameter. */
  readonly alias?: string;
  /** Of the kinds `word` and `flags`: those that are accepted; of `flags` any number, and the first means none. */
  readonly words?: readonly string[];
  /** A line of a redis.conf gives it any number of words, or none. */
  readonly isList?: true;
  /** Empty is a value like others; elsewhere it is the absence of one, which a redis.conf says by having no such line. */
  readonly keepsEmpty?: true;
  /** CONFIG GET finds it only by its whole name, as Redis's own tests and nobody else do. */
  readonly hidden?: true;
}

type ParameterOf<V extends Parameter['value']> = Omit<Parameter, 'value'> & { readonly value: V };

const text = (value: string, more: Partial<Parameter> = {}): ParameterOf<string> => ({ kind: 'text', ...more, value });
const integer = (value: number, min: number, max: number, more: Partial<Parameter> = {}): ParameterOf<number> => ({
  kind: 'integer',
  min,
  max,
  ...more,
  value,
});
const bytes = (value: number, more: Partial<Parameter> = {}): ParameterOf<number> => ({
  kind: 'bytes',
  min: 0,
  ...more,
  value,
});
const word = <W extends string>(value: W, words: readonly W[], more: Partial<Parameter> = {}): ParameterOf<W> => ({
  kind: 'word',
  words,
  ...more,
  value,
});
const boolean = (value: boolean, more: Partial<Parameter> = {}): ParameterOf<boolean> => ({
  kind: 'boolean',
  ...more,
  value,
});

/** More looks at chance keys for one eviction would only take time. Redis has no bound. */
const SAMPLES_MAX = 1024;
const MAX_INT = 2 ** 31 - 1;
/** Taken from the machine at once: more than there is would end the process. Redis has no bound. */
const BACKLOG_BYTES_MAX = 1024 * 1024 * 1024;
/** As near as a number comes. */
export const INT64_MAX = 2 ** 63;

const LOCAL_FACILITIES = ['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'] as const;

/** Kept in memory: more would only fill it. Redis has no bound. */
const SLOWLOG_LENGTH_MAX = 65_536;

const SHUTDOWN_FLAGS = ['default', 'save', 'nosave', 'now', 'force'] as const;

/** Those that something here obeys. */
const OBEYED = {
  requirepass: text(''),
  'always-show-logo': boolean(false, { atStart: 'fixed' }),
  'acl-pubsub-default': word('resetchannels', ['resetchannels', 'allchannels']),
  aclfile: text('', { atStart: 'fixed', keepsEmpty: true }),
  'acllog-max-len': integer(128, 0, MAX_INT),
  masterauth: text(''),
  masteruser: text(''),
  databases: integer(16, 1, MAX_INT, { atStart: 'fixed' }),
  port: integer(6379, 0, 65535, { listening: 'place' }),
  'enable-debug-command': word('yes', ['no', 'yes', 'local'], { atStart: 'fixed' }),
  'enable-protected-configs': word('no', ['no', 'yes', 'local'], { atStart: 'fixed' }),
  'bind-source-addr': text(''),
  bind: text('127.0.0.1 -::1', { listening: 'place', isList: true }),
  'tls-auth-clients': word('yes', ['no', 'yes', 'optional'], { listening: 'tls' }),
  'tls-ca-cert-dir': text('', { listening: 'tls' }),
  'tls-ca-cert-file': text('', { listening: 'tls' }),
  'tls-cert-file': text('', { listening: 'tls' }),
  'tls-ciphers': text('', { listening: 'tls' }),
  'tls-ciphersuites': text('', { listening: 'tls' }),
  'tls-key-file': text('', { listening: 'tls' }),
  'tls-key-file-pass': text('', { listening: 'tls' }),
  'tls-port': integer(0, 0, 65535, { listening: 'place' }),
  'tls-protocols': text('', { listening: 'tls' }),
  unixsocket: text('', { atStart: 'fixed' }),
  unixsocketperm: { kind: 'octal', min: 0, max: 0o777, value: 0, atStart: 'fixed' },
  // Whom replication follows: "host port", or nothing
  replicaof: text('', { atStart: 'fixed', alias: 'slaveof', isList: true }),
  logfile: text('', { atStart: 'fixed', keepsEmpty: true }),
  pidfile: text('', { atStart: 'fixed' }),
  maxclients: integer(10_000, 1, 2 ** 32 - 1),
  'client-query-buffer-limit': bytes(1024 * 1024 * 1024, { min: 1024 * 1024 }),
  'maxmemory-clients': bytes(0, { percentMax: 100 }),
  'min-replicas-to-write': integer(0, 0, MAX_INT, { alias: 'min-slaves-to-write' }),
  'aof-use-rdb-preamble': boolean(true),
  'rdb-key-save-delay': integer(0, -MAX_INT - 1, MAX_INT, { hidden: true }),
  'min-replicas-max-lag': integer(10, 0, MAX_INT, { alias: 'min-slaves-max-lag' }),
  timeout: integer(0, 0, MAX_INT),
  'busy-reply-threshold': integer(5000, 0, INT64_MAX, { alias: 'lua-time-limit' }),
  maxmemory: bytes(0),
  'maxmemory-policy': word('noeviction', EVICTION_POLICIES),
  'maxmemory-samples': integer(5, 1, MAX_INT, { clampedTo: [1, SAMPLES_MAX] }),
  'maxmemory-eviction-tenacity': integer(10, 0, 100),
  'lfu-log-factor': integer(10, 0, MAX_INT),
  'lfu-decay-time': integer(1, 0, MAX_INT),
  // Memory is always given back later, by the collector: of these the word that replicas are sent is left to say
  'lazyfree-lazy-eviction': boolean(false),
  'lazyfree-lazy-expire': boolean(false),
  'lazyfree-lazy-server-del': boolean(false),
  'lazyfree-lazy-user-del': boolean(false),
  'lazyfree-lazy-user-flush': boolean(false),
  'replica-ignore-maxmemory': boolean(true, { alias: 'slave-ignore-maxmemory' }),
  'proto-max-bulk-len': bytes(512 * 1024 * 1024, { min: 1024 * 1024 }),
  'hash-max-listpack-entries': integer(512, 0, MAX_INT, { alias: 'hash-max-ziplist-entries' }),
  'hash-max-listpack-value': bytes(64, { alias: 'hash-max-ziplist-value' }),
  'list-max-listpack-size': integer(-2, -MAX_INT - 1, MAX_INT, { alias: 'list-max-ziplist-size' }),
  'set-max-intset-entries': integer(512, 0, MAX_INT),
  'set-max-listpack-entries': integer(128, 0, MAX_INT),
  'set-max-listpack-value': bytes(64),
  'zset-max-listpack-entries': integer(128, 0, MAX_INT, { alias: 'zset-max-ziplist-entries' }),
  'zset-max-listpack-value': bytes(64, { alias: 'zset-max-ziplist-value' }),
  'hll-sparse-max-bytes': bytes(3000),
  'notify-keyspace-events': { ...text(''), kind: 'events' },
  'stream-node-max-bytes': bytes(4096),
  'stream-node-max-entries': integer(100, 0, MAX_INT),
  'repl-backlog-size': bytes(1024 * 1024, {
    min: 1,
    max: BACKLOG_BYTES_MAX,
    clampedTo: [16 * 1024, BACKLOG_BYTES_MAX],
  }),
  loglevel: word('notice', ['debug', 'verbose', 'notice', 'warning', 'nothing']),
  'repl-backlog-ttl': integer(3600, 0, INT64_MAX),
  'repl-timeout': integer(60, 1, MAX_INT),
  'repl-ping-replica-period': integer(10, 1, MAX_INT, { alias: 'repl-ping-slave-period' }),
  'repl-diskless-sync': boolean(true),
  'replica-read-only': boolean(true, { alias: 'slave-read-only' }),
  'replica-serve-stale-data': boolean(true, { alias: 'slave-serve-stale-data' }),
  'client-output-buffer-limit': { kind: 'output-limits', isList: true, value: DEFAULT_OUTPUT_LIMITS },
  dir: text('', { atStart: 'fixed', isProtected: true }),
  dbfilename: { kind: 'file-name', isProtected: true, value: 'dump.rdb' },
  save: { kind: 'save-points', isList: true, value: '' },
  'stop-writes-on-bgsave-error': boolean(true),
  appendonly: boolean(false),
  appendfilename: text('appendonly.aof', { atStart: 'fixed' }),
  appenddirname: text('appendonlydir', { atStart: 'fixed' }),
  appendfsync: word('everysec', ['everysec', 'always', 'no']),
  'aof-timestamp-enabled': boolean(false),
  'aof-load-truncated': boolean(true),
  'auto-aof-rewrite-percentage': integer(100, 0, MAX_INT),
  'auto-aof-rewrite-min-size': bytes(64 * 1024 * 1024),
  'shutdown-on-sigint': { kind: 'flags', isList: true, words: SHUTDOWN_FLAGS, value: 'default' },
  'shutdown-on-sigterm': { kind: 'flags', isList: true, words: SHUTDOWN_FLAGS, value: 'default' },
  'shutdown-timeout': integer(10, 0, MAX_INT),
  'slowlog-log-slower-than': integer(10_000, -1, INT64_MAX),
  'slowlog-max-len': integer(128, 0, INT64_MAX, { clampedTo: [0, SLOWLOG_LENGTH_MAX] }),
  'latency-monitor-threshold': integer(0, 0, INT64_MAX),
  'latency-tracking': boolean(true),
  'latency-tracking-info-percentiles': { kind: 'percentiles', isList: true, value: '50 99 99.9' },
  hz: integer(10, 0, MAX_INT, { clampedTo: [1, 500] }),
} as const satisfies Readonly<Record<string, Parameter>>;

/**
 * Those that administrators and test suites set, and that change nothing a client could see of a shard here. They are kept and
 * shown; `antipode shard` says which of those it was given are among them.
 */
const INERT = {
  'active-defrag-cycle-max': integer(25, 1, 99),
  'active-defrag-cycle-min': integer(1, 1, 99),
  'active-defrag-ignore-bytes': bytes(100 * 1024 * 1024, { min: 1 }),
  'active-defrag-max-scan-fields': integer(1000, 1, INT64_MAX),
  'active-defrag-threshold-lower': integer(10, 0, 1000),
  'active-defrag-threshold-upper': integer(100, 0, 1000),
  'active-expire-effort': integer(1, 1, 10),
  activedefrag: boolean(false),
  activerehashing: boolean(true),
  'aof-disable-auto-gc': boolean(false, { hidden: true }),
  'aof-rewrite-cpulist': text('', { atStart: 'fixed', alias: 'aof_rewrite_cpulist' }),
  'aof-rewrite-incremental-fsync': boolean(true),
  'bgsave-cpulist': text('', { atStart: 'fixed', alias: 'bgsave_cpulist' }),
  'bio-cpulist': text('', { atStart: 'fixed', alias: 'bio_cpulist' }),
  'cluster-allow-pubsubshard-when-down': boolean(true),
  'cluster-allow-reads-when-down': boolean(false),
  'cluster-allow-replica-migration': boolean(true),
  'cluster-announce-bus-port': integer(0, 0, 65535),
  'cluster-announce-hostname': text(''),
  'cluster-announce-human-nodename': text(''),
  'cluster-announce-ip': text(''),
  'cluster-announce-port': integer(0, 0, 65535),
  'cluster-announce-tls-port': integer(0, 0, 65535),
  'cluster-config-file': text('nodes.conf', { atStart: 'fixed' }),
  'cluster-enabled': boolean(false, { atStart: 'fixed' }),
  'cluster-link-sendbuf-limit': bytes(0),
  'cluster-migration-barrier': integer(1, 0, MAX_INT),
  'cluster-node-timeout': integer(15_000, 0, INT64_MAX),
  'cluster-port': integer(0, 0, 65535, { atStart: 'fixed' }),
  'cluster-preferred-endpoint-type': word('ip', ['ip', 'hostname', 'unknown-endpoint']),
  'cluster-replica-no-failover': boolean(false, { alias: 'cluster-slave-no-failover' }),
  'cluster-replica-validity-factor': integer(10, 0, MAX_INT, { alias: 'cluster-slave-validity-factor' }),
  'cluster-require-full-coverage': boolean(true),
  'crash-log-enabled': boolean(true),
  'crash-memcheck-enabled': boolean(true),
  daemonize: boolean(false, { atStart: 'fixed' }),
  'disable-thp': boolean(true, { atStart: 'fixed' }),
  'dynamic-hz': boolean(true),
  'enable-module-command': word('no', ['no', 'yes', 'local'], { atStart: 'fixed' }),
  'hide-user-data-from-log': boolean(false),
  'ignore-warnings': text('', { keepsEmpty: true }),
  'io-threads': integer(1, 1, 128, { atStart: 'fixed' }),
  'io-threads-do-reads': boolean(false),
  'jemalloc-bg-thread': boolean(true),
  'key-load-delay': integer(0, -MAX_INT - 1, MAX_INT, { hidden: true }),
  'list-compress-depth': integer(0, 0, MAX_INT),
  'loading-process-events-interval-bytes': integer(524_288, 1024, MAX_INT, { hidden: true }),
  'locale-collate': text('', { keepsEmpty: true }),
  'max-new-connections-per-cycle': integer(10, 1, 1000),
  'max-new-tls-connections-per-cycle': integer(1, 1, 1000),
  'no-appendfsync-on-rewrite': boolean(false),
  'oom-score-adj': word('no', ['no', 'yes', 'relative', 'absolute']),
  'oom-score-adj-values': text('0 200 800', { isList: true }),
  'proc-title-template': text('{title} {listen-addr} {server-mode}'),
  'propagation-error-behavior': word('ignore', ['ignore', 'panic', 'panic-on-replicas']),
  'protected-mode': boolean(true),
  'rdb-del-sync-files': boolean(false),
  'rdb-save-incremental-fsync': boolean(true),
  rdbchecksum: boolean(true, { atStart: 'fixed' }),
  rdbcompression: boolean(true),
  'repl-disable-tcp-nodelay': boolean(false),
  'repl-diskless-load': word('disabled', ['disabled', 'on-empty-db', 'swapdb']),
  'repl-diskless-sync-delay': integer(5, 0, MAX_INT),
  'repl-diskless-sync-max-replicas': integer(0, 0, MAX_INT),
  'replica-announce-ip': text('', { alias: 'slave-announce-ip' }),
  'replica-announce-port': integer(0, 0, 65535, { alias: 'slave-announce-port' }),
  'replica-announced': boolean(true),
  'replica-full-sync-buffer-limit': bytes(0),
  'replica-ignore-disk-write-errors': boolean(false),
  'replica-lazy-flush': boolean(false, { alias: 'slave-lazy-flush' }),
  'replica-priority': integer(100, 0, MAX_INT, { alias: 'slave-priority' }),
  'sanitize-dump-payload': word('no', ['no', 'yes', 'clients']),
  'server-cpulist': text('', { atStart: 'fixed', alias: 'server_cpulist' }),
  'set-proc-title': boolean(true, { atStart: 'fixed' }),
  'socket-mark-id': integer(0, 0, 2 ** 32 - 1, { atStart: 'fixed' }),
  supervised: word('no', ['upstart', 'systemd', 'auto', 'no'], { atStart: 'fixed' }),
  'syslog-enabled': boolean(false, { atStart: 'fixed' }),
  'syslog-facility': word('local0', ['user', ...LOCAL_FACILITIES], { atStart: 'fixed' }),
  'syslog-ident': text('redis', { atStart: 'fixed' }),
  'tcp-backlog': integer(511, 0, MAX_INT, { atStart: 'fixed' }),
  'tcp-keepalive': integer(300, 0, MAX_INT),
  'tls-client-cert-file': text(''),
  'tls-client-key-file': text(''),
  'tls-client-key-file-pass': text(''),
  'tls-cluster': boolean(false),
  'tls-dh-params-file': text(''),
  'tls-prefer-server-ciphers': boolean(false),
  'tls-replication': boolean(false),
  'tls-session-cache-size': integer(20_480, 0, MAX_INT),
  'tls-session-cache-timeout': integer(300, 0, MAX_INT),
  'tls-session-caching': boolean(true),
  'tracking-table-max-keys': integer(1_000_000, 0, INT64_MAX),
  'use-exit-on-panic': boolean(false, { hidden: true }),
  'watchdog-period': integer(0, 0, MAX_INT, { hidden: true }),
} as const satisfies Readonly<Record<string, Parameter>>;

export const PARAMETERS = { ...OBEYED, ...INERT };

export type ParameterName = keyof typeof PARAMETERS;

export const isInert = (name: ParameterName): boolean => Object.hasOwn(INERT, name);

const byAnyName = new Map<string, ParameterName>();
for (const [name, parameter] of Object.entries(PARAMETERS) as [ParameterName, Parameter][]) {
  byAnyName.set(name, name);
  if (parameter.alias !== undefined) byAnyName.set(parameter.alias, name);
}

/** By its name or the other one, in any case; undefined when there is none. */
export const parameterOf = (given: string): ParameterName | undefined => byAnyName.get(given.toLowerCase());

/** Those that are not hidden, other names too. */
export function* parameterNames(): Generator<string, void> {
  for (const [given, name] of byAnyName) if (!(PARAMETERS[name] as Parameter).hidden) yield given;
}
