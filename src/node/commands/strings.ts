/**
 * Commands that set and get whole strings. Those that look into a string are in `string-parts.ts`, those that count in
 * `counters.ts`, the comparison of two in `lcs.ts`. [redis t_string.c]
 */

import { OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { CommandContext } from '../shard/context.ts';
import { choice, flag, key, many, options, text, type Argument } from './arguments.ts';
import { asString } from '../keyspace/keyspace.ts';
import { defineCommand, type Command } from './command.ts';
import { counterCommands } from './counters.ts';
import { expiryTokens, expiryToUnixMs, type ExpiryToken } from './expiry-times.ts';
import { lcsCommands } from './lcs.ts';
import { stringPartCommands } from './string-parts.ts';

/** `key value [key value …]`, read from the words: MSET of a thousand keys makes no thousand pairs. */
const pairs = (command: string, keys: Argument<string>): Argument<null> => ({
  ...many(keys),
  doc: {
    name: 'key-value',
    type: 'block',
    multiple: true,
    arguments: [
      { name: 'key', type: 'key' },
      { name: 'value', type: 'string' },
    ],
  },
  wordsMin: 2,
  keys: { ...keys.keys!, kind: 'run', step: 2 },
  parse(reader) {
    if (reader.left % 2 !== 0) throw refuse('ARITY', command);
    reader.at = reader.words.length;
    return null;
  },
});

/**
 * Sets a value that expires, and replicates it with the absolute time; as it came, where that says it already. What is already over is kept
 * until somebody looks. [redis 7.2 t_string.c setGenericCommand]
 */
function setUntil(context: CommandContext, key: string, value: string, at: number, isAbsolute = false): void {
  const { keyspace } = context;
  keyspace.put(key, value);
  keyspace.setExpiry(key, at);
  keyspace.recount(-1);
  if (!isAbsolute) context.replicateAs('SET', key, value, 'PXAT', String(at));
}

function setWithSpan(token: ExpiryToken) {
  return (context: CommandContext, given: { key: string; value: string; span: string }): Reply => {
    const at = expiryToUnixMs(token, given.span, context.now, context.command.fullName);
    setUntil(context, given.key, given.value, at);
    return OK;
  };
}

const asReply = (value: { toString(): string } | undefined): string | null =>
  value === undefined ? null : value.toString();

export const stringCommands: readonly Command[] = [
  defineCommand({
    name: 'GET',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the string value of a key.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO', 'access') },
    quick(context, words) {
      const value = context.keyspace.read(words[1]!);
      return value === undefined ? null : typeof value === 'string' ? value : undefined;
    },
    // `quick` has counted the hit already
    run: ({ keyspace }, given): Reply => asReply(asString(keyspace.peek(given.key))),
  }),

  defineCommand({
    name: 'SET',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets a key to a string, whatever it held before.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    // [redis db.c setGetKeys]
    keyFlags: (words) =>
      words.slice(3).some((word) => word.toUpperCase() === 'GET') ? ['RW', 'access', 'update'] : ['OW', 'update'],
    arguments: {
      key: key('RW', 'access', 'update', 'variable_flags'),
      value: text(),
      options: options({
        condition: choice({ NX: null, XX: null }),
        get: flag('GET'),
        expiration: choice({ ...expiryTokens, KEEPTTL: null }),
      }),
    },
    quick(context, words) {
      if (words.length !== 3) return undefined;
      context.keyspace.put(words[1]!, words[2]!);
      return OK;
    },
    run(context, { key, value, options: { condition, get, expiration } }) {
      const { keyspace, now } = context;
      const at =
        expiration === undefined || expiration.token === 'KEEPTTL'
          ? undefined
          : expiryToUnixMs(expiration.token, expiration.value, now, 'set');
      const old = get ? asReply(keyspace.readString(key)) : null;
      // To find out that the key is there is an access, where nothing is written
      if (condition?.token === 'NX' && keyspace.edit(key) !== undefined) return get ? old : null;
      if (condition?.token === 'XX' && !keyspace.has(key)) return get ? old : null;
      if (at !== undefined) setUntil(context, key, value, at, expiration?.token === 'PXAT');
      else {
        keyspace.put(key, value, expiration !== undefined);
        // As it came, but for GET
        if (get) context.replicateAs(...context.words.filter((word, at) => at < 3 || word.toUpperCase() !== 'GET'));
      }
      return get ? old : OK;
    },
  }),

  defineCommand({
    name: 'SETNX',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets a key to a string unless the key exists.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    deprecated: { since: '2.6.12', replacedBy: '`SET` with the `NX` argument' },
    arguments: { key: key('OW', 'insert'), value: text() },
    run({ keyspace }, given) {
      if (keyspace.edit(given.key) !== undefined) return 0;
      keyspace.put(given.key, given.value);
      return 1;
    },
  }),

  defineCommand({
    name: 'SETEX',
    group: 'string',
    since: '2.0.0',
    summary: 'Sets a key to a string that expires after some seconds.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    deprecated: { since: '2.6.12', replacedBy: '`SET` with the `EX` argument' },
    arguments: { key: key('OW', 'update'), span: expiryTokens.EX, value: text() },
    run: setWithSpan('EX'),
  }),

  defineCommand({
    name: 'PSETEX',
    group: 'string',
    since: '2.6.0',
    summary: 'Sets a key to a string that expires after some milliseconds.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom'],
    deprecated: { since: '2.6.12', replacedBy: '`SET` with the `PX` argument' },
    arguments: { key: key('OW', 'update'), span: expiryTokens.PX, value: text() },
    run: setWithSpan('PX'),
  }),

  defineCommand({
    name: 'GETEX',
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the string value of a key and sets or removes its expiry.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: {
      key: key('RW', 'access', 'update'),
      options: options({ expiration: choice({ ...expiryTokens, PERSIST: null }) }),
    },
    run(context, { key, options: { expiration } }) {
      const { keyspace, now } = context;
      const value = keyspace.readString(key);
      if (value === undefined) return null;
      const reply = value.toString();
      if (expiration === undefined) return reply;
      if (expiration.token === 'PERSIST') {
        if (keyspace.persist(key)) context.replicateAs('PERSIST', key);
        return reply;
      }
      const at = expiryToUnixMs(expiration.token, expiration.value, now, 'getex');
      if (at <= now && keyspace.expiryPolicyDeletes) {
        keyspace.remove(key);
        context.replicateDeletion(key, value, 'lazyfree-lazy-expire');
      } else {
        keyspace.setExpiry(key, at);
        context.replicateAs('PEXPIREAT', key, String(at));
      }
      return reply;
    },
  }),

  defineCommand({
    name: 'GETDEL',
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the string value of a key and deletes the key.',
    complexity: 'O(1)',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'access', 'delete') },
    run(context, { key }) {
      const value = context.keyspace.readString(key);
      if (value === undefined) return null;
      const reply = value.toString();
      context.keyspace.remove(key);
      context.replicateAs('DEL', key);
      return reply;
    },
  }),

  defineCommand({
    name: 'GETSET',
    group: 'string',
    since: '1.0.0',
    summary: 'Sets a key to a string and returns what it held before.',
    complexity: 'O(1)',
    flags: ['write', 'denyoom', 'fast'],
    deprecated: { since: '6.2.0', replacedBy: '`SET` with the `!GET` argument' },
    arguments: { key: key('RW', 'access', 'update'), value: text() },
    run(context, { key, value }) {
      const old = asReply(context.keyspace.readString(key));
      context.keyspace.put(key, value);
      context.replicateAs('SET', key, value);
      return old;
    },
  }),

  defineCommand({
    name: 'MGET',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the string values of several keys.',
    complexity: 'O(N) for N keys',
    flags: ['readonly', 'fast'],
    tips: { request: 'multi_shard' },
    arguments: { key: many(key('RO', 'access')) },
    run: ({ keyspace }, given): Reply =>
      given.key.map((each) => {
        const value = keyspace.read(each);
        if (value === undefined || typeof value === 'string') return value ?? null;
        return value.kind === 'raw' ? value.toString() : null;
      }),
  }),

  defineCommand({
    name: 'MSET',
    group: 'string',
    since: '1.0.1',
    summary: 'Sets several keys to strings in one step.',
    complexity: 'O(N) for N keys',
    flags: ['write', 'denyoom'],
    tips: { request: 'multi_shard', response: 'all_succeeded' },
    arguments: { pairs: pairs('mset', key('OW', 'update')) },
    run({ keyspace }, _given, words) {
      for (let i = 1; i < words.length; i += 2) keyspace.put(words[i]!, words[i + 1]!);
      return OK;
    },
  }),

  defineCommand({
    name: 'MSETNX',
    group: 'string',
    since: '1.0.1',
    summary: 'Sets several keys to strings in one step, unless one of them exists.',
    complexity: 'O(N) for N keys',
    flags: ['write', 'denyoom'],
    arguments: { pairs: pairs('msetnx', key('OW', 'insert')) },
    run({ keyspace }, _given, words) {
      for (let i = 1; i < words.length; i += 2) if (keyspace.edit(words[i]!) !== undefined) return 0;
      for (let i = 1; i < words.length; i += 2) keyspace.put(words[i]!, words[i + 1]!);
      return 1;
    },
  }),

  ...stringPartCommands,
  ...counterCommands,
  ...lcsCommands,
];
