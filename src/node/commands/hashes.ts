/** Commands of hashes; HSCAN is in `scan.ts`. [redis t_hash.c] */

import { MapReply, OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { HashValue } from '../keyspace/hash.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { CommandContext } from '../shard/context.ts';
import { int64, key, many, text, tuple, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { pickCount } from './counts.ts';
import { keptTime, lasting, store } from './hash-expiry.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble, type LongDouble } from './long-double.ts';
import { fitsInt64, parseInt64 } from './numbers.ts';
import { placesFor } from './sample.ts';

const INT64_MAX = 2n ** 63n - 1n;
const ZERO: LongDouble = { mantissa: 0n, exponent: 0 };

/** For COMMAND DOCS and the arity: the pairs are read from the request's words, without a copy. */
const pairs = (): Argument<unknown> => many(tuple(['field', text()], ['value', text()]));

function setFields(context: CommandContext, words: readonly string[], name: string): number {
  if (words.length % 2 === 1) throw refuse('ARITY', name);
  const { keyspace } = context;
  const existing = keyspace.editHash(words[1]!);
  const hash = existing ?? HashValue.empty();
  // Redis counts the pairs before it looks whether a field comes twice [redis t_hash.c hashTypeTryConversion]
  if (words.length / 2 - 1 > keyspace.limits.hashEntries) hash.makeLarge();
  let added = 0;
  for (let i = 2; i < words.length; i += 2) if (hash.set(words[i]!, words[i + 1]!, keyspace.limits)) added++;
  store(keyspace, words[1]!, hash, existing);
  keyspace.recount(words.length / 2 - 2);
  return added;
}

function flatten(
  keyspace: Keyspace,
  hash: HashValue,
  wanted: { readonly fields: boolean; readonly values: boolean },
): string[] {
  const flat: string[] = [];
  hash.forEachSince(keyspace.fieldsGoneBeforeMs, (field, value) => {
    if (wanted.fields) flat.push(field);
    if (wanted.values) flat.push(value);
  });
  return flat;
}

function readField(keyspace: Keyspace, name: string, field: string): string | undefined {
  const hash = keyspace.readHash(name);
  return hash === undefined ? undefined : keyspace.fieldOf(name, hash, field);
}

/** `count [WITHVALUES]`. */
const sampling: Argument<{ readonly count: number; readonly withValues: boolean } | undefined> = {
  doc: {
    name: 'options', // one block in COMMAND DOCS, not its parts
    type: 'block',
    optional: true,
    arguments: [
      { name: 'count', type: 'integer' },
      { name: 'withvalues', type: 'pure-token', token: 'WITHVALUES', optional: true },
    ],
  },
  wordsMin: 0,
  wordsMax: 2,
  parse(reader) {
    if (reader.left === 0) return undefined;
    const count = pickCount().parse(reader);
    if (reader.left === 0) return { count: Number(count), withValues: false };
    if (reader.left > 1 || reader.take().toUpperCase() !== 'WITHVALUES') throw refuse('SYNTAX');
    // twice as many replies must still be a number
    if (count < -(INT64_MAX / 2n) || count > INT64_MAX / 2n) throw refuse('OUT_OF_RANGE');
    return { count: Number(count), withValues: true };
  },
};

export const hashCommands: readonly Command[] = [
  defineCommand({
    name: 'HSET',
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets fields of a hash and returns how many of them are new.',
    complexity: 'O(N) where N is the number of pairs given.',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'update'), data: pairs() },
    quick: (context, words) => setFields(context, words, 'HSET'),
    run: (context, _given, words) => setFields(context, words, 'HSET'),
  }),

  defineCommand({
    name: 'HMSET',
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets fields of a hash.',
    complexity: 'O(N) where N is the number of pairs given.',
    flags: ['write', 'denyoom', 'fast'],
    deprecated: { since: '4.0.0', replacedBy: '`HSET` with multiple field-value pairs' },
    arguments: { key: key('RW', 'update'), data: pairs() },
    quick(context, words) {
      setFields(context, words, 'HMSET');
      return OK;
    },
    run(context, _given, words) {
      setFields(context, words, 'HMSET');
      return OK;
    },
  }),

  defineCommand({
    name: 'HSETNX',
    group: 'hash',
    since: '2.0.0',
    summary: 'Sets a field of a hash that does not have it yet.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'insert'), field: text(), value: text() },
    run({ keyspace }, given) {
      const existing = keyspace.editHash(given.key);
      if (existing !== undefined && keyspace.fieldOf(given.key, existing, given.field) !== undefined) return 0;
      const hash = lasting(existing);
      hash.set(given.field, given.value, keyspace.limits);
      store(keyspace, given.key, hash, existing);
      return 1;
    },
  }),

  defineCommand({
    name: 'HGET',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns the value of a field of a hash.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), field: text() },
    quick: ({ keyspace }, words) => readField(keyspace, words[1]!, words[2]!) ?? null,
    run: ({ keyspace }, given) => readField(keyspace, given.key, given.field) ?? null,
  }),

  defineCommand({
    name: 'HMGET',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns the values of several fields of a hash.',
    complexity: 'O(N) where N is the number of fields given.',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access'), field: many(text()) },
    run({ keyspace }, given) {
      const hash = keyspace.readHash(given.key);
      if (hash === undefined) return given.field.map(() => null);
      keyspace.expireFields(given.key, hash, given.field);
      return given.field.map((field) => keyspace.fieldOf(given.key, hash, field) ?? null);
    },
  }),

  defineCommand({
    name: 'HDEL',
    group: 'hash',
    since: '2.0.0',
    summary: 'Removes fields from a hash; the hash goes with its last field.',
    complexity: 'O(N) where N is the number of fields given.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'delete'), field: many(text()) },
    run({ keyspace }, given) {
      const hash = keyspace.editHash(given.key);
      if (hash === undefined) return 0;
      let removed = 0;
      for (const field of given.field) if (hash.delete(field)) removed++;
      if (removed === 0) return 0;
      keyspace.fieldExpiryChanged(given.key, hash);
      keyspace.removeIfEmpty(given.key, hash);
      keyspace.changed(given.key, removed);
      return removed;
    },
  }),

  defineCommand({
    name: 'HEXISTS',
    group: 'hash',
    since: '2.0.0',
    summary: 'Tells whether a hash has a field.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO'), field: text() },
    run: ({ keyspace }, given) => (readField(keyspace, given.key, given.field) === undefined ? 0 : 1),
  }),

  defineCommand({
    name: 'HLEN',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns the number of fields of a hash.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readHash(given.key)?.size ?? 0,
  }),

  defineCommand({
    name: 'HSTRLEN',
    group: 'hash',
    since: '3.2.0',
    summary: 'Returns the length in bytes of the value of a field of a hash.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO'), field: text() },
    run: ({ keyspace }, given) => readField(keyspace, given.key, given.field)?.length ?? 0,
  }),

  defineCommand({
    name: 'HKEYS',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns all fields of a hash.',
    complexity: 'O(N) where N is the size of the hash.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: { key: key('RO', 'access') },
    run({ keyspace }, given) {
      const hash = keyspace.readHash(given.key);
      return hash === undefined ? [] : flatten(keyspace, hash, { fields: true, values: false });
    },
  }),

  defineCommand({
    name: 'HVALS',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns all values of a hash.',
    complexity: 'O(N) where N is the size of the hash.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: { key: key('RO', 'access') },
    run({ keyspace }, given) {
      const hash = keyspace.readHash(given.key);
      return hash === undefined ? [] : flatten(keyspace, hash, { fields: false, values: true });
    },
  }),

  defineCommand({
    name: 'HGETALL',
    group: 'hash',
    since: '2.0.0',
    summary: 'Returns all fields of a hash with their values.',
    complexity: 'O(N) where N is the size of the hash.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output_order'] },
    arguments: { key: key('RO', 'access') },
    run({ keyspace }, given) {
      const hash = keyspace.readHash(given.key);
      return new MapReply(hash === undefined ? [] : flatten(keyspace, hash, { fields: true, values: true }));
    },
  }),

  defineCommand({
    name: 'HINCRBY',
    group: 'hash',
    since: '2.0.0',
    summary: 'Adds a whole number to the value of a field, 0 when it is missing.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'access', 'update'), field: text(), increment: int64() },
    run({ keyspace }, given): Reply {
      const existing = keyspace.editHash(given.key);
      const current = existing === undefined ? undefined : keyspace.fieldOf(given.key, existing, given.field);
      const before = current === undefined ? 0n : parseInt64(current);
      if (before === null) throw refuse('HASH_NOT_INTEGER');
      const after = before + given.increment;
      if (!fitsInt64(after)) throw refuse('OVERFLOW');
      const hash = lasting(existing);
      hash.set(given.field, String(after), keyspace.limits, true);
      store(keyspace, given.key, hash, existing);
      return after;
    },
  }),

  defineCommand({
    name: 'HINCRBYFLOAT',
    group: 'hash',
    since: '2.6.0',
    summary: 'Adds a floating point number to the value of a field, 0 when it is missing.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    arguments: { key: key('RW', 'access', 'update'), field: text(), increment: longDouble() },
    run(context, given) {
      const { keyspace } = context;
      if (typeof given.increment === 'string') throw refuse('ERR', 'value is NaN or Infinity');
      const existing = keyspace.editHash(given.key);
      const current = existing === undefined ? undefined : keyspace.fieldOf(given.key, existing, given.field);
      const before = current === undefined ? ZERO : parseLongDouble(current);
      if (before === null) throw refuse('HASH_NOT_FLOAT');
      const after = typeof before === 'string' ? null : addLongDoubles(before, given.increment);
      if (after === null) throw refuse('NAN_OR_INFINITY');
      const value = formatLongDouble(after);
      const hash = lasting(existing);
      hash.set(given.field, value, keyspace.limits, true);
      store(keyspace, given.key, hash, existing);
      // The sum itself: a replica's arithmetic must not matter. There it takes the field's time away.
      context.replicateAs('HSET', given.key, given.field, value);
      for (const { field, at } of keptTime(hash, given.field)) {
        context.replicateAs('HPEXPIREAT', given.key, String(at), 'FIELDS', '1', field);
      }
      return value;
    },
  }),

  defineCommand({
    name: 'HRANDFIELD',
    group: 'hash',
    since: '6.2.0',
    summary: 'Returns random fields of a hash.',
    complexity: 'O(N) where N is the number of fields returned.',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO', 'access'), options: sampling },
    run(context, given) {
      const { keyspace, shard, session } = context;
      const hash = keyspace.readHash(given.key);
      if (hash !== undefined) keyspace.expireAllFields(given.key, hash);
      const isEmpty = hash === undefined || hash.size === 0;
      if (given.options === undefined) return isEmpty ? null : hash.randomField(shard.random);
      if (isEmpty) return [];
      const { count, withValues } = given.options;
      const places = placesFor(context, hash.size, count);
      if (!withValues) return places.map((place) => hash.fieldAt(place));
      const found = places.map((place) => [hash.fieldAt(place), hash.valueAt(place)]);
      return session.protocol === 3 ? found : found.flat();
    },
  }),
];

function longDouble(): Argument<LongDouble> {
  return {
    doc: { type: 'double' },
    wordsMin: 1,
    wordsMax: 1,
    parse(reader) {
      const value = parseLongDouble(reader.take());
      if (value === null) throw refuse('NOT_FLOAT');
      return value;
    },
  };
}
