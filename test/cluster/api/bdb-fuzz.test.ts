/**
 * Bodies of POST and PUT /v1/bdbs generated from the schema itself, allowed and nearly so: none is a defect, a refused one changes
 * nothing, an accepted one comes back from GET. 150 bodies; `ANTIPODE_RUNS=334` makes them 50,100.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { bdbBody } from '../../../src/cluster/api/bdb-fields.ts';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { SETTING_NAMES } from '../../../src/cluster/state/database-settings.ts';
import { asking } from '../../support/api.ts';
import { allowedBy, nearlyAllowedBy, type JsonSchema, type Pools } from '../../support/json-schema.ts';
import { inSimulation } from '../../support/sandboxes.ts';

const RUNS = 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1);
const DATABASES_MAX = 6;

const schema = z.toJSONSchema(bdbBody, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

const POOLS: Pools = {
  uid: [1, 2, 3, 7, 0, -1],
  name: ['orders', 'orders-copy', 'a', 'b', 'c', 'bad name', ''],
  memory_size: [0, 1_000_000, 2 ** 40],
  port: [0, 12_000, 12_001, 12_002, 9443, 70_000],
  shards_count: [1, 1, 2, 3, 513],
  shard_key_regex: [[], [{ regex: '.*\\{(?<tag>.*)\\}.*' }, { regex: '(?<tag>.*)' }], [{ regex: '(' }]],
  replica_sources: [
    [],
    [{ uri: 'redis://127.0.9.9:6379' }],
    [{ uri: 'redis://h' }],
    [{ uri: 'redis://h:1', compression: 9 }],
  ],
  sync_sources: [[], [{ uri: 'redis://127.0.9.9:6379', encryption: true }]],
  authentication_ssl_client_certs: [[], [{ client_cert: 'x' }]],
  authentication_ssl_crdt_certs: [[], [{ client_cert: 'x' }]],
  type: ['redis', 'memcached'],
  version: ['7.4.0', '5'],
  redis_version: ['7.4', '8.0'],
  proxy_policy: ['single', 'single', 'none'],
  data_persistence: ['disabled', 'snapshot', 'tape'],
  aof_policy: ['appendfsync-every-sec', 'appendfsync-always', 'never'],
  eviction_policy: ['volatile-lru', 'noeviction', 'allkeys-lfu', 'none'],
  hash_slots_policy: ['16k', '8k'],
  repl_backlog_size: ['auto', '1000000', 'much'],
  slave_buffer: ['auto', '64', '1:1:1', '::'],
  crdt: [false, false, true],
  crdt_sources: [[]],
  module_list: [[], [{ module_name: 'bf' }]],
  acl: [[], ['10.0.0.0/8']],
};

const body = fc.oneof(
  { weight: 3, arbitrary: allowedBy(schema, POOLS) },
  { weight: 2, arbitrary: nearlyAllowedBy(schema, POOLS) },
);

const request = fc.record({
  target: fc.constantFrom(
    'POST /v1/bdbs',
    'POST /v2/bdbs',
    'PUT /v1/bdbs/1',
    'PUT /v1/bdbs/2',
    'PUT /v1/bdbs/1?dry_run',
  ),
  /** What makes a new one more than refused for want of a name. */
  isNamed: fc.boolean(),
  body,
});

it('bodies generated from the schema never break anything', { timeout: 3_600_000 }, () =>
  inSimulation({}, async ({ sandbox }) => {
    const cluster = sandbox.cluster('west.local');
    const { control } = cluster;
    const ask = asking(cluster);
    const statuses = new Map<number, number>();
    let made = 0;
    await fc.assert(
      fc.asyncProperty(request, async ({ target, isNamed, body: generated }) => {
        const [method, path] = target.split(' ') as [string, string];
        const isObject = typeof generated === 'object' && generated !== null && !Array.isArray(generated);
        const named = { memory_size: 0, ...(generated as object), name: `n${made++}` };
        const sent = isNamed && isObject && method === 'POST' ? named : generated;
        await control.settled();
        const before = control.state;
        const running = control.shards(1);
        const answer = await ask(method, path, sent);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        expect(answer.status).toBeLessThan(500);
        if (answer.status >= 400) {
          expect(answer.json).toEqual({ error_code: expect.any(String), description: expect.any(String) });
          expect(control.state).toBe(before);
          await control.settled();
          expect(control.shards(1)).toEqual(running);
          return;
        }
        expect(answer.status).toBe(200);
        if (path.includes('dry_run')) {
          expect(control.state).toBe(before);
          return;
        }
        await control.settled();
        const uid: number = answer.json.uid;
        const shown = (await ask('GET', `/v1/bdbs/${uid}`)).json;
        const given = (isObject && 'bdb' in (sent as object) ? (sent as { bdb: object }).bdb : sent) as Record<
          string,
          unknown
        >;
        for (const name of [
          ...SETTING_NAMES,
          'name',
          'memory_size',
          'tags',
          'snapshot_policy',
          'tls_mode',
          'shards_count',
        ]) {
          if (given[name] !== undefined) expect(shown[name], name).toEqual(given[name]);
        }
        const again = await ask('PUT', `/v1/bdbs/${uid}`, shown);
        expect([again.status, again.json.description]).toEqual([200, undefined]);
        await control.settled();
        const {
          status: _,
          last_changed_time: __,
          action_uid: ___,
          replica_sources: ____,
          sync_sources: _____,
          ...same
        } = shown;
        expect((await ask('GET', `/v1/bdbs/${uid}`)).json).toMatchObject(same);
        if (control.state.databases.length > DATABASES_MAX) {
          for (const old of control.state.databases.slice(2)) control.deleteDatabase(old.uid);
        }
      }),
      { numRuns: RUNS },
    );
    // Both ways happen, or nothing has been tried.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 406]));
  }),
);

/** What is asked of `/v1/bdbs/{uid}/command`: reads and writes, refused and unknown words. */
const COMMANDS = [
  'PING',
  'SET',
  'GET',
  'MGET',
  'DEL',
  'INCR',
  'EXEC',
  'DEBUG',
  'SUBSCRIBE',
  'CONFIG',
  'EVAL',
  'no such',
  ' ',
  'SET k v',
];

it('bodies of the other routes of a database never break anything', { timeout: 3_600_000 }, () =>
  inSimulation({}, async ({ sandbox }) => {
    const cluster = sandbox.cluster('west.local');
    const { control } = cluster;
    const ask = asking(cluster);
    const routes = apiRoutes.filter(({ body: taken, path }) => taken !== null && /^.v1.bdbs.(:uid.|alerts)/.test(path));
    expect(routes.length).toBeGreaterThan(8);
    const pools: Pools = { ...POOLS, command: COMMANDS, password: ['', 'a', 'b', 'x'.repeat(600)] };
    const requests = routes.map(({ method, path, body: taken }) => {
      const of = z.toJSONSchema(taken!, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
      const sent = fc.oneof(allowedBy(of, pools), nearlyAllowedBy(of, pools));
      return fc.record({
        method: fc.constant(method),
        path: fc.constant(path),
        uid: fc.constantFrom(1, 1, 1, 9),
        sent,
      });
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(...requests), async ({ method, path, uid, sent }) => {
        await control.settled();
        const before = control.state;
        const answer = await ask(method, path.replace(':uid', String(uid)), sent);
        expect([500, 505]).not.toContain(answer.status);
        if (answer.status === 200) return;
        expect(answer.json).toEqual({ error_code: expect.any(String), description: expect.any(String) });
        expect(control.state).toBe(before);
      }),
      { numRuns: RUNS },
    );
  }),
);
