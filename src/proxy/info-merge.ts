/**
 * INFO of a sharded database from INFO of its shards: counts are added up, everything else (versions, modes, identities)
 * is the first shard's. Pure.
 */

import { encodeBulk } from '../resp/reply.ts';
import { isFailure, textOf } from './reply-text.ts';

/** Fields that mean something when added up. */
const SUMMED: ReadonlySet<string> = new Set([
  'used_memory', 'used_memory_rss', 'used_memory_peak', 'used_memory_dataset', 'used_memory_overhead', 'used_memory_startup',
  'maxmemory', 'blocked_clients', 'total_commands_processed', 'instantaneous_ops_per_sec', 'total_net_input_bytes',
  'total_net_output_bytes', 'instantaneous_input_kbps', 'instantaneous_output_kbps', 'expired_keys', 'evicted_keys',
  'keyspace_hits', 'keyspace_misses', 'sync_full', 'sync_partial_ok', 'sync_partial_err', 'rdb_changes_since_last_save',
  'total_error_replies', 'unexpected_error_replies', 'used_cpu_sys', 'used_cpu_user',
]); // prettier-ignore

/** What the endpoint knows better than any shard. */
export interface EndpointFacts {
  readonly connectedClients: number;
  readonly totalConnections: number;
}

/** Replies to INFO, one per shard; a failure of any is the answer. */
export function mergeInfo(replies: readonly string[], facts: EndpointFacts): string {
  const failure = replies.find(isFailure);
  if (failure !== undefined) return failure;
  const texts = replies.map((reply) => textOf(reply) ?? '');
  const sums = new Map<string, number>();
  const keyspace = new Map<string, { keys: number; expires: number; ttlWeighted: number }>();
  for (const text of texts) {
    for (const line of text.split('\r\n')) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1);
      if (SUMMED.has(name)) sums.set(name, (sums.get(name) ?? 0) + Number(value));
      const counts = /^keys=(\d+),expires=(\d+),avg_ttl=(\d+)/.exec(value);
      if (counts === null) continue;
      const sum = keyspace.get(name) ?? { keys: 0, expires: 0, ttlWeighted: 0 };
      const expires = Number(counts[2]);
      keyspace.set(name, {
        keys: sum.keys + Number(counts[1]),
        expires: sum.expires + expires,
        ttlWeighted: sum.ttlWeighted + expires * Number(counts[3]),
      });
    }
  }
  const databases = [...keyspace].sort(([one], [other]) => (one < other ? -1 : 1)).map(databaseLine);
  const lines: string[] = [];
  for (const line of texts[0]!.split('\r\n')) {
    const name = line.slice(0, line.indexOf(':'));
    if (/^db\d+$/.test(name)) continue; // all of them follow their headline
    if (sums.has(name)) lines.push(`${name}:${tidy(sums.get(name)!)}`);
    else if (name === 'connected_clients') lines.push(`${name}:${facts.connectedClients}`);
    else if (name === 'total_connections_received') lines.push(`${name}:${facts.totalConnections}`);
    else lines.push(line);
    if (line === '# Keyspace') lines.push(...databases);
  }
  const merged = lines.join('\r\n');
  return replies[0]!.startsWith('=') ? `=${merged.length + 4}\r\ntxt:${merged}\r\n` : encodeBulk(merged);
}

function databaseLine([name, sum]: [string, { keys: number; expires: number; ttlWeighted: number }]): string {
  const averageTtl = sum.expires === 0 ? 0 : Math.round(sum.ttlWeighted / sum.expires);
  return `${name}:keys=${sum.keys},expires=${sum.expires},avg_ttl=${averageTtl}`;
}

const tidy = (value: number): string => String(Number(value.toFixed(6)));
