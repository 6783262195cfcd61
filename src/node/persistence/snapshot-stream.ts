/**
 * A point-in-time dump of a shard as chunks of bytes, made in slices with the event loop free in between.
 *
 * The image is of the moment of construction. A slice is bounded by keys and by bytes, not by a clock, so that a simulated
 * run replays; only a single huge value can make one long. The receiver pauses the walk when it cannot take more; keys
 * about to change are still written out at once, so a paused dump can grow by as much as is being changed.
 *
 * Border: where the bytes go (a replica, a file) is the caller's business. Limits: SLICE_KEYS_MAX, SLICE_BYTES_MAX.
 */

import { RdbWriter } from '../../rdb/writer.ts';
import { toRdbValue } from '../keyspace/rdb-values.ts';
import type { Value } from '../keyspace/value.ts';
import type { Shard } from '../shard/shard.ts';
import { REDIS_VERSION } from '../shard/version.ts';
import type { Timer } from '../../world/world.ts';

const SLICE_KEYS_MAX = 500;
const SLICE_BYTES_MAX = 128 * 1024;
/** Limits are looked at after so many keys. */
const STEP_KEYS = 32;

export interface SnapshotStreamOptions {
  readonly shard: Shard;
  /** AUX fields besides those every dump has and those of `shard.snapshotFacts`. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Code of function libraries, carried along unread. */
  readonly functions: readonly string[];
  /** A chunk belongs to the receiver. False: pause after this one, until `resume`. */
  emit(chunk: Buffer): boolean;
  done(): void;
}

export class SnapshotStream {
  /** Keys in the image. */
  readonly keys: number;
  readonly #options: SnapshotStreamOptions;
  readonly #writer: RdbWriter;
  readonly #sizes = new Map<number, { keys: number; expires: number }>();
  readonly #snapshot: { step(keysAtMost: number): boolean; release(): void };
  #database: number | null = null;
  #paused = false;
  #ended = false;
  #timer: Timer | null = null;

  constructor(options: SnapshotStreamOptions) {
    const { shard } = options;
    this.#options = options;
    this.#writer = new RdbWriter((chunk) => {
      if (!options.emit(chunk)) this.#paused = true;
    });
    const snapshot = shard.snapshots.start({
      entry: (database, key, value, expireAtMs) => this.#entry(database, key, value, expireAtMs),
    });
    this.#snapshot = snapshot;
    this.keys = snapshot.walk.keys;
    for (const { database, keys, expires } of snapshot.walk.databases) this.#sizes.set(database, { keys, expires });
    const fieldsExpire = shard.keyspaces.some(({ fieldExpiring }) => fieldExpiring.size > 0);
    const aux = [
      ['redis-ver', REDIS_VERSION],
      ['redis-bits', '64'],
      ['ctime', String(Math.floor(shard.world.clock.now() / 1000))],
      ...options.facts,
      ...shard.snapshotFacts.flatMap((facts) => [...facts()]),
    ] as const;
    this.#writer.header(aux, fieldsExpire ? 'withFieldExpiry' : 'plain');
    for (const code of options.functions) this.#writer.functionLibrary(code);
    this.#later();
  }

  get bytesWritten(): number {
    return this.#writer.bytesWritten;
  }

  /** The receiver can take more. */
  resume(): void {
    if (!this.#paused || this.#ended) return;
    this.#paused = false;
    this.#later();
  }

  /** Walks to the end at once; the receiver takes all. */
  finish(): void {
    this.#timer?.cancel();
    while (!this.#ended) this.#slice();
  }

  /** Ends the walk before its end. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#snapshot.release();
  }

  #later(): void {
    if (this.#timer !== null) return;
    this.#timer = this.#options.shard.world.clock.soon(() => {
      this.#timer = null;
      this.#slice();
    });
  }

  #slice(): void {
    if (this.#ended) return;
    const bytesMax = this.#writer.bytesWritten + SLICE_BYTES_MAX;
    for (
      let keys = 0;
      keys < SLICE_KEYS_MAX && this.#writer.bytesWritten < bytesMax && !this.#paused;
      keys += STEP_KEYS
    ) {
      if (!this.#snapshot.step(STEP_KEYS)) continue;
      this.#ended = true;
      this.#writer.end();
      this.#options.done();
      return;
    }
    if (!this.#paused) this.#later();
  }

  #entry(database: number, key: string, value: Value, expireAtMs: number | undefined): void {
    if (database !== this.#database) {
      this.#database = database;
      const { keys, expires } = this.#sizes.get(database)!;
      this.#writer.selectDatabase(database, keys, expires);
    }
    this.#writer.entry(key, toRdbValue(value), expireAtMs ?? null);
  }
}
