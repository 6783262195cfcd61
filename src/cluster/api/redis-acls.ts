/** /v1/redis_acls: what users may do in a database, in Redis's own words. [RS requests/redis_acls] */

import { z } from 'zod';
import { RULE_PROBLEMS } from '../../node/acl/rule-problem.ts';
import { User } from '../../node/acl/user.ts';
import { shardCommands } from '../control/shard-commands.ts';
import type { Accounts } from '../state/accounts.ts';
import { ApiProblem } from './problems.ts';
import { accepted, byUid, defineRoute, dryRunQuery, submitted, type Route } from './route.ts';

const WORDS_MAX = 1_000;

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

/** Words about the user itself and selectors belong to Redis's ACL SETUSER, not to an ACL of a cluster [RS acl: selectors]. */
const ABOUT_USERS = /^(?:on|off|nopass|resetpass|reset|clearselectors|(?:skip-)?sanitize-payload|[>#<!(].*)$/i;

const checkAcl = (acl: string | undefined): void => {
  if (acl === undefined) return;
  const words = acl.split(/\s+/).filter((word) => word !== '');
  if (words.length > WORDS_MAX) throw wrongAcl(acl, `at most ${WORDS_MAX} rules`);
  const user = new User('candidate', shardCommands);
  for (const word of words) {
    if (ABOUT_USERS.test(word)) throw wrongAcl(word, 'users, passwords and selectors are not part of an ACL here');
    const outcome = user.apply(Buffer.from(word, 'utf8').toString('latin1'));
    if (!outcome.ok) throw wrongAcl(word, RULE_PROBLEMS[outcome.problem]);
  }
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
