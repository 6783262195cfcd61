/**
 * Keys that a client of a writable replica gave a time to live: no primary will say when they go, so the replica expires them itself.
 * [redis expire.c rememberSlaveKeyWithExpire, expireSlaveKeys]
 *
 * Border: `Replication` says when it follows somebody. Limits: LOOKS_MAX keys in a tick, in turn.
 */

import type { Keyspace } from '../node/keyspace/keyspace.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { Timer } from '../world/world.ts';

const LOOKS_MAX = 1_000;

export class OwnExpiries {
  readonly #shard: Shard;
  /** Those looked at longest ago come first. */
  readonly #keys = new Map<string, { readonly keyspace: Keyspace; readonly key: string }>();
  #timer: Timer | null = null;

  constructor(shard: Shard) {
    this.#shard = shard;
    shard.onReplaced.push(() => this.#keys.clear());
  }

  get count(): number {
    return this.#keys.size;
  }

  begin(): void {
    this.#shard.expiryGiven = (keyspace, key) => this.#given(keyspace, key);
  }

  end(): void {
    this.#shard.expiryGiven = null;
    this.#keys.clear();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #given(keyspace: Keyspace, key: string): void {
    if (this.#shard.runningSession?.kind !== 'client') return;
    this.#keys.set(`${keyspace.index}:${key}`, { keyspace, key });
    this.#timer ??= this.#tickLater();
  }

  #tickLater(): Timer {
    const { clock } = this.#shard.world;
    return clock.after(1000 / this.#shard.config.get('hz'), () => {
      this.#expire();
      this.#timer = this.#keys.size > 0 ? this.#tickLater() : null;
    });
  }

  #expire(): void {
    const shard = this.#shard;
    if (shard.held || shard.longScript !== null || shard.loading) return;
    let looks = Math.min(LOOKS_MAX, this.#keys.size);
    for (const [at, own] of this.#keys) {
      if (looks-- === 0) return;
      const { keyspace, key } = own;
      this.#keys.delete(at);
      let isLeft = keyspace.expireAt(key) !== undefined;
      if (isLeft) shard.unit(() => (isLeft = !keyspace.expireNow(key)));
      if (isLeft) this.#keys.set(at, own);
    }
  }
}
