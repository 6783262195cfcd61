/**
 * An ordinary client's connection to a Redis server: requests out in a pipeline, replies back in order.
 *
 * Border: no retries, no meaning. Replies beyond what was asked for (pushes) never come: it speaks RESP2 and does not subscribe.
 */

import assert from 'node:assert';
import { ReplyProtocolError } from '../resp/reply-framer.ts';
import { ReplyReader, type ReaderReply } from '../resp/reply-reader.ts';
import { encodeRequest } from '../resp/reply.ts';
import type { CloseReason, Connection } from '../world/world.ts';

export interface RequestConnectionEvents {
  /** Called once; replies that were still awaited will not come. */
  closed(reason: CloseReason | 'protocol'): void;
}

export class RequestConnection {
  readonly #connection: Connection;
  readonly #awaiting: ((reply: ReaderReply) => void)[] = [];
  #head = 0;
  #closed = false;

  constructor(connection: Connection, events: RequestConnectionEvents) {
    this.#connection = connection;
    const reader = new ReplyReader((reply) => {
      const take = this.#awaiting[this.#head];
      assert(take !== undefined, 'a reply answers a request');
      this.#head++;
      if (this.#head > 1024) {
        this.#awaiting.splice(0, this.#head);
        this.#head = 0;
      }
      take(reply);
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
    for (let i = 0; i < replies; i++) this.#awaiting.push((reply) => take(reply, i));
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
