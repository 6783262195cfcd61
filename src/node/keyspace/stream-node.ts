/**
 * A node of a stream: up to some hundred entries in one array, as Redis keeps them in one listpack. An entry is two distances from
 * the node's first id and its values; field names are kept once, as long as entries have the same.
 *
 * Why: an object, an id and an array for each entry would live long and be copied by the garbage collector. Entries are made when
 * they are asked for. Border: when a node is full is told here, what a stream does then is `stream.ts`. [redis t_stream.c streamAppendItem]
 */

import type { RdbStreamEntry } from '../../rdb/stream.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { listpackEntryBytes, listpackIntegerBytes } from './list.ts';
import { arrayBytes, stringBytes } from './memory.ts';

/** Part of an id, or what it differs by: a bigint where no number is exact. */
type Part = number | bigint;
/** Field and value, field and value: of an entry with fields of its own. */
type Pairs = readonly string[];

/** Entries with more fields than this do not share them: each other one would leave so many places empty. */
const SHARED_FIELDS_MAX = 16;
/** Places before the values of an entry: by how much the parts of its id differ. */
const ID_PLACES = 2;
const LISTPACK_FRAME_BYTES = 7;
/** [redis t_stream.c STREAM_LISTPACK_MAX_SIZE] */
const NODE_BYTES_MAX = 1 << 30;
/** A place, and its share of the room to grow. */
const SLOT_BYTES = 10;
/** Its object, and those of its arrays. */
const NODE_BYTES = 220;

const partOf = (value: bigint): Part =>
  value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;

const millisecondsOf = (id: bigint): Part => partOf(id >> 64n);
const sequenceOf = (id: bigint): Part => partOf(BigInt.asUintN(64, id));

/** Two safe numbers that are not negative differ by a safe one. */
const distance = (part: Part, base: Part): Part =>
  typeof part === 'number' && typeof base === 'number' ? part - base : partOf(BigInt(part) - BigInt(base));

export class StreamNode {
  /** The first id that it ever had: Redis keeps it under this one. */
  readonly base: bigint;
  /** Places of entries that were deleted. */
  deleted = 0;
  /** As many as Redis's listpack takes. */
  bytes: number;
  /** The memory that it takes without its entries. */
  readonly ownBytes: number;
  readonly #milliseconds: Part;
  readonly #sequence: Part;
  readonly #fields: readonly string[];
  /** Places that an entry takes. */
  readonly #stride: number;
  #slots: (Part | string | Pairs)[] = [];

  /** For an entry that is about to be added, whose fields and values begin at `from`. */
  constructor(id: bigint, words: readonly string[], from: number) {
    this.base = id;
    this.#milliseconds = millisecondsOf(id);
    this.#sequence = sequenceOf(id);
    const count = (words.length - from) / 2;
    this.#fields = Array.from({ length: count }, (_, i) => words[from + i * 2]!);
    this.#stride = ID_PLACES + (count <= SHARED_FIELDS_MAX ? count : 1);
    // Two counts, which take two bytes each while they are small, the number of fields, the fields, and a zero
    this.bytes = LISTPACK_FRAME_BYTES + 6 + listpackIntegerBytes(count);
    let ownBytes = NODE_BYTES;
    for (const field of this.#fields) {
      this.bytes += listpackEntryBytes(field);
      ownBytes += SLOT_BYTES + stringBytes(field.length);
    }
    this.ownBytes = ownBytes;
  }

  clone(): StreamNode {
    const copy = new StreamNode(
      this.base,
      this.#fields.flatMap((field) => [field, '']),
      0,
    );
    copy.deleted = this.deleted;
    copy.bytes = this.bytes;
    copy.#slots = this.#slots.slice();
    return copy;
  }

  get size(): number {
    return this.#slots.length / this.#stride;
  }

  get firstId(): bigint {
    return this.idAt(0);
  }

  get lastId(): bigint {
    return this.idAt(this.size - 1);
  }

  /** Whether the entry must go to a new node. */
  isFullFor(words: readonly string[], from: number, { streamNodeBytes, streamNodeEntries }: EncodingLimits): boolean {
    const bytesMax = streamNodeBytes === 0 ? NODE_BYTES_MAX : Math.min(streamNodeBytes, NODE_BYTES_MAX);
    let bytes = this.bytes;
    for (let i = from; i < words.length; i++) bytes += words[i]!.length;
    if (bytes >= bytesMax) return true;
    return streamNodeEntries > 0 && this.size + this.deleted >= streamNodeEntries;
  }

