/**
 * The rules about users, roles and Redis ACLs: names are unique, at least one administrator is left, what is used is not deleted, a
 * password is long and mixed enough. Pure. [RS requests/users] [RS requests/roles] [RS requests/redis_acls]
 *
 * Border: whether the words of an ACL are right is judged by whoever submits it; who may change what is `src/cluster/api/permissions.ts`.
 */

import {
  isAdmin,
  isFirstRedisAcl,
  REDIS_ACLS_MAX,
  ROLES_MAX,
  USERS_MAX,
  type AccountChange,
  type Accounts,
  type ManagementRole,
  type RedisAclEdit,
  type RedisAclRecord,
  type RoleEdit,
  type RoleRecord,
  type UserEdit,
  type UserRecord,
} from './accounts.ts';
import { problem, type ApplyOutcome, type Problem } from './change.ts';
import type { ClusterState, RolePermission } from './cluster-state.ts';
import { checkNewPassword } from './password-rules.ts';

type Refused = { readonly ok: false; readonly problem: Problem } | null;

const PASSWORDS_OF_USER_MAX = 10;
const NAME_LENGTH_MAX = 255;
const ACL_LENGTH_MAX = 16_384;
/** [RS objects/user: name] */
const NAME_REFUSES = /[^\x20-\x7e]|[&<>"]/;
const EMAIL = /^[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+$/;

export const changeAccounts = (state: ClusterState, change: AccountChange): ApplyOutcome => {
  switch (change.kind) {
    case 'create-user':
      return createUser(state, change.atMs, change.wish);
    case 'update-user':
      return updateUser(state, change.atMs, change.uid, change.edit);
    case 'delete-user':
      return deleteUser(state, change.uid);
    case 'change-password':
      return changePassword(state, change);
    case 'create-role':
      return createRole(state, change.wish);
    case 'update-role':
      return updateRole(state, change.uid, change.edit);
    case 'delete-role':
      return deleteRole(state, change.uid);
    case 'create-redis-acl':
      return createRedisAcl(state, change.wish);
    case 'update-redis-acl':
      return updateRedisAcl(state, change.uid, change.edit);
    case 'delete-redis-acl':
      return deleteRedisAcl(state, change.uid);
  }
};

const createUser = (state: ClusterState, atMs: number, wish: UserEdit): ApplyOutcome => {
  const { accounts } = state;
  if (accounts.users.length >= USERS_MAX) return tooMany(`users (${USERS_MAX})`);
  if (wish.email === undefined) return problem('missing_field', 'email is missing: a user has an email');
  if (wish.password === undefined) return problem('missing_field', 'password is missing: a user has a password');
  const roleUids = wish.roleUids ?? builtIn(accounts, wish.role ?? 'db_viewer');
  const user: UserRecord = {
    uid: accounts.nextUserUid,
    email: wish.email,
    name: wish.name ?? wish.email,
    roleUids,
    passwordHashes: [wish.password.hash],
    passwordIssuedMs: atMs,
    emailAlerts: wish.emailAlerts ?? true,
    clusterEmailAlerts: wish.clusterEmailAlerts ?? false,
    bdbsEmailAlerts: wish.bdbsEmailAlerts ?? ['all'],
  };
  const refused =
    checkUser(accounts, user) ?? checkNewPassword(state.settings, user.email, [], wish.password, 'replace');
  if (refused !== null) return refused;
  return withAccounts(
    state,
    { ...accounts, users: [...accounts.users, user], nextUserUid: user.uid + 1 },
    accounts.nextUserUid,
  );
};

const updateUser = (state: ClusterState, atMs: number, uid: number, edit: UserEdit): ApplyOutcome => {
  const { accounts } = state;
  const user = accounts.users.find((each) => each.uid === uid);
  if (user === undefined) return missing('user', uid);
  const roleUids = edit.roleUids ?? (edit.role === undefined ? user.roleUids : builtIn(accounts, edit.role));
  const next: UserRecord = {
    ...user,
    email: edit.email ?? user.email,
    name: edit.name ?? user.name,
    roleUids,
    emailAlerts: edit.emailAlerts ?? user.emailAlerts,
    clusterEmailAlerts: edit.clusterEmailAlerts ?? user.clusterEmailAlerts,
    bdbsEmailAlerts: edit.bdbsEmailAlerts ?? user.bdbsEmailAlerts,
    ...(edit.password === undefined ? {} : { passwordHashes: [edit.password.hash], passwordIssuedMs: atMs }),
  };
  const users = accounts.users.map((each) => (each.uid === uid ? next : each));
  const refused =
    checkUser(accounts, next, user) ??
    (edit.password === undefined
      ? null
      : checkNewPassword(state.settings, next.email, user.passwordHashes, edit.password, 'replace')) ??
    checkAdminLeft(accounts, { ...accounts, users });
  return refused ?? withAccounts(state, { ...accounts, users }, uid);
};

const deleteUser = (state: ClusterState, uid: number): ApplyOutcome => {
  const { accounts } = state;
  if (!accounts.users.some((each) => each.uid === uid)) return missing('user', uid);
  const next = { ...accounts, users: accounts.users.filter((each) => each.uid !== uid) };
  return checkAdminLeft(accounts, next) ?? withAccounts(state, next, uid);
};

const changePassword = (
  state: ClusterState,
  { atMs, uid, how, password }: Extract<AccountChange, { readonly kind: 'change-password' }>,
): ApplyOutcome => {
  const { accounts } = state;
  const user = accounts.users.find((each) => each.uid === uid);
  if (user === undefined) return missing('user', uid);
  const { passwordHashes } = user;
  const set = (hashes: readonly string[], issuedMs: number): ApplyOutcome => {
    const next = { ...user, passwordHashes: hashes, passwordIssuedMs: issuedMs };
    return withAccounts(
      state,
      { ...accounts, users: accounts.users.map((each) => (each === user ? next : each)) },
      user.uid,
    );
  };
  if (how === 'remove') {
    if (!passwordHashes.includes(password.hash)) {
      return problem('invalid_param', 'old_password is none of the passwords of the user');
    }
    if (passwordHashes.length === 1) {
      return problem('cannot_delete_last_password', 'this is the only password of the user; add another one first');
    }
    return set(
      passwordHashes.filter((hash) => hash !== password.hash),
      user.passwordIssuedMs,
    );
  }
  const refused = checkNewPassword(state.settings, user.email, passwordHashes, password, how);
  if (refused !== null) return refused;
  if (how === 'replace') return set([password.hash], atMs);
  if (passwordHashes.length >= PASSWORDS_OF_USER_MAX) {
    return problem('invalid_param', `a user has at most ${PASSWORDS_OF_USER_MAX} passwords; delete one first`);
  }
  return set([...passwordHashes, password.hash], atMs);
};

const createRole = (state: ClusterState, wish: RoleEdit): ApplyOutcome => {
  const { accounts } = state;
  if (accounts.roles.length >= ROLES_MAX) return tooMany(`roles (${ROLES_MAX})`);
  if (wish.name === undefined) return problem('missing_field', 'name is missing: a role has a name');
  if (wish.management === undefined) {
    return problem('missing_field', 'management is missing: say what the role may do in the API, "none" for nothing');
  }
  const role: RoleRecord = { uid: accounts.nextRoleUid, name: wish.name, management: wish.management };
  const refused = checkOwnName('role', accounts.roles, role);
  return (
    refused ??
    withAccounts(state, { ...accounts, roles: [...accounts.roles, role], nextRoleUid: role.uid + 1 }, role.uid)
  );
};

const updateRole = (state: ClusterState, uid: number, edit: RoleEdit): ApplyOutcome => {
  const { accounts } = state;
  const role = accounts.roles.find((each) => each.uid === uid);
  if (role === undefined) return missing('role', uid);
  const next: RoleRecord = {
    ...role,
    name: edit.name ?? role.name,
    management: edit.management ?? role.management,
  };
  const changed = { ...accounts, roles: accounts.roles.map((each) => (each === role ? next : each)) };
  return (
    checkOwnName('role', accounts.roles, next) ?? checkAdminLeft(accounts, changed) ?? withAccounts(state, changed, uid)
  );
};

const deleteRole = (state: ClusterState, uid: number): ApplyOutcome => {
  const { accounts, databases } = state;
  if (!accounts.roles.some((each) => each.uid === uid)) return missing('role', uid);
  const user = accounts.users.find((each) => each.roleUids.includes(uid));
  if (user !== undefined) return inUse(`role ${uid}`, `user ${user.uid} ("${user.name}")`);
  const database = databases.find((each) => each.rolePermissions.some(({ roleUid }) => roleUid === uid));
  if (database !== undefined) return inUse(`role ${uid}`, `database ${database.uid} ("${database.name}")`);
  return withAccounts(state, { ...accounts, roles: accounts.roles.filter((each) => each.uid !== uid) }, uid);
};

const createRedisAcl = (state: ClusterState, wish: RedisAclEdit): ApplyOutcome => {
  const { accounts } = state;
  if (accounts.redisAcls.length >= REDIS_ACLS_MAX) return tooMany(`ACLs (${REDIS_ACLS_MAX})`);
  if (wish.name === undefined) return problem('missing_field', 'name is missing: an ACL has a name');
  if (wish.acl === undefined) return problem('missing_field', 'acl is missing: rules as in "+@read ~cache:*"');
  const acl: RedisAclRecord = { uid: accounts.nextRedisAclUid, name: wish.name, acl: wish.acl };
  const refused = checkOwnName('ACL', accounts.redisAcls, acl) ?? checkAclLength(acl.acl);
  return (
    refused ??
    withAccounts(state, { ...accounts, redisAcls: [...accounts.redisAcls, acl], nextRedisAclUid: acl.uid + 1 }, acl.uid)
  );
};

const updateRedisAcl = (state: ClusterState, uid: number, edit: RedisAclEdit): ApplyOutcome => {
  const { accounts } = state;
  const acl = accounts.redisAcls.find((each) => each.uid === uid);
  if (acl === undefined) return missing('ACL', uid);
  if (isFirstRedisAcl(uid)) return readOnly(acl);
  const next = { ...acl, name: edit.name ?? acl.name, acl: edit.acl ?? acl.acl };
  return (
    checkOwnName('ACL', accounts.redisAcls, next) ??
    checkAclLength(next.acl) ??
    withAccounts(state, { ...accounts, redisAcls: accounts.redisAcls.map((each) => (each === acl ? next : each)) }, uid)
  );
};

const deleteRedisAcl = (state: ClusterState, uid: number): ApplyOutcome => {
  const { accounts, databases } = state;
  const acl = accounts.redisAcls.find((each) => each.uid === uid);
  if (acl === undefined) return missing('ACL', uid);
  if (isFirstRedisAcl(uid)) return readOnly(acl);
  const database = databases.find((each) => each.rolePermissions.some(({ aclUid }) => aclUid === uid));
  if (database !== undefined) return inUse(`ACL ${uid}`, `database ${database.uid} ("${database.name}")`);
  return withAccounts(state, { ...accounts, redisAcls: accounts.redisAcls.filter((each) => each !== acl) }, uid);
};

/** What a user has had all along is not judged again: the first administrator's login may be no email. */
const checkUser = (accounts: Accounts, user: UserRecord, before?: UserRecord): Refused => {
  const isEmail = EMAIL.test(user.email) && user.email.length <= NAME_LENGTH_MAX;
  if (user.email !== before?.email && !isEmail) {
    return problem('invalid_param', `email "${user.email}" is no email of at most ${NAME_LENGTH_MAX} characters`);
  }
  const name = user.name === before?.name ? null : checkName('user', user.name);
  if (name !== null) return name;
  const others = accounts.users.filter((each) => each.uid !== user.uid);
  if (others.some((each) => same(each.email, user.email))) {
    return problem('email_already_exists', `email "${user.email}" is taken by another user`);
  }
  // A login is an email or a name: one person's name must not be another's email.
  if (others.some((each) => same(each.name, user.name) || same(each.email, user.name))) {
    return problem('name_already_exists', `name "${user.name}" is taken by another user`);
  }
  if (others.some((each) => same(each.name, user.email))) {
    return problem('email_already_exists', `email "${user.email}" is the name of another user`);
  }
  const unknown = user.roleUids.find((uid) => !accounts.roles.some((role) => role.uid === uid));
  if (unknown !== undefined) return problem('invalid_param', `role_uids: there is no role ${unknown}`);
  return null;
};

/** Of a database: what roles may do there. */
export const checkRolePermissions = ({ accounts }: ClusterState, permissions: readonly RolePermission[]): Refused => {
  for (const [index, { roleUid, aclUid }] of permissions.entries()) {
    const field = `roles_permissions[${index}]`;
    if (!accounts.roles.some(({ uid }) => uid === roleUid)) {
      return problem('invalid_param', `${field}: there is no role ${roleUid}`);
    }
    if (!accounts.redisAcls.some(({ uid }) => uid === aclUid)) {
      return problem('invalid_param', `${field}: there is no ACL ${aclUid}`);
    }
    if (permissions.slice(0, index).some((each) => each.roleUid === roleUid)) {
      return problem('invalid_param', `${field}: role ${roleUid} is given twice`);
    }
  }
  return null;
};

const checkName = (kind: string, name: string): Refused =>
  name === '' || name.length > NAME_LENGTH_MAX || NAME_REFUSES.test(name)
    ? problem(
        'invalid_param',
        `name "${name}": the name of a ${kind} has 1 to ${NAME_LENGTH_MAX} ASCII characters, none of & < > "`,
      )
    : null;

const checkOwnName = (
  kind: string,
  all: readonly { readonly uid: number; readonly name: string }[],
  one: { readonly uid: number; readonly name: string },
): Refused => {
  const refused = checkName(kind, one.name);
  if (refused !== null) return refused;
  const other = all.find((each) => each.uid !== one.uid && same(each.name, one.name));
  return other === undefined
    ? null
    : problem('name_already_exists', `name "${one.name}" is taken by ${kind} ${other.uid}`);
};

const checkAclLength = (acl: string): Refused =>
  acl.length > ACL_LENGTH_MAX
    ? problem('invalid_param', `acl: ${acl.length} characters; at most ${ACL_LENGTH_MAX}`)
    : null;

/** Who could log in as administrator must not lock everybody out. */
const checkAdminLeft = (before: Accounts, after: Accounts): Refused => {
  return hasAdmin(before) && !hasAdmin(after)
    ? problem('change_last_admin_role_not_allowed', 'this is the last administrator; make another user one first')
    : null;
};

const hasAdmin = (accounts: Accounts): boolean => accounts.users.some((user) => isAdmin(accounts, user));

const builtIn = ({ roles }: Accounts, role: ManagementRole): readonly number[] => {
  const found = roles.find((each) => each.management === role);
  return found === undefined ? [] : [found.uid];
};

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

const missing = (kind: string, uid: number) => problem('not_found', `there is no ${kind} ${uid}`);

const tooMany = (what: string) => problem('invalid_param', `the cluster has as many ${what} as it may; delete some`);

const inUse = (what: string, who: string) => problem('in_use', `${what} is used by ${who}; change that first`);

const readOnly = ({ uid, name }: RedisAclRecord) =>
  problem('read_only_object', `ACL ${uid} ("${name}") is built in and cannot be changed; create one of your own`);

/** `uid` is that of the user, role or ACL. */
const withAccounts = (state: ClusterState, accounts: Accounts, uid: number): ApplyOutcome => ({
  ok: true,
  uid,
  state: { ...state, version: state.version + 1, accounts },
});
