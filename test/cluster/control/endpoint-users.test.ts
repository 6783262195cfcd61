/** Users, roles and ACLs of a cluster, administered by REST, as clients of a database feel them; in the simulated world. */

import { describe, expect, it } from 'vitest';
import { endpointUsersOf } from '../../../src/cluster/control/endpoint-users.ts';
import { ScenarioClient } from '../../../src/sandbox/scenario-client.ts';
import { apiStory, type Ask } from '../../support/api.ts';
import type { SimStory } from '../../support/sandboxes.ts';
import { applied, creation, database, testCluster } from '../state/fixtures.ts';

const created = async (ask: Ask, path: string, body: unknown): Promise<number> => {
  const { status, json } = await ask('POST', path, body);
  expect(status, JSON.stringify(json)).toBe(200);
  return json.uid as number;
};

/** A role that may read, and its user. */
async function makeReader(ask: Ask): Promise<{ role: number; acl: number; user: number }> {
  const acl = await created(ask, '/v1/redis_acls', { name: 'reader', acl: '+@read +ping ~cache:*' });
  const role = await created(ask, '/v1/roles', { name: 'reader', management: 'none' });
  const user = await created(ask, '/v1/users', {
    email: 'alice@example.com',
    name: 'alice',
    password: 'pä$$w0rd',
    role_uids: [role],
  });
  return { role, acl, user };
}

/** A database of the cluster west that only users of roles may use. */
async function makeDatabase(ask: Ask, { role, acl }: { role: number; acl: number }): Promise<number> {
  return created(ask, '/v1/bdbs', {
    name: 'guarded',
    memory_size: 0,
    port: 12100,
    default_user: false,
    roles_permissions: [{ role_uid: role, redis_acl_uid: acl }],
  });
}

const connect = async ({ world, wait }: SimStory, login: string): Promise<ScenarioClient> => {
  await wait(2_000);
  return ScenarioClient.open(world, `redis://${login}@redis-12100.west.local:12100`);
};
const ALICE = `alice:${encodeURIComponent('pä$$w0rd')}`;

describe('users of a cluster', () => {
  it('use a database as far as the ACL of their role goes, at once when it changes', () =>
    apiStory(async (ask, story) => {
      const reader = await makeReader(ask);
      const uid = await makeDatabase(ask, reader);
      const client = await connect(story, ALICE);
      expect(await client.call('GET', 'cache:1')).toBeNull();
      await expect(client.call('GET', 'other')).rejects.toThrow('NOPERM No permissions to access a key');
      await expect(client.call('SET', 'cache:1', 'x')).rejects.toThrow(
        "NOPERM User alice has no permissions to run the 'set' command",
      );

      expect((await ask('PUT', `/v1/redis_acls/${reader.acl}`, { acl: '+@all ~cache:*' })).status).toBe(200);
      expect(await client.call('SET', 'cache:1', 'x')).toBe('OK');

      expect(
        (await ask('PUT', `/v1/bdbs/${uid}`, { roles_permissions: [{ role_uid: reader.role, redis_acl_uid: 2 }] }))
          .status,
      ).toBe(200);
      await story.wait(1_000);
      expect(await client.call('GET', 'other')).toBeNull();
      await expect(client.call('SET', 'cache:1', 'y')).rejects.toThrow('NOPERM');

      expect((await ask('DELETE', `/v1/users/${reader.user}`)).status).toBe(200);
      await expect(client.call('GET', 'other')).rejects.toThrow(/closed|ended|lost/);
      await expect(connect(story, ALICE)).rejects.toThrow(/WRONGPASS/);
    }));

  it('are let in by their own password alone, and the default user only where there is one', () =>
    apiStory(async (ask, story) => {
      const uid = await makeDatabase(ask, await makeReader(ask));
      await expect(connect(story, 'alice:wrong')).rejects.toThrow(/WRONGPASS/);
      await expect(connect(story, ':x')).rejects.toThrow(/WRONGPASS/);
      expect((await ask('PUT', `/v1/bdbs/${uid}`, { default_user: true })).status).toBe(200);
      await story.wait(1_000);
      const client = await connect(story, ALICE);
      expect(await client.call('ACL', 'DRYRUN', 'alice', 'PING').catch((error: Error) => error.message)).toMatch(
        /NOPERM/,
      );
      expect(await client.call('PING')).toBe('PONG');
    }));
});

describe('users of an endpoint', () => {
  const state = applied(testCluster(), creation());
  const user = (name: string, uid: number, roleUids: number[]) => ({
    ...state.accounts.users[0]!,
    ...{ uid, name, roleUids, passwordHashes: ['a'.repeat(64)] },
  });
  const permissions = [
    { roleUid: 4, aclUid: 2 },
    { roleUid: 5, aclUid: 3 },
  ];
  const usersOf = (...users: ReturnType<typeof user>[]) =>
    endpointUsersOf(
      { ...state, accounts: { ...state.accounts, users } },
      { ...database(state), rolePermissions: permissions },
    ).map((each) => each.text);

  it('have what each of their roles allows', () => {
    const hash = `#${'a'.repeat(64)}`;
    expect(usersOf(user('both', 8, [4, 5]), user('one', 9, [5]), user('none', 10, [1]))).toEqual([
      `on sanitize-payload ${hash} ~* resetchannels -@all +@read (~* resetchannels +@all -@dangerous)`,
      `on sanitize-payload ${hash} ~* resetchannels +@all -@dangerous`,
    ]);
  });

  it('with one name are the elder', () => {
    expect(usersOf(user('same', 8, [5]), user('same', 9, [4]))).toHaveLength(1);
  });

  it('may use all channels where the cluster says so', () => {
    const settings = { ...state.settings, acl_pubsub_default: 'allchannels' } as const;
    const accounts = { ...state.accounts, users: [user('one', 8, [4])] };
    const [one] = endpointUsersOf({ accounts, settings }, { rolePermissions: permissions });
    expect(one!.allowsChannel('news', false)).toBe(true);
  });
});
