/**
 * Streams in a dump: nodes that are listpacks under the id of their first entry, what the stream remembers beside its entries,
 * and its consumer groups. Read in the three layouts of Redis 5 (15), 7.0 (19) and 7.2 (21); written as 19, which all since 7.0 read.
 *
 * An id is one bigint, milliseconds * 2^64 + sequence. Entries that were only marked as deleted are left out, and nodes are
 * packed anew when written. [redis rdb.c rdbSaveObject, t_stream.c streamAppendItem]
 */
import type { ByteSink } from './byte-sink.ts';
import type { Cursor } from './cursor.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { decodeListpack, ListpackBuilder } from './listpack.ts';
import { RdbError } from './rdb-error.ts';
import { TYPE } from './vendors.ts';

export interface RdbStreamEntry {
  readonly id: bigint;
  /** Field, value, field, value… */
  readonly pairs: readonly string[];
}

interface RdbPending {
  readonly id: bigint;
  readonly deliveredAtMs: bigint;
  readonly deliveries: bigint;
}

interface RdbConsumer {
  readonly name: string;
  readonly seenAtMs: bigint;
  /** When something was last delivered to it; written by 7.2 and later only, -1: never. */
  readonly activeAtMs: bigint;
  /** Ids among the group's pending ones. */
  readonly pending: readonly bigint[];
}

export interface RdbStreamGroup {
  readonly name: string;
  readonly lastId: bigint;
  /** 2^64 - 1 when Redis does not know. */
  readonly entriesRead: bigint;
  readonly pending: readonly RdbPending[];
  readonly consumers: readonly RdbConsumer[];
}

export interface RdbStream {
  readonly kind: 'stream';
  readonly entries: readonly RdbStreamEntry[];
  readonly lastId: bigint;
  readonly maxDeletedId: bigint;
  readonly entriesAdded: bigint;
  readonly groups: readonly RdbStreamGroup[];
}

const WORD = 1n << 64n;
const UNKNOWN_READ = WORD - 1n;
const ID_BYTES = 16;
const FLAG_DELETED = 1;
const FLAG_SAME_FIELDS = 2;
/** Redis's own defaults for a node [redis.conf stream-node-max-*]; a larger entry has a node of its own. */
const NODE_ENTRIES_MAX = 100;
const NODE_BYTES_MAX = 4096;

const builder = new ListpackBuilder();

export function decodeStream(cursor: Cursor, type: number): RdbStream {
  const entries: RdbStreamEntry[] = [];
  for (let nodes = cursor.length(); nodes > 0; nodes -= 1) {
    const key = Buffer.from(cursor.string(), 'latin1');
    if (key.length !== ID_BYTES) throw broken('the id of a node');
    const { bytes, start, end } = cursor.packed();
    readNode(decodeListpack(bytes, start, end), idFrom(key), entries);
  }
  if (cursor.length() !== entries.length) throw broken('its number of entries');
  const lastId = wordsId(cursor);
  if (entries.length > 0 && entries.at(-1)!.id > lastId) throw broken('its last id');
  let maxDeletedId = 0n;
  let entriesAdded = BigInt(entries.length);
  if (type !== TYPE.stream) {
    wordsId(cursor); // the first id: the entries tell it
    maxDeletedId = wordsId(cursor);
    entriesAdded = cursor.word();
  }
  const groups: RdbStreamGroup[] = [];
  const names = new Set<string>();
  for (let left = cursor.length(); left > 0; left -= 1) {
    const group = readGroup(cursor, type);
    if (names.has(group.name)) throw broken('a group that is there twice');
    names.add(group.name);
    groups.push(type === TYPE.stream ? { ...group, entriesRead: readUpTo(entries, lastId, group.lastId) } : group);
  }
  return { kind: 'stream', entries, lastId, maxDeletedId, entriesAdded, groups };
}

