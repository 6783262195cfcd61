/**
 * How much may have been read from sources and not yet been applied: beyond it links are held, and go on once half of it is through.
 * Limits: WINDOW_BYTES over all sources; PASSING_BYTES of a snapshot that is passed on as it arrives.
 */

import type { SourceShard } from './source-shard.ts';

const WINDOW_BYTES = 8 * 1024 * 1024;
const PASSING_BYTES = 16 * 1024 * 1024;

export class ReadingWindow {
  readonly #held = new Set<SourceShard>();

  /** More of its snapshot is kept than should be. */
  isPassingFull(shard: SourceShard): boolean {
    return shard.staging.bytes > PASSING_BYTES;
  }

  isFull(outstandingBytes: number): boolean {
    return outstandingBytes > WINDOW_BYTES;
  }

  hold(shard: SourceShard): void {
    if (this.#held.has(shard)) return;
    this.#held.add(shard);
    shard.hold();
  }

  release(outstandingBytes: number): void {
    if (this.#held.size === 0 || outstandingBytes >= WINDOW_BYTES / 2) return;
    for (const shard of this.#held) {
      if (shard.staging.bytes > PASSING_BYTES / 2) continue;
      this.#held.delete(shard);
      shard.release();
    }
  }

  delete(shard: SourceShard): void {
    this.#held.delete(shard);
  }

  clear(): void {
    this.#held.clear();
  }
}
