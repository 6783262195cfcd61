/**
 * Where an encoder writes: fills chunks, hands each over once, and keeps the checksum of everything written.
 *
 * A chunk given to `emit` belongs to the receiver. Chunks are at most CHUNK_BYTES, except that a string that is tried
 * for compression may make one a little shorter than it could be. `expectedBytes` only sizes the first chunk.
 */
import { Crc64, CRC64_BYTES } from './crc64.ts';
import { smallInteger } from './integers.ts';
import { writeLatin1 } from './latin1.ts';
import { compressLzf } from './lzf.ts';

const CHUNK_BYTES = 64 * 1024;
const CHUNK_BYTES_MIN = 512;
/** Redis does not try shorter strings either, and asks that four bytes are saved [redis rdb.c rdbSaveRawString]. */
const LZF_BYTES_MIN = 21;
const LZF_SAVED_MIN = 4;
/** Beyond this a string is written as it is: compressing it would hold up everybody else for milliseconds. */
const LZF_BYTES_MAX = 256 * 1024;
/** Longest of Redis's integers kept as numbers: eleven chars, "-2147483648". */
const INTEGER_CHARS_MAX = 11;
const LENGTH_BYTES_MAX = 9;

const compressed = Buffer.allocUnsafeSlow(LZF_BYTES_MAX);

export class ByteSink {
  readonly #emit: (chunk: Buffer) => void;
  readonly #compress: boolean;
  readonly #checksum = new Crc64();
  #chunk: Buffer;
  #used = 0;
  #chunkBytes: number;
  #bytesEmitted = 0;

  constructor(emit: (chunk: Buffer) => void, options: { readonly compress: boolean; readonly expectedBytes?: number }) {
    this.#emit = emit;
    this.#compress = options.compress;
    this.#chunkBytes = Math.max(CHUNK_BYTES_MIN, Math.min(CHUNK_BYTES, options.expectedBytes ?? CHUNK_BYTES));
    this.#chunk = Buffer.allocUnsafe(this.#chunkBytes);
  }

  get bytesWritten(): number {
    return this.#bytesEmitted + this.#used;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#chunk[this.#used] = value;
    this.#used += 1;
  }

