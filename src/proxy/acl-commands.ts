/**
 * ACL through an endpoint: the default user and those users of the cluster who have a role here. Only to look at: users are managed by
 * the cluster, and what would change them is blocked. The internal `admin` is not shown. [RS compatibility: commands]
 */

import type { CommandTable } from '../node/commands/table.ts';
import { categoryReply, dryRunReply, userLine, userReply } from '../node/commands/acl-replies.ts';
import { refuse } from '../resp/refusals.ts';
import { Status } from '../resp/reply.ts';
import { usersOf } from './authentication.ts';
import type { LocalClient, LocalCommand } from './local-command.ts';

const HELP = [
  'ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CAT [<category>], DRYRUN <username> <command> [<arg> ...], GETUSER <username>, LIST, USERS, WHOAMI',
  '    As of a Redis server. Users are managed by the cluster.',
  'HELP',
  '    Print this help.',
];

const tableOf = ({ settings }: LocalClient): CommandTable => settings.commands;

export const aclCommands: readonly LocalCommand[] = [
  {
    name: 'ACL CAT',
    arity: -2,
    run(client, words) {
      if (words.length > 3) throw refuse('SUBCOMMAND_SYNTAX', 'ACL', words[1]!);
      return categoryReply(tableOf(client), words[2]);
    },
  },
  {
    name: 'ACL DRYRUN',
    arity: -4,
    run: (client, words) =>
      dryRunReply(tableOf(client), usersOf(client.settings).get(words[2]!), words[2]!, words.slice(3)),
  },
  { name: 'ACL GETUSER', arity: 3, run: ({ settings }, words) => userReply(usersOf(settings).get(words[2]!)) },
  { name: 'ACL LIST', arity: 2, run: ({ settings }) => [...usersOf(settings).values()].map(userLine) },
  { name: 'ACL USERS', arity: 2, run: ({ settings }) => [...usersOf(settings).keys()] },
  { name: 'ACL WHOAMI', arity: 2, run: ({ account }) => account?.name ?? null },
  { name: 'ACL HELP', arity: 2, run: () => HELP.map((line) => new Status(line)) },
];
