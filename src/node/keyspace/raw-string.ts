/**
 * A string value that is changed in place: bytes with room to grow, so that a thousand APPENDs or SETBITs do not copy a
 * thousand times. Growth doubles up to 1 MiB and then adds 1 MiB [redis sds.c SDS_MAX_PREALLOC].
 */

import { Measured } from './memory.ts';

const PREALLOCATE_MAX = 1024 * 1024;
/** The value's object and the buffer's. */
const RAW_BYTES = 200;

export class RawString extends Measured {
  readonly kind = 'raw';
  #bytes: Buffer;
  #length: number;

  constructor(text: string) {
    super();
    this.#bytes = Buffer.from(text, 'latin1');
    this.#length = text.length;
  }

  /** Takes the bytes over: they are the caller's no longer. */
  static of(bytes: Buffer): RawString {
    const raw = new RawString('');
    raw.#bytes = bytes;
    raw.#length = bytes.length;
    return raw;
  }

  override get memoryBytes(): number {
    return RAW_BYTES + this.#bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  override toString(): string {
    return this.#bytes.latin1Slice(0, this.#length);
  }

  slice(start: number, end: number): string {
    return this.#bytes.latin1Slice(start, Math.min(end, this.#length));
  }

  byteAt(index: number): number {
    return index < this.#length ? this.#bytes[index]! : 0;
  }

  /** A view of the content, valid until the next change. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  append(text: string): void {
    this.#ensure(this.#length + text.length);
    this.#bytes.latin1Write(text, this.#length);
    this.#length += text.length;
  }

  /** Writes at an offset; a gap before it is filled with zero bytes. */
  write(offset: number, text: string): void {
    this.growTo(offset + text.length);
    this.#bytes.latin1Write(text, offset);
  }

  setByte(index: number, byte: number): void {
    this.growTo(index + 1);
    this.#bytes[index] = byte;
  }

  /** Makes it at least this long, with zero bytes. */
  growTo(length: number): void {
    if (length <= this.#length) return;
    this.#ensure(length);
    this.#length = length;
  }

  #ensure(length: number): void {
    if (length <= this.#bytes.length) return;
    const before = this.#bytes.length;
    // What is new may never grow [redis t_string.c setrangeCommand]
    const grown = Buffer.alloc(
      before === 0 ? length : length < PREALLOCATE_MAX ? length * 2 : length + PREALLOCATE_MAX,
    );
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
