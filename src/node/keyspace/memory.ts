/**
 * How much memory values take: estimated from their sizes, never by looking at their elements, so that a change costs O(1).
 *
 * The numbers are what V8 takes on a 64-bit machine without pointer compression, found by `npm run bench -- estimate`, which
 * holds the sum against the growth of the process. They are no allocator's: room that arrays keep for growth is averaged.
 *
 * How it is counted: every aggregate knows its `memoryBytes`; a keyspace remembers in `countedBytes` what it has counted for
 * it, and `MemoryCount` adds the difference once the command that changed it is over. Border: who obeys a limit is
 * `shard/eviction.ts`; memory of clients and backlogs is `shard/memory.ts`.
 */

import assert from 'node:assert';

/** Of an aggregate that belongs to no key: nothing is counted for it. */
const NOT_COUNTED = -1;

/** Header of a string or array: what it is, and its length. */
const HEADER_BYTES = 16;
const WORD_BYTES = 8;
/** A JavaScript array's own object, beside its elements. */
const ARRAY_BYTES = 32;
/** Places that an array has to spare once it has been pushed to. */
const ARRAY_ROOM = 14;
/** A number that is no small integer has an object of its own. */
export const NUMBER_BYTES = 16;
/** Of a dictionary: two words, a hash and a link, its share of the buckets, room to grow. */
export const DICT_ENTRY_BYTES = 35;
export const DICT_BYTES = 470;
/** An entry of a keyspace also has the time of its last access. */
export const KEY_BYTES = DICT_ENTRY_BYTES + 4;
/** The key's text is shared with the keyspace. */
export const EXPIRY_BYTES = DICT_ENTRY_BYTES + NUMBER_BYTES;
/** The object of an aggregate itself. */
export const VALUE_BYTES = 64;

/** A binary string: one byte a char, in whole words. */
export const stringBytes = (length: number): number => HEADER_BYTES + ((length + 7) & ~7);

/** An array of so many words that was filled by pushing. */
export const arrayBytes = (length: number): number =>
  ARRAY_BYTES + HEADER_BYTES + WORD_BYTES * (length <= 2 ? length : length + (length >> 2) + ARRAY_ROOM);

/** What every value but a plain string is: it knows what it takes, and what has been counted for it. */
export abstract class Measured {
  /** Written by whoever owns the key (`MemoryCount`), by nobody else. */
  countedBytes = NOT_COUNTED;

  /** In O(1). */
  abstract get memoryBytes(): number;
}

/** What one database holds; the database's keyspace has it, and gives it away when it is swapped or emptied. */
export interface Account {
  bytes: number;
}

/** More than any command edits; beyond it the differences are added before the command is over. */
const PENDING_MAX = 64;

interface Pending {
  readonly account: Account;
  readonly value: Measured;
}

/** Bytes of all keys and values of a shard. */
export class MemoryCount {
  #bytes = 0;
  /** What the running command edits: nearly always one value, which therefore has a place of its own. */
  #value: Measured | null = null;
  #account: Account | null = null;
  readonly #more: Pending[] = [];

  /** Of a moment when no command runs; within one, what it changed in place may be missing. */
  get bytes(): number {
    return this.#bytes;
  }

  add(account: Account, bytes: number): void {
    account.bytes += bytes;
    this.#bytes += bytes;
  }

  /** An aggregate came to belong to a key. */
  attach(account: Account, value: Measured): void {
    assert(value.countedBytes === NOT_COUNTED, 'a value belongs to one key');
    value.countedBytes = value.memoryBytes;
    this.add(account, value.countedBytes);
    this.edited(account, value);
  }

  /** It belongs to no key any more. */
  detach(account: Account, value: Measured): void {
    this.add(account, -value.countedBytes);
    value.countedBytes = NOT_COUNTED;
  }

  /** It may change in place until the command is over. */
  edited(account: Account, value: Measured): void {
    if (this.#value === null) {
      this.#value = value;
      this.#account = account;
    } else if (this.#value !== value || this.#account !== account) {
      if (this.#more.length >= PENDING_MAX) this.settle();
      this.#more.push({ account, value });
    }
  }

  /** True when something may have changed in place since the last `settle`. */
  get pending(): boolean {
    return this.#value !== null;
  }

  /** Adds what has changed in place. */
  settle(): void {
    if (this.#value === null) return;
    this.#settle(this.#account!, this.#value);
    this.#value = null;
    if (this.#more.length === 0) return;
    for (const { account, value } of this.#more) this.#settle(account, value);
    this.#more.length = 0;
  }

  #settle(account: Account, value: Measured): void {
    const before = value.countedBytes;
    if (before === NOT_COUNTED) return;
    const bytes = value.memoryBytes;
    if (bytes === before) return;
    this.add(account, bytes - before);
    value.countedBytes = bytes;
  }

  /** A database was emptied. */
  drop(account: Account): void {
    // What is pending may be of it: its values are no longer counted anywhere
    this.settle();
    this.add(account, -account.bytes);
  }
}
