/**
 * Replies as bytes in the memory of a Lua machine, both ways: a tag, a length or count (32 bits, little-endian), then the bytes or the
 * items. [lua-redis-wasm docs/abi.md]
 *
 * Border: pure. Bytes that are read belong to the machine and are copied out.
 */

import {
  BigNumber,
  Double,
  encodeReplyWithinLimit,
  Failure,
  MapReply,
  SetReply,
  Status,
  Verbatim,
  type Protocol,
  type Reply,
} from '../../resp/reply.ts';
import { NIL_MARK } from './prelude.ts';

const TAG = {
  null: 0x00,
  integer: 0x01,
  bulk: 0x02,
  array: 0x03,
  status: 0x04,
  error: 0x05,
  abort: 0x06,
  boolean: 0x07,
  double: 0x08,
  map: 0x09,
  set: 0x0a,
  bigNumber: 0x0b,
  verbatim: 0x0c,
} as const;

const HEAD_BYTES = 5;
export const FEW_BYTES = 48;
const LINE_BYTES = 4;

/** What is to be given to a machine, in one buffer that is used again. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** A copy. */
  get bytes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#at);
  }

  copyTo(memory: Buffer, at: number): void {
    const length = this.#at;
    // A call out of JavaScript costs more than a few bytes
    if (length <= FEW_BYTES) for (let i = 0; i < length; i++) memory[at + i] = this.#bytes[i]!;
    else this.#bytes.copy(memory, at, 0, length);
  }

  start(): this {
    this.#at = 0;
    return this;
  }

  /** Keys and arguments: their number, then each with its length. */
  words(...lists: readonly (readonly string[])[]): void {
    let count = 0;
    for (const list of lists) count += list.length;
    this.#need(4);
    this.#at = this.#bytes.writeUInt32LE(count, this.#at);
    for (const list of lists) {
      for (const word of list) {
        this.#need(4 + word.length);
        this.#at = this.#bytes.writeUInt32LE(word.length, this.#at);
        this.#at += this.#bytes.latin1Write(word, this.#at);
      }
    }
  }

  /** As a client of that protocol would see it: what is not plain goes by way of its bytes, so that nothing can differ. */
  reply(reply: Reply, protocol: Protocol): void {
    if (typeof reply === 'string') this.text(TAG.bulk, reply);
    else if (typeof reply === 'number' && Number.isSafeInteger(reply)) this.integer(reply);
    else if (reply === null && protocol === 2) this.#head(TAG.null, 0);
    else if (reply instanceof Status) this.text(TAG.status, reply.text);
    else if (Array.isArray(reply)) {
      const items = reply as readonly Reply[];
      this.#head(TAG.array, items.length);
      for (const item of items) this.reply(item, protocol);
    } else this.#encoded(encodeReplyWithinLimit(reply, protocol), 0);
  }

  integer(value: number | bigint): void {
    this.#head(TAG.integer, 8);
    this.#need(8);
    if (typeof value === 'number' && value >= 0 && value <= 0xffff_ffff) {
      this.#bytes.writeUInt32LE(value, this.#at);
      this.#bytes.writeUInt32LE(0, this.#at + 4);
    } else this.#bytes.writeBigInt64LE(BigInt(value), this.#at);
    this.#at += 8;
  }

  text(tag: number, text: string): void {
    this.#head(tag, text.length);
    this.#need(text.length);
    this.#at += this.#bytes.latin1Write(text, this.#at);
  }

  bulk(text: string): void {
    this.text(TAG.bulk, text);
  }

  error(text: string): void {
    this.text(TAG.error, text);
  }

  nothing(): void {
    this.#head(TAG.null, 0);
  }

  /** A RESP reply at `at`; answers where the next begins. */
  #encoded(resp: string, at: number): number {
    const end = resp.indexOf('\r\n', at);
    const line = resp.slice(at + 1, end);
    const next = end + 2;
    const items = (tag: number, count: number, each = 1): number => {
      this.#head(tag, count);
      let place = next;
      for (let i = 0; i < count * each; i++) place = this.#encoded(resp, place);
      return place;
    };
    switch (resp[at]) {
      case '+':
        this.text(TAG.status, line);
        return next;
      case '-':
        this.text(TAG.error, line);
        return next;
      case ':':
        this.integer(BigInt(line));
        return next;
      case '$': {
        if (line === '-1') {
          this.#head(TAG.null, 0);
          return next;
        }
        const length = Number(line);
        this.text(TAG.bulk, resp.slice(next, next + length));
        return next + length + 2;
      }
      case '*':
      case '>':
        if (line === '-1') {
          this.#head(TAG.null, 0);
          return next;
        }
        return items(TAG.array, Number(line));
      case '_':
        this.text(TAG.status, NIL_MARK);
        return next;
      case '#':
        this.#head(TAG.boolean, 1);
        this.#need(1);
        this.#bytes[this.#at++] = line === 't' ? 1 : 0;
        return next;
      case ',':
        this.#head(TAG.double, 8);
        this.#need(8);
        this.#at = this.#bytes.writeDoubleLE(
          line === 'inf' ? Infinity : line === '-inf' ? -Infinity : Number(line),
          this.#at,
        );
        return next;
      case '(':
        this.text(TAG.bigNumber, line);
        return next;
      case '=': {
        const length = Number(line);
        const format = resp.slice(next, next + 3);
        const text = resp.slice(next + 4, next + length);
        const bytes = 4 + format.length + text.length;
        this.#head(TAG.verbatim, bytes);
        this.#need(bytes);
        this.#at = this.#bytes.writeUInt32LE(format.length, this.#at);
        this.#at += this.#bytes.latin1Write(format + text, this.#at);
        return next + length + 2;
      }
      case '|': {
        // Scripts do not see attributes
        const unseen = new WireWriter();
        let place = next;
        for (let left = Number(line) * 2; left > 0; left--) place = unseen.#encoded(resp, place);
        return this.#encoded(resp, place);
      }
      case '~':
        return items(TAG.set, Number(line));
      case '%':
        return items(TAG.map, Number(line), 2);
      default:
        throw new Error(`a reply of an unknown type: ${JSON.stringify(resp[at])}`);
    }
  }

  #head(tag: number, length: number): void {
    this.#need(HEAD_BYTES);
    this.#bytes[this.#at] = tag;
    this.#at = this.#bytes.writeUInt32LE(length, this.#at + 1);
  }

  #need(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const longer = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
    this.#bytes.copy(longer, 0, 0, this.#at);
    this.#bytes = longer;
  }
}

