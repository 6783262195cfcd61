/**
 * BITFIELD: integers of 1 to 64 bits anywhere in a string, in one request read, set and counted up, with three ways to
 * overflow. [redis bitops.c bitfieldGeneric]
 *
 * All of a request is read before anything is done, so a fault in it changes nothing. Other than in Redis, a string that only
 * grew (every write failed to fit) is replicated too: there it would exist on the primary alone.
 */

import type { Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { RawString } from '../keyspace/raw-string.ts';
import type { CommandContext } from '../shard/context.ts';
import { key, pureToken, rest, type ArgumentDoc } from './arguments.ts';
import { byteAt } from './bits.ts';
import { defineCommand, type Command } from './command.ts';
import { parseInt64, parseInteger } from './numbers.ts';
import { editRaw, stringBytesMax } from './raw-edit.ts';

const BITS = 8;
const SIGNED_BITS_MAX = 64;
const UNSIGNED_BITS_MAX = 63;

type Overflow = 'WRAP' | 'SAT' | 'FAIL';

interface Field {
  readonly signed: boolean;
  readonly bits: number;
  /** Of the first bit. */
  readonly offset: number;
}

interface Operation extends Field {
  readonly kind: 'GET' | 'SET' | 'INCRBY';
  readonly operand: bigint;
  readonly overflow: Overflow;
}

function readOperations(context: CommandContext, words: readonly string[]): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = 'WRAP';
  for (let at = 0; at < words.length;) {
    const kind = words[at]!.toUpperCase();
    const left = words.length - at - 1;
    if (kind === 'OVERFLOW' && left >= 1) {
      const given = words[at + 1]!.toUpperCase();
      if (given !== 'WRAP' && given !== 'SAT' && given !== 'FAIL') throw refuse('BITFIELD_OVERFLOW');
      overflow = given;
      at += 2;
      continue;
    }
    const isGet = kind === 'GET' && left >= 2;
    if (!isGet && !((kind === 'SET' || kind === 'INCRBY') && left >= 3)) throw refuse('SYNTAX');
    const { signed, bits } = fieldType(words[at + 1]!);
    const offset = fieldOffset(context, words[at + 2]!, bits);
    const operand = isGet ? 0n : parseInt64(words[at + 3]!);
    if (operand === null) throw refuse('NOT_INTEGER');
    operations.push({ kind, signed, bits, offset, operand, overflow });
    at += isGet ? 3 : 4;
  }
  return operations;
}

function fieldType(given: string): { signed: boolean; bits: number } {
  const signed = given.startsWith('i');
  const bits = parseInteger(given.slice(1));
  const most = signed ? SIGNED_BITS_MAX : UNSIGNED_BITS_MAX;
  if ((!signed && !given.startsWith('u')) || bits === null || bits < 1 || bits > most) throw refuse('BITFIELD_TYPE');
  return { signed, bits };
}

/** `#n` counts in fields of this width. */
function fieldOffset(context: CommandContext, given: string, bits: number): number {
  const counted = given.startsWith('#');
  const value = parseInteger(counted ? given.slice(1) : given);
  const offset = value === null ? -1 : counted ? value * bits : value;
  if (offset < 0 || offset + bits > stringBytesMax(context) * BITS) throw refuse('BIT_OFFSET');
  return offset;
}

function readField(value: string | RawString, { signed, bits, offset }: Field): bigint {
  const first = Math.floor(offset / BITS);
  const last = Math.floor((offset + bits - 1) / BITS);
  let all = 0n;
  for (let i = first; i <= last; i++) all = (all << 8n) | BigInt(byteAt(value, i));
  const raw = all >> BigInt((last + 1) * BITS - offset - bits);
  return signed ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
}

function writeField(raw: RawString, { bits, offset }: Field, value: bigint): void {
  const first = Math.floor(offset / BITS);
  const last = Math.floor((offset + bits - 1) / BITS);
  const shift = BigInt((last + 1) * BITS - offset - bits);
  const mask = ((1n << BigInt(bits)) - 1n) << shift;
  const wanted = BigInt.asUintN(bits, value) << shift;
  for (let i = last, down = 0n; i >= first; i--, down += 8n) {
    const byteMask = Number((mask >> down) & 0xffn);
    raw.setByte(i, (raw.byteAt(i) & ~byteMask) | Number((wanted >> down) & 0xffn));
  }
}

/**
 * The value as it fits, null when it does not and must. Redis's own check overflows when SET is given a number near -2^63, and
 * takes it for one that is too large [redis bitops.c checkSignedBitfieldOverflow]; so it is here.
 */
