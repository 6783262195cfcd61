/**
 * Reads lengths, strings and scores of a dump from bytes that are all there; running out of them means `corrupt`.
 *
 * Nothing is allocated on the word of a length alone: a string is as long as its bytes, and a compressed one at most
 * LZF_EXPANSION_MAX times as long. Limits: STRING_BYTES_MAX and ELEMENTS_MAX of `limits.ts`.
 */
import { readLatin1 } from './latin1.ts';
import { ELEMENTS_MAX, STRING_BYTES_MAX } from './limits.ts';
import { decompressLzf, LZF_EXPANSION_MAX } from './lzf.ts';
import { RdbError } from './rdb-error.ts';
import { Scan, STRING_FORM } from './scan.ts';

const SCRATCH_BYTES = 64 * 1024;
/** Unpacked strings become JavaScript strings at once, so one scratch serves them all. */
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** The bytes of one packed value; valid until the next read. */
export interface ByteRange {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** The text of the string that `scan.string` has just found complete in `bytes`. */
export function scannedText(scan: Scan, bytes: Buffer): string {
  switch (scan.form) {
    case STRING_FORM.raw:
      if (scan.value > STRING_BYTES_MAX) throw tooLong(scan.value);
      return readLatin1(bytes, scan.body, scan.next);
    case STRING_FORM.int8:
      return String(bytes.readInt8(scan.body));
    case STRING_FORM.int16:
      return String(bytes.readInt16LE(scan.body));
    case STRING_FORM.int32:
      return String(bytes.readInt32LE(scan.body));
    default: {
      const unpacked = unpack(scan, bytes);
      return readLatin1(unpacked, 0, scan.unpackedBytes);
    }
  }
}

/** First byte of a length that takes eight more. */
const LENGTH_64 = 0x81;

export class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #scan = new Scan();
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get ended(): boolean {
    return this.#at === this.#end;
  }

  length(): number {
    if (!this.#scan.length(this.#bytes, this.#at, this.#end)) throw truncated();
    this.#at = this.#scan.next;
    return this.#scan.value;
  }

  /** A length of all 64 bits. */
  word(): bigint {
    if (this.#bytes[this.#at] !== LENGTH_64) return BigInt(this.length());
    return this.#bytes.readBigUInt64BE(this.#take(9) + 1);
  }

  /** So many bytes, as a view. */
  fixed(bytes: number): Buffer {
    const at = this.#take(bytes);
    return this.#bytes.subarray(at, at + bytes);
  }

  /** A number of elements, each of at least `bytesMin` bytes: more than the bytes left can hold is refused at once. */
  count(bytesMin: number): number {
    const count = this.length();
    if (count === 0) throw new RdbError('corrupt', 'a collection is empty');
    if (count * bytesMin > this.#end - this.#at) {
      throw new RdbError('corrupt', `${count} elements are announced, ${this.#end - this.#at} bytes follow`);
    }
    if (count > ELEMENTS_MAX) throw new RdbError('too-large', `${count} elements, more than ${ELEMENTS_MAX}`);
    return count;
  }

  string(): string {
    this.#string();
    return scannedText(this.#scan, this.#bytes);
  }

  /** A string that is itself a packed structure. */
  packed(): ByteRange {
    this.#string();
    const scan = this.#scan;
    if (scan.form === STRING_FORM.raw) return { bytes: this.#bytes, start: scan.body, end: scan.next };
    if (scan.form !== STRING_FORM.lzf) throw new RdbError('corrupt', 'a packed value is kept as an integer');
    return { bytes: unpack(scan, this.#bytes), start: 0, end: scan.unpackedBytes };
  }

  binaryScore(): number {
    const score = this.#bytes.readDoubleLE(this.#take(8));
    if (Number.isNaN(score)) throw new RdbError('corrupt', 'a score is not a number');
    return score;
  }

  /** A score as text with one byte of length, and three special lengths [redis rdb.c rdbLoadDoubleValue]. */
  textScore(): number {
    const length = this.#bytes[this.#take(1)]!;
    if (length === 255) return -Infinity;
    if (length === 254) return Infinity;
    if (length === 253) throw new RdbError('corrupt', 'a score is not a number');
    const at = this.#take(length);
    return parseScore(readLatin1(this.#bytes, at, at + length));
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#end) throw truncated();
    this.#at = at + bytes;
    return at;
  }

  #string(): void {
    if (!this.#scan.string(this.#bytes, this.#at, this.#end)) throw truncated();
    this.#at = this.#scan.next;
  }
}

/** Numbers as C's strtod takes them, hexadecimal apart, which no Redis writes. */
export function parseScore(text: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinity === null) throw new RdbError('corrupt', 'a score is not a number');
  return infinity[1] === '-' ? -Infinity : Infinity;
}

function unpack(scan: Scan, bytes: Buffer): Buffer {
  const length = scan.unpackedBytes;
  if (length > STRING_BYTES_MAX) throw tooLong(length);
  // An empty string is never packed; Redis refuses one too.
  if (length === 0 || length > scan.value * LZF_EXPANSION_MAX) throw malformedLzf();
  const out = length <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(length);
  if (!decompressLzf(bytes, scan.body, scan.next, out, length)) throw malformedLzf();
  return out;
}

function malformedLzf(): RdbError {
  return new RdbError('corrupt', 'a compressed string cannot be unpacked');
}

function tooLong(bytes: number): RdbError {
  return new RdbError('too-large', `a string of ${bytes} bytes, more than ${STRING_BYTES_MAX}`);
}

function truncated(): RdbError {
  return new RdbError('corrupt', 'a value ends too soon');
}
