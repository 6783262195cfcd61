/**
 * What a run has asked so far and how it was answered, byte for byte, so that it can be begun again elsewhere with the same answers.
 * Each entry: a byte for who asked, the lengths of request and answer, then both.
 *
 * Border: bytes are the engine's (`wire.ts`); who reads them is `thread-program.ts`. One serves run after run. Limit: what it grows to is
 * bounded by whoever adds, who asks `isLong` first.
 */

import { FEW_BYTES, type WireWriter } from './wire.ts';

export const ENTRY_HEAD_BYTES = 9;
const LONG_BYTES = 64 * 1024 * 1024;
/** So much memory stays for the next run. */
const BYTES_AT_REST = 1024 * 1024;

export class Transcript {
  #bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;

  get isLong(): boolean {
    return this.#length > LONG_BYTES;
  }

  start(): void {
    this.#length = 0;
    if (this.#bytes.length > BYTES_AT_REST) this.#bytes = Buffer.allocUnsafeSlow(BYTES_AT_REST);
  }

  /** The request stands in the engine's memory, the answer in the writer. */
  add(kind: number, memory: Buffer, at: number, bytes: number, answer: WireWriter): void {
    const end = this.#length + ENTRY_HEAD_BYTES + bytes + answer.length;
    if (end > this.#bytes.length) this.#grow(end);
    const all = this.#bytes;
    let place = this.#length;
    all[place] = kind;
    all.writeUInt32LE(bytes, place + 1);
    place = all.writeUInt32LE(answer.length, place + 5);
    // Calls out of JavaScript cost more than a few bytes
    if (bytes <= FEW_BYTES) for (let i = 0; i < bytes; i++) all[place + i] = memory[at + i]!;
    else memory.copy(all, place, at, at + bytes);
    answer.copyTo(all, place + bytes);
    this.#length = end;
  }

  /** In memory that threads share. */
  take(): Uint8Array {
    const shared = new Uint8Array(new SharedArrayBuffer(this.#length));
    shared.set(this.#bytes.subarray(0, this.#length));
    this.start();
    return shared;
  }

  #grow(bytes: number): void {
    const longer = Buffer.allocUnsafeSlow(Math.max(bytes, this.#bytes.length * 2));
    this.#bytes.copy(longer, 0, 0, this.#length);
    this.#bytes = longer;
  }
}
