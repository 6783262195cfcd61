import { describe, expect, it } from 'vitest';
import { openApiOf } from '../../../src/cluster/api/openapi.ts';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { inSimulation } from '../../support/sandboxes.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: unknown;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const document = openApiOf(apiRoutes, 'https://east.local') as unknown as Document;
const operations = Object.values(document.paths).flatMap((path) => Object.values(path));

describe('the OpenAPI document', () => {
  it('has every route, its body, its parameters and the codes of its own', () => {
    for (const route of apiRoutes) {
      const path = route.path.replaceAll(/:([a-z_]+)/g, '{$1}');
      const operation = document.paths[path]?.[route.method.toLowerCase()];
      expect(operation, `${route.method} ${path}`).toBeDefined();
      expect(operation!.requestBody !== undefined).toBe(route.body !== null);
      const named = operation!.parameters.map((each) => each.name);
      expect(named).toEqual([
        ...[...route.path.matchAll(/:([a-z_]+)/g)].map(([, name]) => name),
        ...Object.keys(route.query ?? {}),
      ]);
      const said = Object.values(operation!.responses).map((response) => response.description);
      for (const code of route.problems ?? []) expect(said.join()).toContain(`${code}: `);
    }
    expect(operations).toHaveLength(apiRoutes.length);
  });

  it('names each operation once', () => {
    const names = operations.map((each) => each.operationId);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('is served to anybody, and the schema of an object to whoever has logged in', () =>
    inSimulation({}, async ({ sandbox }) => {
      const east = sandbox.cluster('east.local');
      const open = await east.api(new Request('https://east.local/v1/openapi.json'));
      expect([open.status, ((await open.json()) as { openapi: string }).openapi]).toEqual([200, '3.1.0']);
      expect(await east.rest('GET', '/v1/jsonschema?object=bdb')).toMatchObject({
        type: 'object',
        properties: { uid: { type: 'integer' }, replica_sources: { type: 'array' } },
      });
      await expect(east.rest('GET', '/v1/jsonschema?object=moon')).rejects.toThrow(/406.*moon.*bdb, cluster/);
      const closed = await east.api(new Request('https://east.local/v1/jsonschema?object=bdb'));
      expect(closed.status).toBe(401);
    }));
});
