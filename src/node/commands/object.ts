/**
 * OBJECT: what Redis tells of a value's inner form and of accesses to it, none of which is an access. [redis object.c objectCommand]
 */

import type { Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { encodingOf } from '../keyspace/value-facts.ts';
import type { Value } from '../keyspace/value.ts';
import type { CommandContext } from '../shard/context.ts';
import { goesByAccess } from '../shard/eviction-policy.ts';
import type { Shard } from '../shard/shard.ts';
import { key } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { helpCommand } from './help.ts';

/**
 * Small integers are shared between all keys, and say so by a count that never ends; but not where each key must know its own
 * accesses. [redis object.c OBJ_SHARED_REFCOUNT, tryObjectEncodingEx]
 */
const SHARED_INTEGERS = 10_000;
const SHARED_REFERENCES = 2 ** 31 - 1;

export function referencesOf(value: Value, { config }: Shard): number {
  if (typeof value !== 'string' || encodingOf(value) !== 'int') return 1;
  if (Number(value) < 0 || Number(value) >= SHARED_INTEGERS) return 1;
  const counts = config.get('maxmemory') > 0 && goesByAccess(config.get('maxmemory-policy'));
  return counts ? 1 : SHARED_REFERENCES;
}

function about(
  name: string,
  summary: string,
  answer: (value: Value, context: CommandContext, key: string) => Reply,
): Command {
  return defineCommand({
    name: `OBJECT ${name}`,
    group: 'generic',
    since: name === 'FREQ' ? '4.0.0' : '2.2.3',
    summary,
    complexity: 'O(1)',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO') },
    run(context, given) {
      const value = context.keyspace.peek(given.key);
      return value === undefined ? null : answer(value, context, given.key);
    },
  });
}

export const objectCommands: readonly Command[] = [
  about('ENCODING', 'Returns the name of the inner form of a value.', encodingOf),
  about(
    'FREQ',
    'Returns how often a key is accessed, as a logarithmic counter.',
    (_value, { keyspace, shard, now }, key) => {
      if (!shard.access.isLfu) throw refuse('NO_LFU');
      return shard.access.frequency(keyspace.accessMark(key)!, now);
    },
  ),
  about(
    'IDLETIME',
    'Returns how long a key has not been accessed, in seconds.',
    (_value, { keyspace, shard, now }, key) => {
      if (shard.access.isLfu) throw refuse('NO_LRU');
      return Math.floor(shard.access.idleMs(keyspace.accessMark(key)!, now) / 1000);
    },
  ),
  about('REFCOUNT', 'Returns how often a value is referred to.', (value, { shard }) => referencesOf(value, shard)),
  helpCommand({
    container: 'OBJECT',
    group: 'generic',
    since: '6.2.0',
    lines: [
      ['ENCODING <key>', 'Name of the inner form of the value.'],
      ['FREQ <key>', 'How often it is accessed, as a logarithmic counter; with an LFU policy.'],
      ['IDLETIME <key>', 'Seconds since the last access; not with an LFU policy.'],
      ['REFCOUNT <key>', 'How often the value is referred to.'],
    ],
  }),
];