/** Dumps before 7.0 do not say it: it is known at both ends of the stream. [redis rdb.c rdbLoadObject] */
function readUpTo(entries: readonly RdbStreamEntry[], lastId: bigint, id: bigint): bigint {
  if (entries.length === 0) return 0n;
  if (id === lastId) return BigInt(entries.length);
  const first = entries[0]!.id;
  if (id > lastId || id > first) return UNKNOWN_READ;
  return id === first ? 1n : 0n;
}

function readGroup(cursor: Cursor, type: number): RdbStreamGroup {
  const name = cursor.string();
  const lastId = wordsId(cursor);
  const entriesRead = type === TYPE.stream ? UNKNOWN_READ : cursor.word();
  const pending: RdbPending[] = [];
  for (let left = cursor.length(); left > 0; left -= 1) {
    pending.push({
      id: idFrom(cursor.fixed(ID_BYTES)),
      deliveredAtMs: cursor.fixed(8).readBigInt64LE(),
      deliveries: cursor.word(),
    });
  }
  const known = new Set(pending.map(({ id }) => id));
  if (known.size < pending.length) throw broken('a pending entry that is there twice');
  const consumers: RdbConsumer[] = [];
  const names = new Set<string>();
  for (let left = cursor.length(); left > 0; left -= 1) {
    const consumer = cursor.string();
    if (names.has(consumer)) throw broken('a consumer that is there twice');
    names.add(consumer);
    const seenAtMs = cursor.fixed(8).readBigInt64LE();
    const activeAtMs = type === TYPE.stream3 ? cursor.fixed(8).readBigInt64LE() : seenAtMs;
    const ids: bigint[] = [];
    for (let more = cursor.length(); more > 0; more -= 1) {
      const id = idFrom(cursor.fixed(ID_BYTES));
      if (!known.delete(id)) throw broken('what a consumer has not acknowledged');
      ids.push(id);
    }
    consumers.push({ name: consumer, seenAtMs, activeAtMs, pending: ids });
  }
  if (known.size > 0) throw broken('a pending entry that is no consumer’s');
  return { name, lastId, entriesRead, pending, consumers };
}

/** Master entry: counts of kept and deleted entries, fields, 0. Each entry: flags, distance to the node's id, fields unless the same, values, length. */
function readNode(words: readonly string[], base: bigint, entries: RdbStreamEntry[]): void {
  let at = 0;
  const next = (): string => {
    const word = words[at++];
    if (word === undefined) throw broken('a node that ends too soon');
    return word;
  };
  const count = (): number => {
    const value = Number(next());
    if (!Number.isSafeInteger(value) || value < 0 || value > words.length) throw broken('a number inside a node');
    return value;
  };
  const kept = count();
  const deleted = count();
  const masterFields: string[] = [];
  for (let left = count(); left > 0; left -= 1) masterFields.push(next());
  next();
  let found = 0;
  for (let left = kept + deleted; left > 0; left -= 1) {
    const flags = count();
    const milliseconds = BigInt.asUintN(64, (base >> 64n) + bigintOf(next()));
    const id = milliseconds * WORD + BigInt.asUintN(64, base + bigintOf(next()));
    const pairs: string[] = [];
    if ((flags & FLAG_SAME_FIELDS) !== 0) for (const field of masterFields) pairs.push(field, next());
    else for (let more = count() * 2; more > 0; more -= 1) pairs.push(next());
    next();
    if ((flags & FLAG_DELETED) !== 0) continue;
    const before = entries.at(-1);
    if (before !== undefined && before.id >= id) throw broken('the order of its ids');
    if (entries.length === ELEMENTS_MAX)
      throw new RdbError('too-large', `a stream of more than ${ELEMENTS_MAX} entries`);
    entries.push({ id, pairs });
    found += 1;
  }
  if (found !== kept || at !== words.length) throw broken('a node’s count');
}

function bigintOf(word: string): bigint {
  if (!/^-?\d{1,20}$/.test(word)) throw broken('an id inside a node');
  return BigInt(word);
}

