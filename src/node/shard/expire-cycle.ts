/**
 * Active expiry: looks at random keys that have an expiry and deletes those whose time has come; where many were due it looks
 * again, within a limit [redis expire.c activeExpireCycle]. Each deletion, of a key or of a field, is a unit of its own in the write log.
 */

import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Shard } from './shard.ts';

const LOOKUPS_PER_ROUND = 20;
/**
 * Rounds per call, over all databases: a bound on the time taken (some 25 ms, as Redis's), counted rather than clocked so that a
 * simulated run replays. At `hz` 10 it lets 150,000 keys go in a second: keys that come faster with short lives would pile up.
 */
const ROUNDS_MAX = 750;
/** Hashes looked at per call and database. */
const HASHES_MAX = 1_000;
/** Another round only when more than this share of the last was due. */
const STALE_SHARE = 0.1;

export function expireCycle(shard: Shard): void {
  let roundsLeft = ROUNDS_MAX;
  for (const keyspace of shard.keyspaces) {
    for (; roundsLeft > 0 && keyspace.expiring > 0; roundsLeft--) {
      const looks = Math.min(LOOKUPS_PER_ROUND, keyspace.expiring);
      let due = 0;
      for (let i = 0; i < looks && keyspace.expiring > 0; i++) {
        const key = keyspace.expires.keyAt(shard.random.integer(0, keyspace.expiring - 1));
        shard.unit(() => {
          if (keyspace.expireNow(key)) due++;
        });
      }
      if (due <= looks * STALE_SHARE) break;
    }
    expireFields(shard, keyspace);
  }
}

/** Hashes with fields that expire are looked at in turn. */
function expireFields(shard: Shard, keyspace: Keyspace): void {
  let looks = Math.min(HASHES_MAX, keyspace.fieldExpiring.size);
  while (looks-- > 0) {
    const { value: key, done } = keyspace.fieldExpiring.values().next();
    if (done === true) return;
    shard.unit(() => {
      keyspace.expireFieldsNow(key);
      shard.writeLog.commitEach();
    });
  }
}
