/**
 * What of a request is looked at before its route: headers, parameters after the question mark, body. Throws the refusal.
 * [RS rest-api: headers] Limits: `BODY_LENGTH_MAX`, `BODY_DEPTH_MAX`.
 */

import type { Context } from 'hono';
import type { ControlPlane } from '../control/control-plane.ts';
import { ApiProblem } from './problems.ts';
import type { Route } from './route.ts';

const BODY_LENGTH_MAX = 4 * 1024 * 1024;
/** Whatever reads a body calls itself for each level: a deep one would end the stack. No documented body has more than ten. */
const BODY_DEPTH_MAX = 64;
export const STATE_ID = 'cluster-state-id';

/** JSON, unsaid, or what curl and browsers say of a body when nobody tells them. */
const MEDIA =
  /^(?:application\/(?:[a-z0-9.+-]+\+)?json|text\/(?:plain|json)|application\/x-www-form-urlencoded)\s*(?:;|$)/i;
const VERSIONS = ['1', '2'];

export const checkHeaders = ({ state }: ControlPlane, { req }: Context, hasBody: boolean): void => {
  const version = req.header('x-api-version');
  if (version !== undefined && !VERSIONS.includes(version)) {
    throw new ApiProblem('unsupported_api_version', `X-API-Version ${version}: there are ${VERSIONS.join(' and ')}`);
  }
  const accept = req.header('accept');
  if (accept !== undefined && !acceptsJson(accept)) {
    throw new ApiProblem('not_acceptable', `Accept: ${accept} excludes application/json, which every answer is`);
  }
  const media = req.header('content-type');
  if (hasBody && media !== undefined && !MEDIA.test(media)) {
    throw new ApiProblem('unsupported_media_type', `Content-Type: ${media}: a body here is application/json`);
  }
  // A client that has read the state may ask that nobody has changed it since.
  const given = req.header(STATE_ID);
  if (given !== undefined && given !== String(state.version)) {
    throw new ApiProblem(
      'wrong_cluster_state_id',
      `the cluster's state is ${state.version}, not ${given}: read it again`,
    );
  }
};

const acceptsJson = (accept: string): boolean =>
  accept.split(',').some((range) => {
    const [type = '', ...parameters] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const isOff = parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
    return !isOff && ['', '*/*', 'application/*', 'application/json', 'text/json'].includes(type);
  });

export const checkQuery = (route: Route, { req }: Context): void => {
  for (const [name, schema] of Object.entries(route.query ?? {})) {
    const given = req.query(name);
    if (given === undefined || schema.safeParse(given).success) continue;
    throw new ApiProblem('invalid_schema', `${name}=${given} is not what this path takes`);
  }
};

export const bodyOf = async (
  { req }: Context,
  schema: NonNullable<Route['body']>,
  isOptional: boolean,
  prepare: (json: unknown) => unknown,
): Promise<unknown> => {
  const tooLarge = new ApiProblem('request_too_large', `a body has at most ${BODY_LENGTH_MAX} characters`);
  if (Number(req.header('content-length') ?? 0) > BODY_LENGTH_MAX) throw tooLarge;
  const text = await req.text();
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
  if (isDeeperThan(json, BODY_DEPTH_MAX)) {
    throw new ApiProblem('invalid_schema', `the body is nested more than ${BODY_DEPTH_MAX} levels deep`);
  }
  const read = schema.safeParse(prepare(json));
  if (read.success) return read.data;
  const issues = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new ApiProblem('invalid_schema', issues.join('; '));
};

const isDeeperThan = (json: unknown, levelsMax: number): boolean => {
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levelsMax) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
};
