/**
 * When, or how often, a key was accessed: 24 bits beside each key, read by the policy of the moment either as seconds of a clock
 * (LRU) or as minutes and a logarithmic counter (LFU); a change of policy rereads the same bits. [redis evict.c, object.c]
 */

import type { Random } from '../../world/world.ts';

const CLOCK_SECONDS = 2 ** 24;
const CLOCK_RESOLUTION_MS = 1000;
const MINUTES_MAX = 0xffff;
const COUNTER_MAX = 0xff;
/** A new key's counter, so that it has time to be used before it is the least used of all. */
const COUNTER_NEW = 5;

export class AccessRecord {
  /** By which of the two a mark is read and written: `maxmemory-policy` says. */
  isLfu = false;
  /** `lfu-log-factor`: the higher, the more accesses a counter's step takes. */
  logFactor = 10;
  /** `lfu-decay-time`: minutes after which a counter goes down by one; 0: never. */
  decayMinutes = 1;
  readonly #random: Random;
  #atMs = NaN;
  #seconds = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Mark of a key that comes into being. */
  fresh(nowMs: number): number {
    return this.isLfu ? (minutesOf(nowMs) << 8) | COUNTER_NEW : this.#clock(nowMs);
  }

  /** Mark after one more access. */
  touched(mark: number, nowMs: number): number {
    if (!this.isLfu) return this.#clock(nowMs);
    return (minutesOf(nowMs) << 8) | this.#increased(this.frequency(mark, nowMs));
  }

  /** How long the key was not accessed; in whole seconds. */
  idleMs(mark: number, nowMs: number): number {
    const clock = this.#clock(nowMs);
    return (clock >= mark ? clock - mark : clock + CLOCK_SECONDS - 1 - mark) * CLOCK_RESOLUTION_MS;
  }

  /** The counter, 0 to 255, with what the time since the last access took off it. */
  frequency(mark: number, nowMs: number): number {
    const counter = mark & COUNTER_MAX;
    if (this.decayMinutes === 0) return counter;
    const now = minutesOf(nowMs);
    const then = mark >> 8;
    const passed = now >= then ? now - then : MINUTES_MAX - then + now;
    return Math.max(0, counter - Math.floor(passed / this.decayMinutes));
  }

  /** Mark of a key of which only this is known (RESTORE, a snapshot). */
  markOfIdle(idleSeconds: number, nowMs: number): number {
    const mark = this.#clock(nowMs) - (idleSeconds % CLOCK_SECONDS);
    return mark < 0 ? mark + CLOCK_SECONDS - 1 : mark;
  }

  markOfFrequency(counter: number, nowMs: number): number {
    return (minutesOf(nowMs) << 8) | counter;
  }

  #clock(nowMs: number): number {
    if (nowMs !== this.#atMs) {
      this.#atMs = nowMs;
      this.#seconds = Math.floor(nowMs / CLOCK_RESOLUTION_MS) % CLOCK_SECONDS;
    }
    return this.#seconds;
  }

  #increased(counter: number): number {
    if (counter === COUNTER_MAX) return counter;
    const above = Math.max(0, counter - COUNTER_NEW);
    return this.#random.unit() < 1 / (above * this.logFactor + 1) ? counter + 1 : counter;
  }
}

const minutesOf = (nowMs: number): number => Math.floor(nowMs / 60_000) & MINUTES_MAX;