const idFrom = (bytes: Buffer): bigint => bytes.readBigUInt64BE(0) * WORD + bytes.readBigUInt64BE(8);

function wordsId(cursor: Cursor): bigint {
  const milliseconds = cursor.word();
  return milliseconds * WORD + cursor.word();
}

export function encodeStream(sink: ByteSink, stream: RdbStream): void {
  const ends = nodeEnds(stream.entries);
  sink.length(ends.length);
  let start = 0;
  for (const end of ends) {
    writeNode(sink, stream.entries, start, end);
    start = end;
  }
  sink.length(stream.entries.length);
  writeWords(sink, stream.lastId);
  writeWords(sink, stream.entries[0]?.id ?? 0n);
  writeWords(sink, stream.maxDeletedId);
  sink.word(stream.entriesAdded);
  sink.length(stream.groups.length);
  for (const group of stream.groups) {
    sink.string(group.name);
    writeWords(sink, group.lastId);
    sink.word(group.entriesRead);
    sink.length(group.pending.length);
    for (const { id, deliveredAtMs, deliveries } of group.pending) {
      writeBytes(sink, idBytes(id));
      writeBytes(sink, timeBytes(deliveredAtMs));
      sink.word(deliveries);
    }
    sink.length(group.consumers.length);
    for (const { name, seenAtMs, pending } of group.consumers) {
      sink.string(name);
      writeBytes(sink, timeBytes(seenAtMs));
      sink.length(pending.length);
      for (const id of pending) writeBytes(sink, idBytes(id));
    }
  }
}

function nodeEnds(entries: readonly RdbStreamEntry[]): number[] {
  const ends: number[] = [];
  let bytes = 0;
  let first = 0;
  entries.forEach(({ pairs }, index) => {
    const more = pairs.reduce((sum, word) => sum + word.length + 2, 0);
    if (index > first && (index - first >= NODE_ENTRIES_MAX || bytes + more > NODE_BYTES_MAX)) {
      ends.push(index);
      first = index;
      bytes = 0;
    }
    bytes += more;
  });
  if (entries.length > 0) ends.push(entries.length);
  return ends;
}

function writeNode(sink: ByteSink, entries: readonly RdbStreamEntry[], start: number, end: number): void {
  const base = entries[start]!;
  const fields = base.pairs.filter((_, index) => index % 2 === 0);
  for (const word of [end - start, 0, fields.length]) builder.append(String(word));
  for (const field of fields) builder.append(field);
  builder.append('0');
  for (let index = start; index < end; index += 1) {
    const { id, pairs } = entries[index]!;
    const same = pairs.length === base.pairs.length && fields.every((field, i) => pairs[i * 2] === field);
    builder.append(same ? '2' : '0');
    builder.append(String(BigInt.asIntN(64, (id >> 64n) - (base.id >> 64n))));
    builder.append(String(BigInt.asIntN(64, id - base.id)));
    if (same) for (let i = 1; i < pairs.length; i += 2) builder.append(pairs[i]!);
    else {
      builder.append(String(pairs.length / 2));
      for (const word of pairs) builder.append(word);
    }
    builder.append(String(same ? fields.length + 3 : pairs.length + 4));
  }
  sink.string(idBytes(base.id).latin1Slice());
  sink.packed(builder.finish());
}

function writeWords(sink: ByteSink, id: bigint): void {
  sink.word(id >> 64n);
  sink.word(BigInt.asUintN(64, id));
}

const writeBytes = (sink: ByteSink, bytes: Buffer): void => sink.bytes(bytes, 0, bytes.length);

function idBytes(id: bigint): Buffer {
  const bytes = Buffer.alloc(ID_BYTES);
  bytes.writeBigUInt64BE(id >> 64n, 0);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, id), 8);
  return bytes;
}

function timeBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

function broken(what: string): RdbError {
  return new RdbError('corrupt', `a stream is wrong in ${what}`);
}
