/**
 * Counts whole RESP2 replies in what one connection receives, without decoding them. Border: an error reply is thrown, since no load
 * expects one.
 */

const [LF, CR, MINUS, DOLLAR, STAR, ZERO] = [10, 13, 45, 36, 42, 48] as const;

export class ReplyCounter {
  /** Values still missing of the reply that has begun; 0: none has. */
  #values = 0;
  /** Bytes of a bulk string still to come. */
  #skip = 0;
  /** First byte and number of a line that has begun; its first byte is 0 when none has. */
  #kind = 0;
  #number = 0;
  #isNegative = false;
  #error = '';

  /** Replies completed by these bytes. */
  count(bytes: Uint8Array, length: number): number {
    let completed = 0;
    let at = 0;
    while (at < length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, length - at);
        at += skipped;
        this.#skip -= skipped;
        if (this.#skip === 0 && --this.#values === 0) completed++;
        continue;
      }
      const byte = bytes[at++]!;
      if (this.#kind === 0) {
        this.#kind = byte;
        this.#number = 0;
        this.#isNegative = false;
        if (this.#values === 0) this.#values = 1;
      } else if (byte === CR) continue;
      else if (byte === LF) {
        if (this.#kind === MINUS) throw new Error(`unexpected reply: -${this.#error}`);
        if (this.#line()) completed++;
      } else if (this.#kind === MINUS) this.#error += String.fromCharCode(byte);
      else if (byte === MINUS) this.#isNegative = true;
      else if (this.#kind === DOLLAR || this.#kind === STAR) this.#number = this.#number * 10 + byte - ZERO;
    }
    return completed;
  }

  /** A line has ended: does a reply end with it? */
  #line(): boolean {
    const kind = this.#kind;
    this.#kind = 0;
    if (kind === DOLLAR && !this.#isNegative) {
      this.#skip = this.#number + 2;
      return false;
    }
    if (kind === STAR && !this.#isNegative) this.#values += this.#number;
    this.#values--;
    return this.#values === 0;
  }
}
