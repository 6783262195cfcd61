/** The point-in-time walks under way over a shard's databases: each hears of a key before it changes. Border: what they find is the sinks' affair. */

import { SnapshotWalk, type SnapshotSink } from '../keyspace/snapshot.ts';
import type { Shard } from './shard.ts';

export interface RunningWalk {
  readonly walk: SnapshotWalk;
  /** Does a part; true: that was the last. */
  step(keysAtMost: number): boolean;
  release(): void;
}

export class SnapshotWalks {
  readonly #shard: Shard;
  readonly #walks = new Set<SnapshotWalk>();

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  /** The caller steps it and releases it. */
  start(sink: SnapshotSink): RunningWalk {
    const walk = new SnapshotWalk(this.#shard.keyspaces, sink);
    this.#walks.add(walk);
    this.#shard.beforeChange = (keyspace, key) => {
      for (const each of this.#walks) each.beforeChange(keyspace, key);
    };
    const release = (): void => {
      walk.release();
      this.#walks.delete(walk);
      if (this.#walks.size === 0) this.#shard.beforeChange = null;
    };
    return {
      walk,
      release,
      step: (keysAtMost) => {
        const done = walk.step(keysAtMost);
        if (done) release();
        return done;
      },
    };
  }

  releaseAll(): void {
    for (const walk of this.#walks) walk.release();
  }
}
