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
import { RequestWriter } from './request-writer.ts';

const SLICE_KEYS_MAX = 500;
const SLICE_BYTES_MAX = 128 * 1024;
/** Limits are looked at after so many keys. */
const STEP_KEYS = 32;
/** What `rdb-key-save-delay` asks of many keys is waited in pieces that timers can tell apart. */
const DELAYED_US = 1000;

export interface SnapshotStreamOptions {
  readonly shard: Shard;
  /** AUX fields besides those every dump has and those of `shard.snapshotFacts`. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Code of function libraries, carried along unread. */
  readonly functions: readonly string[];
  /** Requests that make the data, in place of a dump of them. */
  readonly asRequests?: boolean;
  /** None of the keys is wanted. */
  readonly isKeyless?: boolean;
  /** A chunk belongs to the receiver. False: pause after this one, until `resume`. */
  emit(chunk: Buffer): boolean;
  done(): void;
}

/** A walk over no keys. */
const NOTHING = { walk: { keys: 0, databases: [] }, step: () => true, release: () => undefined };

export class SnapshotStream {
  /** Keys in the image. */
  readonly keys: number;
  readonly #options: SnapshotStreamOptions;
  readonly #writer: RdbWriter | RequestWriter;
  readonly #sizes = new Map<number, { keys: number; expires: number }>();
  readonly #snapshot: { step(keysAtMost: number): boolean; release(): void };
  #database: number | null = null;
  /** Written out since the last slice. */
  #entries = 0;
  #paused = false;
  #ended = false;
  #timer: Timer | null = null;

  constructor(options: SnapshotStreamOptions) {
    const { shard } = options;
    this.#options = options;
    const emit = (chunk: Buffer): void => {
      if (!options.emit(chunk)) this.#paused = true;
    };
    const second = Math.floor(shard.world.clock.now() / 1000);
    this.#writer =
      options.asRequests === true
        ? new RequestWriter(emit, shard.config.get('aof-timestamp-enabled') ? second : null)
        : new RdbWriter(emit);
    const entry = this.#entry.bind(this);
    const snapshot = options.isKeyless === true ? NOTHING : shard.snapshots.start({ entry });
    this.#snapshot = snapshot;
    this.keys = snapshot.walk.keys;
    for (const { database, keys, expires } of snapshot.walk.databases) this.#sizes.set(database, { keys, expires });
    const fieldsExpire = shard.keyspaces.some(({ fieldExpiring }) => fieldExpiring.size > 0);
    const aux = [
      ['redis-ver', REDIS_VERSION],
      ['redis-bits', '64'],
      ['ctime', String(second)],
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

  #later(delayMs = 0): void {
    if (this.#timer !== null) return;
    const { clock } = this.#options.shard.world;
    const goOn = (): void => {
      this.#timer = null;
      this.#slice();
    };
    this.#timer = delayMs > 0 ? clock.after(delayMs, goOn) : clock.soon(goOn);
  }

  #slice(): void {
    if (this.#ended) return;
    const bytesMax = this.#writer.bytesWritten + SLICE_BYTES_MAX;
    const delayUs = this.#options.shard.config.get('rdb-key-save-delay');
    const stepKeys = delayUs > 0 ? Math.max(1, Math.floor(DELAYED_US / delayUs)) : STEP_KEYS;
    const sliceKeys = delayUs > 0 ? stepKeys : SLICE_KEYS_MAX;
    for (let keys = 0; keys < sliceKeys && this.#writer.bytesWritten < bytesMax && !this.#paused; keys += stepKeys) {
      if (!this.#snapshot.step(stepKeys)) continue;
      this.#ended = true;
      this.#writer.end();
      this.#options.done();
      return;
    }
    const written = this.#entries;
    this.#entries = 0;
    if (!this.#paused) this.#later((written * Math.max(0, delayUs)) / 1000);
  }

  #entry(database: number, key: string, value: Value, expireAtMs: number | undefined): void {
    if (database !== this.#database) {
      this.#database = database;
      const { keys, expires } = this.#sizes.get(database)!;
      this.#writer.selectDatabase(database, keys, expires);
    }
    this.#entries++;
    this.#writer.entry(key, toRdbValue(value), expireAtMs ?? null);
  }
}
