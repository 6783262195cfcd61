/**
 * The REST API of one cluster, as a function from request to answer: HTTPS, tests and scenarios call the same.
 *
 * hono dispatches; what a route does is in the table of `routes.ts`. Every refusal has the body `{error_code, description}`
 * [RS rest-api: errors]. Limits: `BODY_LENGTH_MAX`.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type Context } from 'hono';
import type { HttpHandler } from '../../world/system-http.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { API_PROBLEMS, ApiProblem } from './problems.ts';
import type { Route } from './route.ts';
import { apiRoutes } from './routes.ts';

const BODY_LENGTH_MAX = 4 * 1024 * 1024;
const STATE_ID = 'cluster-state-id';

export const createApi = (control: ControlPlane): HttpHandler => {
  const app = new Hono();
  app.use(async (context, next) => {
    authenticate(control, context.req.header('authorization'));
    await next();
    context.header(STATE_ID, String(control.state.version));
  });
  for (const route of apiRoutes) {
    app.on(route.method, route.path, async (context) => {
      checkStateId(control, context.req.header(STATE_ID));
      for (const [name, schema] of Object.entries(route.query ?? {})) {
        const given = context.req.query(name);
        if (given === undefined || schema.safeParse(given).success) continue;
        throw new ApiProblem('invalid_schema', `${name}=${given} is not what this path takes`);
      }
      const body = route.body === null ? null : await bodyOf(context, route.body, route.isBodyOptional === true);
      const answer = await route.run({
        control,
        parameter: (name) => context.req.param(name) ?? '',
        query: (name) => context.req.query(name) ?? null,
        body,
      });
      return context.json(answer as object);
    });
  }
  app.notFound((context) => {
    const methods = apiRoutes.filter((route) => matches(route.path, context.req.path)).map((route) => route.method);
    const { method, path } = context.req;
    if (methods.length === 0) return refusal(context, new ApiProblem('not_found', `there is no ${path}`));
    context.header('allow', methods.join(', '));
    return refusal(
      context,
      new ApiProblem('method_not_allowed', `${path} has no ${method}, but ${methods.join(', ')}`),
    );
  });
  app.onError((error, context) => {
    if (error instanceof ApiProblem) return refusal(context, error);
    control.world.log.event('api-failed', { path: context.req.path, detail: error.stack ?? error.message });
    return refusal(context, new ApiProblem('internal_error', error.message));
  });
  return async (request) => app.fetch(request);
};

const refusal = (context: Context, { code, message }: ApiProblem): Response => {
  if (code === 'unauthorized') context.header('www-authenticate', 'Basic realm="cluster"');
  return context.json({ error_code: code, description: message }, API_PROBLEMS[code]);
};

const authenticate = ({ state }: ControlPlane, header: string | undefined): void => {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) throw new ApiProblem('unauthorized', 'log in by HTTP Basic authentication');
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  if (!timingSafeEqual(digest(given), digest(`${state.username}:${state.password}`))) {
    throw new ApiProblem('unauthorized', 'user or password is wrong');
  }
};

/** Digests have one length, so that comparing them tells nothing. */
const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/** A client that has read the state may ask that nobody has changed it since. */
const checkStateId = ({ state }: ControlPlane, given: string | undefined): void => {
  if (given === undefined || given === String(state.version)) return;
  throw new ApiProblem(
    'wrong_cluster_state_id',
    `the cluster's state is ${state.version}, not ${given}: read it again`,
  );
};

const bodyOf = async (context: Context, schema: NonNullable<Route['body']>, isOptional: boolean): Promise<unknown> => {
  const tooLarge = new ApiProblem('request_too_large', `a body has at most ${BODY_LENGTH_MAX} characters`);
  if (Number(context.req.header('content-length') ?? 0) > BODY_LENGTH_MAX) throw tooLarge;
  const text = await context.req.text();
  if (text.length > BODY_LENGTH_MAX) throw tooLarge;
  let json: unknown;
  try {
    json = text === '' && isOptional ? {} : JSON.parse(text);
  } catch (error) {
    throw new ApiProblem(
      'invalid_json',
      `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new ApiProblem('invalid_schema', issues.join('; '));
};

const matches = (pattern: string, path: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/:[a-z]+/g, '[^/]+')}$`).test(path);
