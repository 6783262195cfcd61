/** What INFO tells of a shard's persistence, under Redis's names [redis server.c genRedisInfoString], and what a dump tells of its place. */

import type { StreamPosition } from '../shard/upper-layers.ts';
import type { Persistence } from './persistence.ts';

type Fields = readonly (readonly [name: string, value: string | number])[];

const flag = (value: boolean): number => (value ? 1 : 0);
const status = (trouble: object | null): string => (trouble === null ? 'ok' : 'err');

export const persistenceFields = (persistence: Persistence): Fields => [
  ['rdb_changes_since_last_save', persistence.changesSinceSave],
  ['rdb_bgsave_in_progress', flag(persistence.isSaving)],
  ['rdb_last_save_time', Math.floor(persistence.savedMs / 1000)],
  ['rdb_last_bgsave_status', status(persistence.snapshotTrouble)],
  ['rdb_saves', persistence.counts.saves],
  ['aof_enabled', flag(persistence.hasLog)],
  ['aof_rewrite_in_progress', flag(persistence.isRewriting)],
  ['aof_rewrite_scheduled', flag(persistence.scheduled.rewrite)],
  ['aof_last_bgrewrite_status', status(persistence.rewriteTrouble)],
  ['aof_rewrites', persistence.counts.rewrites],
  ['aof_last_write_status', status(persistence.logTrouble.now)],
  ...(persistence.hasLog
    ? ([
        ['aof_current_size', persistence.logBytes + persistence.baseBytes],
        ['aof_base_size', persistence.baseBytes],
      ] as const)
    : []),
];

/** Where in the stream the data of a dump stand, by its AUX fields; null: it does not say. */
export const positionIn = (facts: ReadonlyMap<string, string>): StreamPosition | null => {
  const replicationId = facts.get('repl-id') ?? '';
  const offset = facts.get('repl-offset') ?? '';
  if (!/^[0-9a-f]{40}$/.test(replicationId) || !/^\d{1,16}$/.test(offset)) return null;
  return { replicationId, offset: Number(offset), database: Number(facts.get('repl-stream-db') ?? 0) };
};
