/**
 * Memory of a shard as a whole: what its keys take (counted at each write), its clients and what upper layers hold
 * (looked at when something was sent, and `hz` times a second). `used_memory` is their sum and an empty shard's own.
 *
 * Estimates, within a quarter of what the process grows by (`npm run bench -- estimate`). Border: what happens when a limit is
 * reached is `eviction.ts`; strings and tables are `keyspace/memory.ts`.
 */

import { MemoryCount } from '../keyspace/memory.ts';

/** An empty shard: its databases and parameters. The process and its tables of commands, which shards share, are no shard's. */
export const STARTUP_BYTES = 40 * 1024;
/** Parts that upper layers tell of, by Redis's names in INFO and MEMORY STATS. */
export type MemoryPart = 'replication_backlog' | 'clients_slaves' | 'lua_caches' | 'functions_caches';

export class ShardMemory {
  readonly keys = new MemoryCount();
  /** All clients but replicas. */
  clientBytes = 0;
  peakBytes = STARTUP_BYTES;
  /** Beyond it clients go; Infinity: none does. */
  clientBytesMax = Infinity;
  /** `maxmemory`; Infinity: no limit. */
  limitBytes = Infinity;
  readonly #parts = new Map<MemoryPart, () => number>();
  #partBytes = 0;

  /** Estimated bytes in use. */
  get usedBytes(): number {
    return STARTUP_BYTES + this.keys.bytes + this.clientBytes + this.#partBytes;
  }

  /** What a limit does not look at: replicas' output, else evicted keys would fill it and evict more [redis evict.c freeMemoryGetNotCountedMemory]. */
  get uncountedBytes(): number {
    return this.partBytes('clients_slaves');
  }

  get overLimit(): boolean {
    if (this.limitBytes === Infinity) return false;
    return this.usedBytes > this.limitBytes && this.usedBytes - this.uncountedBytes > this.limitBytes;
  }

  /** Something that an upper layer holds; `bytes` must be cheap to ask. */
  addPart(part: MemoryPart, bytes: () => number): void {
    this.#parts.set(part, bytes);
  }

  partBytes(part: MemoryPart): number {
    return this.#parts.get(part)?.() ?? 0;
  }

  /** Looks at what is not counted at each change. */
  sample(): void {
    let sum = 0;
    for (const bytes of this.#parts.values()) sum += bytes();
    this.#partBytes = sum;
    this.peakBytes = Math.max(this.peakBytes, this.usedBytes);
  }

  /** Bytes of everything but keys and values, as far as keys have tables of their own. */
  get overheadBytes(): number {
    return STARTUP_BYTES + this.clientBytes + this.#partBytes;
  }
}
