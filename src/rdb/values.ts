/**
 * Values as the rest of the program sees them, and the one function that makes them from the bytes of a dump.
 *
 * `decodeValue` takes every encoding that Redis to 7.4 writes for strings, lists, sets, sorted sets, hashes and streams, and
 * checks as RESTORE with deep sanitization does: a member or field said twice, a score that is no number, an empty
 * collection or bytes left over are `corrupt`. Modules are `unsupported-type`. All
 * strings are binary strings. The way back is `encode-value.ts`.
 */
import { Cursor, parseScore } from './cursor.ts';
import type { ByteRange } from './cursor.ts';
import { decodeExpiringHash, type ExpiringFields } from './expiring-hash.ts';
import { decodeIntset } from './intset.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { decodeListpack } from './listpack.ts';
import { RdbError } from './rdb-error.ts';
import { TYPE, VENDORS, valueTypeName } from './vendors.ts';
import { decodeStream, type RdbStream } from './stream.ts';
import { decodeZiplist } from './ziplist.ts';
import { decodeZipmap } from './zipmap.ts';

export interface RdbList {
  readonly kind: 'list';
  readonly items: readonly string[];
}

export interface RdbSet {
  readonly kind: 'set';
  readonly members: readonly string[];
}

export interface RdbSortedSet {
  readonly kind: 'zset';
  readonly members: readonly string[];
  /** One for each member, at the same index. */
  readonly scores: readonly number[];
}

export interface RdbHash {
  readonly kind: 'hash';
  /** Field, value, field, value… */
  readonly pairs: readonly string[];
  /** When each field expires, Unix milliseconds, 0 for never; absent when none does. */
  readonly expiries?: readonly number[];
}

export type RdbValue = string | RdbList | RdbSet | RdbSortedSet | RdbHash | RdbStream;

const CONTAINER_PLAIN = 1;
const CONTAINER_PACKED = 2;

/** `raw` is the value without its type byte. */
export function decodeValue(type: number, raw: Buffer): RdbValue {
  return decodeValueAt(type, raw, 0, raw.length);
}

export function decodeValueAt(type: number, bytes: Buffer, start: number, end: number): RdbValue {
  const cursor = new Cursor(bytes, start, end);
  const value = decode(type, cursor);
  if (!cursor.ended) throw new RdbError('corrupt', 'bytes are left over after a value');
  return value;
}

function decode(type: number, cursor: Cursor): RdbValue {
  switch (type) {
    case TYPE.string:
      return cursor.string();
    case TYPE.list:
      return list(strings(cursor, 1));
    case TYPE.listZiplist:
      return list(unpacked(cursor, decodeZiplist));
    case TYPE.listQuicklist:
      return list(quicklist(cursor, false));
    case TYPE.listQuicklist2:
      return list(quicklist(cursor, true));
    case TYPE.set:
      return set(strings(cursor, 1));
    case TYPE.setIntset:
      return set(unpacked(cursor, decodeIntset));
    case TYPE.setListpack:
      return set(unpacked(cursor, decodeListpack));
    case TYPE.zset:
      return scored(cursor, 2, () => cursor.textScore());
    case TYPE.zsetBinary:
      return scored(cursor, 9, () => cursor.binaryScore());
    case TYPE.zsetZiplist:
      return scoredPairs(unpacked(cursor, decodeZiplist));
    case TYPE.zsetListpack:
      return scoredPairs(unpacked(cursor, decodeListpack));
    case TYPE.hash:
      return hash(strings(cursor, 2));
    case TYPE.hashZipmap:
      return hash(unpacked(cursor, decodeZipmap));
    case TYPE.hashZiplist:
      return hash(unpacked(cursor, decodeZiplist));
    case TYPE.hashListpack:
      return hash(unpacked(cursor, decodeListpack));
    case TYPE.hashExpiring:
    case TYPE.hashExpiringEarly:
    case TYPE.hashListpackExpiring:
    case TYPE.hashListpackExpiringEarly:
      return expiringHash(decodeExpiringHash(cursor, type));
    case TYPE.stream:
    case TYPE.stream2:
    case TYPE.stream3:
      return decodeStream(cursor, type);
    default:
      throw refusedType(type);
  }
}

