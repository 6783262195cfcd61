/** CONFIG RESETSTAT: what is counted begins anew. */

import { NO_STATS } from './stats.ts';
import type { Shard } from './shard.ts';

export function resetStats(shard: Shard): void {
  shard.hits = 0;
  shard.misses = 0;
  for (const rate of Object.values(shard.rates)) rate.reset();
  shard.commandStats.reset();
  shard.turns.reset();
  shard.lazyFreed.objects = 0;
  const { startedAtMs, busyMs, keysLoaded, keysExpiredAtLoad } = shard.stats;
  Object.assign(shard.stats, { ...NO_STATS, startedAtMs, busyMs, keysLoaded, keysExpiredAtLoad });
}
