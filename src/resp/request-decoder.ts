/**
 * Requests from bytes: multibulk and inline, pipelined, cut anywhere. Words come out as binary strings.
 *
 * Pull style: `push` lends a chunk, `next` takes requests out until it returns null, `release` copies what is left so that
 * the chunk may be reused. Pure: no session, no socket. Limits and error texts are Redis's [redis networking.c].
 */

export interface DecoderLimits {
  /** Longest bulk string: `proto-max-bulk-len`. */
  bulkBytesMax: number;
  /** Longest inline request or length line: `PROTO_INLINE_MAX_SIZE`. */
  inlineBytesMax: number;
  /** Most words in one request; far lower for a client that is not authenticated. */
  wordsMax: number;
}

export const DEFAULT_LIMITS: DecoderLimits = { bulkBytesMax: 512 * 1024 * 1024, inlineBytesMax: 64 * 1024, wordsMax: 1024 * 1024 };
/** [redis networking.c]: before AUTH, at most 10 words of at most 16384 bytes. */
export const UNAUTHENTICATED_LIMITS = { wordsMax: 10, bulkBytesMax: 16_384 } as const;

/** The client broke the protocol: it is told so and disconnected. */
export class ProtocolError extends Error {}

const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

export class RequestDecoder {
  readonly limits: DecoderLimits;
  authenticated = true;
  /** Bytes of requests taken out so far: a replica's offset. */
  consumedBytes = 0;

