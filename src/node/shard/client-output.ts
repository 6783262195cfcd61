/**
 * Where the bytes for a client go, and messages that many clients are sent alike. Border: what they are and when they leave is
 * the session's.
 */

import type { Address } from '../../world/world.ts';

export interface ClientOutput {
  readonly local: Address;
  readonly remote: Address;
  /** Binary string. */
  write(bytes: string): void;
  /** Closes after what was written has left. */
  end(): void;
}

/**
 * What all listeners of one channel are sent, gathered once for all of them: a message to fifty then costs little more than a
 * message to one. Each takes all of it when it has something else to send or when the turn ends, and with the first that does
 * nothing more is added, so every client gets everything in the order in which it came about.
 */
export class SharedOutput {
  #bytes: string;
  readonly #closed: () => void;

  /** `closed`: nothing may be added from now on, and whoever would have need not keep it. */
  constructor(bytes: string, closed: () => void) {
    this.#bytes = bytes;
    this.#closed = closed;
  }

  get length(): number {
    return this.#bytes.length;
  }

  add(bytes: string): void {
    this.#bytes += bytes;
  }

  take(): string {
    this.#closed();
    return this.#bytes;
  }
}
