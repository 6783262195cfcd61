/**
 * SCAN and its kin: a part of a collection for each call, with a cursor. What stays in the collection throughout is returned
 * at least once. A small collection comes whole, whatever COUNT says. [redis db.c scanGenericCommand]
 *
 * Limit: cursors have 32 bits; of a larger one the lower 32 count.
 */

import { formatDouble, type Reply } from '../../resp/reply.ts';
import { refuse, type Refusal } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { typeName, type Value } from '../keyspace/value.ts';
import { flag, integer, key, late, named, option, options, pattern, text, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { format17 } from './numbers.ts';

const COUNT_DEFAULT = 10;
/** Steps for each element wanted before a call gives up finding more [redis db.c]. */
const STEPS_PER_ELEMENT = 10;
const CURSOR_MAX = 2n ** 64n - 1n;

/** Read as strtoull reads it, up to a zero byte: spaces before it, a plus and leading zeros pass, a minus does not. */
const cursor: Argument<number> = {
  doc: { type: 'integer' },
  wordsMin: 1,
  wordsMax: 1,
  parse(reader) {
    const given = reader.take();
    if (given === '0') return 0;
    const digits = /^[ \t\n\v\f\r]*\+?(\d{1,64})(?:\0|$)/.exec(given)?.[1];
    const value = digits === undefined ? null : BigInt(digits);
    if (value === null || value > CURSOR_MAX) throw refuse('INVALID_CURSOR');
    return Number(BigInt.asUintN(32, value));
  },
};

const wholeCount = integer();
const count: Argument<number> = {
  ...wholeCount,
  parse(reader) {
    const given = wholeCount.parse(reader);
    if (given < 1) throw refuse('SYNTAX');
    return given;
  },
};

const common = { match: option('MATCH', named('pattern', pattern())), count: option('COUNT', count) } as const;

const unknown = (given: string): Refusal => refuse(given.toUpperCase() === 'NOVALUES' ? 'NOVALUES_NOT_HASH' : 'SYNTAX');

const keyOptions = options({ ...common, type: option('TYPE', text()) }, { unknown });
const elementOptions = options(common, { unknown });
const fieldOptions = options({ ...common, novalues: flag('NOVALUES') });

interface Wish {
  readonly match?: string;
  readonly count?: number;
}

type Visit<V> = (key: string, value: V) => void;

/** Visits what matches until enough was looked at, and returns the next cursor. */
function walk<V>(
  start: number,
  wish: Wish,
  scan: (cursor: number, visit: Visit<V>) => number,
  visit: Visit<V>,
): string {
  const { count = COUNT_DEFAULT, match } = wish;
  let seen = 0;
  let next = start;
  for (let steps = count * STEPS_PER_ELEMENT; steps > 0; steps--) {
    next = scan(next, (key, value) => {
      seen++;
      if (match === undefined || matchesGlob(match, key)) visit(key, value);
    });
    if (next === 0 || seen >= count) break;
  }
  return String(next);
}

const EMPTY: Reply = ['0', []];
const tips = { other: ['nondeterministic_output'] } as const;
const complexity = 'O(1) for every call, O(N) for all N elements';
const flags = ['readonly'] as const;

export const scanCommands: readonly Command[] = [
  defineCommand({
    name: 'SCAN',
    group: 'generic',
    since: '2.8.0',
    summary: 'Returns some of the keys, and a cursor for more.',
    complexity,
    flags: ['readonly', 'touches_arbitrary_keys'],
    tips: { request: 'special', response: 'special', other: ['nondeterministic_output'] },
    arguments: { cursor, options: keyOptions },
    run({ keyspace }, { cursor: start, options: wish }): Reply {
      const { values } = keyspace;
      const type = wish.type?.toLowerCase();
      const found: string[] = [];
      const others: string[] = [];
      const next = walk<Value>(
        start,
        wish,
        (at, visit) => values.scan(at, visit),
        (key, value) => {
          if (type === undefined || typeName(value) === type) found.push(key);
          else if (keyspace.expiring > 0) others.push(key);
        },
      );
      // Only now: looking deletes what has expired, and that would move keys about
      for (const key of others) keyspace.has(key);
      return [next, keyspace.expiring === 0 ? found : found.filter((key) => keyspace.has(key))];
    },
  }),

  defineCommand({
    name: 'HSCAN',
    group: 'hash',
    since: '2.8.0',
    summary: 'Returns some of the fields of a hash with their values, and a cursor for more.',
    complexity,
    flags,
    tips,
    arguments: { key: key('RO', 'access'), cursor, options: late(fieldOptions) },
    run({ keyspace }, given): Reply {
      const hash = keyspace.readHash(given.key);
      if (hash === undefined) return EMPTY;
      const wish = given.options();
      const goneBeforeMs = keyspace.fieldsGoneBeforeMs;
      const someAreGone = hash.firstExpiryMs < goneBeforeMs;
      const found: string[] = [];
      const next = walk<string>(
        given.cursor,
        wish,
        (at, visit) => hash.scan(at, visit),
        (field, value) => {
          if (someAreGone && hash.isExpired(field, goneBeforeMs)) return;
          found.push(field);
          if (!wish.novalues) found.push(value);
        },
      );
      return [next, found];
    },
  }),

  defineCommand({
    name: 'SSCAN',
    group: 'set',
    since: '2.8.0',
    summary: 'Returns some of the members of a set, and a cursor for more.',
    complexity,
    flags,
    tips,
    arguments: { key: key('RO', 'access'), cursor, options: late(elementOptions) },
    run({ keyspace }, given): Reply {
      const set = keyspace.readSet(given.key);
      if (set === undefined) return EMPTY;
      const found: string[] = [];
      const scan = (at: number, visit: Visit<null>): number => set.scan(at, (member) => visit(member, null));
      const next = walk(given.cursor, given.options(), scan, (member) => found.push(member));
      return [next, found];
    },
  }),

  defineCommand({
    name: 'ZSCAN',
    group: 'sorted-set',
    since: '2.8.0',
    summary: 'Returns some of the members of a sorted set with their scores, and a cursor for more.',
    complexity,
    flags,
    tips,
    arguments: { key: key('RO', 'access'), cursor, options: late(elementOptions) },
    run({ keyspace }, given): Reply {
      const sortedSet = keyspace.readSortedSet(given.key);
      if (sortedSet === undefined) return EMPTY;
      const found: string[] = [];
      const scan = (at: number, visit: Visit<number>): number => sortedSet.scan(at, visit);
      // A large one prints its scores by another function in Redis, so 0.1 becomes 0.10000000000000001
      const print = sortedSet.encoding === 'skiplist' ? format17 : formatDouble;
      const next = walk(given.cursor, given.options(), scan, (member, score) => found.push(member, print(score)));
      return [next, found];
    },
  }),
];
