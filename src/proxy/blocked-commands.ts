/**
 * What Redis Enterprise does not let clients do through an endpoint: one table, by family. Each is answered as if the command
 * did not exist [RS compatibility: commands]. A client that is pinned to a shard is refused the same; `admin` is let through to
 * the family `replication`. Pure.
 */

import { parseInteger } from '../node/commands/numbers.ts';
import { refuse, type Refusal } from '../resp/refusals.ts';

export const BLOCKED_COMMANDS = {
  cluster: ['ASKING', 'READONLY', 'READWRITE', 'CLUSTER'],
  connection: ['CLIENT GETREDIR', 'CLIENT NO-EVICT', 'CLIENT PAUSE', 'CLIENT UNPAUSE', 'RESET'],
  generic: ['MIGRATE', 'MOVE', 'SWAPDB'],
  acl: ['ACL DELUSER', 'ACL GENPASS', 'ACL LOAD', 'ACL LOG', 'ACL SAVE', 'ACL SETUSER'],
  internal: ['ANTIPODE AS'],
  configuration: ['CONFIG RESETSTAT'],
  debug: [
    'DEBUG', 'SHUTDOWN', 'MODULE LOAD', 'MODULE LOADEX', 'MODULE UNLOAD', 'MODULE HELP', 'SCRIPT DEBUG', 'PFDEBUG', 'PFSELFTEST',
  ], // prettier-ignore
  monitoring: [
    'LATENCY', 'MEMORY DOCTOR', 'MEMORY MALLOC-STATS', 'MEMORY PURGE', 'MEMORY STATS',
  ], // prettier-ignore
  persistence: ['BGREWRITEAOF', 'BGSAVE', 'LASTSAVE', 'SAVE'],
  replication: ['FAILOVER', 'PSYNC', 'REPLCONF', 'REPLICAOF', 'RESTORE-ASKING', 'ROLE', 'SLAVEOF', 'SYNC'],
  'data types': [
    'ARCOUNT', 'ARDEL', 'ARDELRANGE', 'ARGET', 'ARGETRANGE', 'ARGREP', 'ARINFO', 'ARINSERT', 'ARLASTITEMS', 'ARLEN', 'ARMGET', 'ARMSET',
    'ARNEXT', 'AROP', 'ARRING', 'ARSCAN', 'ARSEEK', 'ARSET', 'BLMOVEM', 'LMOVEM', 'SDIFFCARD', 'SUNIONCARD', 'INCREX', 'XIDMPRECORD', 'XNACK', 'STRALGO', 'SUBSTR',
  ], // prettier-ignore
} as const satisfies Readonly<Record<string, readonly string[]>>;

interface ParameterLimits {
  readonly min: number;
  readonly max: number;
}

/** Narrower than at a shard. [RS compatibility: configuration settings] */
const PARAMETER_LIMITS: Readonly<Record<string, ParameterLimits>> = {
  'slowlog-log-slower-than': { min: 1_001, max: Number.MAX_SAFE_INTEGER },
  'slowlog-max-len': { min: 128, max: 1_024 },
};

/** Parameters that CONFIG GET and CONFIG SET know [RS compatibility: configuration settings]. */
export const CONFIG_PARAMETERS: ReadonlySet<string> = new Set([
  'activerehashing', 'busy-reply-threshold', 'hash-max-listpack-entries', 'hash-max-listpack-value', 'hash-max-ziplist-entries',
  'hash-max-ziplist-value', 'hll-sparse-max-bytes', 'list-compress-depth', 'list-max-listpack-size', 'list-max-ziplist-size',
  'lua-time-limit', 'notify-keyspace-events', 'set-max-intset-entries', 'slowlog-log-slower-than', 'slowlog-max-len',
  'stream-node-max-bytes', 'stream-node-max-entries', 'zset-max-listpack-entries', 'zset-max-listpack-value',
  'zset-max-ziplist-entries', 'zset-max-ziplist-value',
]); // prettier-ignore

/** What clients may not set by CONFIG SET, or not to that value; null: a shard decides. */
export function configRefusal(words: readonly string[]): Refusal | null {
  for (let at = 2; at < words.length; at += 2) {
    const given = words[at]!;
    const name = given.toLowerCase();
    if (!CONFIG_PARAMETERS.has(name)) return refuse('CONFIG_UNKNOWN', given.slice(0, 128));
    const limits = PARAMETER_LIMITS[name];
    const value = parseInteger(words[at + 1] ?? '');
    if (limits === undefined || value === null || (value >= limits.min && value <= limits.max)) continue;
    return refuse('CONFIG_INVALID', given, `argument must be between ${limits.min} and ${limits.max} inclusive`);
  }
  return null;
}
