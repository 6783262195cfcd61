/**
 * ACL: the users of this server and what they may do. The rules are `node/acl/`; who is connected as whom, and what was denied, is
 * `shard/permissions.ts`. [redis acl.c aclCommand]
 */

import { DEFAULT_USER, type UserOutcome } from '../acl/access-list.ts';
import type { AclFile } from '../acl/acl-file.ts';
import type { DenialEntry } from '../acl/denial-log.ts';
import { Double, MapReply, OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { CommandContext } from '../shard/context.ts';
import { categoryReply, dryRunReply, userLine, userReply } from './acl-replies.ts';
import { afterwards } from './afterwards.ts';
import { many, optional, rest, text } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { helpCommand, noMore } from './help.ts';
import { parseInteger } from './numbers.ts';

const LOOK: readonly Flag[] = ['noscript', 'loading', 'stale'];
const ADMIN: readonly Flag[] = ['admin', ...LOOK];

const GENERATED_BITS = 256;
const GENERATED_BITS_MAX = 4096;
const LOG_LENGTH_DEFAULT = 10;

/** Of more words than a subcommand takes. */
const wrongArguments = noMore((words) => refuse('SUBCOMMAND_SYNTAX', 'ACL', words[1]!));

function refusalOf(name: string, outcome: Extract<UserOutcome, { ok: false }>) {
  switch (outcome.why) {
    case 'spaces':
      return refuse('ERR', "Usernames can't contain spaces or null characters");
    case 'too-many':
      return refuse('ERR', `there are too many users already to add '${name}': delete one with ACL DELUSER`);
    case 'unmatched':
      return refuse('ERR', `Unmatched parenthesis in acl selector starting at '${outcome.word}'.`);
    case 'modifier':
      return refuse('ERR', `Error in ACL SETUSER modifier '${outcome.word}': ${outcome.detail}`);
  }
}

function setUser({ shard, session }: CommandContext, name: string, rules: readonly string[]): Reply {
  const { permissions } = shard;
  const outcome = permissions.users.setUser(name, rules);
  if (!outcome.ok) throw refusalOf(name, outcome);
  permissions.cutListeners(outcome.user, session);
  if (outcome.user === permissions.users.defaultUser) permissions.defaultUserChanged();
  return OK;
}

function deleteUsers({ shard, session }: CommandContext, names: readonly string[]): Reply {
  const { permissions } = shard;
  let deleted = 0;
  for (const name of names) {
    if (name === DEFAULT_USER) throw refuse('ERR', "The 'default' user cannot be removed");
    const user = permissions.users.deleteUser(name);
    if (user === undefined) continue;
    deleted++;
    permissions.cut(user, session);
  }
  return deleted;
}

function generatePassword({ shard }: CommandContext, given: string | undefined): Reply {
  const bits = given === undefined ? GENERATED_BITS : parseInteger(given);
  if (bits === null) throw refuse('NOT_INTEGER');
  if (bits <= 0 || bits > GENERATED_BITS_MAX) {
    throw refuse(
      'ERR',
      `ACL GENPASS argument must be the number of bits for the output password, a positive number up to ${GENERATED_BITS_MAX}`,
    );
  }
  const digits = Math.ceil(bits / 4);
  return shard.random
    .bytes(Math.ceil(digits / 2))
    .toString('hex')
    .slice(0, digits);
}

const logEntry = (entry: DenialEntry, now: number): Reply =>
  new MapReply([
    'count',
    entry.count,
    'reason',
    entry.reason,
    'context',
    entry.context,
    'object',
    entry.object,
    'username',
    entry.username,
    'age-seconds',
    new Double((now - entry.updatedMs) / 1000),
    'client-info',
    entry.client,
    'entry-id',
    entry.id,
    'timestamp-created',
    entry.createdMs,
    'timestamp-last-updated',
    entry.updatedMs,
  ]);

function showLog({ shard, now }: CommandContext, given: string | undefined): Reply {
  const { log } = shard.permissions;
  if (given?.toUpperCase() === 'RESET') {
    log.reset();
    return OK;
  }
  const count = given === undefined ? LOG_LENGTH_DEFAULT : parseInteger(given);
  if (count === null) throw refuse('NOT_INTEGER');
  return log.entries.slice(0, Math.max(0, count)).map((entry) => logEntry(entry, now));
}

/** The file that was named at start. */
const fileOf = ({ shard }: CommandContext): AclFile => {
  const { file } = shard.permissions;
  if (file !== null) return file;
  throw refuse(
    'ERR',
    'This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.',
  );
};

const shared = { group: 'server', complexity: 'O(1)' } as const;

export const aclCommands: readonly Command[] = [
  defineCommand({
    ...shared,
    name: 'ACL CAT',
    since: '6.0.0',
    summary: 'Lists the categories of commands, or the commands of one.',
    complexity: 'O(1) since the categories and commands are a fixed set.',
    flags: LOOK,
    arguments: { category: optional(text()), end: wrongArguments },
    run: ({ shard }, { category }) => categoryReply(shard.commands.declared, category),
  }),

  defineCommand({
    ...shared,
    name: 'ACL DELUSER',
    since: '6.0.0',
    summary: 'Deletes users and ends their connections.',
    complexity: 'O(1) amortized time considering the typical user.',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: { username: many(text()) },
    run: (context, { username }) => deleteUsers(context, username),
  }),

  defineCommand({
    ...shared,
    name: 'ACL DRYRUN',
    since: '7.0.0',
    summary: 'Tells whether a user may send a request, without sending it.',
    complexity: 'O(1).',
    flags: ADMIN,
    arguments: {
      username: text(),
      command: text(),
      args: { ...rest({ type: 'string' }), doc: { name: 'arg', type: 'string', optional: true, multiple: true } },
    },
    run: ({ shard }, { username }, words) =>
      dryRunReply(shard.commands, shard.permissions.users.find(username), username, words.slice(3)),
  }),

  defineCommand({
    ...shared,
    name: 'ACL GENPASS',
    since: '6.0.0',
    summary: 'Makes up a password that nobody can guess.',
    flags: LOOK,
    arguments: { bits: { ...optional(text()), doc: { type: 'integer', optional: true } }, end: wrongArguments },
    run: (context, { bits }) => generatePassword(context, bits),
  }),

  defineCommand({
    ...shared,
    name: 'ACL GETUSER',
    since: '6.0.0',
    summary: 'Shows a user: flags, password hashes and rules.',
    complexity: 'O(N). Where N is the number of password, command and pattern rules that the user has.',
    flags: ADMIN,
    arguments: { username: text() },
    run: ({ shard }, { username }) => userReply(shard.permissions.users.find(username)),
  }),

  defineCommand({
    ...shared,
    name: 'ACL LIST',
    since: '6.0.0',
    summary: 'Shows all users as lines of an ACL file.',
    complexity: 'O(N). Where N is the number of configured users.',
    flags: ADMIN,
    arguments: {},
    run: ({ shard }) => shard.permissions.users.users.map(userLine),
  }),

  defineCommand({
    ...shared,
    name: 'ACL LOAD',
    since: '6.0.0',
    summary: 'Reads the users from the ACL file again.',
    complexity: 'O(N). Where N is the number of configured users.',
    flags: ADMIN,
    arguments: {},
    run(context) {
      const { session, shard } = context;
      const file = fileOf(context);
      return afterwards(context, () => shard.permissions.loadFile(file, session), OK);
    },
  }),

  defineCommand({
    ...shared,
    name: 'ACL LOG',
    since: '6.0.0',
    summary: 'Shows what was denied lately, or forgets it.',
    complexity: 'O(N) with N being the number of entries shown.',
    flags: ADMIN,
    arguments: {
      operation: {
        ...optional(text()),
        doc: {
          type: 'oneof',
          optional: true,
          arguments: [
            { name: 'count', type: 'integer' },
            { name: 'reset', type: 'pure-token', token: 'RESET' },
          ],
        },
      },
      end: wrongArguments,
    },
    run: (context, { operation }) => showLog(context, operation),
  }),

  defineCommand({
    ...shared,
    name: 'ACL SAVE',
    since: '6.0.0',
    summary: 'Writes the users to the ACL file.',
    complexity: 'O(N). Where N is the number of configured users.',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: {},
    run(context) {
      const { users } = context.shard.permissions;
      const file = fileOf(context);
      return afterwards(context, () => file.save(users), OK);
    },
  }),

  defineCommand({
    ...shared,
    name: 'ACL SETUSER',
    since: '6.0.0',
    summary: 'Makes a user or changes it, by rules that all hold or none.',
    complexity: 'O(N). Where N is the number of rules provided.',
    flags: ADMIN,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: { username: text(), rule: many(text(), { min: 0 }) },
    run: (context, { username, rule }) => setUser(context, username, rule),
  }),

  defineCommand({
    ...shared,
    name: 'ACL USERS',
    since: '6.0.0',
    summary: 'Lists the names of all users.',
    complexity: 'O(N). Where N is the number of configured users.',
    flags: ADMIN,
    arguments: {},
    run: ({ shard }) => shard.permissions.users.users.map(({ name }) => name),
  }),

  defineCommand({
    ...shared,
    name: 'ACL WHOAMI',
    since: '6.0.0',
    summary: 'Tells as which user this connection is authenticated.',
    flags: LOOK,
    arguments: {},
    run: ({ session }) => session.user.name,
  }),

  helpCommand({
    container: 'ACL',
    group: 'server',
    since: '6.0.0',
    lines: [
      ['CAT [<category>]', 'Categories of commands, or the commands of one.'],
      ['DELUSER <username> [<username> ...]', 'Deletes users and ends their connections.'],
      ['DRYRUN <username> <command> [<arg> ...]', 'Whether a user may send a request, without sending it.'],
      ['GETUSER <username>', 'Flags, password hashes and rules of a user.'],
      ['GENPASS [<bits>]', 'A password that nobody can guess, of 256 bits or as many as given.'],
      ['LIST', 'All users as lines of an ACL file.'],
      ['LOAD', 'Reads the users from the ACL file again.'],
      ['LOG [<count> | RESET]', 'What was denied lately, newest first, or forgets it.'],
      ['SAVE', 'Writes the users to the ACL file.'],
      ['SETUSER <username> <attribute> [<attribute> ...]', 'Makes a user or changes it.'],
      ['USERS', 'Names of all users.'],
      ['WHOAMI', 'User of this connection.'],
    ],
  }),
];
