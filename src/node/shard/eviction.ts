/**
 * What happens when a shard's memory is used up: keys are evicted by `maxmemory-policy`, or writes are refused. [redis evict.c]
 *
 * As in Redis the choice is approximate: `maxmemory-samples` keys are looked at, the best candidates so far are kept in a pool
 * of POOL_MAX, and the best of those goes. One call takes no longer than `maxmemory-eviction-tenacity` allows; that is counted in
 * keys and not in time, so that a simulated run replays. What is left goes on in a turn of its own, and writes pass meanwhile.
 * Every evicted key is replicated as a write of its own.
 */

import type { Keyspace } from '../keyspace/keyspace.ts';
import { policyFacts, type PolicyFacts } from './eviction-policy.ts';
import type { Shard } from './shard.ts';

/**
 * `evict`: a primary makes room, and refuses writes when it cannot. `refuse`: a destination of Replica Of never removes a key by
 * itself, so it refuses, the syncer's writes too [RS replica-of: the destination does not expire by itself]. `ignore`: a plain
 * replica holds what its primary holds [redis replica-ignore-maxmemory].
 */
export type MemoryMode = 'evict' | 'refuse' | 'ignore';

const POOL_MAX = 16;
/** Keys that one call evicts for each microsecond Redis gives itself: an eviction takes some five of them. */
const KEYS_PER_MICROSECOND = 0.2;
/** [redis evict.c evictionTimeLimitUs] */
const TENACITY_LINEAR_MAX = 10;
const TENACITY_NO_LIMIT = 100;

interface Candidate {
  readonly keyspace: Keyspace;
  readonly key: string;
  /** The greater, the better to evict. */
  readonly score: number;
}

export class Eviction {
  readonly #shard: Shard;
  /** By score, the best last. */
  readonly #pool: Candidate[] = [];
  #nextDatabase = 0;
  #goesOn = false;
  /** There was no room before the outermost command: what it runs itself is judged by that. A script that may need memory sets it. */
  refusing = false;
  #dirtyBefore = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  get mode(): MemoryMode {
    const { expiryPolicy, role, loading, config } = this.#shard;
    if (loading || this.#shard.pause.kind !== null) return 'ignore'; // what was there before had room
    if (expiryPolicy === 'ignore') return 'refuse';
    if (role === 'replica' && config.get('replica-ignore-maxmemory')) return 'ignore';
    return 'evict';
  }

  /**
   * Asked for each command. Before the outermost one room is made; for those that a script runs it is not, since nobody else's keys
   * may go in the middle of a unit, and once the script has written it may go on. [redis script.c scriptVerifyOOM]
   */
  hasRoom(): boolean {
    if (this.#shard.longScript !== null && this.#shard.runningSession === null) return true; // only what needs none is served
    if (this.#shard.runningSession !== null) return !this.refusing || this.#shard.dirty !== this.#dirtyBefore;
    this.refusing = !this.makeRoom();
    this.#dirtyBefore = this.#shard.dirty;
    return !this.refusing;
  }

  /** Keeps memory below the limit; false when it is above and nothing can be done about that. */
  makeRoom(): boolean {
    const { memory, config } = this.#shard;
    if (!memory.overLimit) return true;
    const { mode } = this;
    if (mode === 'ignore') return true;
    const policy = policyFacts(config.get('maxmemory-policy'));
    if (mode === 'refuse' || policy === null) return false;
    const { latency, slowlog, now } = this.#shard;
    const startedAtMs = slowlog.moment();
    const hasMade = this.#evictBy(policy, keysPerCall(config.get('maxmemory-eviction-tenacity')));
    latency.ended('eviction-cycle', slowlog.moment() - startedAtMs, now);
    return hasMade;
  }

  #evictBy(policy: PolicyFacts, keysMax: number): boolean {
    const { memory } = this.#shard;
    let keysLeft = keysMax;
    while (memory.overLimit) {
      if (keysLeft-- <= 0) {
        this.soon();
        return true;
      }
      const next = policy.by === 'random' ? this.#byChance(policy.of) : this.#best(policy.of, policy.by);
      if (next === null) return false;
      next.keyspace.evict(next.key);
      this.#shard.writeLog.commit();
    }
    return true;
  }

  /** Makes room in a turn of its own. */
  soon(): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    this.#shard.world.clock.soon(() => {
      this.#goesOn = false;
      if (this.#shard.longScript === null) this.#shard.unit(() => this.makeRoom());
    });
  }

  /** Databases take turns, so that none is emptied first. */
  #byChance(of: 'all' | 'volatile'): { keyspace: Keyspace; key: string } | null {
    const { keyspaces, random } = this.#shard;
    for (let looks = 0; looks < keyspaces.length; looks++) {
      const keyspace = keyspaces[this.#nextDatabase++ % keyspaces.length]!;
      const keys = of === 'all' ? keyspace.values : keyspace.expires;
      if (keys.size > 0) return { keyspace, key: keys.keyAt(random.integer(0, keys.size - 1)) };
    }
    return null;
  }

  #best(of: 'all' | 'volatile', by: 'lru' | 'lfu' | 'ttl'): { keyspace: Keyspace; key: string } | null {
    const { keyspaces } = this.#shard;
    for (;;) {
      let keys = 0;
      for (const keyspace of keyspaces) {
        const { size } = of === 'all' ? keyspace.values : keyspace.expires;
        if (size > 0) this.#fillPool(keyspace, of, by);
        keys += size;
      }
      if (keys === 0) return null;
      while (this.#pool.length > 0) {
        const { keyspace, key } = this.#pool.pop()!;
        // It may have gone since it came into the pool, or may not go by the policy of now
        if ((of === 'all' ? keyspace.values : keyspace.expires).has(key)) return { keyspace, key };
      }
    }
  }

  #fillPool(keyspace: Keyspace, of: 'all' | 'volatile', by: 'lru' | 'lfu' | 'ttl'): void {
    const { random, config } = this.#shard;
    const keys = of === 'all' ? keyspace.values : keyspace.expires;
    const looks = Math.min(config.get('maxmemory-samples'), keys.size);
    for (let i = 0; i < looks; i++) {
      const key = keys.keyAt(random.integer(0, keys.size - 1));
      this.#offer({ keyspace, key, score: this.#score(keyspace, key, by) });
    }
  }

  #score(keyspace: Keyspace, key: string, by: 'lru' | 'lfu' | 'ttl'): number {
    const { access, now } = this.#shard;
    if (by === 'ttl') return -(keyspace.expireAt(key) ?? 0);
    const mark = keyspace.accessMark(key) ?? 0;
    return by === 'lru' ? access.idleMs(mark, now) : -access.frequency(mark, now);
  }

  #offer(candidate: Candidate): void {
    const pool = this.#pool;
    if (pool.some(({ keyspace, key }) => keyspace === candidate.keyspace && key === candidate.key)) return;
    let at = pool.length;
    while (at > 0 && pool[at - 1]!.score > candidate.score) at--;
    if (pool.length < POOL_MAX) pool.splice(at, 0, candidate);
    else if (at > 0) {
      // The worst one makes room
      pool.splice(at, 0, candidate);
      pool.shift();
    }
  }
}

const keysPerCall = (tenacity: number): number => {
  if (tenacity >= TENACITY_NO_LIMIT) return Infinity;
  const microseconds = tenacity <= TENACITY_LINEAR_MAX ? 50 * tenacity : 500 * 1.15 ** (tenacity - TENACITY_LINEAR_MAX);
  return Math.max(1, Math.floor(microseconds * KEYS_PER_MICROSECOND));
};
