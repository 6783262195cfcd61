/**
 * Values into the bytes of a dump, in encodings that Redis 7.0 to 8 and Valkey alike read: types up to 19, and those of hashes with fields
 * that expire, which Redis reads from 7.4 on.
 *
 * Small collections become packed, by the same kind of thresholds as in Redis's own configuration (defaults of 7.0);
 * the receiver converts to its own thresholds when it loads. A collection is never empty: that is the caller's defect.
 */
import assert from 'node:assert/strict';
import type { ByteSink } from './byte-sink.ts';
import { encodeExpiringHash } from './expiring-hash.ts';
import { encodeIntset, fitsIntset } from './intset.ts';
import { ListpackBuilder, LISTPACK_ENTRY_OVERHEAD_MAX } from './listpack.ts';
import { encodeStream } from './stream.ts';
import type { RdbSortedSet, RdbValue } from './values.ts';
import { TYPE } from './vendors.ts';

export interface EncodeOptions {
  /** Whether long strings and packed structures are compressed where that shortens them. */
  readonly compress: boolean;
  readonly setIntsetEntriesMax: number;
  readonly hashListpackEntriesMax: number;
  readonly hashListpackBytesMax: number;
  readonly zsetListpackEntriesMax: number;
  readonly zsetListpackBytesMax: number;
  /** A list node's packed bytes; a larger item has a node of its own. */
  readonly listNodeBytesMax: number;
}

export const ENCODE_OPTIONS: EncodeOptions = {
  compress: true,
  setIntsetEntriesMax: 512,
  hashListpackEntriesMax: 512,
  hashListpackBytesMax: 64,
  zsetListpackEntriesMax: 128,
  zsetListpackBytesMax: 64,
  listNodeBytesMax: 8192,
};

const CONTAINER_PLAIN = 1;
const CONTAINER_PACKED = 2;

/** Encoding is synchronous and a listpack is written out before the next begins, so one builder serves all. */
const builder = new ListpackBuilder();

/** The type byte under which `encodeValue` will write this value. */
export function encodedType(value: RdbValue, options: EncodeOptions): number {
  if (typeof value === 'string') return TYPE.string;
  if (value.kind === 'stream') return TYPE.stream2;
  if (value.kind === 'list') return TYPE.listQuicklist2;
  if (value.kind === 'set') {
    const small = value.members.length <= options.setIntsetEntriesMax && fitsIntset(value.members);
    return small ? TYPE.setIntset : TYPE.set;
  }
  if (value.kind === 'zset') {
    const few = value.members.length <= options.zsetListpackEntriesMax;
    return few && allWithin(value.members, options.zsetListpackBytesMax) ? TYPE.zsetListpack : TYPE.zsetBinary;
  }
  const few = value.pairs.length <= options.hashListpackEntriesMax * 2;
  const isPacked = few && allWithin(value.pairs, options.hashListpackBytesMax);
  if (value.expiries !== undefined) return isPacked ? TYPE.hashListpackExpiring : TYPE.hashExpiring;
  return isPacked ? TYPE.hashListpack : TYPE.hash;
}

/** Writes the value without its type byte; `type` is what `encodedType` said. */
export function encodeValue(sink: ByteSink, type: number, value: RdbValue, options: EncodeOptions): void {
  if (typeof value === 'string') {
    sink.string(value);
    return;
  }
  switch (value.kind) {
    case 'stream':
      encodeStream(sink, value);
      return;
    case 'list':
      assert(value.items.length > 0, 'a list that is written has items');
      writeQuicklist(sink, value.items, options.listNodeBytesMax);
      return;
    case 'set':
      assert(value.members.length > 0, 'a set that is written has members');
      if (type === TYPE.setIntset) sink.packed(encodeIntset(value.members));
      else writeStrings(sink, value.members, value.members.length);
      return;
    case 'zset':
      assert(value.members.length > 0, 'a sorted set that is written has members');
      if (type === TYPE.zsetListpack) writePackedSortedSet(sink, value);
      else writeSortedSet(sink, value);
      return;
    case 'hash':
      assert(value.pairs.length > 0 && value.pairs.length % 2 === 0, 'a hash that is written has whole pairs');
      if (value.expiries !== undefined) encodeExpiringHash(sink, type, value.pairs, value.expiries);
      else if (type === TYPE.hashListpack) writePacked(sink, value.pairs);
      else writeStrings(sink, value.pairs, value.pairs.length / 2);
  }
}

/** A score as Redis prints one inside a listpack: shortest digits that give the same double back. */
function formatScore(score: number): string {
  if (score === Infinity) return 'inf';
  if (score === -Infinity) return '-inf';
  return Object.is(score, -0) ? '-0' : String(score);
}

function allWithin(words: readonly string[], bytesMax: number): boolean {
  return words.every((word) => word.length <= bytesMax);
}

function writeStrings(sink: ByteSink, words: readonly string[], count: number): void {
  sink.length(count);
  for (const word of words) sink.string(word);
}

function writePacked(sink: ByteSink, words: readonly string[]): void {
  for (const word of words) builder.append(word);
  sink.packed(builder.finish());
}

function writeSortedSet(sink: ByteSink, value: RdbSortedSet): void {
  sink.length(value.members.length);
  for (let index = 0; index < value.members.length; index += 1) {
    sink.string(value.members[index]!);
    sink.double(value.scores[index]!);
  }
}

/** A server takes the order of a packed sorted set on trust, so it is made here: by score, then by bytes. */
function writePackedSortedSet(sink: ByteSink, { members, scores }: RdbSortedSet): void {
  const order = members.map((_, index) => index);
  order.sort((a, b) => scores[a]! - scores[b]! || (members[a]! < members[b]! ? -1 : 1));
  for (const index of order) {
    builder.append(members[index]!);
    builder.append(formatScore(scores[index]!));
  }
  sink.packed(builder.finish());
}

/** The number of nodes comes first, so the items are dealt out twice, by an upper bound of their packed size. */
function writeQuicklist(sink: ByteSink, items: readonly string[], nodeBytesMax: number): void {
  let nodes = 0;
  for (let at = 0; at < items.length; at = nodeEnd(items, at, nodeBytesMax)) nodes += 1;
  sink.length(nodes);
  let at = 0;
  while (at < items.length) {
    const first = items[at]!;
    const end = nodeEnd(items, at, nodeBytesMax);
    if (first.length > nodeBytesMax) {
      sink.length(CONTAINER_PLAIN);
      sink.string(first);
    } else {
      sink.length(CONTAINER_PACKED);
      for (let index = at; index < end; index += 1) builder.append(items[index]!);
      sink.packed(builder.finish());
    }
    at = end;
  }
}

function nodeEnd(items: readonly string[], start: number, nodeBytesMax: number): number {
  let bytes = items[start]!.length + LISTPACK_ENTRY_OVERHEAD_MAX;
  let end = start + 1;
  if (items[start]!.length > nodeBytesMax) return end;
  while (end < items.length) {
    bytes += items[end]!.length + LISTPACK_ENTRY_OVERHEAD_MAX;
    if (bytes > nodeBytesMax) break;
    end += 1;
  }
  return end;
}
