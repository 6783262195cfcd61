/** A moment of the world's clock, however far off, at which something ends. */

import type { Clock, Timer } from '../../world/world.ts';

/** The longest a timer can be set for; what is longer is set again. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export class Deadline {
  readonly #clock: Clock;
  readonly #reached: () => void;
  #timer: Timer | null = null;
  /** Unix milliseconds; of the latest one, also when that is over. */
  untilMs = 0;

  constructor(clock: Clock, reached: () => void) {
    this.#clock = clock;
    this.#reached = reached;
  }

  /** It is still to come. */
  get isAhead(): boolean {
    return this.#timer !== null;
  }

  /** In place of the one before. */
  set(untilMs: number): void {
    this.untilMs = untilMs;
    this.#arm();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.cancel();
    const delayMs = Math.max(0, Math.min(this.untilMs - this.#clock.now(), DELAY_MS_MAX));
    this.#timer = this.#clock.after(delayMs, () => {
      if (this.untilMs > this.#clock.now()) this.#arm();
      else {
        this.#timer = null;
        this.#reached();
      }
    });
  }
}
