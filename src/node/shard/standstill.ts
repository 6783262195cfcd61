/**
 * A shard that answers nobody for a while (DEBUG SLEEP). Redis blocks its process; here many shards share one, so instead the
 * shard's sessions keep what arrives unread and what they would say unsent, and its cron does nothing, until the world's clock
 * says that it is over. Two in a row add up.
 */

import type { Clock } from '../../world/world.ts';
import { Deadline } from './deadline.ts';

export class Standstill {
  readonly #clock: Clock;
  readonly #end: Deadline;

  constructor(clock: Clock, over: () => void) {
    this.#clock = clock;
    this.#end = new Deadline(clock, over);
  }

  get holds(): boolean {
    return this.#end.isAhead;
  }

  /** When it is over; what happens because of the command that wanted it happens then. */
  get untilMs(): number {
    return this.#end.untilMs;
  }

  extend(milliseconds: number): void {
    if (milliseconds > 0) this.#end.set(Math.max(this.untilMs, this.#clock.now()) + milliseconds);
  }

  cancel(): void {
    this.#end.cancel();
  }
}
