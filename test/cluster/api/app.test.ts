import { describe, expect, it } from 'vitest';
import { apiRoutes } from '../../../src/cluster/api/routes.ts';
import { apiStory, asking } from '../../support/api.ts';
import { inSimulation } from '../../support/sandboxes.ts';

const story = apiStory;

describe('the REST API', () => {
  it('asks for a password', () =>
    story(async (ask) => {
      for (const authorization of [
        '',
        'Bearer x',
        `Basic ${Buffer.from('admin@west.local:wrong').toString('base64')}`,
      ]) {
        const { status, headers, json } = await ask('GET', '/v1/cluster', undefined, { authorization });
        expect(status).toBe(401);
        expect(json).toEqual({ error_code: 'unauthorized', description: expect.any(String) });
        expect(headers.get('www-authenticate')).toMatch(/^Basic/);
      }
    }));

  it('refuses unknown paths, and methods that a path does not have', () =>
    story(async (ask) => {
      expect(await ask('GET', '/v1/unknown')).toMatchObject({ status: 404, json: { error_code: 'not_found' } });
      const { status, headers } = await ask('DELETE', '/v1/bdbs');
      expect([status, headers.get('allow')]).toEqual([405, 'GET, POST, HEAD, OPTIONS']);
    }));

  it('shows the certificates that other clusters need', () =>
    story(async (ask, { sandbox }) => {
      const { json } = await ask('GET', '/v1/cluster');
      const { proxyCertificate, syncerCertificate } = sandbox.cluster('west.local');
      expect(json).toMatchObject({
        name: 'west.local',
        proxy_certificate: proxyCertificate,
        syncer_certificate: syncerCertificate,
      });
    }));

  it('shows the nodes with their shards', () =>
    story(async (ask) => {
      expect((await ask('GET', '/v1/nodes')).json).toMatchObject([
        { uid: 1, addr: '127.0.2.1', status: 'active', shard_list: [1, 2, 3], shard_count: 3, max_redis_servers: 100 },
      ]);
      expect((await ask('GET', '/v1/nodes/2')).status).toBe(404);
    }));

  it('has every route once', () => {
    const names = apiRoutes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('/v1/bdbs', () => {
  it('shows a destination with its source as the documentation names the fields', () =>
    story(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const { json } = await ask('GET', '/v1/bdbs/1');
      expect(json).toMatchObject({
        uid: 1,
        name: 'orders-copy',
        status: 'active',
        port: 12_000,
        shards_count: 3,
        shard_list: [1, 2, 3],
        endpoints: [{ dns_name: 'redis-12000.west.local', port: 12_000, addr: ['127.0.2.1'] }],
        authentication_admin_pass: expect.stringMatching(/^[A-Za-z0-9]{48}$/),
        replica_sync: 'enabled',
        sync: 'enabled',
      });
      expect(json.replica_sources).toEqual([
        {
          uid: 1,
          uri: sandbox.cluster('east.local').database('orders').sourceUrl(),
          compression: 0,
          encryption: false,
          server_cert: '',
          client_cert: '',
          client_key: '',
          replication_tls_sni: '',
          status: 'in-sync',
          rdb_size: expect.any(Number),
          rdb_transferred: expect.any(Number),
          lag: expect.any(Number),
          last_update: expect.any(String),
          last_error: '',
        },
      ]);
    }));

  it('creates, changes and deletes a database that works', () =>
    story(async (ask, { sandbox, connect }) => {
      const created = await ask('POST', '/v1/bdbs', {
        name: 'cache',
        memory_size: 1_000_000,
        port: 12_005,
        shards_count: 2,
      });
      expect(created).toMatchObject({
        status: 200,
        json: { uid: 2, status: 'pending', shard_list: [4, 5], sharding: true },
      });
      const west = sandbox.cluster('west.local');
      await west.control.settled();
      expect((await ask('GET', '/v1/bdbs/2')).json.status).toBe('active');
      const client = await connect(west.database('cache'));
      expect(await client.ask('SET', 'k', 'v')).toBe('OK');
      expect((await ask('GET', '/v1/bdbs/stats/last/2')).json).toMatchObject({ 2: { no_of_keys: 1, conns: 1 } });
      const changed = await ask('PUT', '/v1/bdbs/2', { authentication_redis_pass: 'geheim' });
      expect(changed.json).toMatchObject({ status: 'active-change-pending', authentication_redis_pass: 'geheim' });
      expect(await (await connect(west.database('cache'))).ask('GET', 'k')).toMatch(/^NOAUTH/);
      expect((await ask('DELETE', '/v1/bdbs/2')).json.status).toBe('delete-pending');
      await west.control.settled();
      expect(await ask('GET', '/v1/bdbs/2')).toMatchObject({ status: 404, json: { error_code: 'db_not_exist' } });
    }));

  it('accepts what it has given, and starts nothing over', () =>
    story(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const { json } = await ask('GET', '/v1/bdbs/1');
      expect((await ask('PUT', '/v1/bdbs/1', json)).status).toBe(200);
      expect(await ask('PUT', '/v1/bdbs/1', { ...json, uid: 7 })).toMatchObject({
        status: 400,
        json: { description: expect.stringContaining('it is 1, not 7') },
      });
      expect((await ask('GET', '/v1/bdbs/1/syncer_state')).json.generation).toBe(1);
    }));

  it('honours the older names sync and sync_sources', () =>
    story(async (ask) => {
      expect((await ask('PUT', '/v1/bdbs/1', { sync: 'paused' })).json.replica_sync).toBe('paused');
      expect((await ask('PUT', '/v1/bdbs/1', { sync: 'disabled', sync_sources: [] })).json.replica_sources).toEqual([]);
    }));

  it('checks without changing anything in a dry run', () =>
    story(async (ask) => {
      const wish = { name: 'dry', memory_size: 0 };
      expect((await ask('POST', '/v1/bdbs?dry_run=true', wish)).json).toMatchObject({
        uid: 2,
        name: 'dry',
        shard_list: [4],
      });
      for (const how of ['', '=True', '=1']) {
        expect((await ask('PUT', `/v1/bdbs/1?dry_run${how}`, { name: 'renamed' })).json.name).toBe('renamed');
      }
      expect((await ask('PUT', '/v1/bdbs/1?dry_run=perhaps', { name: 'renamed' })).status).toBe(400);
      expect((await ask('GET', '/v1/bdbs?fields=uid,name')).json).toEqual([{ uid: 1, name: 'orders-copy' }]);
    }));

  it('makes a new internal password', () =>
    story(async (ask, { sandbox }) => {
      const before = sandbox.cluster('west.local').database('orders-copy').sourceUrl();
      const { status, json } = await ask('PUT', '/v1/bdbs/1/reset_admin_pass');
      expect(status).toBe(200);
      expect(before).not.toContain(json.authentication_admin_pass);
    }));

  it('refuses a change that was made against an older state', () =>
    story(async (ask) => {
      const id = (await ask('GET', '/v1/bdbs')).headers.get('cluster-state-id')!;
      expect((await ask('PUT', '/v1/bdbs/1', { name: 'b' }, { 'cluster-state-id': id })).status).toBe(200);
      const late = await ask('PUT', '/v1/bdbs/1', { name: 'c' }, { 'cluster-state-id': id });
      expect(late).toMatchObject({ status: 409, json: { error_code: 'wrong_cluster_state_id' } });
    }));

  it.each([
    ['a body that is not JSON', '{', 400, 'invalid_json', /JSON/],
    [
      'a body that nests without end',
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      400,
      'invalid_schema',
      /64 levels/,
    ],
    ['a field of another type', { name: 'x', memory_size: '1gb' }, 400, 'invalid_schema', /memory_size/],
    ['an unknown field', { name: 'x', memory_size: 0, shardz: 1 }, 400, 'invalid_schema', /shardz/],
    [
      'a setting that has no effect here',
      { name: 'x', memory_size: 0, replication: true },
      406,
      'replication_node_violation',
      /replication/,
    ],
    ['no memory size', { name: 'x' }, 406, 'missing_memory_size', /bytes/],
    ['a taken port', { name: 'x', memory_size: 0, port: 12_000 }, 406, 'port_unavailable', /12000/],
    [
      'the wrong scheme',
      { name: 'x', memory_size: 0, replica_sources: [{ uri: 'http://h:1' }] },
      406,
      'invalid_replication',
      /http/,
    ],
    [
      'encryption without a certificate',
      { name: 'x', memory_size: 0, replica_sources: [{ uri: 'redis://h:1', encryption: true }] },
      406,
      'invalid_certificate',
      /server_cert/,
    ],
  ])('refuses %s', (_, body, status, code, words) =>
    story(async (ask) => {
      const answer = await ask('POST', '/v1/bdbs', body);
      expect(answer).toMatchObject({ status, json: { error_code: code } });
      expect(answer.json.description).toMatch(words);
    }),
  );
});

describe('/v1/bdbs/{uid}/syncer_state', () => {
  it('counts the full syncs and names their causes', () =>
    story(async (ask, { sandbox }) => {
      await sandbox.cluster('west.local').database('orders-copy').inSync();
      const { json } = await ask('GET', '/v1/bdbs/1/syncer_state');
      expect(json).toMatchObject({ full_syncs: 1, sources: [{ uid: 1, percent: 100, lag_bytes: 0 }] });
      expect(json.ledger.map((entry: { cause: string }) => entry.cause)).toEqual(['no-offset', 'no-offset']);
    }));

  it('is there, with nothing done yet, for sources that were never turned on', () =>
    story(async (ask) => {
      const sources = (await ask('GET', '/v1/bdbs/1')).json.replica_sources as { uri: string }[];
      const wish = {
        name: 'off',
        memory_size: 1_000_000,
        replica_sources: [{ uri: sources[0]!.uri }],
        replica_sync: 'disabled',
      };
      const { uid } = (await ask('POST', '/v1/bdbs', wish)).json;
      expect((await ask('GET', `/v1/bdbs/${uid}/syncer_state`)).json).toMatchObject({ full_syncs: 0, sources: [] });
      expect((await ask('GET', `/v1/migrations/${uid}`)).json.migration).toMatchObject({
        status: 'out-of-sync',
        error: {},
      });
    }));

  it('is not there for a database that replicates from nowhere', () =>
    inSimulation({}, async ({ sandbox }) => {
      expect((await asking(sandbox.cluster('east.local'))('GET', '/v1/bdbs/1/syncer_state')).status).toBe(404);
    }));
});
