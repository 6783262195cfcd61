/**
 * Every route of the API, with bodies and parameters generated from its own declaration, allowed and nearly so, by several users: no
 * answer is a defect, a refusal has its shape and its status and changes nothing, and what was carried out fits the declared reply. 250
 * requests; `ANTIPODE_RUNS=200` makes them 50,000. Bodies of databases have a suite of their own besides (`bdb-fuzz.test.ts`).
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { passwordOf } from '../../../src/cluster/control/secrets.ts';
import { API_PROBLEMS, type ApiCode } from '../../../src/cluster/api/problems.ts';
import type { Route } from '../../../src/cluster/api/route.ts';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { licenseText, trialLicense } from '../../../src/cluster/state/license.ts';
import { askingAs, basic } from '../../support/api-people.ts';
import { allowedBy, nearlyAllowedBy, type JsonSchema, type Pools } from '../../support/json-schema.ts';
import { inSimulation } from '../../support/sandboxes.ts';

const RUNS = 250 * Number(process.env['ANTIPODE_RUNS'] ?? 1);
const RUNS_FOR_ALL_KINDS = 2_500;
const DATABASES_MAX = 6;
const USERS_MAX = 20;
const OWNER = 'owner@lab.local';

const POOLS: Pools = {
  uid: [1, 2, 3, 9],
  name: ['a', 'b', 'orders', 'Ann', 'bad name', ''],
  email: ['ann@lab.local', 'bob@lab.local', OWNER, 'ann', ''],
  username: ['ann@lab.local', OWNER, 'nobody'],
  password: ['first-word', 'Right-word1!', 'x', ''],
  new_password: ['first-word', 'Right-word1!', ''],
  old_password: ['first-word', 'Right-word1!'],
  role_uids: [[1], [2, 5], [99], []],
  acl: ['+get ~*', '+@all -@dangerous ~a:*', '+@nonsense', '>secret', ''],
  license: ['', 'nonsense', licenseText(trialLicense(Date.UTC(2100, 0, 1)))],
  reserved_ports: [[], ['12001'], ['13000-13010'], ['9-1'], ['99999'], ['x']],
  data_cipher_list: ['DEFAULT', 'NONSENSE', 'HIGH:!aNULL'],
  control_cipher_suites: ['DEFAULT', 'NONSENSE'],
  data_cipher_suites_tls_1_3: [[], ['TLS_AES_128_GCM_SHA256'], ['TLS_NONSENSE']],
  memory_size: [0, 1_000_000],
  port: [0, 12_000, 12_001, 70_000],
  shards_count: [1, 2, 513],
  // A lock or an expiry would keep the owner out for the rest of the run.
  login_lockout_threshold: [0, 100_000],
  password_expiration_duration: [0],
  threshold: [0, 50, '80', 'x', -1],
};

/** Values for the parts of paths. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  uid: ['1', '2', '3', '99', '0', '-1', '1e3', 'x', '%00', '1%2F2'],
  name: ['proxy', 'ldap_client', 'west.local', 'nonsense'],
  action: ['create_cluster', 'join_cluster', 'dance'],
  alert: ['cluster_even_node_count', 'node_memory', 'bdb_size', 'nonsense'],
};

const jsonSchema = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

const bodies = (schema: z.ZodType | null): fc.Arbitrary<unknown> => {
  if (schema === null) return fc.constant(undefined);
  const declared = jsonSchema(schema);
  return fc.oneof(
    { weight: 3, arbitrary: allowedBy(declared, POOLS) },
    { weight: 2, arbitrary: nearlyAllowedBy(declared, POOLS) },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
};

const paths = ({ path, query = {} }: Route): fc.Arbitrary<string> => {
  const parts = path.split('/').map((part) => {
    if (!part.startsWith(':')) return fc.constant(part);
    return fc.constantFrom(...(PARTS[part.slice(1)] ?? ['1', '2', 'x']));
  });
  const values = fc.constantFrom('', 'true', 'false', '1', 'desc', '1hour', '2000-01-01T00:00:00Z', 'x', 'uid,name');
  const asked = fc.uniqueArray(fc.tuple(fc.constantFrom('nonsense', ...Object.keys(query)), values), {
    maxLength: 2,
    selector: ([name]) => name,
  });
  return fc
    .tuple(fc.tuple(...parts), asked)
    .map(([written, pairs]) => `${written.join('/')}?${pairs.map(([name, value]) => `${name}=${value}`).join('&')}`);
};

const request = fc.oneof(
  ...apiRoutes.map((route) =>
    fc.record({
      route: fc.constant(route),
      path: paths(route),
      body: bodies(route.body),
      isOwner: fc.nat(9).map((drawn) => drawn > 0),
    }),
  ),
);

it('no request generated from the declarations of the routes breaks anything', { timeout: 3_600_000 }, () =>
  inSimulation(
    { clusters: [{ name: 'west.local', nodes: 2, databases: [{ name: 'orders', shards: 2 }] }] },
    async ({ sandbox }) => {
      const west = sandbox.cluster('west.local');
      const { control } = west;
      const { password } = west;
      const now = control.world.clock.now();
      const owner = {
        email: OWNER,
        name: 'Owner',
        role: 'admin',
        password: passwordOf(password),
      } as const;
      expect(control.submit({ kind: 'create-user', atMs: now, wish: owner }).ok).toBe(true);
      const viewer = { ...owner, email: 'viewer@lab.local', name: 'Viewer', role: 'db_viewer' } as const;
      expect(control.submit({ kind: 'create-user', atMs: now, wish: viewer }).ok).toBe(true);
      const statuses = new Map<number, number>();
      await fc.assert(
        fc.asyncProperty(request, async ({ route, path, body, isOwner }) => {
          // The two who ask must go on being able to.
          if (/^\/v1\/users\/(2|3)\?/.test(path) || path.startsWith('/v1/users/password')) return;
          if (path.startsWith('/v1/roles/1?')) return;
          await control.settled();
          const before = control.state;
          const ask = askingAs(west, basic(isOwner ? OWNER : 'viewer@lab.local', password));
          const { status, json } = await ask(route.method, path, body);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status === 200) {
            if (route.method === 'GET') expect(control.state).toBe(before);
            expect(route.reply, `${route.method} ${route.path}`).toBeDefined();
            expect(route.reply!.safeParse(json).error?.issues, `${route.method} ${path}`).toBeUndefined();
          } else {
            expect(json, `${route.method} ${path}`).toEqual({
              error_code: expect.any(String),
              description: expect.any(String),
            });
            expect(API_PROBLEMS[json.error_code as ApiCode]?.[0]).toBe(status);
            expect([500, 505, 507], `${route.method} ${path}: ${json.description}`).not.toContain(status);
            expect(control.state).toBe(before);
          }
          for (const old of control.state.databases.slice(DATABASES_MAX)) control.deleteDatabase(old.uid);
          for (const old of control.state.accounts.users.slice(USERS_MAX))
            control.submit({ kind: 'delete-user', uid: old.uid });
        }),
        { numRuns: RUNS },
      );
      // All kinds of answer happen, or nothing has been tried; the rarer ones not in every short run.
      const kinds = RUNS < RUNS_FOR_ALL_KINDS ? [200, 400, 404] : [200, 400, 403, 404, 406];
      expect([...statuses.keys()]).toEqual(expect.arrayContaining(kinds));
    },
  ),
);