  #buffer: Buffer = EMPTY;
  #position = 0;
  /** A bulk too long for one chunk is gathered here, so that nothing is copied twice. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #words: string[] | null = null;
  #wanted = 0;
  #bulkLength = -1;

  constructor(limits: DecoderLimits = DEFAULT_LIMITS) {
    this.limits = limits;
  }

  get bufferedBytes(): number {
    return this.#buffer.length - this.#position + this.#gatheredBytes;
  }

  /** Everything not yet taken out, for whoever takes the connection over. */
  rest(): Buffer {
    return Buffer.concat([...this.#gathered, this.#buffer.subarray(this.#position)]);
  }

  push(chunk: Buffer): void {
    if (this.#gatheredBytes > 0) {
      this.#gathered.push(Buffer.from(chunk));
      this.#gatheredBytes += chunk.length;
      if (this.#gatheredBytes < this.#bulkLength + 2) return;
      this.#buffer = Buffer.concat(this.#gathered);
      this.#position = 0;
      this.#gathered = [];
      this.#gatheredBytes = 0;
    } else if (this.#position < this.#buffer.length) {
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#position), chunk]);
      this.#position = 0;
    } else {
      this.#buffer = chunk;
      this.#position = 0;
    }
  }

  /** Called when the lender wants its chunk back. */
  release(): void {
    const left = this.#buffer.length - this.#position;
    if (left === 0) {
      this.#buffer = EMPTY;
    } else if (this.#bulkLength >= 0 && this.#bulkLength + 2 - left > 65_536) {
      this.#gathered.push(Buffer.from(this.#buffer.subarray(this.#position)));
      this.#gatheredBytes = left;
      this.#buffer = EMPTY;
    } else {
      this.#buffer = Buffer.from(this.#buffer.subarray(this.#position));
    }
    this.#position = 0;
  }

  /** The next request, or null when more bytes are needed. Never an empty array. */
  next(): string[] | null {
    if (this.#gatheredBytes > 0) return null;
    for (;;) {
      if (this.#words === null) {
        if (this.#position >= this.#buffer.length) return null;
        if (this.#buffer[this.#position] !== STAR) {
          const words = this.#inline();
          if (words === null) return null;
          if (words.length === 0) continue;
          return words;
        }
        const count = this.#lengthLine('invalid multibulk length', 'too big mbulk count string');
        if (count === null) return null;
        if (count > this.limits.wordsMax) throw new ProtocolError('invalid multibulk length');
        if (!this.authenticated && count > UNAUTHENTICATED_LIMITS.wordsMax) {
          throw new ProtocolError('unauthenticated multibulk length');
        }
        if (count <= 0) continue;
        this.#words = [];
        this.#wanted = count;
      }
      const words = this.#words;
      while (words.length < this.#wanted) {
        if (this.#bulkLength < 0) {
          if (this.#position >= this.#buffer.length) return null;
          if (this.#buffer[this.#position] !== DOLLAR) {
            throw new ProtocolError(`expected '$', got '${String.fromCharCode(this.#buffer[this.#position]!)}'`);
          }
          const length = this.#lengthLine('invalid bulk length', 'too big bulk count string');
          if (length === null) return null;
          if (length < 0 || length > this.limits.bulkBytesMax) throw new ProtocolError('invalid bulk length');
          if (!this.authenticated && length > UNAUTHENTICATED_LIMITS.bulkBytesMax) {
            throw new ProtocolError('unauthenticated bulk length');
          }
          this.#bulkLength = length;
        }
        const end = this.#position + this.#bulkLength;
        if (end + 2 > this.#buffer.length) return null;
        words.push(this.#buffer.latin1Slice(this.#position, end));
        this.consumedBytes += this.#bulkLength + 2;
        this.#position = end + 2;
        this.#bulkLength = -1;
      }
      this.#words = null;
      return words;
    }
  }

  /** Reads `*123\r\n` or `$123\r\n`. */
  #lengthLine(invalid: string, tooBig: string): number | null {
    const buffer = this.#buffer;
    let at = this.#position + 1;
    let value = 0;
    let digits = 0;
    // The usual line is a few digits: read it in one pass.
    for (let byte = buffer[at]; byte !== undefined && byte >= 48 && byte <= 57 && digits < 10; byte = buffer[++at]) {
      value = value * 10 + byte - 48;
      digits++;
    }
    if (digits > 0 && digits < 10 && buffer[at] === CR && at + 1 < buffer.length) {
      this.consumedBytes += at + 2 - this.#position;
      this.#position = at + 2;
      return value;
    }
    const cr = buffer.indexOf(CR, this.#position);
    if (cr < 0 || cr + 1 >= buffer.length) {
      if (buffer.length - this.#position > this.limits.inlineBytesMax) throw new ProtocolError(tooBig);
      return null;
    }
    const text = buffer.latin1Slice(this.#position + 1, cr);
    if (!/^-?(0|[1-9][0-9]*)$/.test(text)) throw new ProtocolError(invalid);
    this.consumedBytes += cr + 2 - this.#position;
    this.#position = cr + 2;
    return Number(text);
  }

  #inline(): string[] | null {
    const newline = this.#buffer.indexOf(LF, this.#position);
    if (newline < 0) {
      if (this.#buffer.length - this.#position > this.limits.inlineBytesMax) throw new ProtocolError('too big inline request');
      return null;
    }
    let end = newline;
    if (end > this.#position && this.#buffer[end - 1] === CR) end--;
    const line = this.#buffer.latin1Slice(this.#position, end);
    this.consumedBytes += newline + 1 - this.#position;
    this.#position = newline + 1;
    const words = splitInline(line);
    if (words === null) throw new ProtocolError('unbalanced quotes in request');
    return words;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const isSpace = (char: string | undefined): boolean => char !== undefined && ' \t\n\v\f\r'.includes(char);

/** Words of a line with Redis's quoting rules; null when quotes do not balance [redis sds.c sdssplitargs]. */
export function splitInline(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(line[at])) at++;
    if (at >= line.length || line[at] === '\0') return words;
    let word = '';
    for (let quote: string | null = null; ; at++) {
      const char = line[at];
      if (quote !== null) {
        if (char === undefined) return null;
        if (char === quote) {
          const after = line[at + 1];
          if (after !== undefined && !isSpace(after)) return null;
          at++;
          break;
        }
        const next = line[at + 1];
        if (quote === '"' && char === '\\' && next !== undefined) {
          const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4));
          if (hex) {
            word += String.fromCharCode(parseInt(hex[1]!, 16));
            at += 3;
          } else {
            word += ESCAPES[next] ?? next;
            at++;
          }
        } else if (quote === "'" && char === '\\' && next === "'") {
          word += "'";
          at++;
        } else word += char;
      } else if (char === undefined || isSpace(char) || char === '\0') break;
      else if (char === '"' || char === "'") quote = char;
      else word += char;
    }
    words.push(word);
  }
}
