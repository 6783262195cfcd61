/**
 * An ordinary client's connection to a Redis server: requests out in a pipeline, replies back in order.
 *
 * Border: no retries, no meaning. It speaks RESP2 and does not subscribe: a reply beyond what was asked for ends it.
 */

import { ReplyProtocolError } from '../resp/reply-framer.ts';
import { ReplyReader, type ReaderReply } from '../resp/reply-reader.ts';
import { encodeRequest } from '../resp/reply.ts';
import type { CloseReason, Connection } from '../world/world.ts';

export interface RequestConnectionEvents {
  /** Called once; replies that were still awaited will not come. */
  closed(reason: CloseReason | 'protocol'): void;
}

/** Answered entries kept before they are cut off in one go. */
const HEAD_MAX = 1024;

interface Waiting {
  readonly replies: number;
  answered: number;
  readonly take: (reply: ReaderReply, index: number) => void;
}

export class RequestConnection {
  readonly #connection: Connection;
  readonly #waiting: Waiting[] = [];
  #head = 0;
  #closed = false;

  constructor(connection: Connection, events: RequestConnectionEvents) {
    this.#connection = connection;
    const reader = new ReplyReader((reply) => {
      const waiting = this.#waiting[this.#head];
      // A server is not ours to trust: what it says unasked ends the connection, not the program.
      if (waiting === undefined) throw new ReplyProtocolError('a reply that nobody has asked for');
      const index = waiting.answered++;
      if (waiting.answered === waiting.replies && ++this.#head > HEAD_MAX) {
        this.#waiting.splice(0, this.#head);
        this.#head = 0;
      }
      waiting.take(reply, index);
    });
    connection.handle({
      data: (chunk) => {
        if (this.#closed) return;
        try {
          reader.push(chunk);
        } catch (error) {
          if (!(error instanceof ReplyProtocolError)) throw error;
          this.close();
          events.closed('protocol');
        }
      },
      closed: (reason) => {
        if (this.#closed) return;
        this.#closed = true;
        events.closed(reason);
      },
    });
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes;
  }

  /** Sends bytes that hold `replies` requests; each reply goes to `take`. */
  send(bytes: string | Buffer, replies: number, take: (reply: ReaderReply, index: number) => void): void {
    if (this.#closed) return;
    this.#waiting.push({ replies, answered: 0, take });
    this.#connection.write(bytes);
  }

  ask(words: readonly string[], take: (reply: ReaderReply) => void): void {
    this.send(encodeRequest(words), 1, take);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.destroy();
  }
}
