/** /v1/roles: what users may do. [RS requests/roles] */

import { z } from 'zod';
import { MANAGEMENT_ROLES, type Accounts } from '../state/accounts.ts';
import { accepted, byUid, defineRoute, dryRunQuery, submitted, type Route } from './route.ts';

const uid = z.number().int();

const roleReply = z.strictObject({ uid, name: z.string(), management: z.enum(MANAGEMENT_ROLES) });

const roleBody = roleReply
  .extend({ uid: z.unknown().meta({ readOnly: true }) })
  .partial()
  .strict();

const roleIn = ({ roles }: Accounts, roleUid: number) => roles.find((each) => each.uid === roleUid)!;

export const roleRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/roles',
    summary: 'All roles.',
    permission: 'view_all_roles_info',
    reply: z.array(roleReply),
    run: ({ control }) => control.state.accounts.roles,
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/roles/:uid',
    summary: 'One role.',
    permission: 'view_role_info',
    reply: roleReply,
    problems: ['not_found'],
    run: (call) => byUid('role', call.control.state.accounts.roles, call),
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/roles',
    summary: 'Creates a role.',
    permission: 'create_role',
    query: dryRunQuery,
    body: roleBody,
    reply: roleReply,
    problems: ['missing_field', 'invalid_param', 'name_already_exists'],
    run(call) {
      const { name, management } = call.body;
      const outcome = submitted(call, { kind: 'create-role', wish: { name, management } });
      return roleIn(outcome.state.accounts, outcome.uid);
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/roles/:uid',
    summary: 'Changes a role.',
    permission: 'update_role',
    query: dryRunQuery,
    body: roleBody,
    reply: roleReply,
    problems: ['not_found', 'invalid_param', 'name_already_exists', 'change_last_admin_role_not_allowed'],
    run(call) {
      const role = byUid('role', call.control.state.accounts.roles, call);
      const { name, management } = call.body;
      const { state } = submitted(call, { kind: 'update-role', uid: role.uid, edit: { name, management } });
      return roleIn(state.accounts, role.uid);
    },
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/roles/:uid',
    summary: 'Deletes a role that nobody has.',
    permission: 'delete_role',
    reply: z.strictObject({}),
    problems: ['not_found', 'in_use'],
    run(call) {
      const role = byUid('role', call.control.state.accounts.roles, call);
      accepted(call.control.submit({ kind: 'delete-role', uid: role.uid }));
      return {};
    },
  }),
];