function refusedType(type: number): RdbError {
  const known = VENDORS.REDIS.types[type] !== undefined;
  if (!known) return new RdbError('unknown-type', `a value of unknown type ${type}`);
  return new RdbError('unsupported-type', `a value of type ${type}, ${valueTypeName(type)}, is not supported`);
}

function strings(cursor: Cursor, perElement: number): string[] {
  const count = cursor.count(perElement) * perElement;
  const found: string[] = [];
  for (let index = 0; index < count; index += 1) found.push(cursor.string());
  return found;
}

function unpacked(cursor: Cursor, decoder: (bytes: Buffer, start: number, end: number) => string[]): string[] {
  const { bytes, start, end }: ByteRange = cursor.packed();
  const found = decoder(bytes, start, end);
  if (found.length === 0) throw new RdbError('corrupt', 'a collection is empty');
  return found;
}

/** Nodes that are packed sequences or, since version 2, single large items. An empty node counts for nothing. */
function quicklist(cursor: Cursor, withContainers: boolean): string[] {
  const nodes = cursor.count(withContainers ? 2 : 1);
  const items: string[] = [];
  for (let index = 0; index < nodes; index += 1) {
    const container = withContainers ? cursor.length() : CONTAINER_PACKED;
    if (container === CONTAINER_PLAIN) {
      const item = cursor.string();
      if (item.length === 0) throw new RdbError('corrupt', 'a plain list node is empty');
      items.push(item);
      continue;
    }
    if (container !== CONTAINER_PACKED) throw new RdbError('corrupt', `a list node of unknown kind ${container}`);
    const { bytes, start, end } = cursor.packed();
    const packed = withContainers ? decodeListpack(bytes, start, end) : decodeZiplist(bytes, start, end);
    if (items.length + packed.length > ELEMENTS_MAX) {
      throw new RdbError('too-large', `a list of more than ${ELEMENTS_MAX} items`);
    }
    for (const item of packed) items.push(item);
  }
  if (items.length === 0) throw new RdbError('corrupt', 'a collection is empty');
  return items;
}

function list(items: string[]): RdbList {
  return { kind: 'list', items };
}

function set(members: string[]): RdbSet {
  refuseTwice(members, 1, 'member');
  return { kind: 'set', members };
}

function expiringHash({ pairs, expiries }: ExpiringFields): RdbHash {
  const found = hash(pairs);
  return expiries.some((atMs) => atMs > 0) ? { ...found, expiries } : found;
}

function hash(pairs: string[]): RdbHash {
  if (pairs.length % 2 !== 0) throw new RdbError('corrupt', 'a field has no value');
  refuseTwice(pairs, 2, 'field');
  return { kind: 'hash', pairs };
}

function scored(cursor: Cursor, bytesMin: number, score: () => number): RdbSortedSet {
  const count = cursor.count(bytesMin);
  const members: string[] = [];
  const scores: number[] = [];
  for (let index = 0; index < count; index += 1) {
    members.push(cursor.string());
    scores.push(score());
  }
  refuseTwice(members, 1, 'member');
  return { kind: 'zset', members, scores };
}

function scoredPairs(entries: readonly string[]): RdbSortedSet {
  if (entries.length % 2 !== 0) throw new RdbError('corrupt', 'a member has no score');
  const members: string[] = [];
  const scores: number[] = [];
  for (let index = 0; index < entries.length; index += 2) {
    members.push(entries[index]!);
    scores.push(parseScore(entries[index + 1]!));
  }
  refuseTwice(members, 1, 'member');
  return { kind: 'zset', members, scores };
}

function refuseTwice(words: readonly string[], step: number, what: string): void {
  const seen = new Set<string>();
  for (let index = 0; index < words.length; index += step) seen.add(words[index]!);
  if (seen.size !== words.length / step) throw new RdbError('corrupt', `a ${what} is there twice`);
}
