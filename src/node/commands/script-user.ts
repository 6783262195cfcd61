/**
 * A script on behalf of a user whom the shard does not know: an endpoint passes the scripts of its users on over connections that
 * may do everything, so it says with each what that user may do, and the script's own calls are held to that. [redis script.c scriptCall]
 *
 * Border: never for clients; the proxy blocks the name. Limit: `USERS_MAX` users are kept made.
 */

import { refuse } from '../../resp/refusals.ts';
import { userOfRules } from '../acl/rules.ts';
import type { User } from '../acl/user.ts';
import type { Shard } from '../shard/shard.ts';
import { rest, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { arityHolds } from './table.ts';

const USERS_MAX = 64;
const RUN_SCRIPTS: ReadonlySet<string> = new Set(['EVAL', 'EVALSHA', 'EVAL_RO', 'EVALSHA_RO', 'FCALL', 'FCALL_RO']);

/** The request as it goes to a shard for that user; as it is for one who may do everything (null), or when it runs no script. */
export function onBehalfOf(user: User | null, words: readonly string[]): readonly string[] {
  if (user === null || !RUN_SCRIPTS.has(words[0]!.toUpperCase())) return words;
  return ['ANTIPODE', 'AS', user.name, user.rulesText, ...words];
}

const made = new WeakMap<Shard, Map<string, User>>();

function userOf(shard: Shard, name: string, rules: string): User {
  let users = made.get(shard);
  if (users === undefined) made.set(shard, (users = new Map()));
  const key = `${name} ${rules}`;
  const known = users.get(key);
  if (known !== undefined) return known;
  const outcome = userOfRules(name, rules, { table: shard.commands.declared, allChannels: false });
  if (!outcome.ok) throw refuse('ERR', `no rules of a user: ${outcome.word}: ${outcome.detail}`);
  if (users.size >= USERS_MAX) users.clear();
  users.set(key, outcome.user);
  return outcome.user;
}

export const scriptUserCommand: Command = defineCommand({
  name: 'ANTIPODE AS',
  group: 'scripting',
  since: '7.4.0',
  summary: 'Runs a script with the permissions of a user of an endpoint.',
  complexity: 'Depends on the script that is executed.',
  flags: ['admin', 'noscript', 'no_mandatory_keys'],
  arguments: { user: text(), rules: text(), request: rest({ type: 'string' }, 3) },
  run(context, { user, rules, request }) {
    const { shard, session } = context;
    const command = shard.commands.resolve(request);
    if (!RUN_SCRIPTS.has(command.name)) throw refuse('ERR', `${command.name} runs no script`);
    if (!arityHolds(command, request)) throw refuse('ARITY', command.fullName);
    const own = session.user;
    session.user = userOf(shard, user, rules);
    try {
      return command.run(context, request);
    } finally {
      session.user = own;
    }
  },
});
