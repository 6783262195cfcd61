/**
 * Whose turn it is to send everything: at most so many sources at once, and at most so many shards of each, as a destination's gradual
 * sync asks [RS gradual sync]. A shard that fails goes to the end, so that one that cannot be reached keeps nobody from his turn.
 *
 * Border: shards that go on where they were need no turn. Limits: those it is given.
 */

import type { SourceShard } from './source-shard.ts';

/** Infinity: no limit. */
export interface GradualLimits {
  readonly sourcesMax: number;
  readonly shardsPerSourceMax: number;
}

export const ALL_AT_ONCE: GradualLimits = { sourcesMax: Infinity, shardsPerSourceMax: Infinity };

export class Turns {
  readonly #limits: GradualLimits;
  readonly #queue = new Set<SourceShard>();

  constructor(limits: GradualLimits) {
    this.#limits = limits;
  }

  /** It wants to send everything. */
  wait(shard: SourceShard): void {
    shard.wait();
    this.#queue.delete(shard);
    this.#queue.add(shard);
  }

  clear(): void {
    this.#queue.clear();
  }

  /** Starts those for whom there is room; `all` are the shards of every source. */
  give(all: readonly SourceShard[]): void {
    for (const shard of this.#queue) {
      if (shard.state === 'waiting' && !this.#hasRoom(shard, all)) continue;
      this.#queue.delete(shard);
      if (shard.state === 'waiting') shard.start(null);
    }
  }

  #hasRoom(shard: SourceShard, all: readonly SourceShard[]): boolean {
    const { sourcesMax, shardsPerSourceMax } = this.#limits;
    const busy = all.filter((each) => each.isFilling);
    const own = busy.filter((each) => each.source === shard.source).length;
    if (own >= shardsPerSourceMax) return false;
    return own > 0 || new Set(busy.map((each) => each.source)).size < sourcesMax;
  }
}
