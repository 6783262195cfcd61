/**
 * Turns of the loop in which a shard did something: a piece of requests that came, or a tick. How many, how long, how much at most.
 * INFO reads it. [redis server.c duration_stats]
 *
 * Border: what the process does for others between them is nobody's turn here.
 */

import { Rate } from './rate.ts';

export class Turns {
  count = 0;
  ms = 0;
  msMax = 0;
  /** Of those, spent with requests, with ticks, with writing out the append log. */
  requestMs = 0;
  tickMs = 0;
  logMs = 0;
  requestsMax = 0;
  readonly perSecond = new Rate();
  readonly #microsecondsPerSecond = new Rate();

  requestsEnded(ms: number, requests: number): void {
    this.requestMs += ms;
    if (requests > this.requestsMax) this.requestsMax = requests;
    this.#ended(ms);
  }

  tickEnded(ms: number, nowMs: number): void {
    this.tickMs += ms;
    this.#ended(ms);
    this.perSecond.sample(this.count, nowMs);
    this.#microsecondsPerSecond.sample(this.ms * 1000, nowMs);
  }

  /** How long one took lately, on average. */
  get microseconds(): number {
    const turns = this.perSecond.perSecond;
    return turns === 0 ? 0 : Math.round(this.#microsecondsPerSecond.perSecond / turns);
  }

  reset(): void {
    this.count = this.ms = this.msMax = this.requestMs = this.tickMs = this.logMs = this.requestsMax = 0;
    this.perSecond.reset();
    this.#microsecondsPerSecond.reset();
  }

  #ended(ms: number): void {
    this.count++;
    this.ms += ms;
    if (ms > this.msMax) this.msMax = ms;
  }
}
