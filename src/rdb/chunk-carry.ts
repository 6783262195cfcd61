/**
 * The beginning of an item whose end has not arrived, kept while chunks come in.
 *
 * It takes from a chunk what is known to be missing and a little more, so that small parts need not be asked for one
 * by one; what was taken too much is told by the caller, who goes on in the chunk. It grows by what has arrived, at
 * most doubling, and gives a large Buffer back when the item is done.
 */
const BYTES_FIRST = 64 * 1024;
const BYTES_KEPT_MAX = 1024 * 1024;
const STEP_BYTES = 4096;

export class ChunkCarry {
  #bytes = Buffer.alloc(0);
  #length = 0;
  #missing = 0;

  get empty(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length;
  }

  /** Valid up to `length`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Bytes still to come before it is worth looking again. */
  get missing(): number {
    return this.#missing;
  }

  /** Keeps the chunk from `at` on. */
  begin(chunk: Buffer, at: number, missing: number): void {
    this.#missing = missing;
    this.#put(chunk, at, chunk.length);
  }

  want(missing: number): void {
    this.#missing = missing;
  }

  /** Takes from the chunk at `at`; gives the position behind what was taken. */
  append(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + Math.max(this.#missing, STEP_BYTES));
    this.#put(chunk, at, end);
    this.#missing = Math.max(0, this.#missing - (end - at));
    return end;
  }

  end(): void {
    this.#length = 0;
    this.#missing = 0;
    if (this.#bytes.length > BYTES_KEPT_MAX) this.#bytes = Buffer.alloc(0);
  }

  #put(chunk: Buffer, at: number, end: number): void {
    const wanted = this.#length + end - at;
    if (wanted > this.#bytes.length) {
      const doubled = Math.max(BYTES_FIRST, this.#bytes.length * 2);
      const known = wanted + this.#missing;
      const grown = Buffer.allocUnsafeSlow(Math.max(wanted, Math.min(doubled, Math.max(known, BYTES_FIRST))));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length, at, end);
    this.#length = wanted;
  }
}
