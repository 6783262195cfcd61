/**
 * Requests from bytes: multibulk and inline, pipelined, cut anywhere. Words come out as binary strings.
 *
 * Pull style: `push` lends a chunk, `next` takes requests out until it returns null, `release` copies what is left so that
 * the chunk may be reused. Pure: no session, no socket. Limits and error texts are Redis's [redis networking.c].
 */

import { constants } from 'node:buffer';

export interface DecoderLimits {
  /** Longest bulk string: `proto-max-bulk-len`. Read for every bulk, so it may change while a decoder lives. */
  bulkBytesMax: number;
  /** Longest inline request or length line: `PROTO_INLINE_MAX_SIZE`. */
  readonly inlineBytesMax: number;
  /** Most words in one request; far lower for a client that is not authenticated. Redis 7 has no limit here but memory. */
  readonly wordsMax: number;
  /** Longest request in all: `client-query-buffer-limit`. */
  readonly requestBytesMax: number;
}

export const DEFAULT_LIMITS: Readonly<DecoderLimits> = {
  bulkBytesMax: 512 * 1024 * 1024,
  inlineBytesMax: 64 * 1024,
  wordsMax: 1024 * 1024,
  requestBytesMax: 1024 * 1024 * 1024,
};
/** A JavaScript string ends a few bytes before 512 MiB: no bulk may be longer, whatever is configured. */
const STRING_BYTES_MAX = constants.MAX_STRING_LENGTH;
/** [redis networking.c]: before AUTH, at most 10 words of at most 16384 bytes. */
const UNAUTHENTICATED_LIMITS = { wordsMax: 10, bulkBytesMax: 16_384 } as const;

/** The client broke the protocol: it is told so and disconnected. */
export class ProtocolError extends Error {}

const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const ZERO = 48;
const STAR = 42;
const DOLLAR = 36;

/** Requests of up to so many words get an array of their size before the words are there. */
const SIZED_WORDS_MAX = 64;

/** Names come again and again: the same bytes give the same string, without making it and computing its hash anew. */
const NAME_LENGTH_MAX = 16;
const NAME_PLACES = 512;
const names: (string | undefined)[] = Array.from({ length: NAME_PLACES });

function nameAt(buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > NAME_LENGTH_MAX) return buffer.latin1Slice(start, end);
  const middle = buffer[start + (length >> 1)]!;
  const place = (buffer[start]! * 31 + middle * 17 + buffer[end - 1]! * 7 + length * 131) & (NAME_PLACES - 1);
  const known = names[place];
  if (known !== undefined && known.length === length) {
    let at = 0;
    while (at < length && known.charCodeAt(at) === buffer[start + at]) at++;
    if (at === length) return known;
  }
  const name = buffer.latin1Slice(start, end);
  names[place] = name;
  return name;
}

export class RequestDecoder {
  readonly limits: Readonly<DecoderLimits>;
  authenticated = true;
  /** Bytes of requests taken out so far: a replica's offset. */
  consumedBytes = 0;

  #buffer: Buffer = EMPTY;
  #position = 0;
  /** A bulk too long for one chunk is gathered here, so that nothing is copied twice. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #words: string[] | null = null;
  #filled = 0;
  #wanted = 0;
  #bulkLength = -1;
  /** `consumedBytes` at which the request in progress is too long. */
  #requestEnd = 0;

  constructor(limits: Readonly<DecoderLimits> = DEFAULT_LIMITS) {
    this.limits = limits;
  }

  get bufferedBytes(): number {
    return this.#buffer.length - this.#position + this.#gatheredBytes;
  }

