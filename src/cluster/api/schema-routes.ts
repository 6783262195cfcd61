/**
 * /v1/jsonschema and /v1/openapi.json: what the other routes declare, for programs. The first is the product's [RS requests/jsonschema];
 * the second is ours.
 */

import { z } from 'zod';
import { jsonSchemaOf, openApiOf } from './openapi.ts';
import { ApiProblem } from './problems.ts';
import { defineRoute, type Route } from './route.ts';

/** Object to the route that answers with one. */
const OBJECTS: Readonly<Record<string, string>> = {
  bdb: '/v1/bdbs/:uid',
  cluster: '/v1/cluster',
  cluster_settings: '/v1/cluster/policy',
  license: '/v1/license',
  node: '/v1/nodes/:uid',
  proxy: '/v1/proxies/:uid',
  redis_acl: '/v1/redis_acls/:uid',
  role: '/v1/roles/:uid',
  services_configuration: '/v1/cluster/services_configuration',
  shard: '/v1/shards/:uid',
  suffix: '/v1/suffix/:name',
  user: '/v1/users/:uid',
};

/** About the routes given, and about themselves. */
export const schemaRoutes = (others: readonly Route[]): readonly Route[] => {
  const schemaOf = (object: string) => {
    const path = Object.hasOwn(OBJECTS, object) ? OBJECTS[object] : undefined;
    const reply = others.find((route) => route.method === 'GET' && route.path === path)?.reply;
    return reply === undefined ? null : jsonSchemaOf(reply, 'output');
  };
  const routes: readonly Route[] = [
    defineRoute({
      method: 'GET',
      path: '/v1/jsonschema',
      summary: 'The JSON schema of an object, as GET shows it; of all objects by name, if none is asked for.',
      permission: 'user',
      query: { object: z.string() },
      reply: z.looseObject({}),
      problems: ['invalid_object'],
      run({ query }) {
        const object = query('object');
        if (object === null) return Object.fromEntries(Object.keys(OBJECTS).map((name) => [name, schemaOf(name)]));
        const schema = schemaOf(object);
        if (schema !== null) return schema;
        const known = Object.keys(OBJECTS).join(', ');
        throw new ApiProblem('invalid_object', `there is no schema of "${object}"; there are: ${known}`);
      },
    }),

    defineRoute({
      method: 'GET',
      path: '/v1/openapi.json',
      summary: 'This API as an OpenAPI 3.1 document.',
      permission: 'anybody',
      reply: z.looseObject({ openapi: z.string() }),
      run: ({ request }) => openApiOf([...others, ...routes], `https://${request.host}`),
    }),
  ];
  return routes;
};
