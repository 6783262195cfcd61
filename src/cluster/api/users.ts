/** /v1/users: people, their passwords, and tokens. [RS requests/users] [RS requests/users/authorize] [RS requests/users/password] */

import { z } from 'zod';
import { passwordOf } from '../control/secrets.ts';
import { managementOf, MANAGEMENT_ROLES, type Accounts, type UserEdit, type UserRecord } from '../state/accounts.ts';
import type { Logins } from './logins.ts';
import { ApiProblem } from './problems.ts';
import { accepted, byUid, defineRoute, dryRunQuery, isoTime, submitted, type Call, type Route } from './route.ts';

/** Of a token; seconds. */
const TTL = { fallback: 300, min: 1, max: 86_400 } as const;

const uid = z.number().int();
const readOnly = z.unknown().optional().meta({ readOnly: true });

const userBody = z
  .strictObject({
    email: z.string(),
    name: z.string(),
    password: z.string(),
    role: z.enum(MANAGEMENT_ROLES).meta({ description: 'Stands for the built-in role of that name.' }),
    role_uids: z.array(uid).max(100),
    email_alerts: z.boolean(),
    cluster_email_alerts: z.boolean(),
    bdbs_email_alerts: z.array(z.string()).max(1_000).meta({ description: 'Uids of databases, or "all".' }),
    auth_method: z.literal('regular').meta({ description: 'There is no other here.' }),
    uid: readOnly,
    status: readOnly,
    password_issue_date: readOnly,
    certificate_subject_line: readOnly,
    password_expiration_duration: readOnly,
  })
  .partial();

type UserBody = z.infer<typeof userBody>;

const userReply = z.strictObject({
  uid,
  email: z.string(),
  name: z.string(),
  role: z.enum(MANAGEMENT_ROLES),
  role_uids: z.array(uid),
  auth_method: z.literal('regular'),
  status: z.enum(['active', 'locked']),
  email_alerts: z.boolean(),
  cluster_email_alerts: z.boolean(),
  bdbs_email_alerts: z.array(z.string()),
  password_issue_date: z.string(),
  certificate_subject_line: z.string(),
});

const userView = (accounts: Accounts, logins: Logins, user: UserRecord): z.infer<typeof userReply> => ({
  uid: user.uid,
  email: user.email,
  name: user.name,
  role: managementOf(accounts, user),
  role_uids: [...user.roleUids],
  auth_method: 'regular',
  status: logins.isLocked(user.uid) ? 'locked' : 'active',
  email_alerts: user.emailAlerts,
  cluster_email_alerts: user.clusterEmailAlerts,
  bdbs_email_alerts: [...user.bdbsEmailAlerts],
  password_issue_date: isoTime(user.passwordIssuedMs),
  certificate_subject_line: '',
});

/** Role and role_uids that say the same, as in what GET gave, are no contradiction: role_uids count. */
const editOf = (body: UserBody): UserEdit => ({
  email: body.email,
  name: body.name,
  password: body.password === undefined ? undefined : passwordOf(body.password),
  role: body.role,
  roleUids: body.role_uids,
  emailAlerts: body.email_alerts,
  clusterEmailAlerts: body.cluster_email_alerts,
  bdbsEmailAlerts: body.bdbs_email_alerts,
});

/** What any user may change of their own. [RS requests/users: PUT] */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'name',
  'password',
  'email_alerts',
  'cluster_email_alerts',
  'bdbs_email_alerts',
]);

const update = (call: Call<UserBody>): unknown => {
  const { control, logins, body, user: who } = call;
  const user = byUid('user', control.state.accounts.users, call);
  if (!call.may('update_user')) {
    const others = Object.keys(body).filter((name) => !OWN_FIELDS.has(name));
    if (user.uid !== who?.uid || others.length > 0) {
      throw new ApiProblem(
        'forbidden',
        `without the permission update_user you may change ${[...OWN_FIELDS].join(', ')} of your own user ${who?.uid ?? ''}`,
      );
    }
  }
  const change = { kind: 'update-user', atMs: control.world.clock.now(), uid: user.uid, edit: editOf(body) } as const;
  const { state } = submitted(call, change);
  if (body.password !== undefined && state === control.state) logins.release(user.uid);
  return userView(
    state.accounts,
    logins,
    state.accounts.users.find((each) => each.uid === user.uid)!,
  );
};

const authorizeBody = z.strictObject({
  ttl: z.number().int().min(TTL.min).max(TTL.max).optional(),
  username: z.string().optional(),
  email: z.string().optional(),
  password: z.string().optional(),
});

