/**
 * The keys and values of one logical database of a shard: look-up with lazy expiry, change with its consequences.
 *
 * The rules every command relies on:
 *  - `read…` to look, `edit…` to change a value in place (a snapshot in progress first writes the old value out);
 *  - after a change in place call `changed(key)`: it wakes watchers and counts the write; `put` and `remove` do it themselves;
 *  - an aggregate that became empty must be removed (`removeIfEmpty`).
 *  - `read…`, `edit…` and `put` are accesses, `peek` and `has` are not [redis db.c lookupKey, LOOKUP_NOTOUCH].
 *  - a field of a hash is looked up by `fieldOf`, since one whose time has come stays in its hash until it is looked up.
 * What the keys take is counted on the way (`memory.ts`): nobody who changes a value has to think of it.
 * Time is the owner's `now`, frozen for the length of one request. [redis db.c]
 *
 * Border: no sessions, no replication, no wire. What must happen elsewhere goes through `KeyspaceOwner`.
 */

import { refuse } from '../../resp/refusals.ts';
import type { AccessRecord } from './access.ts';
import { Dict } from './dict.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import type { HashValue } from './hash.ts';
import type { ListValue } from './list.ts';
import { EXPIRY_BYTES, KEY_BYTES, stringBytes, type Account, type MemoryCount } from './memory.ts';
import type { RawString } from './raw-string.ts';
import type { SetValue } from './set.ts';
import type { StreamValue } from './stream.ts';
import type { SortedSetValue } from './sorted-set.ts';
import type { Value } from './value.ts';

/**
 * What happens to a key whose time has come: `delete` (a primary), `hide` (a replica: gone for clients, deleted only when the
 * primary says so), `ignore` (a destination of Replica Of, and whatever a primary sends: still there).
 * [RS replica-of: the destination does not expire by itself]
 */
export type ExpiryPolicy = 'delete' | 'hide' | 'ignore';

export interface KeyspaceOwner {
  /** Unix milliseconds, frozen while a request runs. */
  now: number;
  expiry: ExpiryPolicy;
  readonly limits: EncodingLimits;
  readonly keyMemory: MemoryCount;
  readonly access: AccessRecord;
  /** False while nothing that happens is an access (CLIENT NO-TOUCH). */
  recordsAccess: boolean;
  /** Number of changes so far: a command that did not raise it is not replicated. */
  dirty: number;
  hits: number;
  /** A command looked for a key that is not there. */
  missed(keyspace: Keyspace, key: string): void;
  /** A key was deleted because its time had come. */
  expired(keyspace: Keyspace, key: string, value: Value): void;
  /** Fields of a hash were removed because their time had come; `isLast`: and the key with them. */
  fieldsExpired(keyspace: Keyspace, key: string, fields: readonly string[], isLast: boolean): void;
  /** A key was deleted to make room. */
  evicted(keyspace: Keyspace, key: string, value: Value): void;
  /** A key's value, expiry or existence changed. */
  changed(keyspace: Keyspace, key: string): void;
  /** A key is about to change: snapshots in progress write it out first. Null when there are none. */
  beforeChange: ((keyspace: Keyspace, key: string) => void) | null;
  /** A key is given a time at which it expires. Null when nobody is to know. */
  expiryGiven: ((keyspace: Keyspace, key: string) => void) | null;
}

export class Keyspace {
  readonly index: number;
  readonly #owner: KeyspaceOwner;
  #values = new Dict<Value>({ marked: true });
  #expires = new Dict<number>();
  #account: Account = { bytes: 0 };
  #fieldExpiring = new Set<string>();

  constructor(index: number, owner: KeyspaceOwner) {
    this.index = index;
    this.#owner = owner;
  }

  /** Thresholds of the compact encodings, as configured now. */
  get limits(): EncodingLimits {
    return this.#owner.limits;
  }

  get size(): number {
    return this.#values.size;
  }

  get expiring(): number {
    return this.#expires.size;
  }

  /** Memory of its keys and values. */
  get memoryBytes(): number {
    return this.#account.bytes;
  }

  /** The dictionaries themselves, for walkers (SCAN, snapshot, digest): expired keys are still among them. */
  get values(): Dict<Value> {
    return this.#values;
  }

  get expires(): Dict<number> {
    return this.#expires;
  }

  /** True where a key whose time has come goes away: a time in the past deletes at once there. */
  get expiryPolicyDeletes(): boolean {
    return this.#owner.expiry === 'delete';
  }

