/**
 * Where each reply ends, for passing replies on without decoding them: RESP2 and RESP3, nested to any depth, cut anywhere.
 *
 * Nothing is looked at twice: what is known of a reply that is not complete survives between chunks, and the bytes of a long
 * bulk are skipped, not searched. The bytes handed out are the caller's for the length of the call only (they may lie in the
 * chunk that was lent); a reply that came in pieces is put together once. Streamed types of RESP3 (`$?`) are refused: no
 * server sends them. Pure: no session, no socket.
 */

/** Longest reply that is held until it is complete. */
const REPLY_BYTES_MAX = 1024 * 1024 * 1024;

/** The far side does not speak RESP, or beyond our limits. The framer is of no use afterwards. */
export class ReplyProtocolError extends Error {}

const LF = 10;
const CR = 13;
const MINUS = 45;
const ZERO = 48;
const PUSH = 62;

/** What the first byte of a value says about the rest. 0: no such type. */
const LINE = 1;
const BULK = 2;
const ITEMS = 3;
const PAIRS = 4;
const ATTRIBUTES = 5;

const KINDS = new Uint8Array(256);
for (const mark of '+-:_#,(') KINDS[mark.charCodeAt(0)] = LINE;
for (const mark of '$=!') KINDS[mark.charCodeAt(0)] = BULK;
for (const mark of '*~>') KINDS[mark.charCodeAt(0)] = ITEMS;
KINDS['%'.charCodeAt(0)] = PAIRS;
KINDS['|'.charCodeAt(0)] = ATTRIBUTES;

export class ReplyFramer {
  /** Values still to come before the reply is complete. Nesting needs no stack: an aggregate only adds its items. */
  #pending = 1;
  /** The kind of value whose line is being read; 0 between values. */
  #kind = 0;
  /** Digits of a length line so far. */
  #length = 0;
  #negative = false;
  /** Bytes of a bulk (with its line end) still to come. */
  #skip = 0;
  #isPush = false;
  /** Earlier chunks' bytes of the reply in progress. */
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** True when the last reply handed out was complete and nothing follows it yet. */
  get isBetweenReplies(): boolean {
    return this.#heldBytes === 0;
  }

  /** Hands out each reply that is complete now. `isPush`: out-of-band data of RESP3 that answers no request. */
  push(chunk: Buffer, onReply: (bytes: Buffer, isPush: boolean) => void): void {
    const end = chunk.length;
    let start = 0;
    let at = 0;
    while (at < end) {
      if (this.#skip > 0) {
        const left = end - at;
        if (left < this.#skip) {
          this.#skip -= left;
          break;
        }
        at += this.#skip;
        this.#skip = 0;
        this.#pending--;
      } else {
        if (this.#kind === 0) {
          const mark = chunk[at++]!;
          this.#kind = KINDS[mark]!;
          if (this.#kind === 0) throw new ReplyProtocolError(`unknown reply type byte ${mark}`);
          if (mark === PUSH && this.#pending === 1) this.#isPush = true;
        }
        at = this.#kind === LINE ? this.#line(chunk, at) : this.#lengthLine(chunk, at);
      }
      if (this.#pending === 0) {
        const isPush = this.#isPush;
        this.#pending = 1;
        this.#isPush = false;
        const piece = chunk.subarray(start, at);
        start = at;
        onReply(this.#heldBytes === 0 ? piece : this.#joined(piece), isPush);
      }
    }
    if (start < end) this.#hold(chunk, start);
  }

  /** Goes to the end of a line; says where it stopped. */
  #line(chunk: Buffer, from: number): number {
    // Lines are short, a call into the runtime is not: only a long line is worth `indexOf`.
    const near = Math.min(chunk.length, from + 64);
    for (let at = from; at < near; at++) {
      if (chunk[at] === LF) return this.#lineEnded(at + 1);
    }
    const at = near === chunk.length ? -1 : chunk.indexOf(LF, near);
    return at < 0 ? chunk.length : this.#lineEnded(at + 1);
  }

  #lineEnded(at: number): number {
    this.#kind = 0;
    this.#pending--;
    return at;
  }

  /** Reads the digits of a length; says where it stopped. */
  #lengthLine(chunk: Buffer, from: number): number {
    let length = this.#length;
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte >= ZERO && byte < ZERO + 10) {
        length = length * 10 + byte - ZERO;
        if (length > REPLY_BYTES_MAX) throw new ReplyProtocolError('reply length out of range');
      } else if (byte === LF) {
        this.#length = 0;
        this.#announced(this.#negative ? -1 : length);
        return at + 1;
      } else if (byte === MINUS && length === 0) this.#negative = true;
      else if (byte !== CR) throw new ReplyProtocolError(`unexpected byte ${byte} in a reply's length`);
    }
    this.#length = length;
    return chunk.length;
  }

  /** A length has been read: what does it announce? Below zero: a null. */
  #announced(length: number): void {
    const kind = this.#kind;
    this.#kind = 0;
    this.#negative = false;
    if (kind === ATTRIBUTES) this.#pending += 2 * Math.max(0, length); // the value they belong to is still to come
    else if (length < 0) this.#pending--;
    else if (kind === BULK) this.#skip = length + 2;
    else this.#pending += (kind === PAIRS ? 2 * length : length) - 1;
  }

  /** The chunk is only lent: the rest of it is copied. */
  #hold(chunk: Buffer, start: number): void {
    this.#heldBytes += chunk.length - start;
    if (this.#heldBytes > REPLY_BYTES_MAX) throw new ReplyProtocolError(`reply longer than ${REPLY_BYTES_MAX} bytes`);
    this.#held.push(Buffer.from(chunk.subarray(start)));
  }

  #joined(last: Buffer): Buffer {
    this.#held.push(last);
    const whole = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}
