/**
 * Sends staged snapshots into the destination, a window of chunks at a time, so that the event loop and the memory of the targets
 * stay free. Limit: LOAD_WINDOW.
 */

import type { Clock } from '../../world/world.ts';
import type { Destination } from './destination.ts';
import type { SourceShard } from './source-shard.ts';

/** Chunks sent and not yet applied. */
const LOAD_WINDOW = 16;

export class SnapshotLoader {
  readonly #clock: Clock;
  readonly #shards = new Set<SourceShard>();
  #pumping = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(shard: SourceShard): boolean {
    return this.#shards.has(shard);
  }

  /** A shard's snapshot may go in; one that still arrives is passed on as it comes. */
  begin(destination: Destination, shard: SourceShard): void {
    this.#shards.add(shard);
    if (shard.state === 'staged') shard.state = 'loading';
    destination.beginLoading(shard.id);
  }

  delete(shard: SourceShard): void {
    this.#shards.delete(shard);
  }

  clear(): void {
    this.#shards.clear();
  }

  /** Sends the next window. Called again when a point without a source shard has been applied. */
  pump(destination: Destination, epoch: number): void {
    if (this.#pumping || this.#shards.size === 0) return;
    this.#pumping = true;
    const now = this.#clock.now();
    let room = LOAD_WINDOW;
    for (const shard of this.#shards) {
      let chunk = room > 0 ? shard.staging.take() : undefined;
      while (chunk !== undefined) {
        destination.send(chunk);
        chunk = --room > 0 ? shard.staging.take() : undefined;
      }
      if (room > 0 && shard.state === 'loading') {
        this.#shards.delete(shard);
        destination.endLoading(shard.id, shard.position!, now, epoch);
      }
    }
    this.#pumping = false;
    if (this.#shards.size > 0 && room < LOAD_WINDOW) {
      destination.point({ sourceShard: '', offset: 0, arrivedMs: now, bytes: 0, loaded: false, epoch });
    }
  }
}
