/**
 * Replies of several shards on their way to becoming one: each part is taken as it comes, the fold runs when the last is in.
 * A shard that is lost counts as an error reply. Limits: the folded reply is a string, so at most 512 MiB.
 */

import { encodeFailure } from '../resp/reply.ts';
import type { ReplySlot } from './reply-queue.ts';
import type { Fold, FoldContext } from './scatter.ts';
import type { ReplyTaker } from './shard-connection.ts';

export class Gather {
  readonly #replies: string[];
  #missing: number;
  readonly #fold: Fold;
  readonly #context: () => FoldContext;
  readonly #slot: ReplySlot;

  constructor(parts: number, fold: Fold, context: () => FoldContext, slot: ReplySlot) {
    this.#replies = Array.from({ length: parts }, () => '');
    this.#missing = parts;
    this.#fold = fold;
    this.#context = context;
    this.#slot = slot;
    if (parts === 0) this.#finish();
  }

  /** Who takes the reply of one part. */
  part(index: number): ReplyTaker {
    return {
      take: (bytes) =>
        this.#set(
          index,
          orTooLong(() => bytes.latin1Slice()),
        ),
      lost: (failure) => this.#set(index, encodeFailure(failure)),
    };
  }

  #set(index: number, reply: string): void {
    this.#replies[index] = reply;
    this.#missing--;
    if (this.#missing === 0) this.#finish();
  }

  #finish(): void {
    this.#slot.fill(orTooLong(() => this.#fold(this.#replies, this.#context())));
  }
}

/** The runtime's strings have a longest length: a limit of ours, said plainly. */
function orTooLong(make: () => string): string {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error && /string length|ERR_STRING_TOO_LONG|longer than/.test(error.message)) {
      return encodeFailure('ERR reply exceeds the largest string this proxy can hold (512 MiB)');
    }
    throw error;
  }
}
