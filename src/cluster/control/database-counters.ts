/**
 * What is counted of a database: the metrics of the API, each either a number as it is now or the growth of a counter per second.
 * Read from the shards and endpoints that run; pure reading, cheap enough for every second. [RS objects/statistics]
 *
 * Requests are counted where they are carried out, at the shards: what a Replica Of writes there counts as well. Latency is the
 * time that a shard works on a request, without the way to it.
 */

import type { Shard } from '../../node/shard/shard.ts';

type How = 'now' | 'per second';

/** In the order in which samples hold them. */
const METRICS = {
  conns: 'now',
  egress_bytes: 'per second',
  evicted_objects: 'per second',
  expired_objects: 'per second',
  fork_cpu_system: 'now',
  fork_cpu_user: 'now',
  ingress_bytes: 'per second',
  instantaneous_ops_per_sec: 'now',
  main_thread_cpu_system: 'now',
  main_thread_cpu_user: 'per second',
  mem_frag_ratio: 'now',
  mem_not_counted_for_evict: 'now',
  mem_size_lua: 'now',
  monitor_sessions_count: 'now',
  no_of_expires: 'now',
  no_of_keys: 'now',
  other_req: 'per second',
  other_res: 'per second',
  pubsub_channels: 'now',
  pubsub_patterns: 'now',
  ram_overhead: 'now',
  read_hits: 'per second',
  read_misses: 'per second',
  read_req: 'per second',
  read_res: 'per second',
  shard_cpu_system: 'now',
  shard_cpu_user: 'per second',
  total_connections_received: 'per second',
  total_req: 'per second',
  total_res: 'per second',
  used_memory: 'now',
  used_ram: 'now',
  write_hits: 'per second',
  write_misses: 'per second',
  write_req: 'per second',
  write_res: 'per second',
} as const satisfies Readonly<Record<string, How>>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[];

export type Counters = Readonly<Record<MetricName, number>>;

export const isRate = (name: MetricName): boolean => METRICS[name] === 'per second';

/** Of the endpoints. */
export interface ConnectionCounts {
  readonly open: number;
  readonly received: number;
}

/** Counters as they stand; those that are rates grow from one reading to the next. */
export const readCounters = (shards: readonly Shard[], connections: ConnectionCounts): Counters => {
  const sum = (of: (shard: Shard) => number): number => shards.reduce((total, shard) => total + of(shard), 0);
  const reads = sum(({ stats }) => stats.reads);
  const writes = sum(({ stats }) => stats.writes);
  const total = sum(({ stats }) => stats.commands);
  const others = Math.max(0, total - reads - writes);
  const busySeconds = sum(({ stats }) => stats.busyMs) / 1_000;
  const usedBytes = sum(usedBytesOf);
  return {
    conns: connections.open,
    egress_bytes: sum(({ stats }) => stats.netOutputBytes),
    evicted_objects: sum(({ stats }) => stats.evicted),
    expired_objects: sum(({ stats }) => stats.expired),
    fork_cpu_system: 0,
    fork_cpu_user: 0,
    ingress_bytes: sum(({ stats }) => stats.netInputBytes),
    instantaneous_ops_per_sec: sum(({ rates }) => rates.commands.perSecond),
    main_thread_cpu_system: 0,
    main_thread_cpu_user: busySeconds,
    mem_frag_ratio: 1,
    mem_not_counted_for_evict: sum(({ memory }) => memory.uncountedBytes),
    mem_size_lua: 0,
    monitor_sessions_count: 0,
    no_of_expires: sum(({ keyspaces }) => keyspaces.reduce((keys, keyspace) => keys + keyspace.expiring, 0)),
    no_of_keys: sum(({ keyspaces }) => keyspaces.reduce((keys, keyspace) => keys + keyspace.size, 0)),
    other_req: others,
    other_res: others,
    pubsub_channels: sum(({ subscriptions }) => subscriptions.count('channel')),
    pubsub_patterns: sum(({ subscriptions }) => subscriptions.count('pattern')),
    ram_overhead: 0,
    read_hits: sum(({ hits }) => hits),
    read_misses: sum(({ misses }) => misses),
    read_req: reads,
    read_res: reads,
    shard_cpu_system: 0,
    shard_cpu_user: busySeconds,
    total_connections_received: connections.received,
    total_req: total,
    total_res: total,
    used_memory: usedBytes,
    used_ram: usedBytes,
    // Only the product's proxy knows whether a written key was there.
    write_hits: 0,
    write_misses: 0,
    write_req: writes,
    write_res: writes,
  };
};

export const usedBytesOf = (shard: Shard): number => shard.memory.usedBytes;
