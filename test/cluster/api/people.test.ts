import { describe, expect, it } from 'vitest';
import { apiStory } from '../../support/api.ts';
import { askingAs, basic } from '../../support/api-people.ts';

const PERSON = { email: 'ann@lab.local', name: 'Ann', password: 'first-word', role: 'db_viewer' } as const;

describe('/v1/users', () => {
  it('makes, shows, changes and deletes users', () =>
    apiStory(async (ask) => {
      const made = await ask('POST', '/v1/users', { ...PERSON, role: undefined, role_uids: [3, 4] });
      expect(made).toMatchObject({
        status: 200,
        json: {
          uid: 2,
          email: 'ann@lab.local',
          name: 'Ann',
          role: 'cluster_viewer',
          role_uids: [3, 4],
          status: 'active',
        },
      });
      expect(made.json).not.toHaveProperty('password');
      expect((await ask('GET', '/v1/users')).json).toHaveLength(2);
      expect((await ask('PUT', '/v1/users/2', { ...made.json, name: 'Anna' })).json.name).toBe('Anna');
      expect((await ask('DELETE', '/v1/users/2')).status).toBe(200);
      expect((await ask('GET', '/v1/users/2')).status).toBe(404);
      const types = (await ask('GET', '/v1/logs')).json.map((event: { type: string }) => event.type);
      expect(types).toEqual(expect.arrayContaining(['user_created', 'user_updated', 'user_deleted']));
    }));

  it.each([
    ['no email', { ...PERSON, email: undefined }, 400, 'missing_field'],
    ['no password', { ...PERSON, password: undefined }, 400, 'missing_field'],
    ['something else than an email', { ...PERSON, email: 'ann' }, 400, 'invalid_param'],
    ['a taken email', { ...PERSON, email: 'ADMIN@west.local' }, 409, 'email_already_exists'],
    ['a taken name', { ...PERSON, name: 'administrator' }, 409, 'name_already_exists'],
    ['a role that is not there', { ...PERSON, role_uids: [99] }, 400, 'invalid_param'],
    ['an unknown role', { ...PERSON, role: 'king' }, 400, 'invalid_schema'],
    ['another way to log in', { ...PERSON, auth_method: 'certificate' }, 400, 'invalid_schema'],
    ['an unknown field', { ...PERSON, shoe: 42 }, 400, 'invalid_schema'],
  ])('refuses %s', (_, body, status, code) =>
    apiStory(async (ask, { sandbox }) => {
      const { state } = sandbox.cluster('west.local').control;
      expect(await ask('POST', '/v1/users', body)).toMatchObject({ status, json: { error_code: code } });
      expect(sandbox.cluster('west.local').control.state.accounts).toBe(state.accounts);
    }),
  );

  it('keeps one administrator', () =>
    apiStory(async (ask) => {
      const refusal = { status: 406, json: { error_code: 'change_last_admin_role_not_allowed' } };
      expect(await ask('PUT', '/v1/users/1', { role: 'db_viewer' })).toMatchObject(refusal);
      expect(await ask('DELETE', '/v1/users/1')).toMatchObject(refusal);
      expect(await ask('PUT', '/v1/roles/1', { management: 'none' })).toMatchObject(refusal);
      await ask('POST', '/v1/users', { ...PERSON, role: 'admin' });
      expect((await ask('PUT', '/v1/users/1', { role: 'db_viewer' })).status).toBe(200);
    }));

  it('lets anybody change their own name, password and alerts, and nothing else', () =>
    apiStory(async (ask, { sandbox }) => {
      const { uid } = (await ask('POST', '/v1/users', PERSON)).json;
      const ann = askingAs(sandbox.cluster('west.local'), basic('Ann', 'first-word'));
      expect((await ann('PUT', `/v1/users/${uid}`, { email_alerts: false })).json.email_alerts).toBe(false);
      expect((await ann('PUT', `/v1/users/${uid}`, { role: 'admin' })).status).toBe(403);
      expect((await ann('PUT', '/v1/users/1', { name: 'Root' })).status).toBe(403);
    }));

  it('checks passwords by the rules that the cluster is set to', () =>
    apiStory(async (ask) => {
      await ask('PUT', '/v1/cluster', { password_complexity: true, password_min_length: 10 });
      const weak = [
        'Short1!a',
        'alllower1!aaaaa',
        'NODIGITS!aa',
        'NoSpecial123',
        'Aaaaa!12345aaaa',
        'xX1!ann@lab.local',
      ];
      for (const password of weak) {
        const answer = await ask('POST', '/v1/users', { ...PERSON, password });
        expect([password, answer.status, answer.json.error_code]).toEqual([password, 400, 'password_not_complex']);
      }
      expect((await ask('POST', '/v1/users', { ...PERSON, password: 'Right-word1!' })).status).toBe(200);
    }));

  it('rotates passwords: added, used side by side, and taken away', () =>
    apiStory(async (ask, { sandbox }) => {
      await ask('POST', '/v1/users', PERSON);
      const as = (password: string) => askingAs(sandbox.cluster('west.local'), basic('Ann', password));
      expect((await as('first-word')('POST', '/v1/users/password', { new_password: 'second-word' })).status).toBe(200);
      expect((await as('second-word')('GET', '/v1/bdbs')).status).toBe(200);
      expect(
        (await as('first-word')('POST', '/v1/users/password', { new_password: 'second-word' })).json.error_code,
      ).toBe('new_password_same_as_current');
      expect((await as('second-word')('DELETE', '/v1/users/password', { old_password: 'first-word' })).status).toBe(
        200,
      );
      expect((await as('first-word')('GET', '/v1/bdbs')).status).toBe(401);
      expect(
        (await as('second-word')('DELETE', '/v1/users/password', { old_password: 'second-word' })).json.error_code,
      ).toBe('cannot_delete_last_password');
      expect((await as('second-word')('PUT', '/v1/users/password', { new_password: 'third-word' })).status).toBe(200);
      expect((await as('third-word')('GET', '/v1/bdbs')).status).toBe(200);
    }));
});

