/**
 * A primary's dump on its way into a shard: read into databases of its own, put in place in one step when it is complete and
 * its checksum is right. Until then clients see the old data; a broken dump costs nothing but the attempt.
 * [redis.conf repl-diskless-load swapdb]
 *
 * Limits: while it lasts both the old and the new data are in memory.
 */

import { fromRdbValue } from '../keyspace/rdb-values.ts';
import { Keyspace } from '../keyspace/keyspace.ts';
import type { Shard } from '../shard/shard.ts';
import type { RdbEntry } from '../../rdb/rdb-entry.ts';
import { RdbError } from '../../rdb/rdb-error.ts';
import { RdbReader } from '../../rdb/reader.ts';
import { Refusal } from '../../resp/refusals.ts';
import { cloneValue } from '../keyspace/value-facts.ts';

/** A reader of a dump that brings everything into `loading`. */
export const readerInto = (loading: Loading): RdbReader =>
  new RdbReader({
    aux: (fact, value) => loading.aux(fact, value),
    functionLibrary: (code) => void loading.functions.push(code),
    entry: (entry) => loading.entry(entry),
  });

export interface ExpiredKey {
  readonly database: number;
  readonly key: string;
}

export class Loading {
  /** Database selected where the stream begins. */
  streamDatabase = 0;
  /** Code of libraries. */
  readonly functions: string[] = [];
  /** AUX fields of the dump. */
  readonly facts = new Map<string, string>();
  readonly #shard: Shard;
  readonly #databases: Keyspace[];
  readonly #expired: ExpiredKey[] | null;
  #keys = 0;

  /** `expired` takes the keys whose time has come; null: they are kept, since somebody else will say when they go. */
  constructor(shard: Shard, expired: ExpiredKey[] | null = null) {
    this.#shard = shard;
    this.#expired = expired;
    this.#databases = shard.keyspaces.map(({ index }) => new Keyspace(index, shard));
  }

  aux(name: string, value: string): void {
    this.facts.set(name, value);
    if (name !== 'repl-stream-db') return;
    const database = Number(value);
    if (this.#databases[database] !== undefined) this.streamDatabase = database;
  }

  entry(entry: RdbEntry): void {
    const database = this.#databases[entry.database];
    if (database === undefined) {
      const detail = `database ${entry.database}, but there are only ${this.#databases.length} here`;
      throw new RdbError('too-large', detail, { key: entry.key });
    }
    if (this.#expired !== null && entry.expireAtMs !== null && entry.expireAtMs < this.#shard.now) {
      this.#expired.push({ database: entry.database, key: entry.key });
      return;
    }
    this.#keys++;
    database.load(entry.key, fromRdbValue(entry.decode(), this.#shard.limits), entry.expireAtMs);
    this.#keepAccess(database, entry);
  }

  /** What the dump says of accesses, where the policy of now asks for it. [redis object.c objectSetLRUOrLFU] */
  #keepAccess(database: Keyspace, { key, idleSeconds, frequency }: RdbEntry): void {
    const { access, now } = this.#shard;
    if (access.isLfu && frequency !== null) database.setAccessMark(key, access.markOfFrequency(frequency, now));
    if (!access.isLfu && idleSeconds !== null) database.setAccessMark(key, access.markOfIdle(idleSeconds, now));
  }

  /** Puts what was read in place of the same data: nobody is told. */
  exchange(): void {
    for (const [index, keyspace] of this.#shard.keyspaces.entries()) keyspace.swap(this.#databases[index]!);
    this.#shard.libraries.replaceAll(this.functions);
    this.#count();
    this.discard();
  }

  /** Replaces the shard's data. */
  install(): void {
    const shard = this.#shard;
    shard.longScript?.giveUp(); // half of its unit would belong to data that are no more
    shard.unit(() => {
      for (const [index, keyspace] of shard.keyspaces.entries()) {
        const loaded = this.#databases[index]!;
        shard.watchers.changedAll(index, keyspace, loaded, shard.now);
        keyspace.swap(loaded);
        shard.blocking.changedAll(index);
      }
      shard.tracking.flushed();
    });
    shard.libraries.replaceAll(this.functions);
    this.#count();
    this.discard();
    for (const listener of shard.onReplaced) listener();
  }

  /**
   * Adds what was read to the shard's data, libraries too. Refused, and nothing is changed, when one of them is there already and may
   * not be replaced. [redis rdb.c RDBFLAGS_ALLOW_DUP]
   */
  merge(replaces: boolean): 'merged' | 'refused' {
    const shard = this.#shard;
    shard.longScript?.giveUp();
    if (!replaces && this.#databases.some((each) => isAnyIn(each, shard.keyspaces[each.index]!))) return 'refused';
    try {
      shard.libraries.restore(null, this.functions, replaces ? 'REPLACE' : 'APPEND');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return 'refused';
    }
    shard.unit(() => {
      for (const [index, keyspace] of shard.keyspaces.entries()) addAll(keyspace, this.#databases[index]!);
    });
    this.#count();
    this.discard();
    for (const listener of shard.onReplaced) listener();
    return 'merged';
  }

  #count(): void {
    this.#shard.stats.keysLoaded = this.#keys;
    this.#shard.stats.keysExpiredAtLoad = this.#expired?.length ?? 0;
  }

  /** Counts out what these databases hold: the old data once the new ones are in place, the new ones when they never will be. */
  discard(): void {
    for (const database of this.#databases) database.clear();
  }
}

function isAnyIn(keyspace: Keyspace, other: Keyspace): boolean {
  for (const key of keyspace.values.keys()) if (other.values.has(key)) return true;
  return false;
}

function addAll(keyspace: Keyspace, loaded: Keyspace): void {
  loaded.values.forEach((key, value) => {
    keyspace.put(key, cloneValue(value)); // a value belongs to one key
    const expireAtMs = loaded.expireAt(key);
    if (expireAtMs !== undefined) keyspace.setExpiry(key, expireAtMs);
    keyspace.setAccessMark(key, loaded.accessMark(key)!);
  });
}
