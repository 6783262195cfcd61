/**
 * Whether a database can be used: /v1/bdbs/{uid}/availability, and of its endpoint. Empty 200, or why not. [RS requests/bdbs/availability]
 *
 * With `extend_check=lag` a destination that lies further behind a source than the tolerance is not available either. A cluster here
 * always has its quorum, and every node answers for all: the local form asks for any endpoint of the database.
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { databaseByUid, type DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem, type ApiCode } from './problems.ts';
import { defineRoute, type Call, type Route } from './route.ts';

const availabilityQuery = {
  extend_check: z.enum(['lag']),
  availability_lag_tolerance_ms: z.string().regex(/^\d{1,9}$/, 'a number of milliseconds'),
} as const;

const database = ({ control, parameter }: Call<unknown>): DatabaseRecord => {
  const given = parameter('uid');
  const found = /^\d{1,9}$/.test(given) ? databaseByUid(control.state, Number(given)) : undefined;
  if (found === undefined) throw new ApiProblem('db_not_found', `there is no database ${given}`);
  return found;
};

const check = (control: ControlPlane, { uid, replica }: DatabaseRecord, call: Call<unknown>, code: ApiCode): void => {
  const { isReachable, sync } = control.sight(uid);
  if (!isReachable) throw new ApiProblem(code, `database ${uid} has no open endpoint`);
  if (call.query('extend_check') !== 'lag' || replica.sync === 'disabled') return;
  const tolerance = Number(
    call.query('availability_lag_tolerance_ms') ?? control.state.settings.availability_lag_tolerance_ms,
  );
  for (const source of sync?.sources ?? []) {
    if (source.status === 'in-sync' && source.lagMs <= tolerance) continue;
    const seen = source.status === 'in-sync' ? `${source.lagMs} ms behind, more than ${tolerance}` : source.status;
    throw new ApiProblem(code, `database ${uid}: replica source ${source.key} is ${seen}`);
  }
};

const availabilityRoute = (path: string, summary: string, code: ApiCode): Route =>
  defineRoute({
    method: 'GET',
    path,
    summary,
    permission: 'view_bdb_info',
    query: availabilityQuery,
    reply: z.strictObject({}),
    problems: ['db_not_found', code],
    run(call) {
      check(call.control, database(call), call, code);
      return {};
    },
  });

export const bdbAvailabilityRoutes: readonly Route[] = [
  availabilityRoute('/v1/bdbs/:uid/availability', 'Whether a database can be used.', 'bdb_unavailable'),
  availabilityRoute(
    '/v1/local/bdbs/:uid/endpoint/availability',
    'Whether an endpoint of a database can be used.',
    'bdb_endpoint_unavailable',
  ),
];
