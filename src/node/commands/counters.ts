/** Commands that count in a string: exact int64 arithmetic, and long doubles. [redis t_string.c incrDecrCommand] */

import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';
import { int64, key, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble, type LongDouble } from './long-double.ts';
import { fitsInt64, parseInt64, parseInteger } from './numbers.ts';

/** Texts up to this long are counted as JavaScript numbers, which are exact there. */
const EXACT_CHARS = 15;
const INT64_MIN = -(2n ** 63n);

function count({ keyspace }: CommandContext, key: string, by: bigint): number | bigint {
  return countExactly(keyspace, key, keyspace.editString(key), by);
}

function countExactly(keyspace: Keyspace, key: string, found: string | RawString | undefined, by: bigint): bigint {
  const text = found?.toString() ?? '0';
  const before = parseInt64(text);
  if (before === null) throw refuse('NOT_INTEGER');
  const after = before + by;
  if (!fitsInt64(after)) throw refuse('OVERFLOW');
  keyspace.overwrite(key, after.toString());
  return after;
}

/** INCR and DECR: in plain numbers where the text is not near the ends of int64. */
function countQuickly({ keyspace }: CommandContext, key: string, by: 1 | -1): number | bigint {
  const found = keyspace.editString(key);
  const before = found === undefined ? 0 : isExact(found) ? parseInteger(found) : null;
  if (before === null) return countExactly(keyspace, key, found, BigInt(by));
  keyspace.overwrite(key, String(before + by));
  return before + by;
}

const isExact = (value: string | RawString): value is string =>
  typeof value === 'string' && value.length <= EXACT_CHARS;

function longDouble(text: string): LongDouble {
  const value = parseLongDouble(text);
  if (value === null) throw refuse('NOT_FLOAT');
  return value;
}

const counted = key('RW', 'access', 'update');
const group = 'string';
const complexity = 'O(1)';
const flags = ['write', 'denyoom', 'fast'] as const;

export const counterCommands: readonly Command[] = [
  defineCommand({
    name: 'INCR',
    group,
    since: '1.0.0',
    summary: 'Adds one to an integer; a key that is not there counts as 0.',
    complexity,
    flags,
    arguments: { key: counted },
    quick: (context, words) => countQuickly(context, words[1]!, 1),
    run: (context, given) => countQuickly(context, given.key, 1),
  }),

  defineCommand({
    name: 'DECR',
    group,
    since: '1.0.0',
    summary: 'Takes one from an integer; a key that is not there counts as 0.',
    complexity,
    flags,
    arguments: { key: counted },
    quick: (context, words) => countQuickly(context, words[1]!, -1),
    run: (context, given) => countQuickly(context, given.key, -1),
  }),

  defineCommand({
    name: 'INCRBY',
    group,
    since: '1.0.0',
    summary: 'Adds to an integer; a key that is not there counts as 0.',
    complexity,
    flags,
    arguments: { key: counted, increment: int64() },
    run: (context, given) => count(context, given.key, given.increment),
  }),

  defineCommand({
    name: 'DECRBY',
    group,
    since: '1.0.0',
    summary: 'Takes from an integer; a key that is not there counts as 0.',
    complexity,
    flags,
    arguments: { key: counted, decrement: int64() },
    run(context, { key, decrement }) {
      if (decrement === INT64_MIN) throw refuse('DECREMENT_OVERFLOW');
      return count(context, key, -decrement);
    },
  }),

  defineCommand({
    name: 'INCRBYFLOAT',
    group,
    since: '2.6.0',
    summary: 'Adds to a floating point number; a key that is not there counts as 0.',
    complexity,
    flags,
    arguments: { key: counted, increment: { ...text(), doc: { type: 'double' } } },
    run(context, { key, increment }) {
      const { keyspace } = context;
      const before = longDouble(keyspace.editString(key)?.toString() ?? '0');
      const by = longDouble(increment);
      const sum = typeof before === 'string' || typeof by === 'string' ? null : addLongDoubles(before, by);
      if (sum === null) throw refuse('NAN_OR_INFINITY');
      const result = formatLongDouble(sum);
      keyspace.overwrite(key, result);
      // What was added would be rounded elsewhere as well; what it came to is not
      context.replicateAs('SET', key, result, 'KEEPTTL');
      return result;
    },
  }),
];
