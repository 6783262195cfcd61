/**
 * The snapshot on its way in: `$<length>` or `$EOF:<mark>`, cut anywhere. The dump says itself where it ends (and its checksum
 * is verified), so the mark is not searched for but must follow; bytes behind it are the stream's.
 *
 * Border: what the dump holds goes to the RdbReader's handler. Limits: those of the reader.
 */

import type { RdbReader } from '../rdb/reader.ts';

export type TransferFormat =
  | { readonly kind: 'sized'; readonly bytes: number }
  | { readonly kind: 'marked'; readonly mark: string };

const MARK_BYTES = 40;

/** What surrounds the dump is not as announced. */
export class TransferError extends Error {}

/** Reads `$…`, the line before the snapshot; null when it is none. */
export function transferFormat(line: string): TransferFormat | null {
  if (line.startsWith('$EOF:') && line.length === 5 + MARK_BYTES) return { kind: 'marked', mark: line.slice(5) };
  return /^\$\d{1,15}$/.test(line) ? { kind: 'sized', bytes: Number(line.slice(1)) } : null;
}

export class Transfer {
  readonly format: TransferFormat;
  receivedBytes = 0;
  done = false;
  readonly #reader: RdbReader;
  #mark = '';

  constructor(format: TransferFormat, reader: RdbReader) {
    this.format = format;
    this.#reader = reader;
  }

  /** Takes bytes of the chunk from `at` on; gives the position behind those that belong to the transfer. */
  push(chunk: Buffer, at: number): number {
    let position = at;
    if (!this.#reader.done) {
      const end =
        this.format.kind === 'sized'
          ? Math.min(chunk.length, at + this.format.bytes - this.receivedBytes)
          : chunk.length;
      const taken = this.#reader.push(chunk.subarray(at, end));
      this.receivedBytes += taken;
      position += taken;
    }
    return this.format.kind === 'sized'
      ? this.#endOfSized(this.format.bytes, position)
      : this.#endOfMarked(this.format.mark, chunk, position);
  }

  #endOfSized(bytes: number, position: number): number {
    const left = bytes - this.receivedBytes;
    if (this.#reader.done && left > 0) throw new TransferError(`${left} bytes are left over after the snapshot`);
    if (!this.#reader.done && left === 0)
      throw new TransferError(`the snapshot does not end within the ${bytes} bytes announced`);
    this.done = left === 0;
    return position;
  }

  #endOfMarked(mark: string, chunk: Buffer, position: number): number {
    if (!this.#reader.done) return position;
    const end = Math.min(chunk.length, position + MARK_BYTES - this.#mark.length);
    this.#mark += chunk.latin1Slice(position, end);
    if (!mark.startsWith(this.#mark)) throw new TransferError('the snapshot is not followed by the announced end mark');
    this.done = this.#mark.length === MARK_BYTES;
    return end;
  }
}
