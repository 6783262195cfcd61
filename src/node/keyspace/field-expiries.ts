/**
 * When which fields of a hash expire: found by field, and the earliest first, in O(log n). Border: what happens then is the keyspace's.
 * A sorted set of its own, whose scores are the times. [redis ebuckets.c]
 */

import type { EncodingLimits } from './encoding-limits.ts';
import { SortedSetValue } from './sorted-set.ts';

/** Larger ones have an index. */
const INDEXED_FROM = 16;
const LIMITS = { sortedSetEntries: INDEXED_FROM, sortedSetValueBytes: Infinity } as EncodingLimits;

export class FieldExpiries {
  #times: SortedSetValue = SortedSetValue.from([], [], LIMITS);

  get size(): number {
    return this.#times.size;
  }

  get memoryBytes(): number {
    return this.#times.memoryBytes;
  }

  /** Unix milliseconds; infinite when there are none. */
  get firstMs(): number {
    return this.#times.size === 0 ? Infinity : this.#times.at(0)[1];
  }

  get(field: string): number | undefined {
    return this.#times.score(field);
  }

  set(field: string, atMs: number): void {
    this.#times.set(field, atMs, LIMITS);
  }

  delete(field: string): boolean {
    return this.#times.delete(field);
  }

  /** Fields whose time is before `now`, earliest first. */
  before(now: number): string[] {
    const found: string[] = [];
    for (let rank = 0; rank < this.#times.size; rank++) {
      const [field, atMs] = this.#times.at(rank);
      if (atMs >= now) break;
      found.push(field);
    }
    return found;
  }

  clone(): FieldExpiries {
    const copy = new FieldExpiries();
    copy.#times = this.#times.clone();
    return copy;
  }
}
