/**
 * The latest bytes of a replication stream, so that a replica that lost its connection can go on where it was.
 *
 * Offsets count the bytes of the whole stream from 1, as Redis does: `nextOffset` is the offset of the first byte wanted
 * [redis replication.c masterTryPartialResynchronization]. Pure memory: a ring of `repl-backlog-size` bytes, allocated once
 * (the system commits its pages only as they are written).
 */

import assert from 'node:assert';

export class Backlog {
  #ring: Buffer;
  /** Where the next byte goes. */
  #at = 0;
  #held = 0;
  #endOffset: number;

  /** `endOffset`: bytes of the stream so far, none of which is held. */
  constructor(sizeBytes: number, endOffset: number) {
    this.#ring = Buffer.allocUnsafeSlow(sizeBytes);
    this.#endOffset = endOffset;
  }

  get sizeBytes(): number {
    return this.#ring.length;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** Offset of the last byte appended. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Offset of the oldest byte held (of the next one to come, when none is). */
  get firstOffset(): number {
    return this.#endOffset - this.#held + 1;
  }

  /** Binary string or bytes; copied. */
  append(bytes: string | Buffer): void {
    const { length } = bytes;
    const size = this.#ring.length;
    this.#endOffset += length;
    let from = Math.max(0, length - size);
    this.#held = Math.min(size, this.#held + length);
    while (from < length) {
      const count = Math.min(length - from, size - this.#at);
      if (typeof bytes !== 'string') bytes.copy(this.#ring, this.#at, from, from + count);
      else this.#ring.latin1Write(count === length ? bytes : bytes.slice(from, from + count), this.#at, count);
      from += count;
      this.#at = (this.#at + count) % size;
    }
  }

  covers(nextOffset: number): boolean {
    return nextOffset >= this.firstOffset && nextOffset <= this.#endOffset + 1;
  }

  /** A copy of everything from that offset on. */
  from(nextOffset: number): Buffer {
    assert(this.covers(nextOffset), 'the backlog holds what is asked of it');
    return this.#latest(this.#endOffset + 1 - nextOffset);
  }

  /** Keeps the latest bytes that fit. */
  resize(sizeBytes: number): void {
    if (sizeBytes === this.#ring.length) return;
    const kept = this.#latest(Math.min(this.#held, sizeBytes));
    this.#ring = Buffer.allocUnsafeSlow(sizeBytes);
    kept.copy(this.#ring);
    this.#held = kept.length;
    this.#at = kept.length % sizeBytes;
  }

  #latest(count: number): Buffer {
    const start = this.#at - count;
    if (start >= 0) return Buffer.from(this.#ring.subarray(start, this.#at));
    return Buffer.concat([this.#ring.subarray(this.#ring.length + start), this.#ring.subarray(0, this.#at)]);
  }
}
