/**
 * A point-in-time image of a shard without stopping it: there is no fork here, so a walker goes through the buckets in slices,
 * and a key that is about to change before its turn is written out first. [architecture: snapshots do not stop the world]
 *
 * While a walk goes on, buckets neither split nor merge, so "has its turn come?" is a comparison of bucket numbers. A flushed
 * or swapped database does not matter: the walk keeps the dictionaries it began with.
 *
 * Border: values are handed out, not encoded; the receiver must encode them before it returns.
 */

import type { Dict } from './dict.ts';
import type { Keyspace } from './keyspace.ts';
import type { Value } from './value.ts';

export interface SnapshotSink {
  entry(database: number, key: string, value: Value, expireAtMs: number | undefined): void;
}

interface Part {
  readonly database: number;
  readonly values: Dict<Value>;
  readonly expires: Dict<number>;
  /** Buckets below this one have been written. */
  bucket: number;
  /** Keys written before their turn, or made after the snapshot began: the walk passes over them. */
  readonly settled: Set<string>;
}

export class SnapshotWalk {
  readonly #parts: Part[];
  readonly #sink: SnapshotSink;
  #current = 0;
  #released = false;
  /** Keys in the image, for the header. */
  readonly keys: number;

  constructor(keyspaces: readonly Keyspace[], sink: SnapshotSink) {
    this.#sink = sink;
    this.#parts = keyspaces
      .filter((keyspace) => keyspace.size > 0)
      .map((keyspace) => ({
        database: keyspace.index,
        values: keyspace.values,
        expires: keyspace.expires,
        bucket: 0,
        settled: new Set<string>(),
      }));
    this.keys = this.#parts.reduce((sum, part) => sum + part.values.size, 0);
    for (const part of this.#parts) part.values.pauseResizing();
  }

  /** Databases in the image with their sizes, as RESIZEDB wants them. */
  get databases(): readonly { database: number; keys: number; expires: number }[] {
    return this.#parts.map(({ database, values, expires }) => ({ database, keys: values.size, expires: expires.size }));
  }

  /** Writes about `keysAtMost` keys (a bucket is never cut); true when the image is complete. */
  step(keysAtMost: number): boolean {
    let left = keysAtMost;
    while (left > 0) {
      const part = this.#parts[this.#current];
      if (part === undefined) {
        this.release();
        return true;
      }
      if (part.bucket >= part.values.bucketCount) {
        this.#current++;
        part.settled.clear();
        continue;
      }
      part.values.visitBucket(part.bucket, (key, value) => {
        if (part.settled.size > 0 && part.settled.delete(key)) return;
        this.#sink.entry(part.database, key, value, part.expires.get(key));
        left--;
      });
      part.bucket++;
      left -= 0.1; // an empty bucket costs something too
    }
    return false;
  }

  /** A key is about to change (or come into being, or go): writes its value of the moment of the snapshot. */
  beforeChange(keyspace: Keyspace, key: string): void {
    for (let i = this.#current; i < this.#parts.length; i++) {
      const part = this.#parts[i]!;
      if (part.values !== keyspace.values) continue;
      if (part.values.bucketOf(key) < part.bucket || part.settled.has(key)) return;
      part.settled.add(key);
      const value = part.values.get(key);
      if (value !== undefined) this.#sink.entry(part.database, key, value, part.expires.get(key));
      return;
    }
  }

  /** Ends the walk, finished or not. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const part of this.#parts) part.values.resumeResizing();
    this.#parts.length = 0;
  }
}
