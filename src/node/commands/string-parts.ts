/** Commands that look at or change a part of a string. Changed in place, it becomes a `RawString`. [redis t_string.c] */

import { refuse } from '../../resp/refusals.ts';
import { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';
import { integer, integerFrom, key, text } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { checkStringLength, asRaw } from './raw-edit.ts';

/** Both ends included, negative from the end; null when nothing lies between them. */
function rangeOf(length: number, start: number, end: number): readonly [from: number, to: number] | null {
  if (start < 0 && end < 0 && start > end) return null;
  const from = start < 0 ? Math.max(0, length + start) : start;
  const to = Math.min(end < 0 ? Math.max(0, length + end) : end, length - 1);
  return from > to ? null : [from, to];
}

function getRange({ keyspace }: CommandContext, given: { key: string; start: number; end: number }): string {
  const value = keyspace.readString(given.key);
  if (value === undefined) return '';
  const range = rangeOf(value.length, given.start, given.end);
  return range === null ? '' : value.slice(range[0], range[1] + 1);
}

const rangeArguments = { key: key('RO', 'access'), start: integer(), end: integer() } as const;

export const stringPartCommands: readonly Command[] = [
  defineCommand({
    name: 'APPEND',
    group: 'string',
    since: '2.0.0',
    summary: 'Adds to the end of a string, which is created when there is none.',
    complexity: 'O(1) amortized, for a value that is short beside the string',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'insert'), value: text() },
    run(context, { key, value }) {
      const { keyspace } = context;
      const before = keyspace.editString(key);
      if (before === undefined) {
        keyspace.put(key, value);
        return value.length;
      }
      checkStringLength(context, before.length + value.length);
      const raw = asRaw(keyspace, key, before);
      raw.append(value);
      keyspace.changed(key);
      return raw.length;
    },
  }),

  defineCommand({
    name: 'STRLEN',
    group: 'string',
    since: '2.2.0',
    summary: 'Returns the length of a string in bytes.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readString(given.key)?.length ?? 0,
  }),

  defineCommand({
    name: 'GETRANGE',
    group: 'string',
    since: '2.4.0',
    summary: 'Returns a part of a string.',
    complexity: 'O(N) for N bytes returned',
    flags: ['readonly'],
    arguments: rangeArguments,
    run: getRange,
  }),

  defineCommand({
    name: 'SUBSTR',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns a part of a string.',
    complexity: 'O(N) for N bytes returned',
    flags: ['readonly'],
    deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
    arguments: rangeArguments,
    run: getRange,
  }),

  defineCommand({
    name: 'SETRANGE',
    group: 'string',
    since: '2.2.0',
    summary: 'Overwrites a part of a string, from an offset on; a gap is filled with zero bytes.',
    complexity: 'O(M) for M bytes written',
    flags: ['write', 'denyoom'],
    arguments: { key: key('RW', 'update'), offset: integerFrom(0, () => refuse('OFFSET_OUT_OF_RANGE')), value: text() },
    run(context, { key, offset, value }) {
      const { keyspace } = context;
      const before = keyspace.editString(key);
      // Writing nothing neither creates the key nor fills a gap
      if (value === '') return before?.length ?? 0;
      checkStringLength(context, offset + value.length);
      if (before === undefined) {
        const created = new RawString('');
        created.write(offset, value);
        keyspace.put(key, created);
        return created.length;
      }
      const raw = asRaw(keyspace, key, before);
      raw.write(offset, value);
      keyspace.changed(key);
      return raw.length;
    },
  }),
];
