import { describe, expect, it } from 'vitest';
import { apiStory, asking, type Ask } from '../../support/api.ts';
import { askingAs, basic } from '../../support/api-people.ts';
import { inSimulation, type SimStory } from '../../support/sandboxes.ts';

const DAY_MS = 86_400_000;
const PERSON = { email: 'ann@lab.local', name: 'Ann', password: 'first-word', role: 'db_viewer' } as const;

const story = (told: (ask: Ask, story: SimStory & { readonly as: (header: string | null) => Ask }) => Promise<void>) =>
  apiStory((ask, simulated) =>
    told(ask, { ...simulated, as: (header) => askingAs(simulated.sandbox.cluster('west.local'), header) }),
  );

describe('a login', () => {
  it('is by email or name and password, in any case of the letters', () =>
    story(async (ask, { as }) => {
      expect((await ask('POST', '/v1/users', PERSON)).status).toBe(200);
      for (const login of ['ann@lab.local', 'Ann', 'ANN@lab.local']) {
        expect((await as(basic(login, 'first-word'))('GET', '/v1/bdbs')).status).toBe(200);
      }
      for (const header of [null, '', 'Digest x', 'Basic !', basic('ann', 'other'), basic('nobody', 'first-word')]) {
        const { status, json, headers } = await as(header)('GET', '/v1/bdbs');
        expect([status, json]).toEqual([401, { error_code: 'unauthorized', description: expect.any(String) }]);
        expect(headers.get('www-authenticate')).toMatch(/^Basic/);
      }
    }));

  it('is by a token as long as it lives, and a token renews itself', () =>
    story(async (_, { as, sandbox, wait }) => {
      const { username, password } = sandbox.cluster('west.local');
      const { json } = await as(basic(username, password))('POST', '/v1/users/authorize', { ttl: 60 });
      const inBody = await as(null)('POST', '/v1/users/authorize', { username, password });
      expect(inBody.json).toEqual({ access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) });
      const withToken = as(`JWT ${json.access_token}`);
      expect((await withToken('GET', '/v1/cluster')).status).toBe(200);
      await wait(50_000);
      const renewed = await withToken('POST', '/v1/users/refresh_jwt', { ttl: 600 });
      await wait(20_000);
      expect(await withToken('GET', '/v1/cluster')).toMatchObject({
        status: 401,
        json: { description: expect.stringContaining('jwt expired') },
      });
      expect((await as(`Bearer ${renewed.json.access_token}`)('GET', '/v1/cluster')).status).toBe(200);
      const [head, body] = String(renewed.json.access_token).split('.');
      expect((await as(`JWT ${head}.${body}.AAAA`)('GET', '/v1/cluster')).status).toBe(401);
    }));

  it('without a ttl gives a token for 300 seconds, and at most a day', () =>
    story(async (ask, { as, wait }) => {
      const { json } = await ask('POST', '/v1/users/authorize');
      await wait(299_000);
      expect((await as(`JWT ${json.access_token}`)('GET', '/v1/cluster')).status).toBe(200);
      await wait(2_000);
      expect((await as(`JWT ${json.access_token}`)('GET', '/v1/cluster')).status).toBe(401);
      expect((await ask('POST', '/v1/users/authorize', { ttl: 86_401 })).status).toBe(400);
      expect((await ask('POST', '/v1/users/authorize', { ttl: 0 })).status).toBe(400);
    }));

  it('of a deleted user is over, a token too', () =>
    story(async (ask, { as }) => {
      const { json } = await ask('POST', '/v1/users', PERSON);
      const token = (await as(basic('Ann', 'first-word'))('POST', '/v1/users/authorize')).json.access_token;
      expect((await ask('DELETE', `/v1/users/${json.uid}`)).status).toBe(200);
      expect((await as(`JWT ${token}`)('GET', '/v1/bdbs')).status).toBe(401);
      expect((await as(basic('Ann', 'first-word'))('GET', '/v1/bdbs')).status).toBe(401);
    }));

  it('is locked out after five failures in fifteen minutes, for thirty minutes', () =>
    story(async (ask, { as, wait }) => {
      const { uid } = (await ask('POST', '/v1/users', PERSON)).json;
      const wrong = () => as(basic('Ann', 'wrong'))('GET', '/v1/bdbs');
      const right = () => as(basic('Ann', 'first-word'))('GET', '/v1/bdbs');
      for (let count = 0; count < 4; count++) await wrong();
      await wait(901_000);
      expect((await wrong()).json.error_code).toBe('unauthorized');
      expect((await right()).status).toBe(200);
      for (let count = 0; count < 5; count++) expect((await wrong()).json.error_code).toBe('unauthorized');
      expect(await right()).toMatchObject({ status: 401, json: { error_code: 'user_locked' } });
      expect((await ask('GET', `/v1/users/${uid}`)).json.status).toBe('locked');
      const types = (await ask('GET', '/v1/logs')).json.map((event: { type: string }) => event.type);
      expect(types).toContain('user_login_failed');
      expect(types).toContain('user_locked');
      await wait(1_799_000);
      expect((await right()).status).toBe(401);
      await wait(2_000);
      expect((await right()).status).toBe(200);
    }));

  it('is locked as the policy says, and released by an administrator who sets a password', () =>
    story(async (ask, { as, wait }) => {
      const { uid } = (await ask('POST', '/v1/users', PERSON)).json;
      await ask('PUT', '/v1/cluster/policy', { login_lockout_threshold: 2, login_lockout_duration: 0 });
      await as(basic('Ann', 'wrong'))('GET', '/v1/bdbs');
      await as(basic('Ann', 'wrong'))('GET', '/v1/bdbs');
      await wait(2 * 3_600_000);
      expect((await as(basic('Ann', 'first-word'))('GET', '/v1/bdbs')).json.error_code).toBe('user_locked');
      expect((await ask('PUT', `/v1/users/${uid}`, { password: 'second-word' })).status).toBe(200);
      expect((await as(basic('Ann', 'second-word'))('GET', '/v1/bdbs')).status).toBe(200);
    }));

  // Days pass quickly where no database is.
  it('with an expired password can only replace it', () =>
    inSimulation({ clusters: [{ name: 'west.local' }] }, async ({ sandbox, wait }) => {
      const west = sandbox.cluster('west.local');
      const as = (header: string) => askingAs(west, header);
      const ask = asking(west);
      await ask('POST', '/v1/users', PERSON);
      await ask('PUT', '/v1/cluster', { password_expiration_duration: 1 });
      await wait(DAY_MS + 1_000);
      const ann = as(basic('Ann', 'first-word'));
      expect(await ann('GET', '/v1/bdbs')).toMatchObject({ status: 401, json: { error_code: 'password_expired' } });
      expect((await ann('POST', '/v1/users/authorize')).json.error_code).toBe('password_expired');
      expect((await ann('PUT', '/v1/users/password', { new_password: 'second-word' })).status).toBe(200);
      expect((await as(basic('Ann', 'second-word'))('GET', '/v1/bdbs')).status).toBe(200);
    }));
});

