/**
 * What one client takes, estimated, and how much of it the shard has counted. Border: who must go for it is
 * `client-eviction.ts`; replicas are counted where their stream waits.
 */

import type { Session } from './session.ts';

/** A client that has sent and waits for nothing: session, decoder and connection. */
const CLIENT_BYTES = 4 * 1024;
/** What a client takes for a channel, a pattern, a watched key or a tracked prefix, with the table where it is looked up. */
const NAME_BYTES = 256;

export class ClientMemory {
  readonly #session: Session;
  #countedBytes = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  get bytes(): number {
    const { transaction, tracking, decoder, subscriptionCount, pendingBytes, unsentBytes, queryBytes } = this.#session;
    const names = subscriptionCount + transaction.watched.size + (tracking?.prefixes.size ?? 0);
    const waitingBytes = pendingBytes + unsentBytes + queryBytes + decoder.argumentBytes;
    return CLIENT_BYTES + waitingBytes + transaction.queuedBytes + names * NAME_BYTES;
  }

  /** Adds what it has changed by to the shard's. */
  count(): void {
    const bytes = this.#session.hasEnded || this.#session.kind === 'replica' ? 0 : this.bytes;
    this.#session.shard.memory.clientBytes += bytes - this.#countedBytes;
    this.#countedBytes = bytes;
  }

  uncount(): void {
    this.#session.shard.memory.clientBytes -= this.#countedBytes;
    this.#countedBytes = 0;
  }
}
