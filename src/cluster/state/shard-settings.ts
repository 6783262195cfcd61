/**
 * What follows from a database's record for the configuration of each of its shards, as CONFIG SET takes it. Pure.
 *
 * `plan.ts` compares it with what a shard was told last and has a running one told again; a new parameter that follows from a
 * record needs a line here and nothing else.
 */

import { backlogBytes, replicaBuffer } from '../../replication/buffer-limits.ts';
import type { DatabaseRecord } from './cluster-state.ts';

/** Parameter to its value, by name. */
export type ShardSettings = readonly (readonly [name: string, value: string])[];

export const shardSettingsOf = (database: DatabaseRecord): ShardSettings => [
  ['maxmemory', String(memoryBytesPerShard(database))],
  ['maxmemory-policy', database.settings.eviction_policy],
  ...persistenceOf(database),
  [
    'repl-backlog-size',
    String(backlogBytes(database.settings.repl_backlog_size, database.memorySizeBytes, database.shardsCount)),
  ],
  ['client-output-buffer-limit', replicaBufferOf(database)],
];

/** `auto` depends on what a shard holds: it follows that by itself. [RS slave_buffer] */
const replicaBufferOf = ({ settings }: DatabaseRecord): string => {
  const limit = replicaBuffer(settings.slave_buffer);
  return limit === null ? 'slave 0 0 0' : `slave ${limit.hardBytes} ${limit.softBytes} ${limit.softSeconds}`;
};

/** [RS objects/bdb: data_persistence] */
const persistenceOf = ({ settings, snapshotPolicy }: DatabaseRecord): ShardSettings => {
  const points = settings.data_persistence === 'snapshot' ? snapshotPolicy : [];
  return [
    ['save', points.map(({ secs, writes }) => `${secs} ${writes}`).join(' ')],
    ['appendfsync', settings.aof_policy === 'appendfsync-always' ? 'always' : 'everysec'],
    ['appendonly', settings.data_persistence === 'aof' ? 'yes' : 'no'],
  ];
};

/** A database's memory is divided evenly among its shards; 0: no limit. [RS objects/bdb] */
const memoryBytesPerShard = ({ memorySizeBytes, shardsCount }: DatabaseRecord): number =>
  // A byte at least: nothing would mean no limit
  memorySizeBytes === 0 ? 0 : Math.max(1, Math.floor(memorySizeBytes / shardsCount));

/** Those of `wanted` that a shard was not told, or was told otherwise. */
export const differingSettings = (wanted: ShardSettings, told: ShardSettings): ShardSettings => {
  const known = new Map(told);
  return wanted.filter(([name, value]) => known.get(name) !== value);
};