  /** Returns the memory that it takes. */
  push(id: bigint, words: readonly string[], from: number): number {
    const milliseconds = distance(millisecondsOf(id), this.#milliseconds);
    const sequence = distance(sequenceOf(id), this.#sequence);
    const hasSame = this.#hasSameFields(words, from);
    const first = this.#slots.length;
    this.#slots.push(milliseconds, sequence);
    if (hasSame && this.#isShared) for (let i = from + 1; i < words.length; i += 2) this.#slots.push(words[i]!);
    else {
      this.#slots.push(words.slice(from));
      for (let i = ID_PLACES + 1; i < this.#stride; i++) this.#slots.push('');
    }
    this.bytes += entryBytes(milliseconds, sequence, words, from, hasSame);
    return this.#memoryFrom(first);
  }

  idAt(place: number): bigint {
    const at = place * this.#stride;
    const [milliseconds, sequence] = [this.#slots[at] as Part, this.#slots[at + 1] as Part];
    if (milliseconds === 0 && sequence === 0) return this.base;
    return ((BigInt(this.#milliseconds) + BigInt(milliseconds)) << 64n) + BigInt(this.#sequence) + BigInt(sequence);
  }

  entryAt(place: number): RdbStreamEntry {
    const at = place * this.#stride + ID_PLACES;
    const first = this.#slots[at] as string | Pairs;
    if (typeof first !== 'string') return { id: this.idAt(place), pairs: first };
    const pairs: string[] = [];
    for (let i = 0; i < this.#fields.length; i++) pairs.push(this.#fields[i]!, this.#slots[at + i] as string);
    return { id: this.idAt(place), pairs };
  }

  /** Place of the first entry whose id is not smaller; `size` when there is none. */
  placeOf(id: bigint): number {
    const milliseconds = distance(millisecondsOf(id), this.#milliseconds);
    const sequence = distance(sequenceOf(id), this.#sequence);
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = middle * this.#stride;
      const here = this.#slots[at] as Part;
      const isBefore = here < milliseconds || (!(here > milliseconds) && (this.#slots[at + 1] as Part) < sequence);
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Removes `count` entries from a place on; returns the memory they took. */
  remove(place: number, count: number): number {
    const [from, length] = [place * this.#stride, count * this.#stride];
    const bytes = this.#memoryFrom(from, from + length);
    this.#slots.splice(from, length);
    this.deleted += count;
    return bytes;
  }

  get #isShared(): boolean {
    return this.#stride === ID_PLACES + this.#fields.length;
  }

  #hasSameFields(words: readonly string[], from: number): boolean {
    const fields = this.#fields;
    if (words.length - from !== fields.length * 2) return false;
    for (let i = 0; i < fields.length; i++) if (words[from + i * 2] !== fields[i]) return false;
    return true;
  }

  #memoryFrom(from: number, to = this.#slots.length): number {
    let bytes = (to - from) * SLOT_BYTES;
    for (let i = from; i < to; i++) {
      const slot = this.#slots[i]!;
      if (typeof slot === 'string') bytes += stringBytes(slot.length);
      else if (typeof slot === 'object') {
        bytes += arrayBytes(slot.length);
        for (const word of slot) bytes += stringBytes(word.length);
      }
    }
    return bytes;
  }
}

/** The entry's own part of the listpack. */
function entryBytes(
  milliseconds: Part,
  sequence: Part,
  words: readonly string[],
  from: number,
  hasSame: boolean,
): number {
  const count = (words.length - from) / 2;
  let bytes = 2 + listpackIntegerBytes(Number(milliseconds)) + listpackIntegerBytes(Number(sequence));
  if (!hasSame) bytes += listpackIntegerBytes(count);
  for (let i = hasSame ? from + 1 : from; i < words.length; i += hasSame ? 2 : 1)
    bytes += listpackEntryBytes(words[i]!);
  return bytes + listpackIntegerBytes(hasSame ? count + 3 : count * 2 + 4);
}
