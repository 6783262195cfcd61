/**
 * Bytes on their way to one client: gathered, written once per turn, ended after the last.
 * Border: what they are and in which order is the session's. Limits: `GATHERED_BYTES_MAX` per write, `UNSENT_BYTES_MAX`.
 */

import type { Connection } from '../world/world.ts';
import type { ReplyBytes } from './reply-queue.ts';
import type { Flushable, Turn } from './turn.ts';

/** Replies gathered beyond this are written before the turn ends. */
const GATHERED_BYTES_MAX = 1024 * 1024;

/** What may wait for a client that does not take it; beyond, it is cut off. [redis client-output-buffer-limit] */
const UNSENT_BYTES_MAX = {
  messages: 32 * 1024 * 1024,
  /** Replies to requests that were sent together: those of one request may have 512 MiB. */
  replies: 1024 * 1024 * 1024,
} as const;

export class ClientOutput implements Flushable {
  readonly #connection: Connection;
  readonly #turn: Turn;
  /** The client does not keep up: nothing more should be asked for it until the connection has drained. */
  readonly #full: () => void;
  /** What waits for it is beyond its limit. */
  readonly #tooMuch: () => void;
  #out = '';
  #marked = false;
  #ending = false;
  /** The last write was not taken whole. */
  #isFull = false;
  #closed = false;

  constructor(connection: Connection, turn: Turn, full: () => void, tooMuch: () => void) {
    this.#connection = connection;
    this.#turn = turn;
    this.#full = full;
    this.#tooMuch = tooMuch;
  }

  send(bytes: ReplyBytes, kind: keyof typeof UNSENT_BYTES_MAX = 'replies'): void {
    if (this.#closed) return;
    if (this.#isFull && this.#out.length + this.#connection.unsentBytes > UNSENT_BYTES_MAX[kind]) {
      this.#tooMuch();
      return;
    }
    if (typeof bytes !== 'string') {
      this.#write();
      this.#put(bytes);
      return;
    }
    this.#out += bytes;
    if (this.#out.length > GATHERED_BYTES_MAX) this.#write();
    else this.#mark();
  }

  /** Ends the connection once this turn's bytes are written; nothing may be sent after. */
  end(): void {
    this.#ending = true;
    this.#mark();
  }

  /** The connection is gone, or somebody else's. */
  close(): void {
    this.#closed = true;
    this.#out = '';
  }

  flush(): void {
    this.#marked = false;
    this.#write();
    if (this.#ending && !this.#closed) this.#connection.end();
  }

  #mark(): void {
    if (this.#marked || this.#closed) return;
    this.#marked = true;
    this.#turn.mark(this);
  }

  #write(): void {
    if (this.#out === '' || this.#closed) return;
    const out = this.#out;
    this.#out = '';
    this.#put(out);
  }

  #put(bytes: ReplyBytes): void {
    this.#isFull = !this.#connection.write(bytes);
    if (this.#isFull) this.#full();
  }
}