const tokenReply = z.strictObject({ access_token: z.string() });

const changePassword = (call: Call<unknown>, how: 'replace' | 'add' | 'remove', text: string): object => {
  const { control, user } = call;
  const password = passwordOf(text);
  accepted(control.submit({ kind: 'change-password', atMs: control.world.clock.now(), uid: user!.uid, how, password }));
  return {};
};

const newPassword = z.strictObject({ new_password: z.string() });
const oldPassword = z.strictObject({ old_password: z.string() });
const nothing = z.strictObject({});

export const userRoutes: readonly Route[] = [
  defineRoute({
    method: 'POST',
    path: '/v1/users/authorize',
    summary: 'A token for a user who logs in by Basic authentication, or by user name and password in the body.',
    permission: 'anybody',
    body: authorizeBody,
    isBodyOptional: true,
    reply: tokenReply,
    problems: ['unauthorized', 'user_locked', 'password_expired'],
    run({ logins, body, request }) {
      const login = body.username ?? body.email;
      const user =
        login === undefined
          ? logins.userOf(request.header('authorization'), false)
          : logins.byPassword(login, body.password ?? '', false);
      return { access_token: logins.token(user, body.ttl ?? TTL.fallback) };
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/users/refresh_jwt',
    summary: 'A new token for one that is still valid.',
    permission: 'user',
    body: authorizeBody.pick({ ttl: true }),
    isBodyOptional: true,
    reply: tokenReply,
    run: ({ logins, body, user }) => ({ access_token: logins.token(user!, body.ttl ?? TTL.fallback) }),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/users/password',
    summary: 'Replaces all passwords of the user who asks with a new one.',
    permission: 'user',
    isForExpired: true,
    body: newPassword,
    reply: nothing,
    problems: ['password_not_complex', 'new_password_same_as_current', 'invalid_param'],
    run: (call) => changePassword(call, 'replace', call.body.new_password),
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/users/password',
    summary: 'Gives the user who asks one more password.',
    permission: 'user',
    isForExpired: true,
    body: newPassword,
    reply: nothing,
    problems: ['password_not_complex', 'new_password_same_as_current', 'invalid_param'],
    run: (call) => changePassword(call, 'add', call.body.new_password),
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/users/password',
    summary: 'Takes one of several passwords from the user who asks.',
    permission: 'user',
    body: oldPassword,
    reply: nothing,
    problems: ['cannot_delete_last_password', 'invalid_param'],
    run: (call) => changePassword(call, 'remove', call.body.old_password),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/users',
    summary: 'All users.',
    permission: 'view_all_users_info',
    reply: z.array(userReply),
    run: ({ control: { state }, logins }) => state.accounts.users.map((user) => userView(state.accounts, logins, user)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/users/:uid',
    summary: 'One user.',
    permission: 'view_user_info',
    reply: userReply,
    problems: ['not_found'],
    run: (call) => {
      const { accounts } = call.control.state;
      return userView(accounts, call.logins, byUid('user', accounts.users, call));
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/users',
    summary: 'Creates a user.',
    permission: 'create_new_user',
    query: dryRunQuery,
    body: userBody,
    reply: userReply,
    problems: ['missing_field', 'invalid_param', 'email_already_exists', 'name_already_exists', 'password_not_complex'],
    run(call) {
      const { control, logins, body } = call;
      const change = { kind: 'create-user', atMs: control.world.clock.now(), wish: editOf(body) } as const;
      const outcome = submitted(call, change);
      const { accounts } = outcome.state;
      return userView(
        accounts,
        logins,
        accounts.users.find((each) => each.uid === outcome.uid)!,
      );
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/users/:uid',
    summary: 'Changes a user; anybody may change their own name, password and alerts.',
    permission: 'user',
    query: dryRunQuery,
    body: userBody,
    reply: userReply,
    problems: [
      'not_found',
      'invalid_param',
      'email_already_exists',
      'name_already_exists',
      'password_not_complex',
      'new_password_same_as_current',
      'change_last_admin_role_not_allowed',
    ],
    run: update,
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/users/:uid',
    summary: 'Deletes a user.',
    permission: 'delete_user',
    reply: nothing,
    problems: ['not_found', 'change_last_admin_role_not_allowed'],
    run(call) {
      const user = byUid('user', call.control.state.accounts.users, call);
      accepted(call.control.submit({ kind: 'delete-user', uid: user.uid }));
      call.logins.release(user.uid);
      return {};
    },
  }),
];
