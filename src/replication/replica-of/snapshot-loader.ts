/**
 * Sends staged snapshots into the destination, a window of chunks at a time, so that the event loop and the memory of the targets
 * stay free. Limit: LOAD_WINDOW.
 */

import type { Clock } from '../../world/world.ts';
import type { Destination } from './destination.ts';
import type { SourceShard } from './source-shard.ts';
import type { StagedChunk } from './staging.ts';

/** Chunks sent and not yet applied. */
const LOAD_WINDOW = 32;

export class SnapshotLoader {
  readonly #clock: Clock;
  readonly #shards = new Set<SourceShard>();
  #inFlight = 0;

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
    this.#inFlight = 0;
    this.#shards.clear();
  }

  /** Sends as much as the window has room for; a snapshot that is complete and sent ends with its mark. */
  pump(destination: Destination, epoch: number): void {
    for (const shard of this.#shards) {
      for (let chunk = this.#next(shard); chunk !== undefined; chunk = this.#next(shard)) {
        this.#inFlight++;
        destination.send(chunk);
        destination.point({
          sourceShard: '',
          offset: 0,
          arrivedMs: 0,
          bytes: chunk.bytes.length,
          loaded: false,
          epoch,
        });
      }
      if (this.#inFlight >= LOAD_WINDOW) return;
      if (shard.state === 'staged') shard.state = 'loading'; // it was passed on while it arrived
      if (shard.state === 'loading') {
        this.#shards.delete(shard);
        destination.endLoading(shard.id, shard.position!, this.#clock.now(), epoch);
      }
    }
  }

  /** A chunk has been applied. */
  applied(): void {
    this.#inFlight--;
  }

  #next(shard: SourceShard): StagedChunk | undefined {
    return this.#inFlight < LOAD_WINDOW ? shard.staging.take() : undefined;
  }
}