describe('permissions', () => {
  const TRIED = [
    ['GET', '/v1/bdbs', undefined],
    ['POST', '/v1/bdbs', { name: 'x', memory_size: 0 }],
    ['PUT', '/v1/cluster', {}],
    ['GET', '/v1/users', undefined],
    ['PUT', '/v1/proxies/1', {}],
    ['GET', '/v1/logs', undefined],
  ] as const;

  it.each([
    ['admin', [200, 200, 200, 200, 200, 200]],
    ['cluster_member', [200, 200, 403, 403, 403, 200]],
    ['cluster_viewer', [200, 403, 403, 403, 403, 200]],
    ['db_member', [200, 200, 403, 403, 403, 200]],
    ['db_viewer', [200, 403, 403, 403, 403, 403]],
    ['user_manager', [200, 403, 403, 200, 200, 200]],
    ['none', [403, 403, 403, 403, 403, 403]],
  ] as const)('of the role %s are those of the documentation', (role, statuses) =>
    story(async (ask, { as }) => {
      await ask('POST', '/v1/users', { ...PERSON, role });
      const ann = as(basic('Ann', 'first-word'));
      const seen: number[] = [];
      for (const [method, path, body] of TRIED) {
        const { status, json } = await ann(method, path, body);
        seen.push(status);
        if (status === 403)
          expect(json).toEqual({ error_code: 'forbidden', description: expect.stringMatching(/roles that have it/) });
      }
      expect(seen).toEqual(statuses);
    }),
  );

  it('follow a change of the role at once', () =>
    story(async (ask, { as }) => {
      const role = (await ask('POST', '/v1/roles', { name: 'Keeper', management: 'db_viewer' })).json;
      await ask('POST', '/v1/users', { ...PERSON, role: undefined, role_uids: [role.uid] });
      const ann = as(basic('Ann', 'first-word'));
      expect((await ann('PUT', '/v1/cluster', {})).status).toBe(403);
      await ask('PUT', `/v1/roles/${role.uid}`, { management: 'admin' });
      expect((await ann('PUT', '/v1/cluster', {})).status).toBe(200);
    }));

  it('hide passwords of databases from viewers, and from everybody when the cluster masks them', () =>
    story(async (ask, { as, sandbox }) => {
      await ask('POST', '/v1/users', { ...PERSON, role: 'cluster_viewer' });
      await ask('PUT', '/v1/bdbs/1', { authentication_redis_pass: 'geheim' });
      const seen = (await as(basic('Ann', 'first-word'))('GET', '/v1/bdbs/1')).json;
      expect(seen).toMatchObject({ authentication_redis_pass: '*****', authentication_admin_pass: '*****' });
      expect(seen.replica_sources[0].uri).toBe('redis://admin:***@redis-12000.east.local:12000');
      expect((await ask('GET', '/v1/bdbs/1')).json.authentication_redis_pass).toBe('geheim');
      await ask('PUT', '/v1/cluster', { mask_bdb_credentials: true });
      const masked = (await ask('GET', '/v1/bdbs/1')).json;
      expect(masked.authentication_redis_pass).toBe('*****');
      const back = { ...masked, replica_sources: undefined, sync_sources: undefined };
      expect((await ask('PUT', '/v1/bdbs/1', back)).status).toBe(200);
      expect(sandbox.cluster('west.local').control.state.databases[0]?.passwords).toEqual(['geheim']);
      expect(await ask('PUT', '/v1/bdbs/1', masked)).toMatchObject({
        status: 406,
        json: { error_code: 'invalid_replication' },
      });
    }));
});

