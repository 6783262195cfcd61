/** /v1/redis_acls: what users may do in a database, in Redis's own words. [RS requests/redis_acls] */

import { z } from 'zod';
import { userOfRules } from '../../node/acl/rules.ts';
import { shardCommands } from '../control/shard-commands.ts';
import type { Accounts } from '../state/accounts.ts';
import { ApiProblem } from './problems.ts';
import { accepted, byUid, defineRoute, dryRunQuery, submitted, type Route } from './route.ts';

const redisAclReply = z.strictObject({
  uid: z.number().int(),
  name: z.string(),
  acl: z.string(),
  min_version: z.string(),
  max_version: z.string(),
});

const readOnly = z.unknown().meta({ readOnly: true });

const redisAclBody = redisAclReply
  .extend({ uid: readOnly, min_version: readOnly, max_version: readOnly })
  .partial()
  .strict();

const checkAcl = (acl: string | undefined): void => {
  if (acl === undefined) return;
  const rules = Buffer.from(acl, 'utf8').toString('latin1');
  const outcome = userOfRules('candidate', rules, { table: shardCommands, allChannels: false });
  if (!outcome.ok) throw wrongAcl(Buffer.from(outcome.word, 'latin1').toString('utf8'), outcome.detail);
};

const wrongAcl = (word: string, why: string): ApiProblem => new ApiProblem('invalid_param', `acl: "${word}": ${why}`);

const shown = ({ redisAcls }: Accounts, uid: number): z.infer<typeof redisAclReply> => ({
  ...redisAcls.find((each) => each.uid === uid)!,
  min_version: '6.0',
  max_version: '99.99',
});

export const redisAclRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/redis_acls',
    summary: 'All Redis ACLs.',
    permission: 'view_all_redis_acls_info',
    reply: z.array(redisAclReply),
    run: ({ control: { state } }) => state.accounts.redisAcls.map(({ uid }) => shown(state.accounts, uid)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/redis_acls/:uid',
    summary: 'One Redis ACL.',
    permission: 'view_redis_acl_info',
    reply: redisAclReply,
    problems: ['not_found'],
    run(call) {
      const { accounts } = call.control.state;
      return shown(accounts, byUid('ACL', accounts.redisAcls, call).uid);
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/redis_acls',
    summary: 'Creates a Redis ACL.',
    permission: 'create_redis_acl',
    query: dryRunQuery,
    body: redisAclBody,
    reply: redisAclReply,
    problems: ['missing_field', 'invalid_param', 'name_already_exists'],
    run(call) {
      const { name, acl } = call.body;
      checkAcl(acl);
      const outcome = submitted(call, { kind: 'create-redis-acl', wish: { name, acl } });
      return shown(outcome.state.accounts, outcome.uid);
    },
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/redis_acls/:uid',
    summary: 'Changes a Redis ACL.',
    permission: 'update_redis_acl',
    query: dryRunQuery,
    body: redisAclBody,
    reply: redisAclReply,
    problems: ['not_found', 'invalid_param', 'name_already_exists', 'read_only_object'],
    run(call) {
      const { uid } = byUid('ACL', call.control.state.accounts.redisAcls, call);
      const { name, acl } = call.body;
      checkAcl(acl);
      const { state } = submitted(call, { kind: 'update-redis-acl', uid, edit: { name, acl } });
      return shown(state.accounts, uid);
    },
  }),

  defineRoute({
    method: 'DELETE',
    path: '/v1/redis_acls/:uid',
    summary: 'Deletes a Redis ACL that no database uses.',
    permission: 'delete_redis_acl',
    reply: z.strictObject({}),
    problems: ['not_found', 'in_use', 'read_only_object'],
    run(call) {
      const { uid } = byUid('ACL', call.control.state.accounts.redisAcls, call);
      accepted(call.control.submit({ kind: 'delete-redis-acl', uid }));
      return {};
    },
  }),
];
