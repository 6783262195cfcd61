/** What ACL shows of users and commands, as replies: the same at a shard and through an endpoint. Pure. [redis acl.c aclCommand] */

import { fullDenialText } from '../acl/denial-text.ts';
import type { Selector } from '../acl/selector.ts';
import type { User } from '../acl/user.ts';
import { MapReply, OK, SetReply, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { CATEGORIES, categoriesOf, isCategory } from './command-info.ts';
import { arityHolds, type CommandTable } from './table.ts';

const selectorFacts = (selector: Selector): Reply[] => [
  'commands',
  selector.commandText,
  'keys',
  selector.keyTexts.join(' '),
  'channels',
  selector.channelTexts.join(' '),
];

/** ACL GETUSER */
export function userReply(user: User | undefined): Reply {
  if (user === undefined) return null;
  const [own, ...more] = user.selectors;
  return new MapReply([
    'flags',
    new SetReply([...user.flagTexts]),
    'passwords',
    [...user.passwordHashes],
    ...selectorFacts(own),
    'selectors',
    more.map((selector) => new MapReply(selectorFacts(selector))),
  ]);
}

/** A line of ACL LIST. */
export const userLine = (user: User): string => `user ${user.name} ${user.text}`;

/** ACL CAT */
export function categoryReply(table: CommandTable, given: string | undefined): Reply {
  if (given === undefined) return CATEGORIES.map((name) => new Status(name));
  const wanted = given.toLowerCase();
  if (!isCategory(wanted)) throw refuse('ERR', `Unknown category '${given}'`);
  return table
    .everything()
    .filter((command) => categoriesOf(command).includes(wanted))
    .map((command) => command.fullName);
}

/** ACL DRYRUN; `words` are those of the request that is asked about. */
export function dryRunReply(
  table: CommandTable,
  user: User | undefined,
  name: string,
  words: readonly string[],
): Reply {
  if (user === undefined) throw refuse('ERR', `User '${name}' not found`);
  const command = table.findRequested(words);
  if (command === undefined) throw refuse('ERR', `Command '${words[0]!}' not found`);
  if (!arityHolds(command, words)) throw refuse('ARITY', command.fullName);
  const denial = user.check(command, words);
  return denial === null ? OK : fullDenialText(denial, user.name, command, words);
}
