/** COMMAND: what the declarations say, asked over the wire. [redis server.c commandCommand] */

import type { Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { many, rest, text, type KeyFlag } from './arguments.ts';
import { defineCommand, type Command, type Flag, type KeySpec } from './command.ts';
import { docsMap } from './command-docs.ts';
import { categoriesOf, commandInfo, isCategory, keyFlags } from './command-info.ts';
import { helpCommand } from './help.ts';
import { keyUsesOf } from './key-uses.ts';
import { arityHolds, type CommandTable } from './table.ts';

const FLAGS: readonly Flag[] = ['loading', 'stale'];
const UNORDERED = { other: ['nondeterministic_output_order'] } as const;

function filterOf(words: readonly string[]): (command: Command) => boolean {
  if (words.length === 0) return () => true;
  if (words.length !== 3 || words[0]!.toUpperCase() !== 'FILTERBY') throw refuse('SYNTAX');
  const wanted = words[2]!.toLowerCase();
  switch (words[1]!.toUpperCase()) {
    case 'MODULE':
      return () => false; // there are none
    case 'ACLCAT':
      return isCategory(wanted) ? (command) => categoriesOf(command).includes(wanted) : () => false;
    case 'PATTERN':
      return (command) => matchesGlob(wanted, command.fullName);
    default:
      throw refuse('SYNTAX');
  }
}

interface RequestKey {
  readonly key: string;
  readonly flags: readonly KeyFlag[];
}

/** False for a place beyond the end, a count that is none, or one of more than there are words [redis db.c getKeysUsingKeySpecs]. */
function isWithin({ begin, find }: KeySpec, words: readonly string[]): boolean {
  if (!('index' in begin)) return true;
  const { index } = begin;
  if (find.kind === 'range') return index < words.length;
  if (find.kind !== 'keynum') return true;
  const count = Number(words[index + find.keynum]);
  return Number.isInteger(count) && count > 0 && index + find.first + (count - 1) * find.step < words.length;
}

/** The keys of a whole request with what the command does to them. */
function requestKeys(table: CommandTable, words: readonly string[]): RequestKey[] {
  const command = table.findRequested(words);
  if (command === undefined) throw refuse('COMMAND_UNKNOWN');
  const specs = command.keySpecs.filter((spec) => !spec.flags.includes('not_key'));
  if (specs.length === 0) throw refuse('COMMAND_WITHOUT_KEYS');
  if (!arityHolds(command, words)) throw refuse('COMMAND_ARITY');
  const uses = specs.every((spec) => isWithin(spec, words)) ? keyUsesOf(command, words) : [];
  if (uses.length === 0 && !command.flags.has('no_mandatory_keys')) throw refuse('COMMAND_ARGUMENTS');
  return uses.map(({ at, flags }) => ({ key: words[at]!, flags }));
}

const requestArguments = {
  command: text(),
  arguments: { ...rest({ type: 'string' }), doc: { name: 'arg', type: 'string', optional: true, multiple: true } },
} as const;

export const introspectionCommands: readonly Command[] = [
  defineCommand({
    name: 'COMMAND',
    group: 'server',
    since: '2.8.13',
    summary: 'Describes all commands.',
    complexity: 'O(N) where N is the total number of commands',
    flags: FLAGS,
    categories: ['connection'],
    tips: UNORDERED,
    arity: -1,
    arguments: {},
    run: ({ shard }) => shard.commands.all.map(commandInfo),
  }),

  defineCommand({
    name: 'COMMAND COUNT',
    group: 'server',
    since: '2.8.13',
    summary: 'Counts the commands.',
    complexity: 'O(1)',
    flags: FLAGS,
    categories: ['connection'],
    arguments: {},
    run: ({ shard }) => shard.commands.all.length,
  }),

  defineCommand({
    name: 'COMMAND LIST',
    group: 'server',
    since: '7.0.0',
    summary: 'Lists names of commands.',
    complexity: 'O(N) where N is the total number of commands',
    flags: FLAGS,
    categories: ['connection'],
    tips: UNORDERED,
    arguments: {
      filter: {
        ...rest({ type: 'oneof' }),
        doc: {
          name: 'filterby',
          type: 'oneof',
          token: 'FILTERBY',
          optional: true,
          arguments: [
            { name: 'module-name', type: 'string', token: 'MODULE' },
            { name: 'category', type: 'string', token: 'ACLCAT' },
            { name: 'pattern', type: 'pattern', token: 'PATTERN' },
          ],
        },
      },
    },
    run: ({ shard }, { filter }) =>
      shard.commands
        .everything()
        .filter(filterOf(filter))
        .map((command) => command.fullName),
  }),

  defineCommand({
    name: 'COMMAND INFO',
    group: 'server',
    since: '2.8.13',
    summary: 'Describes some commands, or all.',
    complexity: 'O(N) where N is the number of commands to look up',
    flags: FLAGS,
    categories: ['connection'],
    tips: UNORDERED,
    arguments: {
      name: {
        ...many(text(), { min: 0 }),
        doc: { name: 'command-name', type: 'string', optional: true, multiple: true },
      },
    },
    run({ shard }, { name }): Reply {
      if (name.length === 0) return shard.commands.all.map(commandInfo);
      return name.map((each) => {
        const command = shard.commands.findByFullName(each);
        return command === undefined ? null : commandInfo(command);
      });
    },
  }),

  defineCommand({
    name: 'COMMAND DOCS',
    group: 'server',
    since: '7.0.0',
    summary: 'Documents some commands, or all.',
    complexity: 'O(N) where N is the number of commands to look up',
    flags: FLAGS,
    categories: ['connection'],
    tips: UNORDERED,
    arguments: {
      name: {
        ...many(text(), { min: 0 }),
        doc: { name: 'command-name', type: 'string', optional: true, multiple: true },
      },
    },
    run({ shard }, { name }) {
      if (name.length === 0) return docsMap(shard.commands.all);
      const found = name.map((each) => shard.commands.findByFullName(each));
      return docsMap(found.filter((command) => command !== undefined));
    },
  }),

  defineCommand({
    name: 'COMMAND GETKEYS',
    group: 'server',
    since: '2.8.13',
    summary: 'Answers the keys of a request.',
    complexity: 'O(N) where N is the number of arguments to the command',
    flags: FLAGS,
    categories: ['connection'],
    arguments: requestArguments,
    run: ({ shard }, _given, words) => requestKeys(shard.commands, words.slice(2)).map(({ key }) => key),
  }),

  defineCommand({
    name: 'COMMAND GETKEYSANDFLAGS',
    group: 'server',
    since: '7.0.0',
    summary: 'Answers the keys of a request with what the command does to them.',
    complexity: 'O(N) where N is the number of arguments to the command',
    flags: FLAGS,
    categories: ['connection'],
    arguments: requestArguments,
    run: ({ shard }, _given, words) =>
      requestKeys(shard.commands, words.slice(2)).map(({ key, flags }) => [key, keyFlags(flags)]),
  }),

  helpCommand({
    container: 'COMMAND',
    group: 'server',
    since: '5.0.0',
    categories: ['connection'],
    lines: [
      ['(no subcommand)', 'Descriptions of all commands.'],
      ['COUNT', 'Number of commands.'],
      ['LIST [FILTERBY (MODULE <module>|ACLCAT <category>|PATTERN <pattern>)]', 'Names of commands.'],
      ['INFO [<command-name> ...]', 'Descriptions of some commands, or all.'],
      ['DOCS [<command-name> ...]', 'Documentation of some commands, or all.'],
      ['GETKEYS <full-command>', 'Keys of a request.'],
      ['GETKEYSANDFLAGS <full-command>', 'Keys of a request with what the command does to them.'],
    ],
  }),
];
