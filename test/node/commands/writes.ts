import type { Shard } from '../../../src/node/shard/shard.ts';

/** Everything the shard replicates from now on. */
export function recordWrites(shard: Shard): (readonly string[])[] {
  const writes: (readonly string[])[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => void writes.push(words) });
  return writes;
}
