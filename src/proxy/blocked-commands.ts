/**
 * What Redis Enterprise does not let clients do through an endpoint: one table, by family. Each is answered as if the command
 * did not exist [RS compatibility: commands]. A client that is pinned to a shard is refused the same; `admin` is let through to
 * the family `replication`. Pure data.
 */

export const BLOCKED_COMMANDS = {
  cluster: ['ASKING', 'READONLY', 'READWRITE', 'CLUSTER'],
  connection: ['CLIENT GETREDIR', 'CLIENT NO-EVICT', 'CLIENT PAUSE', 'CLIENT UNPAUSE', 'RESET'],
  generic: ['MIGRATE', 'MOVE', 'SWAPDB'],
  acl: ['ACL DELUSER', 'ACL GENPASS', 'ACL LOAD', 'ACL LOG', 'ACL SAVE', 'ACL SETUSER'],
  configuration: ['CONFIG RESETSTAT'],
  debug: [
    'DEBUG', 'SHUTDOWN', 'MODULE LOAD', 'MODULE LOADEX', 'MODULE UNLOAD', 'MODULE HELP', 'SCRIPT DEBUG', 'PFDEBUG', 'PFSELFTEST',
  ], // prettier-ignore
  monitoring: [
    'LATENCY', 'MEMORY DOCTOR', 'MEMORY MALLOC-STATS', 'MEMORY PURGE', 'MEMORY STATS',
  ], // prettier-ignore
  persistence: ['BGREWRITEAOF', 'BGSAVE', 'LASTSAVE', 'SAVE'],
  replication: ['FAILOVER', 'PSYNC', 'REPLCONF', 'REPLICAOF', 'RESTORE-ASKING', 'ROLE', 'SLAVEOF', 'SYNC'],
  'data types': ['BLMOVEM', 'LMOVEM', 'SDIFFCARD', 'SUNIONCARD', 'INCREX', 'XIDMPRECORD', 'XNACK', 'STRALGO', 'SUBSTR'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Parameters that CONFIG GET and CONFIG SET know [RS compatibility: configuration settings]. */
export const CONFIG_PARAMETERS: ReadonlySet<string> = new Set([
  'activerehashing', 'busy-reply-threshold', 'hash-max-listpack-entries', 'hash-max-listpack-value', 'hash-max-ziplist-entries',
  'hash-max-ziplist-value', 'hll-sparse-max-bytes', 'list-compress-depth', 'list-max-listpack-size', 'list-max-ziplist-size',
  'lua-time-limit', 'notify-keyspace-events', 'set-max-intset-entries', 'slowlog-log-slower-than', 'slowlog-max-len',
  'stream-node-max-bytes', 'stream-node-max-entries', 'zset-max-listpack-entries', 'zset-max-listpack-value',
  'zset-max-ziplist-entries', 'zset-max-ziplist-value',
]); // prettier-ignore