  /** Up to 53 bits, in the shortest form [redis rdb.c rdbSaveLen]. */
  length(value: number): void {
    this.#reserve(LENGTH_BYTES_MAX);
    const chunk = this.#chunk;
    const at = this.#used;
    if (value < 0x40) {
      chunk[at] = value;
      this.#used = at + 1;
    } else if (value < 0x4000) {
      chunk[at] = 0x40 | (value >>> 8);
      chunk[at + 1] = value & 255;
      this.#used = at + 2;
    } else if (value <= 0xffff_ffff) {
      chunk[at] = 0x80;
      this.#used = chunk.writeUInt32BE(value, at + 1);
    } else {
      chunk[at] = 0x81;
      chunk.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at + 1);
      this.#used = chunk.writeUInt32BE(value % 0x1_0000_0000, at + 5);
    }
  }

  /** A length of all 64 bits. */
  word(value: bigint): void {
    if (value <= 0xffff_ffffn) {
      this.length(Number(value));
      return;
    }
    this.#reserve(LENGTH_BYTES_MAX);
    this.#chunk[this.#used] = 0x81;
    this.#used = this.#chunk.writeBigUInt64BE(value, this.#used + 1);
  }

  /** A whole number of 64 bits, little-endian; one beyond them (from a double's rounding) becomes the largest. */
  integer64(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / 0x1_0000_0000);
    const fits = high <= 0x7fff_ffff;
    const at = this.#chunk.writeUInt32LE(fits ? value - high * 0x1_0000_0000 : 0xffff_ffff, this.#used);
    this.#used = this.#chunk.writeInt32LE(fits ? high : 0x7fff_ffff, at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#used = this.#chunk.writeDoubleLE(value, this.#used);
  }

  /** A string in the form that saves most: as a number, compressed, or as it is. */
  string(text: string): void {
    const length = text.length;
    if (length <= INTEGER_CHARS_MAX && this.#integerString(text)) return;
    if (this.#compress && length >= LZF_BYTES_MIN && length <= LZF_BYTES_MAX) {
      this.#compressible(text);
      return;
    }
    this.length(length);
    this.#text(text);
  }

  /** A string given as bytes, never kept as a number: a packed structure. */
  packed(bytes: Buffer): void {
    const length = bytes.length;
    if (this.#compress && length >= LZF_BYTES_MIN && length <= LZF_BYTES_MAX) {
      const room = compressLzf(bytes, 0, length, compressed, length - LZF_SAVED_MIN);
      if (room > 0) {
        this.#compressedString(room, length);
        return;
      }
    }
    this.length(length);
    this.bytes(bytes, 0, length);
  }

  bytes(from: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      this.#reserve(1);
      const count = Math.min(end - at, this.#chunk.length - this.#used);
      from.copy(this.#chunk, this.#used, at, at + count);
      this.#used += count;
      at += count;
    }
  }

  /** Writes the checksum of all that was written before it, and hands the last chunk over. */
  finish(): void {
    this.#reserve(CRC64_BYTES);
    this.#checksum.update(this.#chunk, 0, this.#used);
    this.#checksum.write(this.#chunk, this.#used);
    this.#used += CRC64_BYTES;
    this.#bytesEmitted += this.#used;
    this.#emit(this.#chunk.subarray(0, this.#used));
    this.#used = 0;
  }

  /** Makes `bytes` (at most CHUNK_BYTES) free in one piece. */
  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#chunk.length) return;
    if (this.#used > 0) {
      this.#checksum.update(this.#chunk, 0, this.#used);
      this.#bytesEmitted += this.#used;
      this.#emit(this.#chunk.subarray(0, this.#used));
    }
    this.#chunkBytes = Math.min(CHUNK_BYTES, Math.max(this.#chunkBytes * 2, bytes));
    this.#chunk = Buffer.allocUnsafeSlow(this.#chunkBytes);
    this.#used = 0;
  }

  #text(text: string): void {
    const length = text.length;
    if (length <= this.#chunk.length - this.#used) {
      writeLatin1(this.#chunk, text, this.#used);
      this.#used += length;
      return;
    }
    let at = 0;
    while (at < length) {
      this.#reserve(1);
      const count = Math.min(length - at, this.#chunk.length - this.#used);
      writeLatin1(this.#chunk, text.slice(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
  }

  #integerString(text: string): boolean {
    const value = smallInteger(text);
    if (value === null || value < -0x8000_0000 || value > 0x7fff_ffff) return false;
    this.#reserve(5);
    const chunk = this.#chunk;
    const at = this.#used;
    if (value >= -128 && value <= 127) {
      chunk[at] = 0xc0;
      this.#used = chunk.writeInt8(value, at + 1);
    } else if (value >= -0x8000 && value <= 0x7fff) {
      chunk[at] = 0xc1;
      this.#used = chunk.writeInt16LE(value, at + 1);
    } else {
      chunk[at] = 0xc2;
      this.#used = chunk.writeInt32LE(value, at + 1);
    }
    return true;
  }

  /** Writes the text where it would stand anyway, so that a string that does not shrink has cost no second copy. */
  #compressible(text: string): void {
    const length = text.length;
    if (length + LENGTH_BYTES_MAX > CHUNK_BYTES) {
      this.packed(Buffer.from(text, 'latin1'));
      return;
    }
    this.#reserve(length + LENGTH_BYTES_MAX);
    const before = this.#used;
    this.length(length);
    const body = this.#used;
    writeLatin1(this.#chunk, text, body);
    const room = compressLzf(this.#chunk, body, body + length, compressed, length - LZF_SAVED_MIN);
    if (room === 0) {
      this.#used = body + length;
      return;
    }
    this.#used = before;
    this.#compressedString(room, length);
  }

  #compressedString(packedBytes: number, length: number): void {
    this.byte(0xc3);
    this.length(packedBytes);
    this.length(length);
    this.bytes(compressed, 0, packedBytes);
  }
}
