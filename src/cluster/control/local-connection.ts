/**
 * A connection inside the process: two ends, each of which hears what the other writes, a turn later. For asking an endpoint as a
 * client would, without its TLS.
 */

import type { Address, Clock, CloseReason, Connection, ConnectionHandler } from '../../world/world.ts';

class End implements Connection {
  readonly local: Address;
  readonly remote: Address;
  readonly tls = null;
  readonly unsentBytes = 0;
  peer: End | null = null;
  readonly #clock: Clock;
  readonly #waiting: Buffer[] = [];
  #handler: ConnectionHandler | null = null;
  #paused = false;
  #ended: CloseReason | null = null;
  #isClosed = false;
  #isDue = false;

  constructor(clock: Clock, local: Address, remote: Address) {
    this.#clock = clock;
    this.local = local;
    this.remote = remote;
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
    this.#deliverSoon();
  }

  write(bytes: string | Uint8Array): boolean {
    if (this.#isClosed || this.#ended === 'local') return true;
    this.peer?.take(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliverSoon();
  }

  end(): void {
    this.peer?.close('ended');
    this.close('local');
  }

  destroy(): void {
    this.peer?.close('reset');
    this.#waiting.length = 0;
    this.close('local');
  }

  // What the other end calls

  take(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.#deliverSoon();
  }

  close(reason: CloseReason): void {
    this.#ended ??= reason;
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.soon(() => {
      this.#isDue = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#waiting.length > 0 && !this.#paused && this.#handler !== null)
      this.#handler.data(this.#waiting.shift()!);
    if (this.#ended === null || this.#isClosed || this.#waiting.length > 0 || this.#handler === null) return;
    this.#isClosed = true;
    this.#handler.closed(this.#ended);
  }
}

/** Both ends: the client's and the server's. */
export const localConnection = (clock: Clock, client: Address, server: Address): readonly [Connection, Connection] => {
  const near = new End(clock, client, server);
  const far = new End(clock, server, client);
  near.peer = far;
  far.peer = near;
  return [near, far];
};
