/** DEBUG HTSTATS and HTSTATS-KEY: how full a hash table is, and how long its chains are. [redis dict.c dictGetStatsMsg] */

import type { Dict } from '../keyspace/dict.ts';
import type { Value } from '../keyspace/value.ts';

const TITLE = 'Hash table 0 stats (main hash table):';

/** Null: the value has none. */
export const tableOf = (value: Value): Dict<unknown> | null =>
  typeof value === 'object' && 'table' in value ? value.table : null;

export function tableStats(dict: Dict<unknown>, isFull: boolean): string {
  if (dict.size === 0) return `${TITLE}\nNo stats available for empty dictionaries\n`;
  const head = `${TITLE}\n table size: ${dict.buckets}\n number of elements: ${dict.size}\n`;
  if (!isFull) return head;
  const chains = new Map<number, number>();
  for (let bucket = 0; bucket < dict.buckets; bucket++) {
    let length = 0;
    dict.visitBucket(bucket, () => length++);
    chains.set(length, (chains.get(length) ?? 0) + 1);
  }
  const slots = dict.buckets - (chains.get(0) ?? 0);
  const average = (dict.size / slots).toFixed(2);
  const lengths = [...chains].sort(([a], [b]) => a - b);
  return [
    head,
    ` different slots: ${slots}\n`,
    ` max chain length: ${lengths.at(-1)![0]}\n`,
    ` avg chain length (counted): ${average}\n`,
    ` avg chain length (computed): ${average}\n`,
    ' Chain length distribution:\n',
    ...lengths.map(([length, count]) => `   ${length}: ${count} (${((count / dict.buckets) * 100).toFixed(2)}%)\n`),
  ].join('');
}
