/**
 * A stream value: entries in the order of their ids, in nodes filled as Redis fills its own, so that approximate trimming takes
 * away the same ones. Appending is O(1), an id is found in O(log n). [redis t_stream.c streamAppendItem, streamTrim]
 *
 * An id is one bigint, milliseconds * 2^64 + sequence. Border: which ids are allowed is the command's matter, consumer groups are
 * `stream-groups.ts`; an empty stream may stay.
 */

import type { RdbStream, RdbStreamEntry } from '../../rdb/stream.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { listpackEntryBytes, listpackIntegerBytes } from './list.ts';
import { arrayBytes, Measured, stringBytes, VALUE_BYTES } from './memory.ts';
import { firstPlace } from './pending-entries.ts';
import { ConsumerGroups } from './stream-groups.ts';

interface Node {
  /** Its first entry ever: others are told by their distance to it. */
  readonly base: RdbStreamEntry;
  entries: RdbStreamEntry[];
  /** Places of entries that were deleted. */
  deleted: number;
  /** As many as Redis's listpack takes. */
  bytes: number;
}

export interface Trim {
  readonly by: 'MAXLEN' | 'MINID';
  /** Entries to keep, or the first id to keep. */
  readonly threshold: bigint;
  readonly isApproximate: boolean;
  /** Most entries that are removed; 0: no limit. */
  readonly limit: number;
}

export const ID_END = 1n << 128n;
const LISTPACK_FRAME_BYTES = 7;
/** An id, and the entry's object. */
const ENTRY_BYTES = 72;
/** [redis t_stream.c STREAM_LISTPACK_MAX_SIZE] */
const NODE_BYTES_MAX = 1 << 30;

export class StreamValue extends Measured {
  readonly kind = 'stream';
  readonly encoding = 'stream';
  #nodes: Node[] = [];
  #size = 0;
  #textBytes = 0;
  lastId = 0n;
  maxDeletedId = 0n;
  entriesAdded = 0n;
  groups = new ConsumerGroups();

  static from(rdb: RdbStream, limits: EncodingLimits): StreamValue {
    const stream = new StreamValue();
    for (const { id, pairs } of rdb.entries) stream.append(id, pairs, limits);
    stream.#remember(rdb);
    stream.groups = ConsumerGroups.from(rdb.groups);
    return stream;
  }

