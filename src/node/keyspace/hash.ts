/**
 * A hash value: while small, one flat array of fields and values in order of insertion, searched from the front; when it has
 * more entries or longer texts than the limits allow it becomes a `Dict` and stays one. [redis t_hash.c hashTypeSet]
 *
 * Fields may expire, each by itself (`field-expiries.ts`); in a small hash these come first, the earliest before the others. Setting a
 * value takes the time away unless it is to be kept. [redis t_hash.c listpackEx]
 *
 * Border: an entry's place (`fieldAt`) holds until the next change. Order of a large hash is that of `Dict`. A field whose time has come
 * is still an entry like any other: whether a command sees it, and when it goes, the keyspace knows.
 */

import type { Random } from '../../world/world.ts';
import { Dict } from './dict.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { FieldExpiries } from './field-expiries.ts';
import { arrayBytes, DICT_BYTES, DICT_ENTRY_BYTES, Measured, stringBytes, VALUE_BYTES } from './memory.ts';

export class HashValue extends Measured {
  readonly kind = 'hash';
  #store: string[] | Dict<string>;
  /** Memory of the texts of fields and values. */
  #textBytes: number;
  /** Null until a field was to expire. */
  #expiries: FieldExpiries | null = null;

  private constructor(store: string[] | Dict<string>, textBytes: number) {
    super();
    this.#store = store;
    this.#textBytes = textBytes;
  }

  /** An empty hash: set a field at once, no empty hash stays in a keyspace. */
  static empty(): HashValue {
    return new HashValue([], 0);
  }

  /** `pairs` is flat: field, value, field, value. A field said twice keeps its last value. `expiries`: each field's time, 0 for none. */
  static from(pairs: readonly string[], limits: EncodingLimits, expiries?: readonly number[]): HashValue {
    const hash = HashValue.empty();
    if (pairs.length / 2 > limits.hashEntries) hash.makeLarge();
    for (let i = 0; i < pairs.length; i += 2) hash.set(pairs[i]!, pairs[i + 1]!, limits);
    // From the back, so that fields with the same time stay in this order
    for (let i = (expiries?.length ?? 0) - 1; i >= 0; i--) {
      if (expiries![i]! > 0) hash.setExpiry(pairs[2 * i]!, expiries![i]!);
    }
    return hash;
  }

  clone(): HashValue {
    const copy = new HashValue(this.#cloneStore(), this.#textBytes);
    copy.#expiries = this.#expiries?.clone() ?? null;
    return copy;
  }

  #cloneStore(): string[] | Dict<string> {
    const store = this.#store;
    if (Array.isArray(store)) return store.slice();
    const copy = new Dict<string>();
    store.forEach((field, value) => copy.set(field, value));
    return copy;
  }

  get size(): number {
    const store = this.#store;
    return Array.isArray(store) ? store.length / 2 : store.size;
  }

  override get memoryBytes(): number {
    const store = this.#store;
    const table = Array.isArray(store) ? arrayBytes(store.length) : DICT_BYTES + store.size * DICT_ENTRY_BYTES;
    return VALUE_BYTES + table + this.#textBytes + (this.#expiries?.memoryBytes ?? 0);
  }

