/**
 * /v1/bdbs/{uid}/syncer_state: the inside of a Replica Of. The original shows whatever its syncer keeps, as JSON [RS syncer_state]; here
 * it is the numbers that no field of the database has.
 */

import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, isoTime, type Route } from './route.ts';

export const syncerStateRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/syncer_state',
    summary: 'Progress, full syncs and their causes.',
    run(call) {
      const database = databaseOf(call);
      const sync = call.control.sight(database.uid).sync;
      if (sync === undefined)
        throw new ApiProblem('not_found', `database ${database.uid} has not replicated from anywhere`);
      return {
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
          shards: source.shards.map(({ id, state, replicationId, offset }) => ({
            id,
            state,
            replication_id: replicationId,
            replication_offset: offset,
          })),
        })),
      };
    },
  }),
];
