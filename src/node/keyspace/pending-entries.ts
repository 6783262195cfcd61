/**
 * Entries of a stream that were delivered and not acknowledged (Redis: PEL), in the order of their ids. Found, added and removed in
 * O(log n); adding behind the last, the usual case, is O(1). A group's entries are also their consumers': both lists hold the same objects.
 */

import type { Consumer } from './stream-groups.ts';

export interface PendingEntry {
  readonly id: bigint;
  consumer: Consumer;
  /** Unix milliseconds. */
  deliveredAtMs: number;
  /** A signed 64-bit number. */
  deliveries: bigint;
}

/** Ids are kept in runs, so that removing one moves few others. */
const RUN_MAX = 128;

export class PendingEntries {
  /** None is empty. */
  readonly #runs: PendingEntry[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): PendingEntry | undefined {
    return this.#runs[0]?.[0];
  }

  get last(): PendingEntry | undefined {
    const run = this.#runs[this.#runs.length - 1];
    return run?.[run.length - 1];
  }

  get(id: bigint): PendingEntry | undefined {
    const { last } = this;
    if (last === undefined || id > last.id) return undefined; // as of every entry that is new
    const found = this.atOrAfter(id);
    return found?.id === id ? found : undefined;
  }

  /** The first whose id is not smaller. */
  atOrAfter(id: bigint): PendingEntry | undefined {
    const run = this.#runs[this.#runFor(id)];
    return run?.[placeIn(run, id)];
  }

  /** From `id` on; the list must not change meanwhile. */
  *from(id: bigint): Generator<PendingEntry, void> {
    let at = this.#runFor(id);
    let place = at < this.#runs.length ? placeIn(this.#runs[at]!, id) : 0;
    for (; at < this.#runs.length; at++, place = 0) {
      const run = this.#runs[at]!;
      for (; place < run.length; place++) yield run[place]!;
    }
  }

  [Symbol.iterator](): Generator<PendingEntry, void> {
    return this.from(0n);
  }

  /** None with its id is there. */
  add(entry: PendingEntry): void {
    this.#size++;
    const { last } = this;
    if (last === undefined || entry.id > last.id) {
      const run = this.#runs[this.#runs.length - 1];
      if (run === undefined || run.length >= RUN_MAX) this.#runs.push([entry]);
      else run.push(entry);
      return;
    }
    const at = Math.min(this.#runFor(entry.id), this.#runs.length - 1);
    const run = this.#runs[at]!;
    run.splice(placeIn(run, entry.id), 0, entry);
    if (run.length > RUN_MAX) this.#runs.splice(at + 1, 0, run.splice(RUN_MAX >> 1));
  }

  /** False when it was not there. */
  delete(id: bigint): boolean {
    const at = this.#runFor(id);
    const run = this.#runs[at];
    if (run === undefined) return false;
    const place = placeIn(run, id);
    if (run[place]!.id !== id) return false;
    run.splice(place, 1);
    if (run.length === 0) this.#runs.splice(at, 1);
    this.#size--;
    return true;
  }

  /** The first run that ends at `id` or later. */
  #runFor(id: bigint): number {
    return firstPlace(this.#runs.length, (at) => this.#runs[at]!.at(-1)!.id >= id);
  }
}

/** The first place in `0 … length` from which on `holds`. */
export function firstPlace(length: number, holds: (at: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

const placeIn = (run: readonly PendingEntry[], id: bigint): number => firstPlace(run.length, (at) => run[at]!.id >= id);
