/**
 * Listpack: the packed sequence of strings and integers inside hashes, sorted sets, sets and list nodes since 7.0.
 *
 * Decoding trusts nothing: every length is checked against the bytes there are, every backward length against the
 * entry it closes, the count and the total against the header [redis listpack.c lpValidateIntegrity]. Integers come
 * out as Redis prints them. Limit on size: the 32-bit total in the header.
 */
import { largeInteger, smallInteger } from './integers.ts';
import { readLatin1, writeLatin1 } from './latin1.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { RdbError } from './rdb-error.ts';

const HEADER_BYTES = 6;
const END = 0xff;
/** A count in the header that means "count them yourself". */
const COUNT_UNKNOWN = 0xffff;
/** Header of a string entry, its backward length and the end byte, all at their largest. */
export const LISTPACK_ENTRY_OVERHEAD_MAX = 10;

/** The entries of the listpack that fills `bytes` from `start` to `end`. */
export function decodeListpack(bytes: Buffer, start: number, end: number): string[] {
  if (end - start < HEADER_BYTES + 1 || bytes.readUInt32LE(start) !== end - start) throw broken('its size');
  const count = bytes.readUInt16LE(start + 4);
  const entries: string[] = [];
  const last = end - 1;
  let at = start + HEADER_BYTES;
  while (at < last) {
    const size = entryBytes(bytes, at, last);
    const backAt = at + size;
    const backBytes = backLengthBytes(size);
    if (backAt + backBytes > last || !closes(bytes, backAt, backBytes, size)) throw broken('a backward length');
    if (entries.length === ELEMENTS_MAX)
      throw new RdbError('too-large', `a listpack of more than ${ELEMENTS_MAX} entries`);
    entries.push(entryText(bytes, at, backAt));
    at = backAt + backBytes;
  }
  if (bytes[last] !== END) throw broken('its end');
  if (count !== COUNT_UNKNOWN && count !== entries.length) throw broken('its count');
  return entries;
}

/** Bytes of the entry at `at` without its backward length; within `last`. */
function entryBytes(bytes: Buffer, at: number, last: number): number {
  const size = entryBytesClaimed(bytes, at, last);
  if (at + size > last) throw broken('an entry length');
  return size;
}

function entryBytesClaimed(bytes: Buffer, at: number, last: number): number {
  const head = bytes[at]!;
  if (head < 0x80) return 1;
  if (head < 0xc0) return 1 + (head & 0x3f);
  if (head < 0xe0) return 2;
  if (head < 0xf0) return at + 2 > last ? 2 : 2 + (((head & 0x0f) << 8) | bytes[at + 1]!);
  switch (head) {
    case 0xf0:
      return at + 5 > last ? 5 : 5 + bytes.readUInt32LE(at + 1);
    case 0xf1:
      return 3;
    case 0xf2:
      return 4;
    case 0xf3:
      return 5;
    case 0xf4:
      return 9;
    default:
      throw broken('an entry encoding');
  }
}

function entryText(bytes: Buffer, at: number, end: number): string {
  const head = bytes[at]!;
  if (head < 0x80) return String(head);
  if (head < 0xc0) return readLatin1(bytes, at + 1, end);
  if (head < 0xe0) {
    const raw = ((head & 0x1f) << 8) | bytes[at + 1]!;
    return String(raw < 0x1000 ? raw : raw - 0x2000);
  }
  if (head < 0xf0) return readLatin1(bytes, at + 2, end);
  switch (head) {
    case 0xf0:
      return readLatin1(bytes, at + 5, end);
    case 0xf1:
      return String(bytes.readInt16LE(at + 1));
    case 0xf2:
      return String(bytes.readIntLE(at + 1, 3));
    case 0xf3:
      return String(bytes.readInt32LE(at + 1));
    default:
      return bytes.readBigInt64LE(at + 1).toString();
  }
}

