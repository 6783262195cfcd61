/**
 * INFO: sections of facts, in Redis's order and names; only what is measured or known here is said. Upper layers add fields and
 * sections through `shard.infoSections`. [redis server.c genRedisInfoString]
 *
 * Memory is an estimate (`keyspace/memory.ts`); processor time is the time spent serving clients, on one thread.
 */

import { Verbatim, type Reply } from '../../resp/reply.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { humanBytes } from '../shard/memory-size.ts';
import { STARTUP_BYTES } from '../shard/memory.ts';
import type { Rate } from '../shard/rate.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import { ANTIPODE_VERSION, REDIS_VERSION } from '../shard/version.ts';
import { many, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { commandstats, errorstats, latencystats } from './info-stats.ts';
import { datasetPercent, memoryFacts } from './memory.ts';

type Fields = readonly (readonly [name: string, value: string | number])[];

const DAY_SECONDS = 86_400;
const EXPIRIES_SAMPLED = 32;

function server({ world, config, address, runId, now, stats, ending }: Shard): Fields {
  const remainingMs = ending?.remainingMs ?? null;
  const uptimeSeconds = Math.max(0, Math.floor((now - stats.startedAtMs) / 1000));
  return [
    ['redis_version', REDIS_VERSION],
    ['antipode_version', ANTIPODE_VERSION],
    ['redis_mode', 'standalone'],
    ['arch_bits', 64],
    ['run_id', runId],
    ['tcp_port', address?.port ?? config.get('port')],
    ['server_time_usec', world.clock.now() * 1000],
    ['uptime_in_seconds', uptimeSeconds],
    ['uptime_in_days', Math.floor(uptimeSeconds / DAY_SECONDS)],
    ['hz', config.get('hz')],
    ['configured_hz', config.get('hz')],
    ...(address === null ? [] : [['listener0', `name=tcp,bind=${address.host},port=${address.port}`] as const]),
    ...(remainingMs === null ? [] : [['shutdown_in_milliseconds', remainingMs] as const]),
  ];
}

function clients({ sessions, config, blocking, pause, tracking, watchers }: Shard): Fields {
  const all = [...sessions.values()];
  const largest = (bytes: (session: Session) => number): number => Math.max(0, ...all.map(bytes));
  return [
    ['connected_clients', all.filter((session) => session.kind !== 'replica').length],
    ['cluster_connections', 0],
    ['maxclients', config.get('maxclients')],
    ['client_recent_max_input_buffer', largest((session) => session.queryBytes)],
    ['client_recent_max_output_buffer', largest((session) => session.pendingBytes + session.unsentBytes)],
    ['blocked_clients', blocking.count + pause.count],
    ['tracking_clients', tracking.count],
    ['pubsub_clients', all.filter((session) => session.subscriptionCount > 0).length],
    ['watching_clients', watchers.sessions],
    ['clients_in_timeout_table', all.filter(({ waiting }) => waiting !== null && waiting.timer !== null).length],
    ['total_watched_keys', watchers.count],
    ['total_blocking_keys', blocking.keys],
    ['total_blocking_keys_on_nokey', blocking.keysWhoseEndIsAwaited],
  ];
}

function memory(shard: Shard): Fields {
  const { memory, config, scripts, libraries } = shard;
  const facts = memoryFacts(shard);
  const { usedBytes, peakBytes } = facts;
  const limit = config.get('maxmemory');
  return [
    ['used_memory', usedBytes],
    ['used_memory_human', humanBytes(usedBytes)],
    // Estimated, so nothing is lost between the parts
    ['used_memory_rss', usedBytes],
    ['used_memory_rss_human', humanBytes(usedBytes)],
    ['used_memory_peak', peakBytes],
    ['used_memory_peak_human', humanBytes(peakBytes)],
    ['used_memory_peak_perc', `${((usedBytes * 100) / peakBytes).toFixed(2)}%`],
    ['used_memory_overhead', facts.overheadBytes],
    ['used_memory_startup', STARTUP_BYTES],
    ['used_memory_dataset', facts.datasetBytes],
    ['used_memory_dataset_perc', `${datasetPercent(facts).toFixed(2)}%`],
    ['used_memory_scripts_eval', memory.partBytes('lua_caches')],
    ['number_of_cached_scripts', scripts.count],
    ['number_of_functions', libraries.functionCount],
    ['number_of_libraries', libraries.count],
    ['used_memory_functions', memory.partBytes('functions_caches')],
    ['used_memory_scripts', memory.partBytes('lua_caches') + memory.partBytes('functions_caches')],
    ['maxmemory', limit],
    ['maxmemory_human', humanBytes(limit)],
    ['maxmemory_policy', config.get('maxmemory-policy')],
    // As of builds with the allocator of libc, which tells nothing more
    ['allocator_allocated', usedBytes],
    ['allocator_active', usedBytes],
    ['allocator_resident', usedBytes],
    ['mem_fragmentation_ratio', '1.00'],
    ['mem_fragmentation_bytes', 0],
    ['mem_not_counted_for_evict', memory.uncountedBytes],
    ['mem_replication_backlog', memory.partBytes('replication_backlog')],
    ['mem_total_replication_buffers', memory.partBytes('replication_backlog') + memory.partBytes('clients_slaves')],
    ['mem_clients_slaves', memory.partBytes('clients_slaves')],
    ['mem_clients_normal', memory.clientBytes],
    ['mem_cluster_links', 0],
    // Dictionaries grow in place, by one bucket at a time
    ['mem_overhead_db_hashtable_rehashing', 0],
    ['mem_allocator', 'v8'],
    ['active_defrag_running', 0],
    // The collector is at it whenever it likes: nothing waits to be given to it
    ['lazyfree_pending_objects', 0],
    ['lazyfreed_objects', shard.lazyFreed.objects],
  ];
}

const persistence = (shard: Shard): Fields => [
  ['loading', shard.loading ? 1 : 0],
  ['async_loading', shard.replicas.awaitsData() ? 1 : 0],
  ['rdb_last_load_keys_expired', shard.stats.keysExpiredAtLoad],
  ['rdb_last_load_keys_loaded', shard.stats.keysLoaded],
  ...(shard.infoSections.has('persistence') ? [] : NOTHING_KEPT),
];

/** Of a shard without files. */
const NOTHING_KEPT: Fields = [
  ['rdb_changes_since_last_save', 0],
  ['rdb_bgsave_in_progress', 0],
  ['rdb_last_save_time', 0],
  ['rdb_last_bgsave_status', 'ok'],
  ['aof_enabled', 0],
  ['aof_rewrite_in_progress', 0],
  ['aof_last_bgrewrite_status', 'ok'],
  ['aof_last_write_status', 'ok'],
];

const kilobytes = (rate: Rate): string => (rate.perSecond / 1024).toFixed(2);

function stats(shard: Shard): Fields {
  const { stats, rates, commandStats, subscriptions, tracking, hits, misses, turns } = shard;
  const { counts } = shard.permissions.log;
  return [
    ['total_connections_received', stats.connections],
    ['total_commands_processed', stats.commands],
    ['instantaneous_ops_per_sec', rates.commands.perSecond],
    ['total_net_input_bytes', stats.netInputBytes],
    ['total_net_output_bytes', stats.netOutputBytes],
    ['instantaneous_input_kbps', kilobytes(rates.input)],
    ['instantaneous_output_kbps', kilobytes(rates.output)],
    ['rejected_connections', stats.rejectedConnections],
    ['expired_subkeys', stats.expiredFields],
    ['expired_keys', stats.expired],
    ['evicted_keys', stats.evicted],
    ['evicted_clients', stats.evictedClients],
    ['keyspace_hits', hits],
    ['keyspace_misses', misses],
    ['pubsub_channels', subscriptions.count('channel')],
    ['pubsub_patterns', subscriptions.count('pattern')],
    ['pubsubshard_channels', subscriptions.count('shard')],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['tracking_total_keys', tracking.keys],
    ['tracking_total_items', tracking.items],
    ['tracking_total_prefixes', tracking.prefixes],
    ['unexpected_error_replies', 0],
    ['total_error_replies', commandStats.errors],
    ['total_reads_processed', stats.netReads],
    ['total_writes_processed', stats.netWrites],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['client_query_buffer_limit_disconnections', stats.queryLimitDisconnections],
    ['client_output_buffer_limit_disconnections', stats.outputLimitDisconnections],
    ['acl_access_denied_auth', counts.auth],
    ['acl_access_denied_cmd', counts.command],
    ['acl_access_denied_key', counts.key],
    ['acl_access_denied_channel', counts.channel],
    ['eventloop_cycles', turns.count],
    ['eventloop_duration_sum', microseconds(turns.ms)],
    ['eventloop_duration_cmd_sum', microseconds(turns.requestMs)],
    ['instantaneous_eventloop_cycles_per_sec', turns.perSecond.perSecond],
    ['instantaneous_eventloop_duration_usec', turns.microseconds],
  ];
}

const microseconds = (ms: number): number => Math.round(ms * 1000);

const debug = ({ turns }: Shard): Fields => [
  ['eventloop_duration_aof_sum', microseconds(turns.logMs)],
  ['eventloop_duration_cron_sum', microseconds(turns.tickMs)],
  ['eventloop_duration_max', microseconds(turns.msMax)],
  ['eventloop_cmd_per_cycle_max', turns.requestsMax],
];

/** One thread serves clients, and there are no children. */
function cpu({ stats }: Shard): Fields {
  const user = (stats.busyMs / 1000).toFixed(6);
  return [
    ['used_cpu_sys', '0.000000'],
    ['used_cpu_user', user],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ['used_cpu_sys_main_thread', '0.000000'],
    ['used_cpu_user_main_thread', user],
  ];
}

const keyspace = ({ keyspaces, now }: Shard): Fields =>
  keyspaces
    .filter((each) => each.size > 0)
    .map((each) => [
      `db${each.index}`,
      `keys=${each.size},expires=${each.expiring},avg_ttl=${averageTtlMs(each, now)},subexpiry=${each.fieldExpiring.size}`,
    ]);

/** Of a few keys spread over the database. */
function averageTtlMs({ expires }: Keyspace, now: number): number {
  const looks = Math.min(EXPIRIES_SAMPLED, expires.size);
  if (looks === 0) return 0;
  let sum = 0;
  for (let i = 0; i < looks; i++) {
    const at = expires.get(expires.keyAt(Math.floor((i * expires.size) / looks))) ?? now;
    sum += Math.max(0, at - now);
  }
  return Math.round(sum / looks);
}

interface Section {
  readonly title: string;
  fields(shard: Shard): Fields;
  /** Shown only by its name, or also with `all` or `everything`. */
  readonly shown?: 'by-name' | 'with-all';
}

const SECTIONS: readonly Section[] = [
  { title: 'Server', fields: server },
  { title: 'Clients', fields: clients },
  { title: 'Memory', fields: memory },
  { title: 'Persistence', fields: persistence },
  { title: 'Stats', fields: stats },
  { title: 'Replication', fields: () => [] },
  { title: 'CPU', fields: cpu },
  { title: 'Modules', fields: () => [] },
  { title: 'Commandstats', fields: commandstats, shown: 'with-all' },
  { title: 'Errorstats', fields: errorstats },
  { title: 'Latencystats', fields: latencystats, shown: 'with-all' },
  { title: 'Cluster', fields: () => [['cluster_enabled', 0]] },
  { title: 'Keyspace', fields: keyspace },
  { title: 'Debug', fields: debug, shown: 'by-name' },
];

/** The text of INFO: the named sections, all of them when none is named. */
export function infoText(shard: Shard, names: readonly string[]): string {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const details = ['all', 'everything'].some((name) => wanted.has(name));
  const all = wanted.size === 0 || details || wanted.has('default');
  const added = new Map(shard.infoSections);
  const texts: string[] = [];
  const write = (title: string, fields: Fields): void => {
    texts.push(`# ${title}\r\n${fields.map(([name, value]) => `${name}:${value}\r\n`).join('')}`);
  };
  for (const { title, fields, shown } of SECTIONS) {
    const name = title.toLowerCase();
    const more = added.get(name);
    added.delete(name);
    const isMeant = shown === undefined ? all : shown === 'with-all' && details;
    if (isMeant || wanted.has(name)) write(title, [...fields(shard), ...(more?.() ?? [])]);
  }
  for (const [name, fields] of added) {
    if (all || wanted.has(name)) write(name[0]!.toUpperCase() + name.slice(1), fields());
  }
  return texts.join('\r\n');
}

export const infoCommand: Command = defineCommand({
  name: 'INFO',
  group: 'server',
  since: '1.0.0',
  summary: 'Tells facts and statistics about the server.',
  complexity: 'O(1)',
  flags: ['loading', 'stale'],
  categories: ['dangerous'],
  tips: { other: ['nondeterministic_output'], request: 'all_shards', response: 'special' },
  arguments: { section: many(text(), { min: 0 }) },
  run: ({ shard }, { section }): Reply => new Verbatim(infoText(shard, section)),
});
