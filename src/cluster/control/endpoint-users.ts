/**
 * Who may connect to a database besides its default user: users of the cluster whose roles are given an ACL here. Of several roles each
 * adds what it allows. Pure. [RS access-control: redis ACL syntax] [RS objects/bdb: roles_permissions]
 */

import assert from 'node:assert';
import { userOfRules } from '../../node/acl/rules.ts';
import type { User } from '../../node/acl/user.ts';
import type { ClusterState, DatabaseRecord } from '../state/cluster-state.ts';
import { shardCommands } from './shard-commands.ts';

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').latin1Slice();

/** Names and rules are binary there. Of two users with one name the elder is meant. */
export const endpointUsersOf = (
  { accounts, settings }: Pick<ClusterState, 'accounts' | 'settings'>,
  { rolePermissions }: Pick<DatabaseRecord, 'rolePermissions'>,
): readonly User[] => {
  const options = { table: shardCommands, allChannels: settings.acl_pubsub_default === 'allchannels' };
  const users = new Map<string, User>();
  for (const { name, roleUids, passwordHashes } of accounts.users) {
    const acls = rolePermissions.filter(({ roleUid }) => roleUids.includes(roleUid)).map(({ aclUid }) => aclUid);
    const [own, ...more] = accounts.redisAcls.filter(({ uid }) => acls.includes(uid)).map(({ acl }) => bytesOf(acl));
    if (own === undefined || users.has(name)) continue;
    const made = userOfRules(bytesOf(name), own, options);
    assert(made.ok, 'the rules were checked when the ACL was made');
    for (const rules of more) made.user.apply(`(${rules})`);
    for (const hash of passwordHashes) made.user.apply(`#${hash}`);
    users.set(name, made.user);
  }
  return [...users.values()];
};