function fit(value: bigint, { kind, signed, bits, overflow }: Operation): bigint | null {
  const max = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  const min = signed ? -max - 1n : 0n;
  if (value >= min && value <= max) return value;
  if (overflow === 'FAIL') return null;
  const tooLarge = value > max || (kind === 'SET' && BigInt.asIntN(64, max - value) < 0n);
  if (overflow === 'SAT') return tooLarge ? max : min;
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** SET u8 -1: the operand of an unsigned field counts as unsigned, so it overflows upwards. */
const operandOf = ({ kind, signed, operand }: Operation): bigint =>
  kind === 'SET' && !signed ? BigInt.asUintN(64, operand) : operand;

function run(context: CommandContext, key: string, operations: readonly Operation[]): Reply {
  const { keyspace } = context;
  const writes = operations.filter((operation) => operation.kind !== 'GET');
  if (writes.length === 0) {
    const value = keyspace.readString(key) ?? '';
    return operations.map((operation) => readField(value, operation));
  }
  const existing = editRaw(keyspace, key);
  const raw = existing ?? new RawString('');
  const length = Math.ceil(Math.max(...writes.map(({ offset, bits }) => offset + bits)) / BITS);
  const grows = raw.length < length;
  let changes = 0; // a string that only grew is a change, too
  raw.growTo(length);
  const replies = operations.map((operation): Reply => {
    const before = readField(raw, operation);
    if (operation.kind === 'GET') return before;
    const wanted = operandOf(operation) + (operation.kind === 'INCRBY' ? before : 0n);
    const after = fit(wanted, operation);
    if (after === null) return null;
    if (after !== before) writeField(raw, operation, after);
    if (after !== before || grows) changes++;
    return operation.kind === 'SET' ? before : after;
  });
  if (existing === undefined) {
    keyspace.put(key, raw);
    keyspace.recount(Math.max(1, changes) - 1);
  } else if (changes > 0 || grows) keyspace.changed(key, Math.max(1, changes));
  return replies;
}

const field: readonly ArgumentDoc[] = [
  { name: 'encoding', type: 'string' },
  { name: 'offset', type: 'integer' },
];
const get: ArgumentDoc = { name: 'get-block', type: 'block', token: 'GET', arguments: field };
const overflowTokens = ['WRAP', 'SAT', 'FAIL'].map((token) => pureToken(token));
const writeOperations: readonly ArgumentDoc[] = [
  { name: 'set-block', type: 'block', token: 'SET', arguments: [...field, { name: 'value', type: 'integer' }] },
  {
    name: 'incrby-block',
    type: 'block',
    token: 'INCRBY',
    arguments: [...field, { name: 'increment', type: 'integer' }],
  },
];
const write: ArgumentDoc = {
  name: 'write',
  type: 'block',
  arguments: [
    { name: 'overflow-block', type: 'oneof', token: 'OVERFLOW', optional: true, arguments: overflowTokens },
    { name: 'write-operation', type: 'oneof', arguments: writeOperations },
  ],
};

/** Words of an operation, its name included. */
const OPERATION_WORDS: Readonly<Record<string, number>> = { GET: 3, OVERFLOW: 2 };

/** Nothing but GETs is a read [redis db.c bitfieldGetKeys]. */
function onlyReads(words: readonly string[]): boolean {
  for (let at = 2; at < words.length;) {
    const length = OPERATION_WORDS[words[at]!.toUpperCase()];
    if (length === undefined || at + length > words.length) return false;
    at += length;
  }
  return true;
}

export const bitfieldCommands: readonly Command[] = [
  defineCommand({
    name: 'BITFIELD',
    group: 'bitmap',
    since: '3.2.0',
    summary: 'Reads, sets and counts up integers of any width inside a string.',
    complexity: 'O(1) for each operation',
    flags: ['write', 'denyoom'],
    keyFlags: (words) => (onlyReads(words) ? ['RO', 'access'] : ['RW', 'access', 'update']),
    arguments: {
      key: key('RW', 'access', 'update', 'variable_flags'),
      operation: rest({ type: 'oneof', arguments: [get, write] }),
    },
    run: (context, given) => run(context, given.key, readOperations(context, given.operation)),
  }),

  defineCommand({
    name: 'BITFIELD_RO',
    group: 'bitmap',
    since: '6.0.0',
    summary: 'Reads integers of any width inside a string.',
    complexity: 'O(1) for each operation',
    flags: ['readonly', 'fast'],
    arguments: {
      key: key('RO', 'access'),
      getBlock: rest({ type: 'block', token: 'GET', multipleToken: true, arguments: field }),
    },
    run(context, given) {
      const operations = readOperations(context, given.getBlock);
      if (operations.some((operation) => operation.kind !== 'GET')) throw refuse('BITFIELD_READ_ONLY');
      return run(context, given.key, operations);
    },
  }),
];
