/** Commands that see a string as bits, the highest bit of each byte first. BITFIELD is in `bitfield.ts`. [redis bitops.c] */

import { refuse } from '../../resp/refusals.ts';
import { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';
import { integer, key, many, rest, unread, word, type Argument } from './arguments.ts';
import { bitAt, bytesOf, countBits, firstBit } from './bits.ts';
import { bitfieldCommands } from './bitfield.ts';
import { defineCommand, type Command } from './command.ts';
import { parseInteger } from './numbers.ts';
import { editRaw, stringBytesMax } from './raw-edit.ts';

const BITS = 8;

/** A bit's offset within the longest string this session may make. */
function bitOffset(context: CommandContext, given: string): number {
  const offset = parseInteger(given);
  if (offset === null || offset < 0 || offset >= stringBytesMax(context) * BITS) throw refuse('BIT_OFFSET');
  return offset;
}

function wholeNumber(given: string): number {
  const value = parseInteger(given);
  if (value === null) throw refuse('NOT_INTEGER');
  return value;
}

interface BitRange {
  readonly start: number;
  /** Undefined: to the end, and for BITPOS beyond it. */
  readonly end: number | undefined;
  readonly unit: 'BYTE' | 'BIT';
}

/** `[start [end [BYTE | BIT]]]`; read before the key is looked at, unlike in 7.0. Null: all. */
function rangeOf(words: readonly string[], endMayMiss: boolean): BitRange | null {
  if (words.length === 0) return null;
  if (words.length > 3 || (words.length === 1 && !endMayMiss)) throw refuse('SYNTAX');
  const start = wholeNumber(words[0]!);
  const unit = words[2]?.toUpperCase() ?? 'BYTE';
  // BITPOS looks at the unit before the end
  if (endMayMiss && unit !== 'BYTE' && unit !== 'BIT') throw refuse('SYNTAX');
  const end = words[1] === undefined ? undefined : wholeNumber(words[1]);
  if (unit !== 'BYTE' && unit !== 'BIT') throw refuse('SYNTAX');
  return { start, end, unit };
}

/** First and last bit of a range within a string; the last is below the first when the range is empty. */
function bitsWithin(range: BitRange | null, bytes: number): readonly [first: number, last: number] {
  if (range === null) return [0, bytes * BITS - 1];
  const total = range.unit === 'BIT' ? bytes * BITS : bytes;
  const start = range.start < 0 ? Math.max(0, total + range.start) : range.start;
  const given = range.end ?? total - 1;
  const end = Math.min(given < 0 ? Math.max(0, total + given) : given, total - 1);
  return range.unit === 'BIT' ? [start, end] : [start * BITS, end * BITS + BITS - 1];
}

const units = [
  { name: 'byte', type: 'pure-token', token: 'BYTE' },
  { name: 'bit', type: 'pure-token', token: 'BIT' },
] as const;
const unitDoc = { name: 'unit', type: 'oneof', optional: true, arguments: units } as const;

/** The words as they are, shown as one optional block. */
const rangeArgument = (doc: Argument<unknown>['doc']): Argument<readonly string[]> => ({ ...rest(doc), doc });

const OPERATIONS = {
  AND: (a: number, b: number) => a & b,
  OR: (a: number, b: number) => a | b,
  XOR: (a: number, b: number) => a ^ b,
} as const;

export const bitmapCommands: readonly Command[] = [
  defineCommand({
    name: 'SETBIT',
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Sets or clears one bit of a string, which grows as far as needed.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    arguments: { key: key('RW', 'access', 'update'), offset: unread(integer()), value: unread(integer()) },
    run(context, given) {
      const { keyspace } = context;
      const offset = bitOffset(context, given.offset);
      if (given.value !== '0' && given.value !== '1') throw refuse('BIT_VALUE');
      const index = Math.floor(offset / BITS);
      const mask = 0x80 >> (offset % BITS);
      const existing = editRaw(keyspace, given.key);
      const raw = existing ?? new RawString('');
      const grows = raw.length <= index;
      const before = raw.byteAt(index);
      const after = given.value === '1' ? before | mask : before & ~mask;
      if (grows || after !== before) {
        raw.setByte(index, after);
        if (existing === undefined) keyspace.put(given.key, raw);
        else keyspace.changed(given.key);
      }
      return (before & mask) === 0 ? 0 : 1;
    },
  }),

  defineCommand({
    name: 'GETBIT',
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Returns one bit of a string.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), offset: unread(integer()) },
    run(context, given) {
      const offset = bitOffset(context, given.offset);
      const value = context.keyspace.readString(given.key);
      return value === undefined ? 0 : bitAt(value, offset);
    },
  }),

  defineCommand({
    name: 'BITCOUNT',
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Counts the set bits of a string or of a part of it.',
    complexity: 'O(N)',
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      range: rangeArgument({
        type: 'block',
        name: 'range',
        optional: true,
        arguments: [{ name: 'start', type: 'integer' }, { name: 'end', type: 'integer' }, unitDoc],
      }),
    },
    run({ keyspace }, given) {
      const range = rangeOf(given.range, false);
      const value = keyspace.readString(given.key);
      if (value === undefined) return 0;
      if (range !== null && range.start < 0 && range.end! < 0 && range.start > range.end!) return 0;
      const [first, last] = bitsWithin(range, value.length);
      return first > last ? 0 : countBits(bytesOf(value), first, last);
    },
  }),

  defineCommand({
    name: 'BITPOS',
    group: 'bitmap',
    since: '2.8.7',
    summary: 'Finds the first set or clear bit of a string or of a part of it.',
    complexity: 'O(N)',
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      bit: integer(),
      range: rangeArgument({
        type: 'block',
        name: 'range',
        optional: true,
        arguments: [
          { name: 'start', type: 'integer' },
          {
            name: 'end-unit-block',
            type: 'block',
            optional: true,
            arguments: [{ name: 'end', type: 'integer' }, unitDoc],
          },
        ],
      }),
    },
    run({ keyspace }, given) {
      if (given.bit !== 0 && given.bit !== 1) throw refuse('BIT_ARGUMENT');
      const range = rangeOf(given.range, true);
      const value = keyspace.readString(given.key);
      if (value === undefined) return given.bit === 1 ? -1 : 0;
      const [first, last] = bitsWithin(range, value.length);
      if (first > last) return -1;
      const found = firstBit(bytesOf(value), given.bit, first, last);
      if (found >= 0) return found;
      // Behind the end all bits are clear, unless the request said where to stop
      return given.bit === 0 && range?.end === undefined ? last + 1 : -1;
    },
  }),

  defineCommand({
    name: 'BITOP',
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Combines the bits of several strings and stores the result.',
    complexity: 'O(N) for N bytes of the longest string',
    flags: ['write', 'denyoom'],
    arguments: {
      operation: word('AND', 'OR', 'XOR', 'NOT'),
      destkey: key('OW', 'update'),
      key: many(key('RO', 'access')),
    },
    run({ keyspace }, { operation, destkey, key: keys }) {
      if (operation === 'NOT' && keys.length !== 1) throw refuse('BITOP_NOT');
      const sources = keys.map((each) => bytesOf(keyspace.readString(each) ?? ''));
      const length = Math.max(...sources.map((source) => source.length));
      if (length === 0) {
        keyspace.remove(destkey);
        return 0;
      }
      const result = Buffer.alloc(length);
      sources[0]!.copy(result);
      if (operation === 'NOT') for (let i = 0; i < length; i++) result[i] = ~result[i]!;
      else {
        const combine = OPERATIONS[operation];
        for (const source of sources.slice(1)) {
          for (let i = 0; i < length; i++) result[i] = combine(result[i]!, i < source.length ? source[i]! : 0);
        }
      }
      keyspace.put(destkey, RawString.of(result));
      return length;
    },
  }),

  ...bitfieldCommands,
];
