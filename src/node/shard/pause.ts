/**
 * CLIENT PAUSE: for a while the shard runs no request of a client, or none that may write; whoever asks waits, in order.
 * Meanwhile nothing changes by itself either: no key expires or is evicted. [redis networking.c pauseActions]
 *
 * What a client asks inside a transaction or a script that runs already is not held, nor is a replica's acknowledgement. The
 * stream of a primary waits where it arrives (`replication/replica.ts`).
 */

import type { Command } from '../commands/command.ts';
import { Deadline } from './deadline.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export type PauseKind = 'writes' | 'all';

export class Pause {
  readonly #shard: Shard;
  /** In the order in which they came. */
  readonly #waiting = new Set<Session>();
  readonly #end: Deadline;
  /** What waits; null: nothing does. */
  kind: PauseKind | null = null;
  #locks = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.#end = new Deadline(shard.world.clock, () => this.end());
  }

  /** Sessions that wait for its end. */
  get count(): number {
    return this.#waiting.size;
  }

  /** A second one changes what waits, and never makes it shorter. */
  begin(untilMs: number, kind: PauseKind): void {
    this.kind = kind;
    this.#end.set(Math.max(this.#end.isAhead ? this.#end.untilMs : 0, untilMs));
  }

  /** Until as many `unlock` nothing is written, whatever CLIENT UNPAUSE says: the shard hands its role on, or ends. */
  lock(): void {
    this.#locks++;
    this.kind ??= 'writes';
  }

  unlock(): void {
    this.#locks--;
    if (this.#locks === 0 && !this.#end.isAhead) this.end();
  }

  /** What waited runs, in order. */
  end(): void {
    this.cancel();
    if (this.#locks > 0) this.kind = 'writes';
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const session of waiting) session.goOn();
  }

  cancel(): void {
    this.#end.cancel();
    this.kind = null;
  }

  /** The request waits; its session tells no more until then. */
  postpones(session: Session, command: Command, words: readonly string[]): boolean {
    if (this.kind === null || session.kind !== 'client') return false;
    if (this.kind === 'writes' && !this.#mayWrite(session, command, words)) return false;
    this.#waiting.add(session);
    session.postpone(words);
    return true;
  }

  forget(session: Session): void {
    this.#waiting.delete(session);
  }

  /** [redis server.c is_may_replicate_command] */
  #mayWrite(session: Session, command: Command, words: readonly string[]): boolean {
    if (command.name !== 'EXEC') return this.#alters(command, words);
    return session.transaction.queue?.some((queued) => this.#alters(queued.command, queued.words)) === true;
  }

  #alters(command: Command, words: readonly string[]): boolean {
    return command.mayWrite?.(this.#shard, words) ?? (command.isWrite || command.flags.has('may_replicate'));
  }
}
