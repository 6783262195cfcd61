/**
 * The REST API as an OpenAPI 3.1 document, and the JSON schemas of its objects, both made of the routes' own declarations: what is
 * documented is what is checked. Pure.
 *
 * Border: a declaration is `route.ts`, what may be refused `problems.ts`. Bodies are shown as a client writes them.
 */

import { z } from 'zod';
import { API_PROBLEMS, statusOf, type ApiCode } from './problems.ts';
import type { Route } from './route.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Any request may be refused so. */
const COMMON: readonly ApiCode[] = [
  'unauthorized',
  'user_locked',
  'password_expired',
  'not_acceptable',
  'wrong_cluster_state_id',
  'not_in_cluster',
  'unsupported_api_version',
  'internal_error',
];
/** Any request with a body. */
const WITH_BODY: readonly ApiCode[] = [
  'invalid_json',
  'invalid_schema',
  'request_too_large',
  'unsupported_media_type',
  'not_saved',
];
const PROBLEM = { $ref: '#/components/schemas/problem' };

/** A body as clients write it, or an answer as they read it. What has no schema of its own allows anything. */
export const jsonSchemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonObject =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonObject;

/** Codes that a route can answer, each once. */
export const problemsOf = (route: Route): readonly ApiCode[] => [
  ...new Set([
    ...(route.problems ?? []),
    ...(route.body === null ? [] : WITH_BODY),
    ...(route.query === undefined ? [] : (['invalid_schema'] as const)),
    ...(route.permission === 'anybody' || route.permission === 'user' ? [] : (['forbidden'] as const)),
    ...COMMON.filter((code) => route.permission !== 'anybody' || statusOf(code) !== 401),
  ]),
];

export const openApiOf = (routes: readonly Route[], server: string): JsonObject => {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:([a-z_]+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'REST API of a cluster', version: '1', description: 'Refusals have a code: see error_code.' },
    servers: [{ url: server }],
    security: [{ basic: [] }, { token: [] }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'Email or name of a user, and a password.' },
        token: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description: '"JWT " and the token that POST /v1/users/authorize gives.',
        },
      },
      schemas: {
        problem: {
          type: 'object',
          properties: {
            error_code: { type: 'string', enum: Object.keys(API_PROBLEMS) },
            description: { type: 'string', description: 'The offending value, the rule, and what to do.' },
          },
          required: ['error_code', 'description'],
        },
      },
    },
  };
};

const operationOf = (route: Route): JsonObject => ({
  operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[/:]+([a-z0-9_])/g, (_, letter: string) => letter.toUpperCase())}`,
  summary: route.summary,
  ...(route.permission === 'anybody' ? { security: [] } : {}),
  ...(route.permission === 'anybody' || route.permission === 'user' ? {} : { 'x-permission': route.permission }),
  parameters: parametersOf(route),
  ...(route.body === null
    ? {}
    : {
        requestBody: {
          required: route.isBodyOptional !== true,
          content: { 'application/json': { schema: jsonSchemaOf(route.body, 'input') } },
        },
      }),
  responses: responsesOf(route),
});

const parametersOf = ({ path, query = {} }: Route): readonly JsonObject[] => [
  ...[...path.matchAll(/:([a-z_]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  })),
  ...Object.entries(query).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: jsonSchemaOf(schema, 'input'),
  })),
];

/** One response for each status: the codes that have it are named in its description. */
const responsesOf = (route: Route): JsonObject => {
  const schema = route.reply === undefined ? {} : jsonSchemaOf(route.reply, 'output');
  const responses: Record<string, JsonObject> = {
    200: { description: 'Done.', content: { 'application/json': { schema } } },
  };
  const problems = problemsOf(route);
  for (const status of new Set(problems.map(statusOf))) {
    const codes = problems.filter((code) => statusOf(code) === status);
    responses[status] = {
      description: codes.map((code) => `${code}: ${API_PROBLEMS[code][1]}`).join('; '),
      content: { 'application/json': { schema: PROBLEM } },
    };
  }
  return responses;
};