  clone(): StreamValue {
    const copy = new StreamValue();
    copy.#nodes = this.#nodes.map((node) => ({ ...node, entries: node.entries.slice() }));
    copy.#size = this.#size;
    copy.#textBytes = this.#textBytes;
    copy.#remember(this);
    copy.groups = ConsumerGroups.from(this.groups.toRdb());
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  /** The id under which Redis keeps each of its nodes. */
  get nodeIds(): bigint[] {
    return this.#nodes.map(({ base }) => base.id);
  }

  /** Null when it is empty. */
  get firstId(): bigint | null {
    return this.#nodes[0]?.entries[0]!.id ?? null;
  }

  get entryLast(): RdbStreamEntry | undefined {
    return this.#nodes.at(-1)?.entries.at(-1);
  }

  override get memoryBytes(): number {
    const entries = arrayBytes(this.#nodes.length) + this.#size * ENTRY_BYTES + this.#textBytes;
    return VALUE_BYTES + entries + this.groups.memoryBytes;
  }

  toRdb(): RdbStream {
    const { lastId, maxDeletedId, entriesAdded } = this;
    return {
      kind: 'stream',
      entries: this.#nodes.flatMap((node) => node.entries),
      lastId,
      maxDeletedId,
      entriesAdded,
      groups: this.groups.toRdb(),
    };
  }

  /** `id` is beyond the last one. */
  append(id: bigint, pairs: readonly string[], limits: EncodingLimits): void {
    const entry = { id, pairs };
    let node = this.#nodes.at(-1);
    if (node === undefined || isFull(node, pairs, limits)) {
      node = { base: entry, entries: [], deleted: 0, bytes: masterBytes(pairs) };
      this.#nodes.push(node);
    }
    node.entries.push(entry);
    node.bytes += entryBytes(node.base, entry);
    this.#size++;
    this.#textBytes += textBytes(entry);
    this.lastId = id;
    this.entriesAdded++;
  }

  get(id: bigint): RdbStreamEntry | undefined {
    return this.range(id, id, 1)[0];
  }

  /** Entries with ids from `start` to `end`, both included, `count` at most. */
  range(start: bigint, end: bigint, count: number): RdbStreamEntry[] {
    const found: RdbStreamEntry[] = [];
    for (let at = this.#nodeFor(start); at < this.#nodes.length; at++) {
      const { entries } = this.#nodes[at]!;
      for (let i = found.length === 0 ? placeOf(entries, start) : 0; i < entries.length; i++) {
        if (entries[i]!.id > end || found.length >= count) return found;
        found.push(entries[i]!);
      }
    }
    return found;
  }

  /** The same from the end. */
  rangeBackwards(start: bigint, end: bigint, count: number): RdbStreamEntry[] {
    const found: RdbStreamEntry[] = [];
    for (let at = this.#nodeFor(end + 1n); at >= 0; at--) {
      const entries = this.#nodes[at]?.entries ?? [];
      for (let i = (found.length === 0 ? placeOf(entries, end + 1n) : entries.length) - 1; i >= 0; i--) {
        if (entries[i]!.id < start || found.length >= count) return found;
        found.push(entries[i]!);
      }
    }
    return found;
  }

  delete(id: bigint): boolean {
    const at = this.#nodeFor(id);
    const node = this.#nodes[at];
    if (node === undefined) return false;
    const place = placeOf(node.entries, id);
    const entry = node.entries[place];
    if (entry?.id !== id) return false;
    node.entries.splice(place, 1);
    node.deleted++;
    if (node.entries.length === 0) this.#nodes.splice(at, 1);
    this.#size--;
    this.#textBytes -= textBytes(entry);
    if (id > this.maxDeletedId) this.maxDeletedId = id;
    return true;
  }

  /** Removes the oldest entries; how many. Whole nodes only, when it is approximate. */
  trim({ by, threshold, isApproximate, limit }: Trim): number {
    let removed = 0;
    let wholeNodes = 0;
    for (const node of this.#nodes) {
      const { entries } = node;
      if (limit > 0 && removed + entries.length > limit) break;
      const excess = by === 'MAXLEN' ? BigInt(this.#size - removed) - threshold : BigInt(placeOf(entries, threshold));
      if (excess <= 0n) break;
      if (excess >= BigInt(entries.length)) {
        wholeNodes++;
        removed += this.#forget(entries);
        continue;
      }
      if (isApproximate) break;
      const gone = entries.splice(0, Number(excess));
      node.deleted += gone.length;
      removed += this.#forget(gone);
      break;
    }
    this.#nodes.splice(0, wholeNodes);
    this.#size -= removed;
    return removed;
  }

  #forget(entries: readonly RdbStreamEntry[]): number {
    for (const entry of entries) this.#textBytes -= textBytes(entry);
    return entries.length;
  }

  #remember({ lastId, maxDeletedId, entriesAdded }: Omit<RdbStream, 'kind' | 'entries' | 'groups'>): void {
    this.lastId = lastId;
    this.maxDeletedId = maxDeletedId;
    this.entriesAdded = entriesAdded;
  }

  /** The first node that ends at `id` or later. */
  #nodeFor(id: bigint): number {
    return firstPlace(this.#nodes.length, (at) => this.#nodes[at]!.entries.at(-1)!.id >= id);
  }
}

const placeOf = (entries: readonly RdbStreamEntry[], id: bigint): number =>
  firstPlace(entries.length, (at) => entries[at]!.id >= id);

function textBytes({ pairs }: RdbStreamEntry): number {
  let bytes = arrayBytes(pairs.length);
  for (const word of pairs) bytes += stringBytes(word.length);
  return bytes;
}

function isFull(node: Node, pairs: readonly string[], { streamNodeBytes, streamNodeEntries }: EncodingLimits): boolean {
  const bytesMax = streamNodeBytes === 0 ? NODE_BYTES_MAX : Math.min(streamNodeBytes, NODE_BYTES_MAX);
  let more = 0;
  for (const word of pairs) more += word.length;
  if (node.bytes + more >= bytesMax) return true;
  return streamNodeEntries > 0 && node.entries.length + node.deleted >= streamNodeEntries;
}

function masterBytes(pairs: readonly string[]): number {
  // Two counts, which take two bytes each while they are small, the number of fields, the fields, and a zero
  let bytes = LISTPACK_FRAME_BYTES + 6 + listpackIntegerBytes(pairs.length / 2);
  for (let i = 0; i < pairs.length; i += 2) bytes += listpackEntryBytes(pairs[i]!);
  return bytes;
}

function entryBytes(base: RdbStreamEntry, { id, pairs }: RdbStreamEntry): number {
  const isSame = hasSameFields(base.pairs, pairs);
  // Both parts of the id are kept as what they differ by
  const milliseconds = Number(BigInt.asIntN(64, (id >> 64n) - (base.id >> 64n)));
  const sequence = Number(BigInt.asIntN(64, id - base.id));
  let bytes = 2 + listpackIntegerBytes(milliseconds) + listpackIntegerBytes(sequence);
  if (!isSame) bytes += listpackIntegerBytes(pairs.length / 2);
  for (let i = isSame ? 1 : 0; i < pairs.length; i += isSame ? 2 : 1) bytes += listpackEntryBytes(pairs[i]!);
  return bytes + listpackIntegerBytes(isSame ? pairs.length / 2 + 3 : pairs.length + 4);
}

function hasSameFields(base: readonly string[], pairs: readonly string[]): boolean {
  if (base.length !== pairs.length) return false;
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] !== base[i]) return false;
  return true;
}