  /** Of a request in progress what is decoded already. */
  get argumentBytes(): number {
    return this.#words === null ? 0 : this.consumedBytes - (this.#requestEnd - this.limits.requestBytesMax);
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

  /** Begins the next request; null: it has begun, or nothing has arrived of it. */
  get nextByte(): number | null {
    return this.#words === null && this.#gatheredBytes === 0 ? (this.#buffer[this.#position] ?? null) : null;
  }

  /** The line that stands before the next request, which has not begun; null when more bytes are needed. */
  line(tooBig: string): string | null {
    const newline = this.#lineEnd(LF, tooBig);
    if (newline < 0) return null;
    let end = newline;
    if (end > this.#position && this.#buffer[end - 1] === CR) end--;
    const line = this.#buffer.latin1Slice(this.#position, end);
    this.consumedBytes += newline + 1 - this.#position;
    this.#position = newline + 1;
    return line;
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
        // An array of the right size where the count can be believed: `[]` would grow to 17 places at the first push
        this.#words = count <= SIZED_WORDS_MAX ? new Array<string>(count) : [];
        this.#filled = 0;
        this.#wanted = count;
        this.#requestEnd = this.consumedBytes + this.limits.requestBytesMax;
      }
      const words = this.#words;
      while (this.#filled < this.#wanted) {
        if (this.#bulkLength < 0) {
          if (this.#position >= this.#buffer.length) return null;
          if (this.#buffer[this.#position] !== DOLLAR) {
            // Redis looks at the first byte once it has the line
            if (this.#lineEnd(CR, 'too big bulk count string') < 0) return null;
            throw new ProtocolError(`expected '$', got '${String.fromCharCode(this.#buffer[this.#position]!)}'`);
          }
          const length = this.#lengthLine('invalid bulk length', 'too big bulk count string');
          if (length === null) return null;
          if (length < 0 || length > this.limits.bulkBytesMax || length > STRING_BYTES_MAX) {
            throw new ProtocolError('invalid bulk length');
          }
          if (!this.authenticated && length > UNAUTHENTICATED_LIMITS.bulkBytesMax) {
            throw new ProtocolError('unauthenticated bulk length');
          }
          if (this.consumedBytes + length > this.#requestEnd) {
            throw new ProtocolError(`request longer than ${this.limits.requestBytesMax} bytes`);
          }
          this.#bulkLength = length;
        }
        const end = this.#position + this.#bulkLength;
        if (end + 2 > this.#buffer.length) return null;
        words[this.#filled] =
          this.#filled === 0
            ? nameAt(this.#buffer, this.#position, end)
            : this.#buffer.latin1Slice(this.#position, end);
        this.#filled++;
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
    for (
      let byte = buffer[at];
      byte !== undefined && byte >= ZERO && byte < ZERO + 10 && digits < 10;
      byte = buffer[++at]
    ) {
      value = value * 10 + byte - ZERO;
      digits++;
    }
    const canonical = digits === 1 || (digits > 1 && digits < 10 && buffer[at - digits] !== ZERO);
    if (canonical && buffer[at] === CR && at + 1 < buffer.length) {
      this.consumedBytes += at + 2 - this.#position;
      this.#position = at + 2;
      return value;
    }
    const cr = this.#lineEnd(CR, tooBig);
    if (cr < 0 || cr + 1 >= buffer.length) return null;
    const text = buffer.latin1Slice(this.#position + 1, cr);
    if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) throw new ProtocolError(invalid);
    this.consumedBytes += cr + 2 - this.#position;
    this.#position = cr + 2;
    return Number(text);
  }

  /** Where the line that begins here ends, -1 when that is not known yet. Too long is too long, wherever chunks end. */
  #lineEnd(mark: number, tooBig: string): number {
    const end = this.#buffer.indexOf(mark, this.#position);
    const length = (end < 0 ? this.#buffer.length : end) - this.#position;
    if (length > this.limits.inlineBytesMax) throw new ProtocolError(tooBig);
    return end;
  }

  #inline(): string[] | null {
    const line = this.line('too big inline request');
    if (line === null) return null;
    const words = splitInline(line);
    if (words === null) throw new ProtocolError('unbalanced quotes in request');
    return words;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
const SPACES = ' \t\n\v\f\r';
/** A vertical tab or form feed separates words, but does not end one. */
const ENDS_WORD = ' \t\n\r';

/** Words of a line with Redis's quoting rules; null when quotes do not balance [redis sds.c sdssplitargs]. */
export function splitInline(given: string): string[] | null {
  // In C the line ends at its first NUL
  const nul = given.indexOf('\0');
  const line = nul < 0 ? given : given.slice(0, nul);
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && SPACES.includes(line[at]!)) at++;
    if (at >= line.length) return words;
    let word = '';
    for (let quote: string | null = null; ; at++) {
      const char = line[at];
      if (char === undefined) {
        if (quote !== null) return null;
        break;
      }
      if (quote === null) {
        if (ENDS_WORD.includes(char)) break;
        if (char === '"' || char === "'") quote = char;
        else word += char;
        continue;
      }
      if (char === quote) {
        at++;
        if (at < line.length && !SPACES.includes(line[at]!)) return null;
        break;
      }
      const next = line[at + 1];
      if (char === '\\' && quote === '"' && next !== undefined) {
        const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4));
        word += hex === null ? (ESCAPES[next] ?? next) : String.fromCharCode(parseInt(hex[1]!, 16));
        at += hex === null ? 1 : 3;
      } else if (char === '\\' && next === "'") {
        word += "'";
        at++;
      } else word += char;
    }
    words.push(word);
  }
}

/** A web page makes its browser speak to us: what follows in its body must not be run. [redis server.c processCommand] */
export const isOfBrowser = (words: readonly string[]): boolean => /^(?:post|host:)$/i.test(words[0]!);