/** Redis's own borders, one short of what seven bits a byte would hold [redis listpack.c lpEncodeBacklen]. */
function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  if (size < 268435455) return 4;
  return 5;
}

/** Whether the backward length at `at` says `size`: seven bits a byte, highest first, all but the first marked. */
function closes(bytes: Buffer, at: number, count: number, size: number): boolean {
  let rest = size;
  for (let index = count - 1; index >= 0; index -= 1) {
    if (bytes[at + index] !== ((rest & 127) | (index > 0 ? 128 : 0))) return false;
    rest = Math.floor(rest / 128);
  }
  return true;
}

function broken(what: string): RdbError {
  return new RdbError('corrupt', `a listpack is wrong in ${what}`);
}

/** Builds one listpack after another in one growing Buffer. */
export class ListpackBuilder {
  #bytes = Buffer.allocUnsafe(1024);
  #used = HEADER_BYTES;
  #count = 0;

  append(text: string): void {
    this.#reserve(text.length + LISTPACK_ENTRY_OVERHEAD_MAX);
    const start = this.#used;
    const small = smallInteger(text);
    if (small !== null) this.#integer(small);
    else {
      const large = text.length > 15 ? largeInteger(text) : null;
      if (large !== null) this.#integer64(large);
      else this.#string(text);
    }
    const size = this.#used - start;
    const count = backLengthBytes(size);
    let rest = size;
    for (let index = count - 1; index >= 0; index -= 1) {
      this.#bytes[this.#used + index] = (rest & 127) | (index > 0 ? 128 : 0);
      rest = Math.floor(rest / 128);
    }
    this.#used += count;
    this.#count += 1;
  }

  /** Closes the listpack and starts the next one; the view is valid until then. */
  finish(): Buffer {
    this.#bytes[this.#used] = END;
    const size = this.#used + 1;
    this.#bytes.writeUInt32LE(size, 0);
    this.#bytes.writeUInt16LE(Math.min(this.#count, COUNT_UNKNOWN), 4);
    this.#used = HEADER_BYTES;
    this.#count = 0;
    return this.#bytes.subarray(0, size);
  }

  #string(text: string): void {
    const length = text.length;
    const bytes = this.#bytes;
    if (length < 64) {
      bytes[this.#used] = 0x80 | length;
      this.#used += 1;
    } else if (length < 4096) {
      bytes[this.#used] = 0xe0 | (length >>> 8);
      bytes[this.#used + 1] = length & 255;
      this.#used += 2;
    } else {
      bytes[this.#used] = 0xf0;
      bytes.writeUInt32LE(length, this.#used + 1);
      this.#used += 5;
    }
    writeLatin1(bytes, text, this.#used);
    this.#used += length;
  }

  #integer(value: number): void {
    const bytes = this.#bytes;
    const at = this.#used;
    if (value >= 0 && value <= 127) {
      bytes[at] = value;
      this.#used = at + 1;
    } else if (value >= -4096 && value <= 4095) {
      bytes[at] = 0xc0 | ((value >> 8) & 0x1f);
      bytes[at + 1] = value & 255;
      this.#used = at + 2;
    } else if (value >= -0x8000 && value <= 0x7fff) {
      bytes[at] = 0xf1;
      this.#used = bytes.writeInt16LE(value, at + 1);
    } else if (value >= -0x80_0000 && value <= 0x7f_ffff) {
      bytes[at] = 0xf2;
      this.#used = bytes.writeIntLE(value, at + 1, 3);
    } else if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
      bytes[at] = 0xf3;
      this.#used = bytes.writeInt32LE(value, at + 1);
    } else this.#integer64(BigInt(value));
  }

  #integer64(value: bigint): void {
    this.#bytes[this.#used] = 0xf4;
    this.#used = this.#bytes.writeBigInt64LE(value, this.#used + 1);
  }

  #reserve(more: number): void {
    // One byte is kept for the end.
    const wanted = this.#used + more + 1;
    if (wanted <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#used);
    this.#bytes = grown;
  }
}
