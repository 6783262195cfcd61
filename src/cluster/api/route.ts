/**
 * A route of the REST API, declared once: the table in `routes.ts` is read for dispatch, for checking bodies and for saying which
 * methods a path has.
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { ApplyOutcome } from '../state/change.ts';
import { databaseByUid, type DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem, type ApiCode } from './problems.ts';

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
  /** Who may ask, by the product's name for it. */
  readonly permission?: string;
  /** What may stand after the question mark: the values are texts. Others are let through. */
  readonly query?: Readonly<Record<string, z.ZodType<unknown, string>>>;
  /** Absent: the route takes no body. */
  readonly body?: z.ZodType<Body>;
  /** An absent body counts as `{}`. */
  readonly isBodyOptional?: boolean;
  /** Shape of what `run` returns; tests hold real answers to it. */
  readonly reply?: z.ZodType;
  /** Codes that this route itself can answer, besides those of every route. */
  readonly problems?: readonly ApiCode[];
  /** What it returns is the answer's JSON; what it throws as `ApiProblem` is the refusal. */
  run(call: Call<Body>): unknown;
}

export interface Route extends Omit<RouteDeclaration<unknown>, 'body' | 'run'> {
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

/** `?dry_run` and `?dry_run=true`: check, change nothing. */
export const dryRunQuery = { dry_run: z.string().regex(/^(?:|true|false|1|0)$/i) } as const;

export const isDryRun = ({ query }: Pick<Call<unknown>, 'query'>): boolean =>
  !['false', '0', undefined].includes(query('dry_run')?.toLowerCase());

export const isoTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