/** Keys and arguments as a machine tells them. */
export function readWords(bytes: Buffer, at: number): string[] {
  const words: string[] = [];
  let place = at + 4;
  for (let left = bytes.readUInt32LE(at); left > 0; left--) {
    const length = bytes.readUInt32LE(place);
    words.push(bytes.latin1Slice(place + 4, place + 4 + length));
    place += 4 + length;
  }
  return words;
}

/** What a script returned. Booleans are what the script's own protocol makes of them. */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #protocol: Protocol;
  #at: number;

  constructor(bytes: Buffer, at: number, protocol: Protocol) {
    this.#bytes = bytes;
    this.#at = at;
    this.#protocol = protocol;
  }

  /** What comes is the engine's own error, and no value of a script. */
  get isAborted(): boolean {
    return this.#bytes[this.#at] === TAG.abort;
  }

  value(): Reply {
    const bytes = this.#bytes;
    const tag = bytes[this.#at]!;
    const length = bytes.readUInt32LE(this.#at + 1);
    this.#at += HEAD_BYTES;
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.integer:
        return integerFrom(bytes, (this.#at += 8) - 8);
      case TAG.bulk:
        return this.#text(length);
      case TAG.bigNumber:
        return new BigNumber(this.#text(length).replace(/[\r\n]/g, ' '));
      case TAG.status: {
        const text = this.#text(length);
        return text === NIL_MARK ? null : new Status(oneLine(text));
      }
      case TAG.error:
        return new Failure(oneLine(this.#text(length)));
      case TAG.abort:
        this.#at += LINE_BYTES;
        return new Failure(oneLine(this.#text(length - LINE_BYTES)));
      case TAG.boolean: {
        const value = bytes[this.#at++] === 1;
        return this.#protocol === 3 ? value : value ? 1 : null;
      }
      case TAG.double:
        return new Double(bytes.readDoubleLE((this.#at += 8) - 8));
      case TAG.array:
        return this.#items(length);
      case TAG.set:
        return new SetReply(this.#items(length));
      case TAG.map:
        return new MapReply(this.#items(length * 2));
      case TAG.verbatim: {
        const formatLength = bytes.readUInt32LE(this.#at);
        this.#at += 4;
        const format = this.#text(formatLength);
        return new Verbatim(this.#text(length - 4 - formatLength), format === 'mkd' ? 'mkd' : 'txt');
      }
      default:
        throw new Error(`a value of an unknown type: ${tag}`);
    }
  }

  #text(length: number): string {
    return this.#bytes.latin1Slice(this.#at, (this.#at += length));
  }

  #items(count: number): Reply[] {
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.value());
    return items;
  }
}

/** No double is this integer: the engine stops here where a processor, and so Redis, goes round. */
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

function integerFrom(bytes: Buffer, at: number): number | bigint {
  const high = bytes.readInt32LE(at + 4);
  if (high >= -0x20_0000 && high < 0x20_0000) return high * 0x1_0000_0000 + bytes.readUInt32LE(at);
  const value = bytes.readBigInt64LE(at);
  return value === INT64_MAX ? INT64_MIN : value;
}

/** An error or a status is one line, and ends at a zero byte as in C. */
export const oneLine = (text: string): string => {
  const end = text.indexOf('\0');
  return (end < 0 ? text : text.slice(0, end)).replace(/[\r\n]/g, ' ');
};