  /** Null while the fields are a plain list. */
  get table(): Dict<string> | null {
    return Array.isArray(this.#store) ? null : this.#store;
  }

  get encoding(): 'listpack' | 'listpackex' | 'hashtable' {
    if (!Array.isArray(this.#store)) return 'hashtable';
    return this.#expiries === null ? 'listpack' : 'listpackex';
  }

  /** Fields that are to expire. */
  get expiring(): number {
    return this.#expiries === null ? 0 : this.#expiries.size;
  }

  /** When the first field expires, Unix milliseconds; infinite when none does. */
  get firstExpiryMs(): number {
    return this.#expiries === null ? Infinity : this.#expiries.firstMs;
  }

  /** Unix milliseconds; undefined when the field does not expire. */
  expiryOf(field: string): number | undefined {
    return this.#expiries?.get(field);
  }

  /** It takes the form of those with fields that expire. [redis t_hash.c hashTypeSetExInit] */
  prepareExpiry(): FieldExpiries {
    return (this.#expiries ??= new FieldExpiries());
  }

  /** Of a field that is there; among fields with the same time the last one set comes first. [redis t_hash.c cbFindInListpack] */
  setExpiry(field: string, atMs: number): void {
    const expiries = this.prepareExpiry();
    expiries.set(field, atMs);
    const store = this.#store;
    if (!Array.isArray(store)) return;
    const entry = store.splice(placeOf(store, field), 2);
    let place = 0;
    while (place < store.length && (expiries.get(store[place]!) ?? Infinity) < atMs) place += 2;
    store.splice(place, 0, ...entry);
  }

  /** The field does not expire any more; false when it did not. */
  persist(field: string): boolean {
    if (this.#expiries?.delete(field) !== true) return false;
    const store = this.#store;
    if (Array.isArray(store)) store.push(...store.splice(placeOf(store, field), 2));
    return true;
  }

  /** Fields whose time is before then, earliest first. */
  expiredBefore(atMs: number): string[] {
    return this.#expiries?.before(atMs) ?? [];
  }

  /** False for a field that does not expire. */
  isExpired(field: string, beforeMs: number): boolean {
    return (this.expiryOf(field) ?? Infinity) < beforeMs;
  }

  get(field: string): string | undefined {
    const store = this.#store;
    if (!Array.isArray(store)) return store.get(field);
    const at = placeOf(store, field);
    return at < 0 ? undefined : store[at + 1];
  }

  has(field: string): boolean {
    const store = this.#store;
    return Array.isArray(store) ? placeOf(store, field) >= 0 : store.has(field);
  }

  /** Returns true when the field is new. */
  set(field: string, value: string, limits: EncodingLimits, keepsExpiry = false): boolean {
    if (this.#expiries !== null && !keepsExpiry) this.persist(field);
    const store = this.#store;
    if (!Array.isArray(store)) return this.#setLarge(store, field, value);
    if (field.length > limits.hashValueBytes || value.length > limits.hashValueBytes) {
      return this.#setLarge(this.makeLarge(), field, value);
    }
    const at = placeOf(store, field);
    if (at >= 0) {
      this.#textBytes += stringBytes(value.length) - stringBytes(store[at + 1]!.length);
      store[at + 1] = value;
      return false;
    }
    this.#textBytes += stringBytes(field.length) + stringBytes(value.length);
    if (store.length === 0) this.#store = [field, value]; // a literal has no room to spare, unlike an array that was pushed to
    else store.push(field, value);
    if (this.size > limits.hashEntries) this.makeLarge();
    return true;
  }

  delete(field: string): boolean {
    const store = this.#store;
    let value: string | undefined;
    if (!Array.isArray(store)) value = store.take(field);
    else {
      const at = placeOf(store, field);
      if (at >= 0) value = store.splice(at, 2)[1];
    }
    if (value === undefined) return false;
    this.#expiries?.delete(field);
    this.#textBytes -= stringBytes(field.length) + stringBytes(value.length);
    return true;
  }

  /** The entry at a place below `size`; with a random place, a uniformly random entry. */
  fieldAt(place: number): string {
    const store = this.#store;
    return Array.isArray(store) ? store[place * 2]! : store.keyAt(place);
  }

  valueAt(place: number): string {
    const store = this.#store;
    return Array.isArray(store) ? store[place * 2 + 1]! : store.valueAt(place);
  }

  randomField(random: Random): string {
    return this.fieldAt(random.integer(0, this.size - 1));
  }

  *entries(): IterableIterator<[field: string, value: string]> {
    for (let place = 0; place < this.size; place++) yield [this.fieldAt(place), this.valueAt(place)];
  }

  forEach(visit: (field: string, value: string) => void): void {
    const store = this.#store;
    if (!Array.isArray(store)) store.forEach(visit);
    else for (let i = 0; i < store.length; i += 2) visit(store[i]!, store[i + 1]!);
  }

  /** Leaves out the fields whose time is before then. */
  forEachSince(atMs: number, visit: (field: string, value: string) => void): void {
    if (this.firstExpiryMs >= atMs) this.forEach(visit);
    else {
      this.forEach((field, value) => {
        if (!this.isExpired(field, atMs)) visit(field, value);
      });
    }
  }

  /** One step of HSCAN; returns the next cursor. A small hash is visited whole. */
  scan(cursor: number, visit: (field: string, value: string) => void): number {
    const store = this.#store;
    if (!Array.isArray(store)) return store.scan(cursor, visit);
    this.forEach(visit);
    return 0;
  }

  #setLarge(dict: Dict<string>, field: string, value: string): boolean {
    const before = dict.exchange(field, value);
    this.#textBytes += stringBytes(value.length);
    if (before !== undefined) this.#textBytes -= stringBytes(before.length);
    else this.#textBytes += stringBytes(field.length);
    return before === undefined;
  }

  /** Changes to the encoding without limits. */
  makeLarge(): Dict<string> {
    const store = this.#store;
    if (!Array.isArray(store)) return store;
    const dict = new Dict<string>();
    for (let i = 0; i < store.length; i += 2) dict.set(store[i]!, store[i + 1]!);
    this.#store = dict;
    return dict;
  }
}

/** Index of the field in the flat array, -1 when it is not there. */
function placeOf(pairs: readonly string[], field: string): number {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === field) return i;
  return -1;
}
