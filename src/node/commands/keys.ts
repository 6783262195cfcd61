/**
 * Commands for keys of any type. Their expiry is in `expiry.ts`, what OBJECT tells in `object.ts`, DUMP and RESTORE in
 * `dump.ts`. [redis db.c]
 */

import { OK, Status, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { typeName, type Value } from '../keyspace/value.ts';
import { cloneValue } from '../keyspace/value-facts.ts';
import type { CommandContext } from '../shard/context.ts';
import { flag, integer, key, many, named, option, options, pattern, rest, unread, type Argument } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { dumpCommands } from './dump.ts';
import { expiryCommands } from './expiry.ts';
import { parseInteger } from './numbers.ts';
import { objectCommands } from './object.ts';

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** RANDOMKEY gives up after this many keys that have expired but may not be deleted here [redis db.c dbRandomKey]. */
const RANDOM_TRIES_MAX = 100;

/** Another database of the shard, as COPY and MOVE name it. */
function databaseOf({ shard }: CommandContext, given: string): Keyspace {
  const index = parseInteger(given);
  if (index === null) throw refuse('NOT_INTEGER');
  if (index < INT32_MIN || index > INT32_MAX) throw refuse('INT32_RANGE');
  const keyspace = shard.keyspaces[index];
  if (keyspace === undefined) throw refuse('DB_INDEX');
  return keyspace;
}

/** Read by hand: whether the database exists is asked before the next word is looked at. */
const copyOptions: Argument<readonly string[]> = {
  ...options({ destinationDb: option('DB', named('destination-db', integer())), replace: flag('REPLACE') }),
  parse: rest({ type: 'block' }).parse,
};

function readCopyOptions(context: CommandContext, words: readonly string[]): { target: Keyspace; replace: boolean } {
  let target = context.keyspace;
  let replace = false;
  for (let at = 0; at < words.length; at++) {
    const token = words[at]!.toUpperCase();
    if (token === 'REPLACE') replace = true;
    else if (token === 'DB' && at + 1 < words.length) target = databaseOf(context, words[++at]!);
    else throw refuse('SYNTAX');
  }
  return { target, replace };
}

/** Puts a value together with its expiry and the mark of its last access. */
function place(keyspace: Keyspace, key: string, value: Value, expireAt: number | undefined, mark: number): void {
  keyspace.put(key, value);
  keyspace.setAccessMark(key, mark);
  if (expireAt === undefined) return;
  keyspace.setExpiry(key, expireAt);
  keyspace.recount(-1);
}

function removeAll({ keyspace, shard }: CommandContext, keys: readonly string[], isLazy: boolean): number {
  let removed = 0;
  for (const key of keys) {
    const value = isLazy ? keyspace.peek(key) : undefined;
    if (keyspace.remove(key)) removed++;
    if (value !== undefined) shard.lazyFreed.value(value);
  }
  return removed;
}

function countExisting({ keyspace }: CommandContext, keys: readonly string[]): number {
  let found = 0;
  for (const key of keys) if (keyspace.probe(key) !== undefined) found++;
  return found;
}

function touchAll({ keyspace }: CommandContext, keys: readonly string[]): number {
  let found = 0;
  for (const key of keys) if (keyspace.read(key) !== undefined) found++;
  return found;
}

function rename({ keyspace }: CommandContext, from: string, to: string, onlyNew: boolean): boolean {
  const value = keyspace.edit(from);
  if (value === undefined) throw refuse('NO_SUCH_KEY');
  if (from === to) return !onlyNew;
  if (onlyNew && keyspace.edit(to) !== undefined) return false;
  const expireAt = keyspace.expireAt(from);
  const mark = keyspace.accessMark(from)!;
  keyspace.remove(from);
  keyspace.recount(-1);
  place(keyspace, to, value, expireAt, mark);
  return true;
}

/**
 * Null when there is none. Where expired keys are deleted, looking deletes them, so this ends; elsewhere one that is not there any more
 * is answered when there may be no other [redis db.c dbRandomKey].
 */
function randomKey({ keyspace, shard }: CommandContext): string | null {
  for (let tries = 1; keyspace.size > 0; tries++) {
    const key = keyspace.values.keyAt(shard.random.integer(0, keyspace.size - 1));
    if (keyspace.has(key)) return key;
    const mayBeLast = !keyspace.expiryPolicyDeletes && keyspace.expires.size === keyspace.size;
    if (mayBeLast && tries >= RANDOM_TRIES_MAX) return key;
  }
  return null;
}

export const keyCommands: readonly Command[] = [
  defineCommand({
    name: 'DEL',
    group: 'generic',
    since: '1.0.0',
    summary: 'Deletes keys.',
    complexity: 'O(N) for N keys, and O(M) for each that holds M elements',
    flags: ['write'],
    tips: { request: 'multi_shard', response: 'agg_sum' },
    arguments: { key: many(key('RM', 'delete')) },
    run: (context, given) => removeAll(context, given.key, context.shard.config.get('lazyfree-lazy-user-del')),
  }),

  defineCommand({
    name: 'UNLINK',
    group: 'generic',
    since: '4.0.0',
    summary: 'Deletes keys; their memory is given back later.',
    complexity: 'O(1) for each key',
    flags: ['write', 'fast'],
    tips: { request: 'multi_shard', response: 'agg_sum' },
    arguments: { key: many(key('RM', 'delete')) },
    run: (context, given) => removeAll(context, given.key, true),
  }),

  defineCommand({
    name: 'EXISTS',
    group: 'generic',
    since: '1.0.0',
    summary: 'Counts how many of the keys exist; one named twice counts twice.',
    complexity: 'O(N) for N keys',
    flags: ['readonly', 'fast'],
    tips: { request: 'multi_shard', response: 'agg_sum' },
    arguments: { key: many(key('RO')) },
    run: (context, given) => countExisting(context, given.key),
  }),

  defineCommand({
    name: 'TOUCH',
    group: 'generic',
    since: '3.2.1',
    summary: 'Counts how many of the keys exist, as an access to them.',
    complexity: 'O(N) for N keys',
    flags: ['readonly', 'fast'],
    tips: { request: 'multi_shard', response: 'agg_sum' },
    arguments: { key: many(key('RO')) },
    run: (context, given) => touchAll(context, given.key),
  }),

  defineCommand({
    name: 'TYPE',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns the type of the value at a key.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run({ keyspace }, given) {
      const value = keyspace.probe(given.key);
      return new Status(value === undefined ? 'none' : typeName(value));
    },
  }),

  defineCommand({
    name: 'RENAME',
    group: 'generic',
    since: '1.0.0',
    summary: 'Gives a key another name; what was there is overwritten.',
    complexity: 'O(1)',
    flags: ['write'],
    arguments: { key: key('RW', 'access', 'delete'), newkey: key('OW', 'update') },
    run(context, given) {
      rename(context, given.key, given.newkey, false);
      return OK;
    },
  }),

  defineCommand({
    name: 'RENAMENX',
    group: 'generic',
    since: '1.0.0',
    summary: 'Gives a key another name unless that one is taken.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'access', 'delete'), newkey: key('OW', 'insert') },
    run: (context, given) => (rename(context, given.key, given.newkey, true) ? 1 : 0),
  }),

  defineCommand({
    name: 'COPY',
    group: 'generic',
    since: '6.2.0',
    summary: 'Copies the value and expiry of a key to another key, in this or another database.',
    complexity: 'O(N) for N elements, O(1) for a string',
    flags: ['write', 'denyoom'],
    arguments: {
      source: key('RO', 'access'),
      destination: key('OW', 'update'),
      options: copyOptions,
    },
    run(context, { source, destination, options: words }) {
      const { keyspace, shard, now } = context;
      const { target, replace } = readCopyOptions(context, words);
      if (target === keyspace && source === destination) throw refuse('SAME_OBJECT');
      const value = keyspace.read(source);
      if (value === undefined) return 0;
      if (target.edit(destination) !== undefined && !replace) return 0;
      place(target, destination, cloneValue(value), keyspace.expireAt(source), shard.access.fresh(now));
      return 1;
    },
  }),

  defineCommand({
    name: 'MOVE',
    group: 'generic',
    since: '1.0.0',
    summary: 'Moves a key to another database unless it exists there.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'access', 'update'), db: unread(integer()) },
    run(context, { key, db }) {
      const { keyspace } = context;
      const target = databaseOf(context, db);
      if (target === keyspace) throw refuse('SAME_OBJECT');
      const value = keyspace.edit(key);
      if (value === undefined || target.edit(key) !== undefined) return 0;
      const expireAt = keyspace.expireAt(key);
      const mark = keyspace.accessMark(key)!;
      keyspace.remove(key);
      keyspace.recount(-1);
      place(target, key, value, expireAt, mark);
      return 1;
    },
  }),

  defineCommand({
    name: 'RANDOMKEY',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns a key by chance.',
    complexity: 'O(1)',
    flags: ['readonly', 'touches_arbitrary_keys'],
    tips: { request: 'all_shards', response: 'special', other: ['nondeterministic_output'] },
    arguments: {},
    run: (context): Reply => randomKey(context),
  }),

  defineCommand({
    name: 'KEYS',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns all keys that match a pattern.',
    complexity: 'O(N) for N keys in the database',
    flags: ['readonly'],
    categories: ['dangerous'],
    tips: { request: 'all_shards', other: ['nondeterministic_output_order'] },
    arguments: { pattern: pattern() },
    run({ keyspace, shard, now }, given) {
      const found: string[] = [];
      keyspace.values.forEach((key) => {
        if (matchesGlob(given.pattern, key)) found.push(key);
      });
      // What has expired stays: this is no look at a key [redis db.c keysCommand]
      const mayBeOver = keyspace.expiring > 0 && shard.expiry !== 'ignore';
      return mayBeOver ? found.filter((key) => (keyspace.expireAt(key) ?? Infinity) >= now) : found;
    },
  }),

  ...expiryCommands,
  ...objectCommands,
  ...dumpCommands,
];
