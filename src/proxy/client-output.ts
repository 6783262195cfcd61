/**
 * Bytes on their way to one client: gathered, written once per turn, ended after the last.
 * Border: what they are and in which order is the session's. Limit: `GATHERED_BYTES_MAX` per write.
 */

import type { Connection } from '../world/world.ts';
import type { ReplyBytes } from './reply-queue.ts';
import type { Flushable, Turn } from './turn.ts';

/** Replies gathered beyond this are written before the turn ends. */
const GATHERED_BYTES_MAX = 1024 * 1024;

export class ClientOutput implements Flushable {
  readonly #connection: Connection;
  readonly #turn: Turn;
  /** The client does not keep up: nothing more should be asked for it until the connection has drained. */
  readonly #full: () => void;
  #out = '';
  #marked = false;
  #ending = false;
  #closed = false;

  constructor(connection: Connection, turn: Turn, full: () => void) {
    this.#connection = connection;
    this.#turn = turn;
    this.#full = full;
  }

  get unsentBytes(): number {
    return this.#out.length + this.#connection.unsentBytes;
  }

  send(bytes: ReplyBytes): void {
    if (this.#closed) return;
    if (typeof bytes !== 'string') {
      this.#write();
      if (!this.#connection.write(bytes)) this.#full();
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
    if (!this.#connection.write(out)) this.#full();
  }
}
