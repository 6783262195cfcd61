/**
 * Replies of one client in the order of its requests, whatever order they arrive in.
 *
 * Each request opens a slot; a slot is filled once; what is complete at the head of the queue goes to the sink at once.
 * Border: knows no sockets. Limits: how many may wait is the session's affair, which stops reading.
 */

import assert from 'node:assert';
import { encodeFailure } from '../resp/reply.ts';
import type { ReplyTaker } from './shard-connection.ts';

/** A reply from here up stays a buffer: strings have a longest length, and copying is cheaper than encoding. */
const LARGE_REPLY_BYTES = 64 * 1024;
const COMPACT_AFTER = 512;

export type ReplyBytes = string | Buffer;

export class ReplySlot implements ReplyTaker {
  readonly #queue: ReplyQueue;
  /** CLIENT REPLY OFF or SKIP was in force: the reply is awaited, not passed on. */
  readonly silent: boolean;
  bytes: ReplyBytes | null = null;

  constructor(queue: ReplyQueue, silent: boolean) {
    this.#queue = queue;
    this.silent = silent;
  }

  fill(bytes: ReplyBytes): void {
    this.#queue.fill(this, bytes);
  }

  take(bytes: Buffer): void {
    this.#queue.fill(this, bytes.length < LARGE_REPLY_BYTES ? bytes.latin1Slice() : Buffer.from(bytes));
  }

  lost(failure: string): void {
    this.#queue.fill(this, encodeFailure(failure));
  }
}

export class ReplyQueue {
  #slots: ReplySlot[] = [];
  #head = 0;
  readonly #sink: (bytes: ReplyBytes) => void;
  /** Called when slots at the head were filled. */
  readonly #advanced: () => void;

  constructor(sink: (bytes: ReplyBytes) => void, advanced: () => void) {
    this.#sink = sink;
    this.#advanced = advanced;
  }

  get outstanding(): number {
    return this.#slots.length - this.#head;
  }

  open(silent: boolean): ReplySlot {
    const slot = new ReplySlot(this, silent);
    this.#slots.push(slot);
    return slot;
  }

  /** A reply that is known at once. */
  put(bytes: string, silent: boolean): void {
    if (this.#head < this.#slots.length) {
      const slot = this.open(silent);
      slot.bytes = bytes;
    } else if (!silent) this.#sink(bytes);
  }

  fill(slot: ReplySlot, bytes: ReplyBytes): void {
    assert(slot.bytes === null, 'a slot is filled once');
    if (this.#slots[this.#head] !== slot) {
      slot.bytes = bytes;
      return;
    }
    this.#head++;
    if (!slot.silent) this.#sink(bytes);
    for (;;) {
      const next = this.#slots[this.#head];
      if (next === undefined || next.bytes === null) break;
      this.#head++;
      if (!next.silent) this.#sink(next.bytes);
    }
    if (this.#head === this.#slots.length) {
      this.#slots.length = 0;
      this.#head = 0;
    } else if (this.#head > COMPACT_AFTER) {
      this.#slots.splice(0, this.#head);
      this.#head = 0;
    }
    this.#advanced();
  }
}
