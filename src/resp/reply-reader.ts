/**
 * Replies from bytes, wherever we are an ordinary client of somebody else's server: redis-parser, RESP2.
 *
 * Strings come out binary (one char per byte), integers exact, errors as `Failure` values, both nulls as null. Every reply
 * reaches redis-parser whole, cut out by `ReplyFramer`: it would otherwise keep hold of chunks that are only lent and wait
 * for ever on malformed lengths. Limits: the framer's; nesting as deep as the stack allows. One loss: an error *inside* an
 * array is decoded as UTF-8 by redis-parser.
 */

import RedisParser from 'redis-parser';
import { Failure } from './reply.ts';
import { ReplyFramer, ReplyProtocolError } from './reply-framer.ts';

export type ReaderReply = string | number | bigint | null | Failure | ReaderReply[];

const MINUS = 45;
const PLUS = 43;

export class ReplyReader {
  readonly #framer = new ReplyFramer();
  readonly #parser: RedisParser;
  readonly #onReply: (reply: ReaderReply) => void;
  #parsed: unknown = null;

  constructor(onReply: (reply: ReaderReply) => void) {
    this.#onReply = onReply;
    this.#parser = new RedisParser({
      returnBuffers: true,
      stringNumbers: true,
      returnReply: (reply: unknown) => (this.#parsed = reply),
      returnError: (error: Error) => (this.#parsed = error),
      returnFatalError: (error: Error) => {
        throw new ReplyProtocolError(error.message);
      },
    });
  }

  /** The chunk is only lent. Throws ReplyProtocolError when it is not RESP2; the reader is of no use afterwards. */
  push(chunk: Buffer): void {
    this.#framer.push(chunk, this.#read);
  }

  readonly #read = (bytes: Buffer): void => {
    if (bytes[0] === MINUS) {
      this.#onReply(new Failure(bytes.latin1Slice(1, bytes.length - 2)));
      return;
    }
    // Most replies to a copying client: a parser would cost more than the reply
    if (bytes[0] === PLUS) {
      this.#onReply(bytes.latin1Slice(1, bytes.length - 2));
      return;
    }
    let reply: ReaderReply;
    try {
      this.#parser.execute(bytes);
      reply = plain(this.#parsed);
    } catch (error) {
      // redis-parser calls itself for each level
      if (error instanceof RangeError) throw new ReplyProtocolError('reply nested too deeply');
      throw error;
    }
    this.#onReply(reply);
  };
}

function plain(reply: unknown): ReaderReply {
  if (Buffer.isBuffer(reply)) return reply.latin1Slice();
  if (reply === null) return null;
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof Error) return new Failure(reply.message);
  // With `stringNumbers` every integer arrives as its digits.
  const value = Number(reply);
  return Number.isSafeInteger(value) ? value : BigInt(reply as string);
}
