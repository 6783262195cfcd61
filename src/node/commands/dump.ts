/**
 * DUMP and RESTORE: one value as bytes, and back. What a client restores is decoded completely and checked before anything
 * changes; a type that is not held here (modules) is refused as bad data. [redis cluster.c]
 */

import { OK, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import { dumpPayload, parsePayload } from '../../rdb/payload.ts';
import { RdbError } from '../../rdb/rdb-error.ts';
import { decodeValue } from '../../rdb/values.ts';
import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { fromRdbValue, toRdbValue } from '../keyspace/rdb-values.ts';
import type { Value } from '../keyspace/value.ts';
import type { CommandContext } from '../shard/context.ts';
import { flag, integer, key, named, options, text, unread, type Parsed } from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { expireToUnixMs } from './expiry-times.ts';
import { parseInteger } from './numbers.ts';

const FREQUENCY_MAX = 255;

function valueOf(payload: string, limits: EncodingLimits): Value {
  const parsed = parsePayload(Buffer.from(payload, 'latin1'));
  if (!parsed.ok) throw refuse('BAD_PAYLOAD');
  try {
    return fromRdbValue(decodeValue(parsed.type, parsed.raw), limits);
  } catch (error) {
    if (error instanceof RdbError) throw refuse('BAD_DATA');
    throw error;
  }
}

/** Checked in the order of the words. */
const restoreGrammar = options({
  replace: flag('REPLACE'),
  absttl: flag('ABSTTL'),
  attribute: {
    tokens: { IDLETIME: named('seconds', unread(integer())), FREQ: named('frequency', unread(integer())) },
    fold(token, given, before: { readonly token: string; readonly value: number } | undefined) {
      // Before the number is looked at
      if (before !== undefined && before.token !== token) throw refuse('SYNTAX');
      const value = parseInteger(given as string);
      if (value === null) throw refuse('NOT_INTEGER');
      if (value < 0) throw refuse(token === 'FREQ' ? 'INVALID_FREQ' : 'INVALID_IDLETIME');
      if (token === 'FREQ' && value > FREQUENCY_MAX) throw refuse('INVALID_FREQ');
      return { token, value };
    },
  },
});

/** One choice to read, two options to show. */
const restoreOptions: typeof restoreGrammar = {
  ...restoreGrammar,
  doc: {
    ...restoreGrammar.doc,
    arguments: restoreGrammar.doc.arguments!.flatMap((doc) =>
      doc.name === 'attribute' ? doc.arguments!.map((each) => ({ ...each, optional: true })) : [doc],
    ),
  },
};

/** Obeyed where the policy of now records what is said. [redis object.c objectSetLRUOrLFU] */
function setAccess(
  { keyspace, shard: { access }, now }: CommandContext,
  key: string,
  said: { readonly token: string; readonly value: number } | undefined,
): void {
  if (said === undefined || access.isLfu !== (said.token === 'FREQ')) {
    keyspace.setAccessMark(key, access.fresh(now)); // whatever was there before
    return;
  }
  keyspace.setAccessMark(
    key,
    access.isLfu ? access.markOfFrequency(said.value, now) : access.markOfIdle(said.value, now),
  );
}

const restoreArguments = {
  key: key('OW', 'update'),
  ttl: unread(integer()),
  serializedValue: text(),
  options: restoreOptions,
};

function restore(
  context: CommandContext,
  { key, ttl, serializedValue, options: { replace, absttl, attribute } }: Parsed<typeof restoreArguments>,
): Reply {
  const { keyspace, now } = context;
  if (!replace && keyspace.read(key) !== undefined) throw refuse('BUSYKEY');
  const span = parseInteger(ttl);
  if (span === null) throw refuse('NOT_INTEGER');
  if (span < 0) throw refuse('INVALID_TTL');
  const value = valueOf(serializedValue, keyspace.limits);
  const at = span === 0 ? null : expireToUnixMs(ttl, 'milliseconds', absttl ? 0 : now, 'restore');
  if (at !== null && at <= now && keyspace.expiryPolicyDeletes) {
    const old = keyspace.peek(key);
    if (old !== undefined) {
      keyspace.remove(key);
      context.replicateDeletion(key, old, 'lazyfree-lazy-server-del');
    }
    return OK;
  }
  keyspace.put(key, value);
  setAccess(context, key, attribute);
  if (at === null) return OK;
  keyspace.setExpiry(key, at);
  keyspace.recount(-1);
  if (!absttl) context.replicateAs(...context.words.with(2, String(at)), 'ABSTTL');
  return OK;
}

const restoring = {
  complexity: 'O(N) for N bytes, O(M*log(M)) for a sorted set of M members',
  arguments: restoreArguments,
  run: restore,
} as const;

export const dumpCommands: readonly Command[] = [
  defineCommand({
    name: 'DUMP',
    group: 'generic',
    since: '2.6.0',
    summary: 'Returns the value of a key as bytes that RESTORE takes.',
    complexity: 'O(N) for N bytes',
    flags: ['readonly'],
    tips: { other: ['nondeterministic_output'] },
    arguments: { key: key('RO', 'access') },
    run({ keyspace }, given): Reply {
      const value = keyspace.read(given.key);
      return value === undefined ? null : dumpPayload(toRdbValue(value)).latin1Slice();
    },
  }),

  defineCommand({
    ...restoring,
    name: 'RESTORE',
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from the bytes that DUMP returned.',
    flags: ['write', 'denyoom'],
    categories: ['dangerous'],
  }),

  defineCommand({
    ...restoring,
    name: 'RESTORE-ASKING',
    group: 'server',
    isForServers: true,
    since: '3.0.0',
    summary: 'RESTORE as nodes of a cluster send it while a slot moves.',
    flags: ['write', 'denyoom', 'asking'],
    categories: ['keyspace', 'dangerous'],
  }),
];
