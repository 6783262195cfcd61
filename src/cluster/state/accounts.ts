/**
 * People and what they may do: users, roles and Redis ACLs of a cluster, and every change to them. Types and the objects that each
 * cluster begins with; the rules are `account-rules.ts`. [RS objects/user, role, redis_acl]
 *
 * A password is kept as the SHA-256 of its UTF-8 bytes in hexadecimal, which is what the product and Redis's own ACLs keep
 * [RS password hashing]; so the data plane can compare without asking anybody.
 */

/** What a role allows in the REST API. [RS rest-api: permissions] */
export const MANAGEMENT_ROLES = [
  'admin',
  'cluster_member',
  'cluster_viewer',
  'db_member',
  'db_viewer',
  'user_manager',
  'none',
] as const;

export type ManagementRole = (typeof MANAGEMENT_ROLES)[number];

/** [RS limits: users] */
export const USERS_MAX = 32_000;
export const ROLES_MAX = 1_000;
export const REDIS_ACLS_MAX = 1_000;

export interface UserRecord {
  readonly uid: number;
  readonly email: string;
  readonly name: string;
  readonly roleUids: readonly number[];
  /** Each lets the user in. */
  readonly passwordHashes: readonly string[];
  readonly passwordIssuedMs: number;
  readonly emailAlerts: boolean;
  readonly clusterEmailAlerts: boolean;
  /** Uids of databases, or `all`. */
  readonly bdbsEmailAlerts: readonly string[];
}

export interface RoleRecord {
  readonly uid: number;
  readonly name: string;
  readonly management: ManagementRole;
}

export interface RedisAclRecord {
  readonly uid: number;
  readonly name: string;
  /** In Redis's own words: `+@read ~cache:*`. */
  readonly acl: string;
}

export interface Accounts {
  /** By uid, as all lists here. */
  readonly users: readonly UserRecord[];
  readonly roles: readonly RoleRecord[];
  readonly redisAcls: readonly RedisAclRecord[];
  readonly nextUserUid: number;
  readonly nextRoleUid: number;
  readonly nextRedisAclUid: number;
}

const FIRST_ROLES: readonly RoleRecord[] = [
  { uid: 1, name: 'Admin', management: 'admin' },
  { uid: 2, name: 'Cluster Member', management: 'cluster_member' },
  { uid: 3, name: 'Cluster Viewer', management: 'cluster_viewer' },
  { uid: 4, name: 'DB Member', management: 'db_member' },
  { uid: 5, name: 'DB Viewer', management: 'db_viewer' },
  { uid: 6, name: 'None', management: 'none' },
  { uid: 7, name: 'User Manager', management: 'user_manager' },
];

const FIRST_REDIS_ACLS: readonly RedisAclRecord[] = [
  { uid: 1, name: 'Full Access', acl: '+@all ~*' },
  { uid: 2, name: 'Read Only', acl: '+@read ~*' },
  { uid: 3, name: 'Not Dangerous', acl: '+@all -@dangerous ~*' },
];

/** The ACLs that a cluster begins with are read-only. [RS requests/redis_acls] */
export const isFirstRedisAcl = (uid: number): boolean => FIRST_REDIS_ACLS.some((each) => each.uid === uid);

const ADMIN_ROLE_UID = 1;

export const NO_ACCOUNTS: Accounts = {
  users: [],
  roles: FIRST_ROLES,
  redisAcls: FIRST_REDIS_ACLS,
  nextUserUid: 1,
  nextRoleUid: FIRST_ROLES.length + 1,
  nextRedisAclUid: FIRST_REDIS_ACLS.length + 1,
};

/** Accounts with the administrator that a cluster begins with. */
export const firstAccounts = (email: string, passwordHash: string, atMs: number): Accounts => ({
  ...NO_ACCOUNTS,
  nextUserUid: 2,
  users: [
    {
      uid: 1,
      email,
      name: 'Administrator',
      roleUids: [ADMIN_ROLE_UID],
      passwordHashes: [passwordHash],
      passwordIssuedMs: atMs,
      emailAlerts: true,
      clusterEmailAlerts: false,
      bdbsEmailAlerts: ['all'],
    },
  ],
});

/** As somebody writes it, and as it is kept. */
export interface Password {
  readonly text: string;
  readonly hash: string;
}

/** Absent: stays as it is, or the default of a new user. */
export interface UserEdit {
  readonly email?: string | undefined;
  readonly name?: string | undefined;
  readonly password?: Password | undefined;
  /** Stands for the built-in role of that name; `roleUids` say it better. */
  readonly role?: ManagementRole | undefined;
  readonly roleUids?: readonly number[] | undefined;
  readonly emailAlerts?: boolean | undefined;
  readonly clusterEmailAlerts?: boolean | undefined;
  readonly bdbsEmailAlerts?: readonly string[] | undefined;
}

export interface RoleEdit {
  readonly name?: string | undefined;
  readonly management?: ManagementRole | undefined;
}

export interface RedisAclEdit {
  readonly name?: string | undefined;
  /** Whoever submits it has had it parsed: `src/node/acl/` knows the words. */
  readonly acl?: string | undefined;
}

export type AccountChange =
  | { readonly kind: 'create-user'; readonly atMs: number; readonly wish: UserEdit }
  | { readonly kind: 'update-user'; readonly atMs: number; readonly uid: number; readonly edit: UserEdit }
  | { readonly kind: 'delete-user'; readonly uid: number }
  | {
      readonly kind: 'change-password';
      readonly atMs: number;
      readonly uid: number;
      /** `replace` all with this one, `add` it to them, `remove` it. */
      readonly how: 'replace' | 'add' | 'remove';
      readonly password: Password;
    }
  | { readonly kind: 'create-role'; readonly wish: RoleEdit }
  | { readonly kind: 'update-role'; readonly uid: number; readonly edit: RoleEdit }
  | { readonly kind: 'delete-role'; readonly uid: number }
  | { readonly kind: 'create-redis-acl'; readonly wish: RedisAclEdit }
  | { readonly kind: 'update-redis-acl'; readonly uid: number; readonly edit: RedisAclEdit }
  | { readonly kind: 'delete-redis-acl'; readonly uid: number };

/** The roles of a user, those that still exist. */
export const rolesOf = ({ roles }: Accounts, { roleUids }: UserRecord): readonly RoleRecord[] =>
  roles.filter((role) => roleUids.includes(role.uid));

/** The strongest of the user's roles, in the order of `MANAGEMENT_ROLES`. */
export const managementOf = (accounts: Accounts, user: UserRecord): ManagementRole => {
  const held = rolesOf(accounts, user).map((role) => role.management);
  return MANAGEMENT_ROLES.find((role) => held.includes(role)) ?? 'none';
};

export const isAdmin = (accounts: Accounts, user: UserRecord): boolean => managementOf(accounts, user) === 'admin';

/** By email or name, in any case. [RS rest-api: authentication] */
export const userByLogin = ({ users }: Accounts, login: string): UserRecord | undefined => {
  const asked = login.toLowerCase();
  return (
    users.find((user) => user.email.toLowerCase() === asked) ?? users.find((user) => user.name.toLowerCase() === asked)
  );
};
