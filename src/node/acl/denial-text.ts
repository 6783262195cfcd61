/** Why a request was denied, as a sentence. [redis acl.c getAclErrorMessage] */

import type { Command } from '../commands/command.ts';
import type { Denial } from './selector.ts';

/** What a client is told: it does not repeat the key. */
export function denialText({ reason }: Denial, userName: string, command: Command): string {
  if (reason === 'command') return `User ${userName} has no permissions to run the '${command.fullName}' command`;
  return `No permissions to access a ${reason}`;
}

/** What ACL DRYRUN tells: `words` are those of the request. */
export function fullDenialText(denial: Denial, userName: string, command: Command, words: readonly string[]): string {
  if (denial.reason === 'command') return denialText(denial, userName, command);
  return `User ${userName} has no permissions to access the '${words[denial.at]!}' ${denial.reason}`;
}

/** Since a request was queued its user lost the permission. */
export function lateDenialText({ reason }: Denial): string {
  const what = {
    command: 'no permission to execute the command or subcommand',
    key: 'no permission to touch the specified keys',
    channel: 'no permission to access one of the channels used as arguments to the command',
  }[reason];
  return `ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: ${what}`;
}
