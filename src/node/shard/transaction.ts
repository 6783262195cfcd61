/**
 * MULTI … EXEC of one session, and the keys it watches. A queued request is kept as its words: it was checked when queued and
 * runs as a command of its own in EXEC. [redis multi.c]
 */

import type { Command } from '../commands/command.ts';

export interface Queued {
  readonly command: Command;
  readonly words: readonly string[];
}

/** What a queued request and each of its words take beside their bytes: else any number of short ones would pass. */
const REQUEST_BYTES = 160;
const WORD_BYTES = 24;

export class Transaction {
  /** Null outside MULTI. */
  queue: Queued[] | null = null;
  /** A request was refused while queueing: EXEC will abort. */
  aborted = false;
  /** Bytes of the words in the queue, with what is kept around them. */
  queuedBytes = 0;
  /** A watched key changed: EXEC will answer null. */
  dirty = false;
  /** `database:key` of watched keys; true when the key had already expired at WATCH. */
  readonly watched = new Map<string, boolean>();

  begin(): void {
    this.queue = [];
    this.queuedBytes = 0;
    this.aborted = false;
  }

  /** Outside MULTI again. The session's watches are the caller's to end: they may go on without a transaction. */
  end(): void {
    this.queue = null;
    this.queuedBytes = 0;
    this.aborted = false;
  }

  /** Keeps a request for EXEC. */
  add(queued: Queued): void {
    this.queuedBytes += REQUEST_BYTES + queued.words.length * WORD_BYTES;
    for (const word of queued.words) this.queuedBytes += word.length;
    this.queue!.push(queued);
  }
}
