/**
 * What keeps an append log from the disk. A write and a sync fail by themselves, so the trouble that one of them has ends only when the
 * same thing is done. Border: what follows from it is `persistence.ts`.
 */

import type { FileOutcome, FileTrouble } from '../../world/files.ts';
import type { Clock } from '../../world/world.ts';

export type LogStep = 'write' | 'sync';

export class LogTrouble {
  readonly #clock: Clock;
  #failed: LogStep = 'write';
  #now: FileTrouble | null = null;
  #isKnown = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get now(): FileTrouble | null {
    return this.#now;
  }

  /** Whoever wrote before there was trouble has been heard: since then nobody may. */
  get isKnown(): boolean {
    return this.#isKnown;
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
    if (begins) this.#clock.soon(() => (this.#isKnown = this.#now !== null));
    return begins;
  }

  end(): void {
    this.#now = null;
    this.#isKnown = false;
  }
}
