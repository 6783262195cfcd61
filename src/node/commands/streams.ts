/**
 * Commands of streams: adding, reading by range and by waiting, deleting, trimming. What is replicated names the ids and the
 * trimming that came about. Border: consumer groups are `stream-groups.ts` and its neighbours. [redis t_stream.c]
 */

import { NULL_ARRAY, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { ID_END, StreamValue, type Trim } from '../keyspace/stream.ts';
import type { CommandContext } from '../shard/context.ts';
import {
  byHand,
  key,
  late,
  many,
  option,
  options,
  pureToken,
  text,
  WordReader,
  type Argument,
  type ArgumentDoc,
} from './arguments.ts';
import { defineCommand, type Command } from './command.ts';
import { parseInteger } from './numbers.ts';
import { formatId, newId, type NewId, rangeEnd, rangeStart, streamId } from './stream-ids.ts';
import { blockDoc, countDoc, entryReply, readReply, readRequest, streamsDoc } from './stream-reading.ts';

interface GivenTrim extends Trim {
  /** Place of the threshold among the words. */
  readonly at: number;
  /** Places of LIMIT and its number, which may come before it or more than once. */
  readonly limitWords: ReadonlySet<number> | null;
}

interface TrimWords {
  readonly trim: GivenTrim | null;
  readonly makesStream: boolean;
  /** Where the options end: XADD's id, which Redis reads before it looks whether the options fit together. */
  readonly wanted: NewId | null;
}

/** `[NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]]`, as far as there are such words. */
function readTrim(context: CommandContext, reader: WordReader, isAdd: boolean): TrimWords {
  let makesStream = true;
  let wanted: NewId | null = null;
  let limit: number | null = null;
  let trim: Omit<GivenTrim, 'limit' | 'limitWords'> | null = null;
  let limitWords: Set<number> | null = null;
  while (reader.left > 0) {
    const word = reader.words[reader.at]!.toUpperCase();
    if (isAdd && word === 'NOMKSTREAM') makesStream = false;
    else if ((word === 'MAXLEN' || word === 'MINID') && reader.left > 1) {
      if (trim !== null) throw refuse('STREAM_TRIM_TWICE');
      const sign = reader.words[reader.at + 1]!;
      const isApproximate = sign === '~';
      if ((isApproximate || sign === '=') && reader.left > 2) reader.at++;
      reader.at++;
      const raw = reader.words[reader.at]!;
      trim = { by: word, threshold: word === 'MINID' ? streamId(raw) : lengthOf(raw), isApproximate, at: reader.at };
    } else if (word === 'LIMIT' && reader.left > 1) {
      (limitWords ??= new Set()).add(reader.at++).add(reader.at);
      limit = parseInteger(reader.words[reader.at]!);
      if (limit === null) throw refuse('NOT_INTEGER');
      if (limit < 0) throw refuse('STREAM_LIMIT_NEGATIVE');
    } else if (isAdd) {
      wanted = newId(reader.words[reader.at]!);
      break;
    } else throw refuse('SYNTAX');
    reader.at++;
  }
  // A limit of 0 is none, and is missed only as an option
  if (limit !== null && limit > 0 && trim === null) throw refuse('STREAM_LIMIT_ALONE');
  if (!isAdd && trim === null) throw refuse('XTRIM_STRATEGY');
  // A primary has made trimming exact, and its LIMIT is still there [redis t_stream.c streamParseAddOrTrimArgsOrReply]
  if (context.session.kind === 'primary') limit = 0;
  else if (limit !== null && trim?.isApproximate !== true) throw refuse('STREAM_LIMIT_EXACT');
  if (trim === null) return { trim, makesStream, wanted };
  // By itself approximate trimming does a bounded amount of work [redis t_stream.c streamParseAddOrTrimArgsOrReply]
  const bounded = 100 * context.keyspace.limits.streamNodeEntries || 10_000;
  const limited = { ...trim, limitWords, limit: limit ?? (trim.isApproximate ? bounded : 0) };
  return { trim: limited, makesStream, wanted };
}

function lengthOf(word: string): bigint {
  const length = parseInteger(word);
  if (length === null) throw refuse('NOT_INTEGER');
  if (length < 0) throw refuse('STREAM_MAXLEN_NEGATIVE');
  return BigInt(length);
}

/** The words of approximate trimming with an exact one to what is now left, so that a replica removes the same. */
function exactWords(words: readonly string[], { by, at, limitWords }: GivenTrim, stream: StreamValue): string[] {
  const threshold = by === 'MAXLEN' ? String(stream.size) : formatId(stream.firstId ?? 0n);
  const exact = words.with(at - 1, '=').with(at, threshold);
  return exact.filter((_, i) => limitWords?.has(i) !== true);
}

function add(context: CommandContext, words: readonly string[]): Reply {
  const { keyspace } = context;
  const name = words[1]!;
  const reader = new WordReader(words, 2);
  const { trim, makesStream, wanted } = readTrim(context, reader, true);
  const idAt = reader.at;
  if (wanted === null || words.length - idAt < 3 || (words.length - idAt) % 2 === 0) throw refuse('ARITY', 'xadd');
  if (wanted.kind === 'given' && wanted.id === 0n) throw refuse('STREAM_ID_ZERO');
  const existing = keyspace.editStream(name);
  if (existing === undefined && !makesStream) return null;
  const stream = existing ?? new StreamValue();
  if (stream.lastId === ID_END - 1n) throw refuse('STREAM_EXHAUSTED');
  const id = wanted.after(stream.lastId, context.now);
  if (id === null) throw refuse('STREAM_ID_SMALL');
  stream.append(id, words, idAt + 1, keyspace.limits);
  if (existing === undefined) keyspace.put(name, stream);
  else keyspace.changed(name);
  if (trim !== null) stream.trim(trim);
  const idText = formatId(id);
  if (context.shard.writeLog.active) {
    const replicated = words.with(idAt, idText);
    context.replicateAs(...(trim?.isApproximate === true ? exactWords(replicated, trim, stream) : replicated));
  }
  return idText;
}

function range(
  keyspace: Keyspace,
  name: string,
  isReverse: boolean,
  given: readonly string[],
  count: () => number | undefined,
): Reply {
  const start = rangeStart(given[isReverse ? 1 : 0]!);
  const end = rangeEnd(given[isReverse ? 0 : 1]!);
  const most = count() ?? Infinity;
  const stream = keyspace.readStream(name);
  if (stream === undefined) return [];
  if (most === 0) return NULL_ARRAY;
  return (isReverse ? stream.rangeBackwards(start, end, most) : stream.range(start, end, most)).map(entryReply);
}

/** A count below zero counts as none [redis t_stream.c xrangeGenericCommand]. */
const counted = (): Argument<number> => ({
  doc: { type: 'integer' },
  wordsMin: 1,
  wordsMax: 1,
  parse(reader) {
    const count = parseInteger(reader.take());
    if (count === null) throw refuse('NOT_INTEGER');
    return Math.max(0, count);
  },
});

function read(context: CommandContext, words: readonly string[]): Reply {
  const { keyspace } = context;
  const { count, timeoutMs, keysAt, keyCount } = readRequest(words, false);
  const keys = words.slice(keysAt, keysAt + keyCount);
  // `$` is what is last now, also when the command runs again after a wait
  const ids = keys.map((name, i) => {
    const word = words[keysAt + keyCount + i]!;
    const stream = keyspace.readStream(name); // a wrong type is told before a wrong id
    if (word === '>') throw refuse('STREAM_NEW_ID');
    if (word !== '$' && word !== '+') return streamId(word);
    if (word === '$' || stream === undefined || stream.size === 0) return stream?.lastId ?? 0n;
    return stream.rangeBackwards(0n, ID_END, 1)[0]!.id - 1n;
  });
  const found: Reply[] = [];
  keys.forEach((name, i) => {
    const isLast = words[keysAt + keyCount + i] === '+';
    const entries = keyspace.readStream(name)?.range(ids[i]! + 1n, ID_END, isLast ? 1 : count) ?? [];
    if (entries.length > 0) found.push(name, entries.map(entryReply));
  });
  if (found.length > 0) return readReply(context, found);
  if (timeoutMs === null) return NULL_ARRAY;
  const again = [...words.slice(0, keysAt + keyCount), ...ids.map(formatId)];
  return context.block({ keys, timeoutMs, timeoutReply: NULL_ARRAY, kind: 'stream', words: again });
}

const trimDocs: readonly ArgumentDoc[] = [
  { name: 'strategy', type: 'oneof', arguments: [pureToken('MAXLEN'), pureToken('MINID')] },
  {
    name: 'operator',
    type: 'oneof',
    optional: true,
    arguments: [pureToken('=', 'equal'), pureToken('~', 'approximately')],
  },
  { name: 'threshold', type: 'string' },
  { name: 'count', type: 'integer', token: 'LIMIT', optional: true },
];

const addDocs: readonly ArgumentDoc[] = [
  { ...pureToken('NOMKSTREAM'), optional: true },
  { name: 'trim', type: 'block', optional: true, arguments: trimDocs },
  {
    name: 'id-selector',
    type: 'oneof',
    arguments: [pureToken('*', 'auto-id'), { name: 'id', type: 'string' }],
  },
  {
    name: 'data',
    type: 'block',
    multiple: true,
    arguments: [
      { name: 'field', type: 'string' },
      { name: 'value', type: 'string' },
    ],
  },
];

export const streamCommands: readonly Command[] = [
  defineCommand({
    name: 'XADD',
    group: 'stream',
    since: '5.0.0',
    summary: 'Adds an entry to a stream.',
    complexity: 'O(1), and O(N) where N is the number of entries that trimming removes.',
    flags: ['write', 'denyoom', 'fast'],
    tips: { other: ['nondeterministic_output'] },
    arity: -5,
    arguments: { key: key('RW', 'update'), entry: byHand(3, ...addDocs) },
    run: (context, _given, words) => add(context, words),
  }),

  defineCommand({
    name: 'XLEN',
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the number of entries of a stream.',
    complexity: 'O(1)',
    flags: ['readonly', 'fast'],
    arguments: { key: key('RO') },
    run: ({ keyspace }, given) => keyspace.readStream(given.key)?.size ?? 0,
  }),

  defineCommand({
    name: 'XRANGE',
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the entries of a stream between two ids.',
    complexity: 'O(log(N)+M) where N is the number of entries and M the number of those returned.',
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      start: text(),
      end: text(),
      options: late(options({ count: option('COUNT', counted()) })),
    },
    run: ({ keyspace }, given) =>
      range(keyspace, given.key, false, [given.start, given.end], () => given.options().count),
  }),

  defineCommand({
    name: 'XREVRANGE',
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the entries of a stream between two ids, the last first.',
    complexity: 'O(log(N)+M) where N is the number of entries and M the number of those returned.',
    flags: ['readonly'],
    arguments: {
      key: key('RO', 'access'),
      end: text(),
      start: text(),
      options: late(options({ count: option('COUNT', counted()) })),
    },
    run: ({ keyspace }, given) =>
      range(keyspace, given.key, true, [given.end, given.start], () => given.options().count),
  }),

  defineCommand({
    name: 'XDEL',
    group: 'stream',
    since: '5.0.0',
    summary: 'Deletes entries of a stream and returns how many were there.',
    complexity: 'O(log(N)) for each entry.',
    flags: ['write', 'fast'],
    arguments: { key: key('RW', 'delete'), id: many(text()) },
    run({ keyspace }, given) {
      const stream = keyspace.editStream(given.key);
      if (stream === undefined) return 0;
      const ids = given.id.map((word) => streamId(word));
      const deleted = ids.filter((id) => stream.delete(id)).length;
      if (deleted > 0) keyspace.changed(given.key);
      return deleted;
    },
  }),

  defineCommand({
    name: 'XTRIM',
    group: 'stream',
    since: '5.0.0',
    summary: 'Removes the oldest entries of a stream and returns how many.',
    complexity: 'O(N) where N is the number of entries removed.',
    flags: ['write'],
    tips: { other: ['nondeterministic_output'] },
    arity: -4,
    arguments: { key: key('RW', 'delete'), trim: byHand(2, { name: 'trim', type: 'block', arguments: trimDocs }) },
    run(context, given, words) {
      const { keyspace } = context;
      const { trim } = readTrim(context, new WordReader(words, 2), false);
      const stream = keyspace.editStream(given.key);
      if (stream === undefined || trim === null) return 0;
      const removed = stream.trim(trim);
      if (removed === 0) return 0;
      keyspace.changed(given.key);
      if (trim.isApproximate) context.replicateAs(...exactWords(words, trim, stream));
      return removed;
    },
  }),

  defineCommand({
    name: 'XREAD',
    group: 'stream',
    since: '5.0.0',
    summary: 'Returns the entries of several streams after the ids given, or waits for some.',
    complexity: 'O(M) where M is the number of entries returned.',
    flags: ['readonly', 'blocking', 'movablekeys'],
    arity: -4,
    keySpecs: [
      {
        flags: ['RO', 'access'],
        begin: { keyword: 'STREAMS', from: 1 },
        find: { kind: 'range', last: -1, step: 1, limit: 2 },
      },
    ],
    arguments: { streams: byHand(3, countDoc, blockDoc, streamsDoc) },
    run: (context, _given, words) => read(context, words),
  }),
];