describe('a request', () => {
  it.each([
    [{ 'x-api-version': '3' }, 505, 'unsupported_api_version'],
    [{ accept: 'text/html' }, 406, 'not_acceptable'],
    [{ accept: 'application/json;q=0' }, 406, 'not_acceptable'],
    [{ 'content-type': 'application/xml' }, 415, 'unsupported_media_type'],
    [{ 'cluster-state-id': '999999' }, 409, 'wrong_cluster_state_id'],
  ])('with the header %j is refused', (headers, status, code) =>
    story(async (ask) => {
      expect(await ask('PUT', '/v1/cluster', {}, headers)).toMatchObject({ status, json: { error_code: code } });
    }),
  );

  it.each([{ accept: '*/*' }, { accept: 'text/html, application/json;q=0.5' }, { 'x-api-version': '1' }])(
    'with the header %j is answered',
    (headers) => story(async (ask) => expect((await ask('GET', '/v1/cluster', undefined, headers)).status).toBe(200)),
  );

  it('carries the id of the state, which each change raises by one', () =>
    story(async (ask) => {
      const before = Number((await ask('GET', '/v1/cluster')).headers.get('cluster-state-id'));
      const after = await ask('PUT', '/v1/cluster', {}, { 'cluster-state-id': String(before) });
      expect([after.status, Number(after.headers.get('cluster-state-id'))]).toEqual([200, before + 1]);
    }));

  it('by OPTIONS is told the methods, unless that is forbidden; by HEAD it gets no body', () =>
    story(async (ask, { as, sandbox }) => {
      const west = sandbox.cluster('west.local');
      const owner = as(basic(west.username, west.password));
      const options = await owner('OPTIONS', '/v1/users/1');
      expect([options.status, options.headers.get('allow')]).toEqual([200, 'GET, PUT, DELETE, HEAD, OPTIONS']);
      expect(await owner('HEAD', '/v1/cluster')).toMatchObject({ status: 200, json: null });
      await ask('PUT', '/v1/cluster', { options_method_forbidden: true });
      expect((await owner('OPTIONS', '/v1/users/1')).status).toBe(405);
    }));

  it('with a body longer than 4 MiB is refused', () =>
    story(async (ask) => {
      const { status, json } = await ask('PUT', '/v1/license', { license: 'x'.repeat(5 * 1024 * 1024) });
      expect([status, json.error_code]).toEqual([413, 'request_too_large']);
    }));
});
