/**
 * One turn of the event loop at an endpoint: whoever gathered bytes for somebody marks itself, and everything marked is
 * written once, after the input of this turn has been dealt with. So the requests of many clients reach a shard in one
 * write, and the replies of several shards a client in one (measured with three shards and sixteen clients: a third less
 * processor time than a write for each event).
 *
 * Border: knows no sockets.
 */

import type { Clock } from '../world/world.ts';

export interface Flushable {
  flush(): void;
}

export class Turn {
  readonly #clock: Clock;
  #marked: Flushable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called once until it is flushed by each: it keeps its own flag. */
  mark(flushable: Flushable): void {
    this.#marked.push(flushable);
    if (this.#marked.length === 1) this.#clock.soon(() => this.#flush());
  }

  #flush(): void {
    const marked = this.#marked;
    this.#marked = [];
    for (const each of marked) each.flush();
  }
}
