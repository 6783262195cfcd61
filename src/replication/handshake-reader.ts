/**
 * Cuts what a source says before the stream into lines, wherever chunks end. A bulk reply comes out as `$` and its contents;
 * an empty line (a source keeps a waiting replica alive with them) comes out as an empty string.
 *
 * Takes no byte beyond the line asked for: what follows may be a snapshot. Limits: LINE_BYTES_MAX.
 */

const LF = 10;
const CR = 13;
const LINE_BYTES_MAX = 64 * 1024;

/** The far side does not speak this protocol. */
export class LineTooLong extends Error {
  constructor() {
    super(`a line of more than ${LINE_BYTES_MAX} bytes`);
  }
}

export class HandshakeReader {
  #line = '';
  /** Bytes of a bulk reply still to come, its line end included; null outside one. */
  #missing: number | null = null;
  /** Position behind the bytes taken by the latest `read`. */
  consumed = 0;

  /** The next line of the chunk from `at` on, or null when it goes on in the next chunk. `bulks`: a `$` line begins a bulk. */
  read(chunk: Buffer, at: number, bulks: boolean): string | null {
    if (this.#missing === null) {
      const newline = chunk.indexOf(LF, at);
      this.consumed = newline < 0 ? chunk.length : newline + 1;
      this.#line += chunk.latin1Slice(at, newline < 0 ? chunk.length : newline);
      if (this.#line.length > LINE_BYTES_MAX) throw new LineTooLong();
      if (newline < 0) return null;
      const end = this.#line.charCodeAt(this.#line.length - 1) === CR ? this.#line.length - 1 : this.#line.length;
      const line = this.#line.slice(0, end);
      this.#line = '';
      const bulk = bulks ? /^\$(\d{1,6})$/.exec(line) : null;
      if (bulk === null) return line;
      this.#missing = Number(bulk[1]) + 2;
      this.#line = '$';
      if (this.#missing > LINE_BYTES_MAX) throw new LineTooLong();
      return this.read(chunk, this.consumed, bulks);
    }
    const end = Math.min(chunk.length, at + this.#missing);
    this.#line += chunk.latin1Slice(at, end);
    this.#missing -= end - at;
    this.consumed = end;
    if (this.#missing > 0) return null;
    const contents = this.#line.slice(0, -2);
    this.#line = '';
    this.#missing = null;
    return contents;
  }
}
