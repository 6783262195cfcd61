/**
 * A route of the REST API, declared once: the table in `routes.ts` is read for dispatch, for permissions, for checking queries and
 * bodies, for saying which methods a path has, for the OpenAPI document and for the page `docs/api.md`; tests generate bodies from it.
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { UserRecord } from '../state/accounts.ts';
import type { ApplyOutcome, Change } from '../state/change.ts';
import { databaseByUid, type ClusterState, type DatabaseRecord } from '../state/cluster-state.ts';
import type { Logins } from './logins.ts';
import type { Permission } from './permissions.ts';
import { ApiProblem, type ApiCode } from './problems.ts';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** `anybody` needs no login, `user` any login. */
export type Asked = Permission | 'anybody' | 'user';

export interface Call<Body> {
  readonly control: ControlPlane;
  /** Who has failed to log in, and whose token is whose. */
  readonly logins: Logins;
  /** Who asks; null where the route is for anybody. */
  readonly user: UserRecord | null;
  /** Whether who asks has a permission besides the route's own. */
  readonly may: (permission: Permission) => boolean;
  /** Host and headers as they came. */
  readonly request: { readonly host: string; readonly header: (name: string) => string | undefined };
  /** Parts of the path, `:uid` for instance. */
  readonly parameter: (name: string) => string;
  /** Values after the question mark, as they came; null: not given. */
  readonly query: (name: string) => string | null;
  readonly body: Body;
}

export interface RouteDeclaration<Body> {
  readonly method: Method;
  /** With `:uid` for a part that varies. */
  readonly path: string;
  readonly summary: string;
  readonly permission: Asked;
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
  /** Answers on a node that belongs to no cluster yet, without a login there. */
  readonly isBeforeCluster?: boolean;
  /** A user whose password has expired may still ask this. */
  readonly isForExpired?: boolean;
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

/** Of a list with uids, the one that `:uid` of the path names. */
export const byUid = <Item extends { readonly uid: number }>(
  what: string,
  items: readonly Item[],
  { parameter }: Pick<Call<unknown>, 'parameter'>,
): Item => {
  const given = parameter('uid');
  const item = items.find((each) => String(each.uid) === given);
  if (item === undefined) throw new ApiProblem('not_found', `there is no ${what} ${given}`);
  return item;
};

/** The state after a change; a refused change becomes the API's refusal. */
export const accepted = (outcome: ApplyOutcome): { readonly state: ClusterState; readonly uid: number } => {
  if (!outcome.ok) throw new ApiProblem(outcome.problem.code, outcome.problem.description);
  return outcome;
};

/** Submits a change, or asks what would come of it in a dry run. */
export const submitted = (
  call: Pick<Call<unknown>, 'control' | 'query'>,
  change: Change,
): { readonly state: ClusterState; readonly uid: number } =>
  accepted(isDryRun(call) ? call.control.dryRun(change) : call.control.submit(change));

/** The database after a change. */
export const changed = (outcome: ApplyOutcome): DatabaseRecord => {
  const { state, uid } = accepted(outcome);
  const database = databaseByUid(state, uid);
  if (database === undefined) throw new ApiProblem('db_not_exist', `there is no database ${uid}`);
  return database;
};

/** `?dry_run` and `?dry_run=true`: check, change nothing. */
export const dryRunQuery = { dry_run: z.string().regex(/^(?:|true|false|1|0)$/i) } as const;

export const isDryRun = ({ query }: Pick<Call<unknown>, 'query'>): boolean =>
  !['false', '0', undefined].includes(query('dry_run')?.toLowerCase());

export const isoTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
