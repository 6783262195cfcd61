/** What Redis would give back to memory in a thread of its own, counted as it counts: `lazyfreed_objects`. [redis lazyfree.c] */

import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { isFreedLazily, LAZY_EFFORT } from '../keyspace/free-effort.ts';
import type { Value } from '../keyspace/value.ts';

export class LazyFreed {
  objects = 0;
  readonly #limits: EncodingLimits;

  constructor(limits: EncodingLimits) {
    this.#limits = limits;
  }

  /** A value that is gone. */
  value(value: Value): void {
    if (isFreedLazily(value, this.#limits)) this.objects++;
  }

  /** A table of so many things, with what held it. */
  table(things: number, holders = 0): void {
    if (things > LAZY_EFFORT) this.objects += things + holders;
  }

  /** Keys of a database that was emptied. */
  keys(keys: number): void {
    this.objects += keys;
  }
}
