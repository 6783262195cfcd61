/**
 * A list value: a deque of chunks. Both ends are O(1), an index is O(n / CHUNK_MAX), an insertion in the middle O(CHUNK_MAX).
 *
 * The first chunk is filled from right to left, so that a push at the head moves nothing; `#skip` says where it begins.
 * `encoding` follows Redis 7.2: a list is a listpack until its bytes or entries exceed `list-max-listpack-size`, and becomes one
 * again at half of it. [redis t_list.c listTypeTryConversion, quicklist.c quicklistNodeExceedsLimit]
 * Simplified: Redis also asks that what is left lies in one quicklist node; here only its size counts.
 *
 * Border: indexes are in range and never negative, callers see to that.
 */

import { parseInteger } from '../commands/numbers.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { arrayBytes, Measured, stringBytes, VALUE_BYTES } from './memory.ts';

const CHUNK_MAX = 512;
const FIRST_HEAD_CHUNK = 8;
/** Even a node limited by entries holds no more bytes than this [redis quicklist.c SIZE_SAFETY_LIMIT]. */
const NODE_BYTES_SAFE = 8192;
const LISTPACK_FRAME_BYTES = 7;

export class ListValue extends Measured {
  readonly kind = 'list';
  #size: number;
  /** Never an empty chunk; no chunk at all when the list is empty. */
  #chunks: string[][];
  /** Unused places at the beginning of the first chunk. */
  #skip = 0;
  /** As many as a listpack of all items would take. */
  #bytes = LISTPACK_FRAME_BYTES;
  #packed = true;
  /** Memory of the items' texts. */
  #textBytes = 0;

  private constructor(chunks: string[][], size: number) {
    super();
    this.#chunks = chunks;
    this.#size = size;
  }

  /** An empty list: push at once, no empty list stays in a keyspace. */
  static empty(): ListValue {
    return new ListValue([], 0);
  }

  static from(items: readonly string[], limits: EncodingLimits): ListValue {
    const chunks: string[][] = [];
    for (let at = 0; at < items.length; at += CHUNK_MAX) chunks.push(items.slice(at, at + CHUNK_MAX));
    const list = new ListValue(chunks, items.length);
    for (const item of items) list.#count(item);
    list.#packed = !exceeds(limits.listNodeSize, list.#bytes, list.#size);
    return list;
  }

  clone(): ListValue {
    const copy = new ListValue(
      this.#chunks.map((chunk, i) => chunk.slice(i === 0 ? this.#skip : 0)),
      this.#size,
    );
    copy.#bytes = this.#bytes;
    copy.#textBytes = this.#textBytes;
    copy.#packed = this.#packed;
    return copy;
  }

  get size(): number {
    return this.#size;
  }