describe('/v1/roles and /v1/redis_acls', () => {
  it('begin with those of the product', () =>
    apiStory(async (ask) => {
      const roles = (await ask('GET', '/v1/roles')).json;
      expect(roles.slice(0, 6)).toEqual([
        { uid: 1, name: 'Admin', management: 'admin' },
        { uid: 2, name: 'Cluster Member', management: 'cluster_member' },
        { uid: 3, name: 'Cluster Viewer', management: 'cluster_viewer' },
        { uid: 4, name: 'DB Member', management: 'db_member' },
        { uid: 5, name: 'DB Viewer', management: 'db_viewer' },
        { uid: 6, name: 'None', management: 'none' },
      ]);
      expect((await ask('GET', '/v1/redis_acls')).json).toMatchObject([
        { uid: 1, name: 'Full Access', acl: '+@all ~*' },
        { uid: 2, name: 'Read Only', acl: '+@read ~*' },
        { uid: 3, name: 'Not Dangerous', acl: '+@all -@dangerous ~*' },
      ]);
    }));

  it('are made, changed and deleted', () =>
    apiStory(async (ask) => {
      const role = (await ask('POST', '/v1/roles', { name: 'DBA', management: 'admin' })).json;
      expect((await ask('PUT', `/v1/roles/${role.uid}`, { management: 'db_member' })).json).toEqual({
        uid: role.uid,
        name: 'DBA',
        management: 'db_member',
      });
      const acl = (await ask('POST', '/v1/redis_acls', { name: 'Cache', acl: '+@read +set ~cache:*' })).json;
      expect((await ask('PUT', `/v1/redis_acls/${acl.uid}`, { acl: '+get ~*' })).json.acl).toBe('+get ~*');
      expect((await ask('DELETE', `/v1/redis_acls/${acl.uid}`)).status).toBe(200);
      expect((await ask('DELETE', `/v1/roles/${role.uid}`)).status).toBe(200);
      expect((await ask('GET', `/v1/roles/${role.uid}`)).status).toBe(404);
    }));

  it.each([
    ['POST', '/v1/roles', { management: 'none' }, 400, 'missing_field'],
    ['POST', '/v1/roles', { name: 'Admin', management: 'none' }, 409, 'name_already_exists'],
    ['POST', '/v1/redis_acls', { name: 'x' }, 400, 'missing_field'],
    ['POST', '/v1/redis_acls', { name: 'x', acl: '+@nonsense' }, 400, 'invalid_param'],
    ['POST', '/v1/redis_acls', { name: 'x', acl: '+get >password' }, 400, 'invalid_param'],
    ['POST', '/v1/redis_acls', { name: 'x', acl: '(+get ~a)' }, 400, 'invalid_param'],
    ['PUT', '/v1/redis_acls/1', { acl: '+get' }, 409, 'read_only_object'],
    ['DELETE', '/v1/redis_acls/1', undefined, 409, 'read_only_object'],
    ['DELETE', '/v1/roles/1', undefined, 406, 'in_use'],
    ['PUT', '/v1/roles/99', { name: 'x' }, 404, 'not_found'],
  ] as const)('%s %s %j is refused', (method, path, body, status, code) =>
    apiStory(async (ask) => {
      expect(await ask(method, path, body)).toMatchObject({ status, json: { error_code: code } });
    }),
  );

  it.each([
    [[{ role_uid: 99, redis_acl_uid: 1 }], /no role 99/],
    [[{ role_uid: 1, redis_acl_uid: 99 }], /no ACL 99/],
    [
      [
        { role_uid: 1, redis_acl_uid: 1 },
        { role_uid: 1, redis_acl_uid: 2 },
      ],
      /twice/,
    ],
  ])('are named by a database only if they are there: %j', (roles_permissions, words) =>
    apiStory(async (ask) => {
      const answer = await ask('PUT', '/v1/bdbs/1', { roles_permissions });
      expect(answer).toMatchObject({ status: 400, json: { error_code: 'invalid_param' } });
      expect(answer.json.description).toMatch(words);
    }),
  );

  it('stay while a database uses them', () =>
    apiStory(async (ask) => {
      const acl = (await ask('POST', '/v1/redis_acls', { name: 'Cache', acl: '+get ~*' })).json;
      const role = (await ask('POST', '/v1/roles', { name: 'Reader', management: 'none' })).json;
      const roles_permissions = [{ role_uid: role.uid, redis_acl_uid: acl.uid }];
      expect((await ask('PUT', '/v1/bdbs/1', { roles_permissions })).status).toBe(200);
      expect((await ask('DELETE', `/v1/redis_acls/${acl.uid}`)).json.error_code).toBe('in_use');
      expect((await ask('DELETE', `/v1/roles/${role.uid}`)).json.error_code).toBe('in_use');
    }));
});
