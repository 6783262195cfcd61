/**
 * A shard that answers nobody for a while (DEBUG SLEEP). Redis blocks its process; here many shards share one, so instead the
 * shard's sessions keep what arrives unread and what they would say unsent, and its cron does nothing, until the world's clock
 * says that it is over. Two in a row add up.
 */

import type { Clock, Timer } from '../../world/world.ts';

/** The longest a timer can be set for; what is longer is set again. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export class Standstill {
  readonly #clock: Clock;
  readonly #over: () => void;
  #until = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#over = over;
  }

  get holds(): boolean {
    return this.#timer !== null;
  }

  /** When it is over; what happens because of the command that wanted it happens then. */
  get untilMs(): number {
    return this.#until;
  }

  extend(milliseconds: number): void {
    if (!(milliseconds > 0)) return;
    const now = this.#clock.now();
    this.#until = Math.max(this.#until, now) + milliseconds;
    this.#arm();
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #arm(): void {
    this.#timer?.cancel();
    const delay = Math.min(this.#until - this.#clock.now(), DELAY_MS_MAX);
    this.#timer = this.#clock.after(delay, () => {
      if (this.#until > this.#clock.now()) this.#arm();
      else {
        this.#timer = null;
        this.#over();
      }
    });
  }
}
