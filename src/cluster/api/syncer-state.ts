/**
 * The inside of a Replica Of: /v1/bdbs/{uid}/syncer_state, and /v1/migrations/{uid} for those who move data with it. The original shows
 * whatever its syncer keeps, as JSON [RS syncer_state]; here it is the numbers that no field of the database has.
 */

import { z } from 'zod';
import { NOTHING_YET, type SyncHistory } from '../control/syncer.ts';
import { generationName, type DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, isoTime, type Call, type Route } from './route.ts';

const historyOf = (call: Call<unknown>): { readonly database: DatabaseRecord; readonly sync: SyncHistory } => {
  const database = databaseOf(call);
  const { sync } = call.control.sight(database.uid);
  if (sync !== undefined) return { database, sync };
  // Stopped or off since before this process began, or never turned on: there are sources to speak of all the same.
  if (database.replica.sources.length > 0) return { database, sync: NOTHING_YET };
  throw new ApiProblem('not_found', `database ${database.uid} has not replicated from anywhere`);
};

const stateRoute = (path: string): Route =>
  defineRoute({
    method: 'GET',
    path,
    summary: 'Progress, full syncs and their causes.',
    permission: 'view_bdb_info',
    reply: z.looseObject({ generation: z.number(), full_syncs: z.number(), partial_syncs: z.number() }),
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      const { database, sync } = historyOf(call);
      return {
        DB: database.uid,
        RunID: generationName(call.control.state, database),
        generation: database.replica.generation,
        stopped: database.replica.stopped?.detail ?? '',
        full_syncs: sync.fullSyncs,
        partial_syncs: sync.partialSyncs,
        ledger: sync.ledger.map(({ atMs, cause, source, detail }) => ({ time: isoTime(atMs), cause, source, detail })),
        sources: sync.sources.map((source) => ({
          uid: Number(source.key),
          status: source.status,
          percent: source.percent,
          lag_bytes: source.lagBytes,
          ingress_bytes: source.ingressBytes,
          ingress_bytes_decompressed: source.ingressBytesDecompressed,
          shards: source.shards.map(({ id, state, replicationId, offset }) => ({
            id,
            state,
            replication_id: replicationId,
            replication_offset: offset,
          })),
        })),
      };
    },
  });

/** Worst first: a whole is as its worst part. */
const STATUSES = ['out-of-sync', 'syncing', 'in-sync'] as const;

export const syncerStateRoutes: readonly Route[] = [
  stateRoute('/v1/bdbs/:uid/syncer_state'),
  stateRoute('/v1/bdbs/:uid/syncer_state/replica'),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/syncer_state/crdt',
    summary: 'The state of an Active-Active syncer: no database has one.',
    permission: 'view_bdb_info',
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      throw new ApiProblem('not_found', `database ${databaseOf(call).uid} is not Active-Active`);
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/migrations/:uid',
    summary: 'How far a destination of Replica Of is, all its sources together.',
    permission: 'view_bdb_info',
    reply: z.object({ migration: z.looseObject({ status: z.string(), lag: z.number(), flush_counter: z.number() }) }),
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      const { database, sync } = historyOf(call);
      const { sources, ledger } = sync;
      const failing = sources.find((source) => source.lastError !== '');
      const { stopped } = database.replica;
      const message = stopped?.detail ?? failing?.lastError ?? '';
      return {
        migration: {
          status: STATUSES.find((status) => sources.some((source) => source.status === status)) ?? 'out-of-sync',
          lag: Math.max(0, ...sources.map((source) => source.lagMs)),
          rdb_size: sources.reduce((sum, source) => sum + source.rdbSize, 0),
          rdb_transferred: sources.reduce((sum, source) => sum + source.rdbTransferred, 0),
          run_id: generationName(call.control.state, database),
          flush_counter: sync.fullSyncs,
          source_shards: sources.flatMap((source) =>
            source.shards.map((shard) => ({ replication_id: shard.replicationId, replication_offset: shard.offset })),
          ),
          error:
            message === ''
              ? {}
              : {
                  error_code: stopped?.cause ?? 'connection_error',
                  message,
                  timestamp: isoTime(ledger.at(-1)?.atMs ?? database.changedMs),
                },
        },
      };
    },
  }),
];
