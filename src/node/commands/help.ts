/** HELP of a container: its subcommands with a sentence each, in the form all of Redis's HELPs have. */

import { Status } from '../../resp/reply.ts';
import type { Refusal } from '../../resp/refusals.ts';
import type { Argument } from './arguments.ts';
import { defineCommand, type Command, type Group } from './command.ts';

export interface Help {
  readonly container: string;
  readonly group: Group;
  readonly since: string;
  readonly categories?: readonly string[];
  readonly lines: readonly (readonly [usage: string, ...explanation: string[]])[];
}

export function helpCommand({ container, group, since, categories, lines }: Help): Command {
  const reply = [
    `${container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
    ...[...lines, ['HELP', 'Prints this help.']].flatMap(([usage, ...rest]) => [
      usage,
      ...rest.map((line) => `    ${line}`),
    ]),
  ].map((line) => new Status(line));
  return defineCommand({
    name: `${container} HELP`,
    group,
    since,
    summary: 'Lists the subcommands with a sentence each.',
    complexity: 'O(1)',
    flags: ['loading', 'stale'],
    ...(categories && { categories }),
    arguments: {},
    run: () => reply,
  });
}

/** Nothing may follow; what does is refused with other words than a syntax error. Takes no place in the documentation. */
export const noMore = (refusal: (words: readonly string[]) => Refusal): Argument<null> => ({
  doc: { type: 'block', optional: true, arguments: [] },
  wordsMin: 0,
  wordsMax: 0,
  parse: (reader) => {
    if (reader.left > 0) throw refusal(reader.words);
    return null;
  },
});
