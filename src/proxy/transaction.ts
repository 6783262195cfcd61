/**
 * MULTI … EXEC and WATCH of one client. Requests are checked and queued here and leave for the shard of their slot together, so
 * that nobody else's request on the same connection can come between; WATCH needs a connection of its own, and EXEC then goes
 * there. Limits: `QUEUED_BYTES_MAX` per transaction.
 */

import { refuse } from '../resp/refusals.ts';
import { encodeRequest } from '../resp/reply.ts';
import type { Anchor } from './key-slots.ts';
import type { SessionHost } from './session-host.ts';
import type { ReplyTaker, ShardConnection } from './shard-connection.ts';

const QUEUED_BYTES_MAX = 256 * 1024 * 1024;

const MULTI = encodeRequest(['MULTI']);
const EXEC = encodeRequest(['EXEC']);
const UNWATCH = encodeRequest(['UNWATCH']);

/** For replies that nobody waits for: OK and QUEUED, given long ago. */
const IGNORED: ReplyTaker = { take() {}, lost() {} };

export class ClientTransaction {
  readonly #host: SessionHost;
  #queue: string[] | null = null;
  #bytes = 0;
  #aborted = false;
  #anchor: Anchor | null = null;
  #watching: ShardConnection | null = null;
  #watched = 0;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  get isOpen(): boolean {
    return this.#queue !== null;
  }

  /** Requests queued; -1 outside MULTI. */
  get queued(): number {
    return this.#queue?.length ?? -1;
  }

  get watched(): number {
    return this.#watched;
  }

  get anchor(): Anchor | null {
    return this.#anchor;
  }

  /** EXEC must wait until everything before it is answered, since it takes another way. */
  get isWatching(): boolean {
    return this.#watching !== null;
  }

  begin(): void {
    if (this.#queue !== null) throw refuse('NESTED_MULTI');
    this.#queue = [];
    this.#bytes = 0;
    this.#aborted = false;
  }

  /** A request was refused: EXEC will not run. */
  abort(): void {
    this.#aborted = true;
  }

  queue(words: readonly string[], anchor: Anchor | null): void {
    const request = encodeRequest(words);
    this.#bytes += request.length;
    if (this.#bytes > QUEUED_BYTES_MAX) throw refuse('ERR', `a transaction takes at most ${QUEUED_BYTES_MAX} bytes`);
    this.#anchor = anchor;
    this.#queue!.push(request);
  }

  /** The host has made sure that nothing is outstanding. */
  watch(words: readonly string[], anchor: Anchor | null): void {
    if (this.#queue !== null) throw refuse('WATCH_INSIDE_MULTI');
    const host = this.#host;
    let connection = this.#watching;
    if (connection === null) {
      const opened = host.dedicated(host.shardOf(anchor));
      if (typeof opened === 'string') throw refuse('RAW', opened);
      opened.setOwner({ closed: () => host.disconnect() }); // the watch is lost, and with it what EXEC would rely on
      connection = this.#watching = opened;
    }
    this.#anchor = anchor;
    this.#watched += words.length - 1;
    host.hold();
    const slot = host.openSlot();
    connection.send(encodeRequest(words), {
      take: (bytes) => {
        slot.take(bytes);
        host.release();
      },
      lost: (failure) => slot.lost(failure),
    });
  }

  unwatch(): void {
    this.#watched = 0;
    if (this.#queue === null) this.#anchor = null;
    const connection = this.#watching;
    this.#watching = null;
    if (connection === null || connection.isClosed) return;
    connection.send(UNWATCH, IGNORED);
    this.#host.giveBack(connection);
  }

  discard(): void {
    if (this.#queue === null) throw refuse('DISCARD_WITHOUT_MULTI');
    this.#queue = null;
    this.unwatch();
  }

  /** When watching, the host has made sure that nothing is outstanding. */
  exec(): void {
    const host = this.#host;
    const queue = this.#queue;
    if (queue === null) throw refuse('EXEC_WITHOUT_MULTI');
    const watching = this.#watching;
    const anchor = this.#anchor;
    this.#queue = null;
    if (this.#aborted) {
      this.unwatch();
      throw refuse('EXECABORT');
    }
    this.#anchor = null;
    if (watching === null) {
      if (queue.length === 0) {
        host.put('*0\r\n');
        return;
      }
      const shared = host.shared(host.shardOf(anchor));
      if (typeof shared === 'string') throw refuse('RAW', shared);
      sendAll(shared, queue, host.openSlot());
      return;
    }
    this.#watching = null;
    this.#watched = 0;
    host.hold();
    const slot = host.openSlot();
    sendAll(watching, queue, {
      take: (bytes) => {
        host.giveBack(watching); // EXEC ends every watch, whatever it answers
        slot.take(bytes);
        host.release();
      },
      lost: (failure) => slot.lost(failure),
    });
  }

  /** The client is gone. */
  close(): void {
    this.#watching?.close();
    this.#watching = null;
    this.#queue = null;
  }
}

function sendAll(connection: ShardConnection, queue: readonly string[], last: ReplyTaker): void {
  connection.send(MULTI, IGNORED);
  for (const request of queue) connection.send(request, IGNORED);
  connection.send(EXEC, last);
}

export const QUEUED_REPLY = '+QUEUED\r\n';
