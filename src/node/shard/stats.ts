/** What a shard counts since it started, or since CONFIG RESETSTAT. INFO and the cluster's statistics read it. */

export interface ShardStats {
  startedAtMs: number;
  commands: number;
  /** Of the commands, inside transactions and scripts as well. */
  reads: number;
  writes: number;
  connections: number;
  rejectedConnections: number;
  /** Disconnected for what they took: by `maxmemory-clients`, `client-query-buffer-limit`, `client-output-buffer-limit`. */
  evictedClients: number;
  queryLimitDisconnections: number;
  outputLimitDisconnections: number;
  expired: number;
  /** Of the latest dump: keys that were loaded, and those whose time had come before. */
  keysLoaded: number;
  keysExpiredAtLoad: number;
  /** Fields of hashes. */
  expiredFields: number;
  evicted: number;
  netInputBytes: number;
  netOutputBytes: number;
  /** Pieces of bytes received and sent. */
  netReads: number;
  netWrites: number;
  /** Time spent serving clients. */
  busyMs: number;
}

export const NO_STATS: ShardStats = {
  startedAtMs: 0,
  commands: 0,
  reads: 0,
  writes: 0,
  connections: 0,
  rejectedConnections: 0,
  evictedClients: 0,
  queryLimitDisconnections: 0,
  outputLimitDisconnections: 0,
  expired: 0,
  keysLoaded: 0,
  keysExpiredAtLoad: 0,
  expiredFields: 0,
  evicted: 0,
  netInputBytes: 0,
  netOutputBytes: 0,
  netReads: 0,
  netWrites: 0,
  busyMs: 0,
};
