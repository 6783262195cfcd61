/**
 * What keeps an append log from the disk. A write and a sync fail by themselves, so the trouble that one of them has ends only when the
 * same thing is done. Border: what follows from it is `persistence.ts`.
 */

import type { FileOutcome, FileTrouble } from '../../world/files.ts';
import { refuse, type Refusal } from '../../resp/refusals.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';

export type LogStep = 'write' | 'sync';

export class LogTrouble {
  readonly #shard: Shard;
  #failed: LogStep = 'write';
  #now: FileTrouble | null = null;
  #isKnown = false;
  /** In the middle of something as it began. */
  readonly #unanswered = new Set<Session>();

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  get now(): FileTrouble | null {
    return this.#now;
  }

  /** Of writes, while it lasts. */
  get refusal(): Refusal | null {
    return this.#now === null ? null : refuse('MISCONF_LOG', this.#now.detail);
  }

  /** Whoever wrote before there was trouble has been heard: since then nobody may. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Asked for each answer: may it tell of what was written before, like that of a FLUSHALL which also saves, or of a long script? */
  concerns(session: Session): boolean {
    return this.#unanswered.delete(session);
  }

  /** True: it has just begun. */
  note(step: LogStep, outcome: FileOutcome): boolean {
    if (outcome.ok) {
      if (step === this.#failed) this.end();
      return false;
    }
    const begins = this.#now === null;
    this.#failed = step;
    this.#now = outcome;
    if (!begins) return false;
    this.#shard.world.clock.soon(() => (this.#isKnown = this.#now !== null));
    for (const session of this.#shard.sessions.values()) if (isInTheMiddle(session)) this.#unanswered.add(session);
    return true;
  }

  end(): void {
    this.#now = null;
    this.#isKnown = false;
    this.#unanswered.clear();
  }
}

/** Of a command that is answered when it has done something, and not when somebody else has. */
const isInTheMiddle = ({ waiting }: Session): boolean =>
  waiting !== null && waiting.request.keys.length === 0 && waiting.request.timeoutMs === 0;
