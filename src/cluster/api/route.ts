/**
 * A route of the REST API, declared once: the table in `routes.ts` is read for dispatch, for checking bodies and for saying which
 * methods a path has.
 */

import type { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { ApplyOutcome } from '../state/change.ts';
import { databaseByUid, type DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface Call<Body> {
  readonly control: ControlPlane;
  /** Parts of the path, `:uid` for instance. */
  readonly parameter: (name: string) => string;
  /** Values after the question mark; null: not given. */
  readonly query: (name: string) => string | null;
  readonly body: Body;
}

export interface RouteDeclaration<Body> {
  readonly method: Method;
  /** With `:uid` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  /** Absent: the route takes no body. */
  readonly body?: z.ZodType<Body>;
  /** What it returns is the answer's JSON; what it throws as `ApiProblem` is the refusal. */
  run(call: Call<Body>): unknown;
}

export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly body: z.ZodType | null;
  run(call: Call<unknown>): unknown;
}

export const defineRoute = <Body = null>(declaration: RouteDeclaration<Body>): Route => ({
  ...declaration,
  body: declaration.body ?? null,
  // The app has parsed the body by this route's own schema.
  run: (call) => declaration.run(call as Call<Body>),
});

/** The database that `:uid` of the path names. */
export const databaseOf = ({ control, parameter }: Pick<Call<unknown>, 'control' | 'parameter'>): DatabaseRecord => {
  const given = parameter('uid');
  const database = /^\d{1,9}$/.test(given) ? databaseByUid(control.state, Number(given)) : undefined;
  if (database === undefined) throw new ApiProblem('db_not_exist', `there is no database ${given}`);
  return database;
};

/** The database after a change; a refused change becomes the API's refusal. */
export const changed = (outcome: ApplyOutcome): DatabaseRecord => {
  if (!outcome.ok) throw new ApiProblem(outcome.problem.code, outcome.problem.description);
  const database = databaseByUid(outcome.state, outcome.uid);
  if (database === undefined) throw new ApiProblem('db_not_exist', `there is no database ${outcome.uid}`);
  return database;
};

export const isoTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