  override get memoryBytes(): number {
    return VALUE_BYTES + arrayBytes(this.#chunks.length) + arrayBytes(this.#size) + this.#textBytes;
  }

  /** As many as Redis would keep it in, each filled. */
  nodes({ listNodeSize }: EncodingLimits): number {
    if (listNodeSize < 0) return Math.ceil(this.#bytes / nodeBytes(listNodeSize));
    return Math.ceil(Math.max(this.#size / Math.max(listNodeSize, 1), this.#bytes / NODE_BYTES_SAFE));
  }

  get encoding(): 'listpack' | 'quicklist' {
    return this.#packed ? 'listpack' : 'quicklist';
  }

  /** To be called before words from `first` on are added: Redis decides once per command, by their plain lengths. */
  beforeGrowth(words: readonly string[], first: number, last: number, limits: EncodingLimits): void {
    if (!this.#packed) return;
    let bytes = this.#bytes;
    for (let i = first; i <= last; i++) bytes += words[i]!.length;
    this.#packed = !exceeds(limits.listNodeSize, bytes, this.#size + last - first + 1);
  }

  /** To be called after a command removed or replaced items. */
  afterShrinking(limits: EncodingLimits): void {
    if (this.#packed) return;
    const { listNodeSize } = limits;
    this.#packed =
      listNodeSize >= 0
        ? this.#bytes <= NODE_BYTES_SAFE && this.#size <= Math.max(listNodeSize, 1) >> 1
        : this.#bytes <= nodeBytes(listNodeSize) >> 1;
  }

  pushTail(item: string): void {
    if (this.#size === 0) this.#chunks = [[item]]; // a literal has no room to spare, unlike an array that was pushed to
    else {
      const chunk = this.#chunks[this.#chunks.length - 1]!;
      if (chunk.length >= CHUNK_MAX) this.#chunks.push([item]);
      else chunk.push(item);
    }
    this.#size++;
    this.#count(item);
  }

  pushHead(item: string): void {
    if (this.#size === 0) this.#chunks = [[item]];
    else {
      if (this.#skip === 0) {
        const room = Math.min(CHUNK_MAX, Math.max(FIRST_HEAD_CHUNK, this.#size));
        this.#chunks.unshift(Array<string>(room).fill(''));
        this.#skip = room;
      }
      this.#chunks[0]![--this.#skip] = item;
    }
    this.#size++;
    this.#count(item);
  }

  popHead(): string | undefined {
    if (this.#size === 0) return undefined;
    const chunk = this.#chunks[0]!;
    const item = chunk[this.#skip]!;
    chunk[this.#skip++] = ''; // or the place would keep the string alive
    if (this.#skip === chunk.length) this.#dropFirstChunk();
    this.#size--;
    this.#discount(item);
    return item;
  }

  popTail(): string | undefined {
    if (this.#size === 0) return undefined;
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last]!;
    const item = chunk.pop()!;
    if (last === 0) {
      if (chunk.length === this.#skip) this.#dropFirstChunk();
    } else if (chunk.length === 0) this.#chunks.pop();
    this.#size--;
    this.#discount(item);
    return item;
  }

  at(index: number): string | undefined {
    if (index < 0 || index >= this.#size) return undefined;
    const [chunk, offset] = this.#find(index);
    return this.#chunks[chunk]![offset];
  }

  setAt(index: number, item: string): void {
    const [at, offset] = this.#find(index);
    const chunk = this.#chunks[at]!;
    this.#discount(chunk[offset]!);
    this.#count(item);
    chunk[offset] = item;
  }

  /** Inserts before the item at `index`; at `size` it is a push. */
  insert(index: number, item: string): void {
    if (index === this.#size) {
      this.pushTail(item);
      return;
    }
    if (index === 0) {
      this.pushHead(item);
      return;
    }
    const [at, offset] = this.#find(index);
    const chunk = this.#chunks[at]!;
    chunk.splice(offset, 0, item);
    if (chunk.length > CHUNK_MAX) {
      if (at === 0 && this.#skip > 0) {
        chunk.splice(0, this.#skip);
        this.#skip = 0;
      } else this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_MAX >> 1));
    }
    this.#size++;
    this.#count(item);
  }

  /** Keeps the items from `start` to `end`, both included; `end` below `start` empties the list. */
  trim(start: number, end: number): void {
    if (end < start) {
      this.#reset([]);
      return;
    }
    for (let left = this.#size - 1 - end; left > 0; left--) this.popTail();
    for (let left = start; left > 0; left--) this.popHead();
  }

  /** Removes the first `count` items equal to `item`, the last ones when `count` is negative, all when it is 0. Returns how many. */
  removeEqual(item: string, count: number): number {
    const most = count === 0 ? Infinity : Math.abs(count);
    const backwards = count < 0;
    const cut: number[] = [];
    let index = backwards ? this.#size - 1 : 0;
    for (const each of backwards ? this.reversed() : this) {
      if (each === item) {
        cut.push(index);
        if (cut.length === most) break;
      }
      index += backwards ? -1 : 1;
    }
    if (cut.length === 0) return 0;
    if (cut.length === 1) this.#removeAt(cut[0]!);
    else {
      if (backwards) cut.reverse();
      this.#removeAll(cut);
    }
    return cut.length;
  }

  /** Index of the first item equal to this one, -1 when there is none. */
  indexOf(item: string): number {
    let before = -this.#skip;
    for (let at = 0; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      const offset = chunk.indexOf(item, at === 0 ? this.#skip : 0);
      if (offset >= 0) return before + offset;
      before += chunk.length;
    }
    return -1;
  }

  /** Items from `start` to `end`, both included and in range. */
  slice(start: number, end: number): string[] {
    let left = end - start + 1;
    if (left <= 0) return [];
    let [at, offset] = this.#find(start);
    const first = this.#chunks[at]!;
    const items = first.slice(offset, offset + left);
    left -= items.length;
    for (at++; left > 0; at++) {
      const chunk = this.#chunks[at]!;
      const taken = Math.min(left, chunk.length);
      for (offset = 0; offset < taken; offset++) items.push(chunk[offset]!);
      left -= taken;
    }
    return items;
  }

  *[Symbol.iterator](): IterableIterator<string> {
    for (let at = 0; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      for (let i = at === 0 ? this.#skip : 0; i < chunk.length; i++) yield chunk[i]!;
    }
  }

  /** From the tail to the head. */
  *reversed(): IterableIterator<string> {
    for (let at = this.#chunks.length - 1; at >= 0; at--) {
      const chunk = this.#chunks[at]!;
      const from = at === 0 ? this.#skip : 0;
      for (let i = chunk.length - 1; i >= from; i--) yield chunk[i]!;
    }
  }

  /** Chunk and offset of an index in range, walking from the nearer end. */
  #find(index: number): [chunk: number, offset: number] {
    if (index <= this.#size >> 1) {
      let offset = index + this.#skip;
      let at = 0;
      while (offset >= this.#chunks[at]!.length) offset -= this.#chunks[at++]!.length;
      return [at, offset];
    }
    let at = this.#chunks.length - 1;
    let behind = this.#size - index;
    while (behind > this.#chunks[at]!.length) behind -= this.#chunks[at--]!.length;
    return [at, this.#chunks[at]!.length - behind];
  }

  #removeAt(index: number): void {
    if (index === 0) {
      this.popHead();
      return;
    }
    const [at, offset] = this.#find(index);
    const chunk = this.#chunks[at]!;
    const [item] = chunk.splice(offset, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    this.#size--;
    this.#discount(item!);
    this.#joinSmall(at);
    this.#joinSmall(at - 1);
  }

  /** Indexes go up. What stays is packed anew into full chunks. */
  #removeAll(cut: readonly number[]): void {
    const kept: string[] = [];
    let index = 0;
    let next = 0;
    for (const item of this) {
      if (index++ === cut[next]) next++;
      else kept.push(item);
    }
    this.#reset(kept);
  }

  /** Joins a chunk with the next one when removals made them small: an index must not cost a step per item. */
  #joinSmall(at: number): void {
    if (at < 1 || at + 1 >= this.#chunks.length) return;
    const chunk = this.#chunks[at]!;
    const after = this.#chunks[at + 1]!;
    if (chunk.length + after.length > CHUNK_MAX >> 1) return;
    chunk.push(...after);
    this.#chunks.splice(at + 1, 1);
  }

  #reset(items: readonly string[]): void {
    this.#chunks = [];
    this.#skip = 0;
    this.#size = 0;
    this.#bytes = LISTPACK_FRAME_BYTES;
    this.#textBytes = 0;
    for (const item of items) this.pushTail(item);
  }

  #count(item: string): void {
    this.#bytes += listpackEntryBytes(item);
    this.#textBytes += stringBytes(item.length);
  }

  #discount(item: string): void {
    this.#bytes -= listpackEntryBytes(item);
    this.#textBytes -= stringBytes(item.length);
  }

  #dropFirstChunk(): void {
    this.#chunks.shift();
    this.#skip = 0;
  }
}

function exceeds(listNodeSize: number, bytes: number, entries: number): boolean {
  if (listNodeSize < 0) return bytes > nodeBytes(listNodeSize);
  return bytes > NODE_BYTES_SAFE || entries > Math.max(listNodeSize, 1);
}

/** -1 … -5: 4 to 64 KiB. */
const nodeBytes = (listNodeSize: number): number => 2048 << Math.min(-listNodeSize, 5);

/** The same for a number; one that is not exact is so large that it does not matter. */
export function listpackIntegerBytes(value: number): number {
  if (value >= 0 && value <= 127) return 2;
  if (value >= -4096 && value < 4096) return 3;
  if (value >= -32768 && value < 32768) return 4;
  if (value >= -8388608 && value < 8388608) return 5;
  return value >= -2147483648 && value < 2147483648 ? 6 : 10;
}

/** Bytes of one listpack entry: its encoding, and its length again for the way back. [redis listpack.c lpEncodeGetType] */
export function listpackEntryBytes(item: string): number {
  const { length } = item;
  if (length <= 20) {
    const value = parseInteger(item);
    return value === null ? length + 2 : listpackIntegerBytes(value);
  }
  const body = length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
  return body + (body < 128 ? 1 : body < 16_383 ? 2 : body < 2_097_151 ? 3 : body < 268_435_455 ? 4 : 5);
}
