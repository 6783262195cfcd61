/** SLOWLOG: shows the requests that `shard/slowlog.ts` has found slow. [redis slowlog.c slowlogCommand] */

import { OK } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { integer, named, optional, type Argument } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { helpCommand, noMore } from './help.ts';

const FLAGS: readonly Flag[] = ['admin', 'loading', 'stale'];
const COUNT_DEFAULT = 10;
const wrongCount = () => refuse('ERR', 'count should be greater than or equal to -1');

const countOrAll: Argument<number> = {
  ...integer(wrongCount),
  parse(reader) {
    const value = integer(wrongCount).parse(reader);
    if (value < -1) throw wrongCount();
    return value === -1 ? Infinity : value;
  },
};

export const slowlogCommands: readonly Command[] = [
  defineCommand({
    name: 'SLOWLOG GET',
    group: 'server',
    since: '2.2.12',
    summary: 'The latest slow requests, newest first.',
    complexity: 'O(N) where N is the number of entries returned',
    flags: FLAGS,
    tips: { request: 'all_nodes', other: ['nondeterministic_output'] },
    arguments: {
      count: optional(named('count', countOrAll)),
      end: noMore((words) => refuse('SUBCOMMAND_SYNTAX', 'slowlog', words[1]!)),
    },
    run: ({ shard }, { count = COUNT_DEFAULT }) =>
      shard.slowlog
        .latest(count)
        .map(({ id, atSeconds, microseconds, words, address, clientName }) => [
          id,
          atSeconds,
          microseconds,
          words,
          address,
          clientName,
        ]),
  }),

  defineCommand({
    name: 'SLOWLOG LEN',
    group: 'server',
    since: '2.2.12',
    summary: 'Number of slow requests kept.',
    complexity: 'O(1)',
    flags: FLAGS,
    tips: { request: 'all_nodes', response: 'agg_sum', other: ['nondeterministic_output'] },
    arguments: {},
    run: ({ shard }) => shard.slowlog.length,
  }),

  defineCommand({
    name: 'SLOWLOG RESET',
    group: 'server',
    since: '2.2.12',
    summary: 'Forgets all slow requests.',
    complexity: 'O(N) where N is the number of entries in the slowlog',
    flags: FLAGS,
    tips: { request: 'all_nodes', response: 'all_succeeded' },
    arguments: {},
    run({ shard }) {
      shard.slowlog.reset();
      return OK;
    },
  }),

  helpCommand({
    container: 'SLOWLOG',
    group: 'server',
    since: '6.2.0',
    lines: [
      [
        'GET [<count>]',
        'Shows the latest <count> slow requests (default: 10, -1: all): id, Unix time,',
        'microseconds, words, address and name of the client.',
      ],
      ['LEN', 'Number of slow requests kept.'],
      ['RESET', 'Forgets all of them.'],
    ],
  }),
];
