/** What a shard hands to those who copy it, write by write. */

import type { Shard } from '../../src/node/shard/shard.ts';

/** The array fills as the shard works; each entry is one write's words joined by spaces. */
export function collectWrites(shard: Shard): string[] {
  const writes: string[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => void writes.push(words.join(' ')) });
  return writes;
}