  /** Looks without counting a hit or miss. */
  peek(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined || (this.#expires.size > 0 && this.#isGone(key))) return undefined;
    return value;
  }

  /** Looks for a reading command that is no access: hits and misses count. */
  probe(key: string): Value | undefined {
    const value = this.peek(key);
    if (value === undefined) this.#owner.missed(this, key);
    else this.#owner.hits++;
    return value;
  }

  /** Looks for a reading command. */
  read(key: string): Value | undefined {
    const value = this.#access(key);
    if (value === undefined) this.#owner.missed(this, key);
    else this.#owner.hits++;
    return value;
  }

  /** Looks for a command that may change the value in place. */
  edit(key: string): Value | undefined {
    const value = this.#access(key);
    if (value === undefined) return undefined;
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    if (typeof value !== 'string') this.#owner.keyMemory.edited(this.#account, value);
    return value;
  }

  has(key: string): boolean {
    return this.peek(key) !== undefined;
  }

  readString(key: string): string | RawString | undefined {
    return asString(this.read(key));
  }

  editString(key: string): string | RawString | undefined {
    return asString(this.edit(key));
  }

  readList(key: string): ListValue | undefined {
    return this.#as(this.read(key), 'list') as ListValue | undefined;
  }

  editList(key: string): ListValue | undefined {
    return this.#as(this.edit(key), 'list') as ListValue | undefined;
  }

  readHash(key: string): HashValue | undefined {
    return this.#as(this.read(key), 'hash') as HashValue | undefined;
  }

  editHash(key: string): HashValue | undefined {
    return this.#as(this.edit(key), 'hash') as HashValue | undefined;
  }

  /**
   * The value of a field, as a command sees it: one whose time has come is not there, and on a primary goes, which leaves the hash
   * empty and its key removed when it was the last. [redis t_hash.c hashTypeGetValue]
   */
  fieldOf(key: string, hash: HashValue, field: string): string | undefined {
    const value = hash.get(field);
    if (value === undefined || hash.firstExpiryMs >= this.#owner.now) return value;
    if (!hash.isExpired(field, this.fieldsGoneBeforeMs)) return value;
    this.expireFields(key, hash, [field]);
    return undefined;
  }

  /** Of these fields those whose time has come go at once, where this is a primary: told as one event. */
  expireFields(key: string, hash: HashValue, fields: readonly string[]): void {
    const owner = this.#owner;
    if (owner.expiry !== 'delete' || hash.firstExpiryMs >= owner.now) return;
    const expired = Array.from(new Set(fields)).filter((field) => hash.isExpired(field, owner.now));
    if (expired.length > 0) this.#takeFields(key, hash, expired);
  }

  /** And all of them. */
  expireAllFields(key: string, hash: HashValue): void {
    const owner = this.#owner;
    if (owner.expiry === 'delete' && hash.firstExpiryMs < owner.now) {
      this.#takeFields(key, hash, hash.expiredBefore(owner.now));
    }
  }

  /** To a command that reads, fields whose time is before this are not there. */
  get fieldsGoneBeforeMs(): number {
    return this.#owner.expiry === 'ignore' ? -Infinity : this.#owner.now;
  }

  /** Keys of hashes that have fields that expire; the longest not looked at come first. */
  get fieldExpiring(): ReadonlySet<string> {
    return this.#fieldExpiring;
  }

  /** Fields of the hash at this key may have been given a time, or lost it. */
  fieldExpiryChanged(key: string, hash: HashValue): void {
    if (hash.expiring > 0) this.#fieldExpiring.add(key);
    else if (this.#fieldExpiring.size > 0) this.#fieldExpiring.delete(key);
  }

  /** Removes the fields of a key whose time has come, as the active cycle does. */
  expireFieldsNow(key: string): void {
    const hash = this.#values.get(key) as HashValue; // `fieldExpiring` has hashes alone
    this.#fieldExpiring.delete(key);
    this.#fieldExpiring.add(key); // behind the others
    this.expireAllFields(key, hash);
  }

  readSet(key: string): SetValue | undefined {
    return this.#as(this.read(key), 'set') as SetValue | undefined;
  }

  editSet(key: string): SetValue | undefined {
    return this.#as(this.edit(key), 'set') as SetValue | undefined;
  }

  readSortedSet(key: string): SortedSetValue | undefined {
    return this.#as(this.read(key), 'zset') as SortedSetValue | undefined;
  }

  editSortedSet(key: string): SortedSetValue | undefined {
    return this.#as(this.edit(key), 'zset') as SortedSetValue | undefined;
  }

  readStream(key: string): StreamValue | undefined {
    return this.#as(this.read(key), 'stream') as StreamValue | undefined;
  }

  editStream(key: string): StreamValue | undefined {
    return this.#as(this.edit(key), 'stream') as StreamValue | undefined;
  }

  /** Stores a value; the expiry goes away unless it is to be kept. */
  put(key: string, value: Value, keepExpiry = false): void {
    if (this.#expires.size > 0) this.#endOver(key);
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    const before = this.#store(key, value);
    if (before !== undefined) this.#touchStored();
    if (!keepExpiry && this.#expires.size > 0) this.#takeExpiry(key);
    this.changed(key);
  }

  /** Stores a string where the command has looked up another: that was the access. The expiry stays. [redis db.c dbOverwrite] */
  overwrite(key: string, value: string): void {
    if (this.#expires.size > 0) this.#endOver(key);
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    this.#store(key, value);
    this.changed(key);
  }

  /** Stores a value that came from a snapshot, or another form of the one that is there: nobody is told. */
  load(key: string, value: Value, expireAtMs: number | null): void {
    this.#store(key, value);
    if (expireAtMs !== null) this.#storeExpiry(key, expireAtMs);
  }

  /** The mark of its last access, to be read by `AccessRecord`; undefined when the key is not there. */
  accessMark(key: string): number | undefined {
    const place = this.#values.placeOf(key);
    return place < 0 ? undefined : this.#values.markAt(place);
  }

  /** Sets it for a key that exists. */
  setAccessMark(key: string, mark: number): void {
    this.#values.setMarkAt(this.#values.placeOf(key), mark);
  }

  /** Memory of a key that exists, its value and its expiry. */
  keyBytes(key: string, value: Value): number {
    const expiry = this.expireAt(key) === undefined ? 0 : EXPIRY_BYTES;
    return KEY_BYTES + stringBytes(key.length) + expiry + bytesOf(value);
  }

  /** Deletes a key to make room: no write of any command. */
  evict(key: string): void {
    const value = this.#drop(key)!;
    this.#owner.changed(this, key);
    this.#owner.evicted(this, key, value);
  }

  /** Removes a key; false when it was not there (or is hidden by its expiry). */
  remove(key: string): boolean {
    if (this.peek(key) === undefined) return false;
    this.#drop(key);
    this.changed(key);
    return true;
  }

  removeIfEmpty(key: string, value: { readonly size: number }): void {
    if (value.size > 0) return;
    this.#drop(key);
  }

  /** Says that a value was changed in place; `changes`: how many of its elements. */
  changed(key: string, changes = 1): void {
    this.#owner.dirty += changes;
    this.#owner.changed(this, key);
  }

  /** More changes, or fewer, than those that were counted: save points are about elements, and about one write of several steps. */
  recount(changes: number): void {
    this.#owner.dirty += changes;
  }

  /** What a command left as it was is told as if it had changed, and no write counted. [redis db.c signalModifiedKey] */
  signalled(key: string): void {
    this.#owner.changed(this, key);
  }

  /** Unix milliseconds, undefined when it does not expire. Look the key up first. */
  expireAt(key: string): number | undefined {
    return this.#expires.size === 0 ? undefined : this.#expires.get(key);
  }

  /** Sets the expiry of a key that exists. */
  setExpiry(key: string, atMs: number): void {
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    this.#storeExpiry(key, atMs);
    this.changed(key);
  }

  /** Takes the expiry away; false when there was none. */
  persist(key: string): boolean {
    if (this.#expires.size === 0 || !this.#expires.has(key)) return false;
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    this.#takeExpiry(key);
    this.changed(key);
    return true;
  }

  /** Deletes the key if its time has come, as the active expiry cycle does; true when it was deleted. */
  expireNow(key: string): boolean {
    const at = this.#expires.get(key);
    if (at === undefined || at >= this.#owner.now) return false;
    this.#expire(key);
    return true;
  }

  /** Empties the database in one step; whoever walks the old dictionaries keeps them. Returns how many keys there were. */
  clear(): number {
    const removed = this.#values.size;
    this.#owner.keyMemory.drop(this.#account);
    this.#values = new Dict<Value>({ marked: true });
    this.#expires = new Dict<number>();
    this.#fieldExpiring = new Set();
    return removed;
  }

  /** SWAPDB: exchanges contents; indexes stay. */
  swap(other: Keyspace): void {
    this.#owner.keyMemory.settle(); // what is pending is of the accounts as they are now
    [this.#account, other.#account] = [other.#account, this.#account];
    [this.#values, other.#values] = [other.#values, this.#values];
    [this.#expires, other.#expires] = [other.#expires, this.#expires];
    [this.#fieldExpiring, other.#fieldExpiring] = [other.#fieldExpiring, this.#fieldExpiring];
  }

  #drop(key: string): Value | undefined {
    if (this.#owner.beforeChange !== null) this.#owner.beforeChange(this, key);
    const value = this.#values.take(key);
    if (value !== undefined) this.#countOut(value, KEY_BYTES + stringBytes(key.length));
    if (this.#fieldExpiring.size > 0) this.#fieldExpiring.delete(key);
    if (this.#expires.size > 0) this.#takeExpiry(key);
    return value;
  }

  /** Looks as an access, and counts neither hit nor miss. */
  #access(key: string): Value | undefined {
    const values = this.#values;
    const place = values.placeOf(key);
    if (place < 0) return undefined;
    const value = values.valueAt(place);
    if (this.#expires.size > 0 && this.#isGone(key)) return undefined;
    const owner = this.#owner;
    if (owner.recordsAccess) values.setMarkAt(place, owner.access.touched(values.markAt(place), owner.now));
    return value;
  }

  /** The value that was stored last took the place of another, as an access. */
  #touchStored(): void {
    const { access, now } = this.#owner;
    const { place } = this.#values;
    this.#values.setMarkAt(place, access.touched(this.#values.markAt(place), now));
  }

  /** Puts a value in its place and counts it; returns the one that was there. */
  #store(key: string, value: Value): Value | undefined {
    const before = this.#values.exchange(key, value);
    if (typeof before !== 'string' || typeof value !== 'string') this.#countStored(key, before, value);
    else if (before.length !== value.length) {
      this.#owner.keyMemory.add(this.#account, stringBytes(value.length) - stringBytes(before.length));
    }
    return before;
  }

  #countStored(key: string, before: Value | undefined, value: Value): void {
    if (before === value) return;
    const { keyMemory: memory, access, now } = this.#owner;
    let bytes = 0;
    if (before === undefined) {
      this.#values.setMarkAt(this.#values.place, access.fresh(now));
      bytes = KEY_BYTES + stringBytes(key.length);
    } else if (typeof before === 'string') bytes = -stringBytes(before.length);
    else {
      memory.detach(this.#account, before);
      if (this.#fieldExpiring.size > 0) this.#fieldExpiring.delete(key);
    }
    if (typeof value === 'string') bytes += stringBytes(value.length);
    else {
      memory.attach(this.#account, value);
      if (value.kind === 'hash' && value.expiring > 0) this.#fieldExpiring.add(key);
    }
    memory.add(this.#account, bytes);
  }

  #countOut(value: Value, keyBytes: number): void {
    const { keyMemory: memory } = this.#owner;
    if (typeof value === 'string') memory.add(this.#account, -keyBytes - stringBytes(value.length));
    else {
      memory.add(this.#account, -keyBytes);
      memory.detach(this.#account, value);
    }
  }

  /** The key's text is the keyspace's own, so that it is kept once. */
  #storeExpiry(key: string, atMs: number): void {
    const place = this.#values.placeOf(key);
    const own = place < 0 ? key : this.#values.keyAt(place);
    if (this.#expires.set(own, atMs)) this.#owner.keyMemory.add(this.#account, EXPIRY_BYTES);
    if (this.#owner.expiryGiven !== null) this.#owner.expiryGiven(this, key);
  }

  #takeExpiry(key: string): void {
    if (this.#expires.take(key) !== undefined) this.#owner.keyMemory.add(this.#account, -EXPIRY_BYTES);
  }

  #isGone(key: string): boolean {
    const at = this.#expires.get(key);
    // The last millisecond still counts [redis db.c keyIsExpired]
    if (at === undefined || at >= this.#owner.now || this.#owner.expiry === 'ignore') return false;
    if (this.#owner.expiry === 'delete') this.#expire(key);
    return true;
  }

  /**
   * What is stored anew has nothing of a key whose time was over, here or in a log: neither its expiry, were it to be kept, nor, for a
   * client of a writable replica, what is only hidden there. [redis db.c lookupKeyWrite]
   */
  #endOver(key: string): void {
    if (this.#owner.expiry === 'hide') this.expireNow(key);
    else this.#isGone(key);
  }

  /** No write of the command that came upon it either. */
  #takeFields(key: string, hash: HashValue, fields: readonly string[]): void {
    const owner = this.#owner;
    if (owner.beforeChange !== null) owner.beforeChange(this, key);
    owner.keyMemory.edited(this.#account, hash);
    for (const field of fields) hash.delete(field);
    if (hash.size === 0) this.#drop(key);
    else this.fieldExpiryChanged(key, hash);
    owner.changed(this, key);
    owner.fieldsExpired(this, key, fields, hash.size === 0);
  }

  /** No write of the command that came upon it: `expired` replicates it, and the command's own words must not follow. */
  #expire(key: string): void {
    const value = this.#drop(key)!;
    this.#owner.changed(this, key);
    this.#owner.expired(this, key, value);
  }

  #as(value: Value | undefined, kind: 'list' | 'hash' | 'set' | 'zset' | 'stream'): Value | undefined {
    if (value === undefined) return undefined;
    if (typeof value === 'string' || value.kind !== kind) throw refuse('WRONGTYPE');
    return value;
  }
}

const bytesOf = (value: Value): number => (typeof value === 'string' ? stringBytes(value.length) : value.memoryBytes);

export function asString(value: Value | undefined): string | RawString | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (value.kind !== 'raw') throw refuse('WRONGTYPE');
  return value;
}
