/**
 * The REST API of one cluster, as a function from request to answer: HTTPS, tests and scenarios call the same.
 *
 * hono dispatches; what a route does is in the table of `routes.ts`. A request is looked at in this order: who asks (`logins.ts`), may
 * they (`permissions.ts`), headers, parameters and body (`request-checks.ts`). Every refusal has the body `{error_code, description}`
 * [RS rest-api: errors].
 */

import { Hono, type Context } from 'hono';
import type { HttpHandler } from '../../world/system-http.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { rolesOf, type UserRecord } from '../state/accounts.ts';
import { masked, showsCredentials, unmasked } from './credentials-mask.ts';
import { Logins } from './logins.ts';
import { isPermitted, rolesWith, type Permission } from './permissions.ts';
import { ApiProblem, statusOf } from './problems.ts';
import { bodyOf, checkHeaders, checkQuery, STATE_ID } from './request-checks.ts';
import type { Route } from './route.ts';
import { apiRoutes } from './routes.ts';

export const createApi = (control: ControlPlane): HttpHandler => {
  const app = new Hono();
  const logins = new Logins(control);
  app.use(async (context, next) => {
    await next();
    context.header(STATE_ID, String(control.state.version));
  });
  for (const route of apiRoutes) {
    app.on(route.method, route.path, async (context) => context.json(await answered(control, logins, route, context)));
  }
  app.notFound((context) => otherwise(control, logins, context));
  app.onError((error, context) => {
    if (error instanceof ApiProblem) return refusal(context, error);
    control.world.log.event('api-failed', { path: context.req.path, detail: error.stack ?? error.message });
    return refusal(context, new ApiProblem('internal_error', error.message));
  });
  return async (request) => app.fetch(request);
};

const answered = async (control: ControlPlane, logins: Logins, route: Route, context: Context): Promise<object> => {
  const { req } = context;
  const { isWaiting, accounts } = control.state;
  if (isWaiting && route.isBeforeCluster !== true) throw notInCluster(control);
  const user = isWaiting ? null : whoAsks(logins, route, context);
  const roles = user === null ? [] : rolesOf(accounts, user).map((role) => role.management);
  const may = (permission: Permission): boolean => isPermitted(roles, permission);
  if (!isWaiting) checkPermission(route, may);
  checkHeaders(control, context, route.body !== null);
  checkQuery(route, context);
  const hasCredentials = showsCredentials(route.path);
  const body =
    route.body === null
      ? null
      : await bodyOf(context, route.body, route.isBodyOptional === true, hasCredentials ? unmasked : asItIs);
  const answer = await route.run({
    control,
    logins,
    user,
    may,
    request: { host: new URL(req.url).hostname, header: (name) => req.header(name) },
    parameter: (name) => req.param(name) ?? '',
    query: (name) => req.query(name) ?? null,
    body,
  });
  await kept(control, route);
  const isMasked = hasCredentials && (control.state.settings.mask_bdb_credentials || !may('view_redis_pass'));
  return (isMasked ? masked(answer) : answer) as object;
};

/** What is answered as done survives the end of the process. */
const kept = async (control: ControlPlane, { method }: Route): Promise<void> => {
  if (method === 'GET') return;
  const saved = await control.saved();
  if (saved.ok) return;
  const advice = 'the change is in effect and will be kept as soon as the disk allows';
  throw new ApiProblem('not_saved', `the state cannot be written (${saved.why}): ${saved.detail}; ${advice}`);
};

const asItIs = (json: unknown): unknown => json;

const refusal = (context: Context, { code, message }: ApiProblem): Response => {
  const status = statusOf(code);
  if (status === 401) context.header('www-authenticate', 'Basic realm="cluster"');
  return context.json({ error_code: code, description: message }, status);
};

const notInCluster = ({ state: { fqdn } }: ControlPlane): ApiProblem =>
  new ApiProblem(
    'not_in_cluster',
    `this node of ${fqdn} is not in a cluster yet; create it by POST /v1/bootstrap/create_cluster`,
  );

/** Null: nobody in particular, where the route allows it. */
const whoAsks = (logins: Logins, route: Route, { req }: Context): UserRecord | null =>
  route.permission === 'anybody' ? null : logins.userOf(req.header('authorization'), route.isForExpired === true);

const checkPermission = ({ permission }: Route, may: (permission: Permission) => boolean): void => {
  if (permission === 'anybody' || permission === 'user' || may(permission)) return;
  throw new ApiProblem(
    'forbidden',
    `this needs the permission ${permission}; roles that have it: ${rolesWith(permission).join(', ')}`,
  );
};

/** No route has this method and path. */
const otherwise = (control: ControlPlane, logins: Logins, context: Context): Response => {
  const { method, path } = context.req;
  if (control.state.isWaiting) throw notInCluster(control);
  logins.userOf(context.req.header('authorization'), false);
  const methods = apiRoutes.filter((route) => matches(route.path, path)).map((route) => route.method);
  if (methods.length === 0) throw new ApiProblem('not_found', `there is no ${path}`);
  const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'];
  context.header('allow', allowed.join(', '));
  if (method === 'OPTIONS' && !control.state.settings.options_method_forbidden) return context.body(null, 200);
  throw new ApiProblem('method_not_allowed', `${path} has no ${method}, but ${methods.join(', ')}`);
};

const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/:[a-z]+/g, '[^/]+')}$`).test(path);
