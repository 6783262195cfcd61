/**
 * Where lengths and strings of a dump end, without reading them: the part of decoding that may run out of bytes.
 *
 * A `Scan` holds the answer of the last call, so that nothing is allocated per item. When a call returns false,
 * `missing` says how many bytes past `end` it takes, at least, to get further; asking again costs a few steps.
 */
import { RdbError } from './rdb-error.ts';

/** How the bytes of a string are kept [redis rdb.h RDB_ENC_*]. */
export const STRING_FORM = { raw: -1, int8: 0, int16: 1, int32: 2, lzf: 3 } as const;

const FORM_NAMES = 'int8, int16, int32 or LZF';

export class Scan {
  /** After `length`: the number, and after `string` the number of bytes of its body. */
  value = 0;
  /** After `string`: a STRING_FORM. */
  form: number = STRING_FORM.raw;
  /** After `string` with LZF: how long the string is when unpacked. */
  unpackedBytes = 0;
  /** After `string`: where its body begins. */
  body = 0;
  /** After the item. */
  next = 0;
  missing = 0;

  length(bytes: Buffer, at: number, end: number): boolean {
    if (at >= end) return this.#short(at + 1, end);
    const head = bytes[at]!;
    if (head < 0x40) {
      this.value = head;
      this.next = at + 1;
      return true;
    }
    if (head >= 0xc0) throw new RdbError('corrupt', `a length is marked as a special string (0x${head.toString(16)})`);
    return this.#longLength(bytes, at, end, head);
  }

  string(bytes: Buffer, at: number, end: number): boolean {
    if (at >= end) return this.#short(at + 1, end);
    const head = bytes[at]!;
    if (head < 0xc0) {
      if (!this.length(bytes, at, end)) return false;
      this.form = STRING_FORM.raw;
      return this.#body(this.next, end);
    }
    this.form = head & 0x3f;
    if (this.form <= STRING_FORM.int32) {
      this.value = 1 << this.form;
      return this.#body(at + 1, end);
    }
    if (this.form !== STRING_FORM.lzf) {
      throw new RdbError('corrupt', `a string is of special form ${this.form}, not ${FORM_NAMES}`);
    }
    if (!this.length(bytes, at + 1, end)) return false;
    const packedBytes = this.value;
    if (!this.length(bytes, this.next, end)) return false;
    this.unpackedBytes = this.value;
    this.value = packedBytes;
    return this.#body(this.next, end);
  }

  /** `bytes` bytes of anything. */
  fixed(bytes: number, at: number, end: number): boolean {
    this.next = at + bytes;
    return this.next <= end || this.#short(this.next, end);
  }

  #body(at: number, end: number): boolean {
    this.body = at;
    this.next = at + this.value;
    return this.next <= end || this.#short(this.next, end);
  }

  #longLength(bytes: Buffer, at: number, end: number, head: number): boolean {
    if (head < 0x80) {
      if (at + 2 > end) return this.#short(at + 2, end);
      this.value = ((head & 0x3f) << 8) | bytes[at + 1]!;
      this.next = at + 2;
      return true;
    }
    if (head === 0x80) {
      if (at + 5 > end) return this.#short(at + 5, end);
      this.value = bytes.readUInt32BE(at + 1);
      this.next = at + 5;
      return true;
    }
    if (head !== 0x81) throw new RdbError('corrupt', `a length has the unknown form 0x${head.toString(16)}`);
    if (at + 9 > end) return this.#short(at + 9, end);
    const value = bytes.readUInt32BE(at + 1) * 0x1_0000_0000 + bytes.readUInt32BE(at + 5);
    if (!Number.isSafeInteger(value)) throw new RdbError('too-large', `a length of about ${value}`);
    this.value = value;
    this.next = at + 9;
    return true;
  }

  #short(wanted: number, end: number): boolean {
    this.missing = wanted - end;
    return false;
  }
}
