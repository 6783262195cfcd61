/**
 * Virtual time: a heap of what will happen, by time and then by order of asking, and the clock that moves only when something
 * happens. Times are fractional milliseconds since the start, so two runs that ask the same see the same.
 *
 * `soon` takes a little virtual time, so that a program which slices long work lets time pass and the network speak.
 * Limits: `EVENTS_WAITING_MAX` events at once.
 */
import assert from 'node:assert/strict';
import type { Clock, Milliseconds, Timer } from './world.ts';

const EVENTS_WAITING_MAX = 10_000_000;
export const SOON_MS = 0.01;
/** Cancelled timers stay in the heap until they come up or become the greater part of it. */
const SWEEP_MIN = 1024;

class SimEvent implements Timer {
  readonly time: number;
  readonly order: number;
  run: (() => void) | null;
  readonly #queue: SimQueue;

  constructor(queue: SimQueue, time: number, order: number, run: () => void) {
    this.#queue = queue;
    this.time = time;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    if (this.run === null) return;
    this.run = null;
    this.#queue.noteCancelled();
  }
}

export class SimQueue implements Clock {
  readonly #startMs: Milliseconds;
  #heap: SimEvent[] = [];
  #order = 0;
  #time = 0;
  #cancelled = 0;

  constructor(startMs: Milliseconds) {
    assert(Number.isSafeInteger(startMs), 'the simulation starts at a whole millisecond');
    this.#startMs = startMs;
  }

  now(): Milliseconds {
    return this.#startMs + Math.floor(this.#time);
  }

  elapsed(): number {
    return this.#time;
  }

  after(delay: Milliseconds, then: () => void): Timer {
    return this.at(this.#time + (delay > 0 ? delay : 0), then);
  }

  soon(then: () => void): Timer {
    return this.at(this.#time + SOON_MS, then);
  }

  /** `time` is in `elapsed()`'s terms. */
  at(time: number, then: () => void): Timer {
    assert(this.#heap.length < EVENTS_WAITING_MAX, `at most ${EVENTS_WAITING_MAX} events wait`);
    assert(time >= this.#time, 'nothing happens in the past');
    const event = new SimEvent(this, time, this.#order++, then);
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** When the next thing happens; `null`: nothing will. */
  nextTime(): number | null {
    let first = this.#heap[0];
    while (first !== undefined && first.run === null) {
      this.#cancelled--;
      this.#removeFirst();
      first = this.#heap[0];
    }
    return first === undefined ? null : first.time;
  }

  /** Moves time to the next event and lets it happen. False: there is none. */
  step(): boolean {
    if (this.nextTime() === null) return false;
    const event = this.#removeFirst();
    const { run } = event;
    assert(run !== null, 'nextTime has removed the cancelled ones');
    event.run = null;
    this.#time = event.time;
    run();
    return true;
  }

  /** Moves time on without an event; nothing may be waiting before `time`. */
  moveTo(time: number): void {
    const next = this.nextTime();
    assert(time >= this.#time && (next === null || next >= time), 'time passes no event by');
    this.#time = time;
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#cancelled < SWEEP_MIN || this.#cancelled * 2 < this.#heap.length) return;
    this.#heap = this.#heap.filter((event) => event.run !== null);
    this.#cancelled = 0;
    // A sorted array is a heap.
    this.#heap.sort((one, other) => (isBefore(one, other) ? -1 : 1));
  }

  #removeFirst(): SimEvent {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    const event = heap[start]!;
    let at = start;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above]!;
      if (isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #sink(event: SimEvent): void {
    const heap = this.#heap;
    const { length } = heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1]!, heap[below]!)) below++;
      const child = heap[below]!;
      if (isBefore(event, child)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = event;
  }
}

const isBefore = (one: SimEvent, other: SimEvent): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order);
