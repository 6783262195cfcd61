/**
 * A stream value: entries in the order of their ids, in nodes filled as Redis fills its own, so that approximate trimming takes
 * away the same ones. Appending is O(1), an id is found in O(log n). [redis t_stream.c streamAppendItem, streamTrim]
 *
 * An id is one bigint, milliseconds * 2^64 + sequence. Border: which ids are allowed is the command's matter, consumer groups are
 * `stream-groups.ts`; an empty stream may stay.
 */

import type { RdbStream, RdbStreamEntry } from '../../rdb/stream.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { arrayBytes, Measured, VALUE_BYTES } from './memory.ts';
import { firstPlace } from './pending-entries.ts';
import { ConsumerGroups } from './stream-groups.ts';
import { StreamNode } from './stream-node.ts';

export interface Trim {
  readonly by: 'MAXLEN' | 'MINID';
  /** Entries to keep, or the first id to keep. */
  readonly threshold: bigint;
  readonly isApproximate: boolean;
  /** Most entries that are removed; 0: no limit. */
  readonly limit: number;
}

export const ID_END = 1n << 128n;

export class StreamValue extends Measured {
  readonly kind = 'stream';
  readonly encoding = 'stream';
  #nodes: StreamNode[] = [];
  #size = 0;
  #nodeBytes = 0;
  lastId = 0n;
  maxDeletedId = 0n;
  entriesAdded = 0n;
  groups = new ConsumerGroups();

  static from(rdb: RdbStream, limits: EncodingLimits): StreamValue {
    const stream = new StreamValue();
    for (const { id, pairs } of rdb.entries) stream.append(id, pairs, 0, limits);
    stream.#remember(rdb);
    stream.groups = ConsumerGroups.from(rdb.groups);
    return stream;
  }

  clone(): StreamValue {
    const copy = new StreamValue();
    copy.#nodes = this.#nodes.map((node) => node.clone());
    copy.#size = this.#size;
    copy.#nodeBytes = this.#nodeBytes;
    copy.#remember(this);
    copy.groups = ConsumerGroups.from(this.groups.toRdb());
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  /** The id under which Redis keeps each of its nodes. */
  get nodeIds(): bigint[] {
    return this.#nodes.map(({ base }) => base);
  }

  /** Null when it is empty. */
  get firstId(): bigint | null {
    return this.#nodes[0]?.firstId ?? null;
  }

  /** Of the entries that are there; null when it is empty. */
  get topId(): bigint | null {
    return this.#nodes[this.#nodes.length - 1]?.lastId ?? null;
  }

  override get memoryBytes(): number {
    return VALUE_BYTES + arrayBytes(this.#nodes.length) + this.#nodeBytes + this.groups.memoryBytes;
  }

  toRdb(): RdbStream {
    const { lastId, maxDeletedId, entriesAdded } = this;
    return {
      kind: 'stream',
      entries: this.range(0n, ID_END, Infinity),
      lastId,
      maxDeletedId,
      entriesAdded,
      groups: this.groups.toRdb(),
    };
  }

  /** `id` is beyond the last one; fields and values begin at `from`. */
  append(id: bigint, words: readonly string[], from: number, limits: EncodingLimits): void {
    let node = this.#nodes[this.#nodes.length - 1];
    if (node === undefined || node.isFullFor(words, from, limits)) {
      node = new StreamNode(id, words, from);
      this.#nodes.push(node);
      this.#nodeBytes += node.ownBytes;
    }
    this.#nodeBytes += node.push(id, words, from);
    this.#size++;
    this.lastId = id;
    this.entriesAdded++;
  }

  get(id: bigint): RdbStreamEntry | undefined {
    return this.range(id, id, 1)[0];
  }

  /** Entries with ids from `start` to `end`, both included, `count` at most. */
  range(start: bigint, end: bigint, count: number): RdbStreamEntry[] {
    const found: RdbStreamEntry[] = [];
    const first = this.#nodeFor(start);
    for (let at = first; at < this.#nodes.length; at++) {
      const node = this.#nodes[at]!;
      const { size } = node;
      for (let place = at === first ? node.placeOf(start) : 0; place < size; place++) {
        if (found.length >= count || node.idAt(place) > end) return found;
        found.push(node.entryAt(place));
      }
    }
    return found;
  }

  /** The same from the end. */
  rangeBackwards(start: bigint, end: bigint, count: number): RdbStreamEntry[] {
    const found: RdbStreamEntry[] = [];
    const last = Math.min(this.#nodeFor(end + 1n), this.#nodes.length - 1);
    for (let at = last; at >= 0; at--) {
      const node = this.#nodes[at]!;
      for (let place = (at === last ? node.placeOf(end + 1n) : node.size) - 1; place >= 0; place--) {
        if (found.length >= count || node.idAt(place) < start) return found;
        found.push(node.entryAt(place));
      }
    }
    return found;
  }

  delete(id: bigint): boolean {
    const at = this.#nodeFor(id);
    const node = this.#nodes[at];
    if (node === undefined) return false;
    const place = node.placeOf(id);
    if (node.idAt(place) !== id) return false;
    this.#nodeBytes -= node.remove(place, 1);
    if (node.size === 0) this.#dropNodes(at, 1);
    this.#size--;
    if (id > this.maxDeletedId) this.maxDeletedId = id;
    return true;
  }

  /** Removes the oldest entries; how many. Whole nodes only, when it is approximate. */
  trim({ by, threshold, isApproximate, limit }: Trim): number {
    let removed = 0;
    let wholeNodes = 0;
    for (const node of this.#nodes) {
      const { size } = node;
      if (limit > 0 && removed + size > limit) break;
      const excess = by === 'MAXLEN' ? BigInt(this.#size - removed) - threshold : BigInt(node.placeOf(threshold));
      if (excess <= 0n) break;
      const isWhole = excess >= BigInt(size);
      if (!isWhole && isApproximate) break;
      const count = isWhole ? size : Number(excess);
      this.#nodeBytes -= node.remove(0, count);
      removed += count;
      if (!isWhole) break;
      wholeNodes++;
    }
    this.#dropNodes(0, wholeNodes);
    this.#size -= removed;
    return removed;
  }

  #dropNodes(from: number, count: number): void {
    for (const node of this.#nodes.splice(from, count)) this.#nodeBytes -= node.ownBytes;
  }

  #remember({ lastId, maxDeletedId, entriesAdded }: Omit<RdbStream, 'kind' | 'entries' | 'groups'>): void {
    this.lastId = lastId;
    this.maxDeletedId = maxDeletedId;
    this.entriesAdded = entriesAdded;
  }

  /** The first node that ends at `id` or later. */
  #nodeFor(id: bigint): number {
    return firstPlace(this.#nodes.length, (at) => this.#nodes[at]!.lastId >= id);
  }
}
