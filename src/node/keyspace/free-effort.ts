/**
 * How much work Redis has with giving a value's memory back, in allocations: what is more than LAZY_EFFORT goes to a thread of its
 * own there, and counts as freed lazily. Here the collector frees everything; what is counted is the same.
 * [redis lazyfree.c lazyfreeGetFreeEffort]
 */

import type { EncodingLimits } from './encoding-limits.ts';
import type { StreamValue } from './stream.ts';
import { radixNodes } from './radix-nodes.ts';
import type { Value } from './value.ts';

export const LAZY_EFFORT = 64;

export const isFreedLazily = (value: Value, limits: EncodingLimits): boolean => effortOf(value, limits) > LAZY_EFFORT;

function effortOf(value: Value, limits: EncodingLimits): number {
  if (typeof value === 'string' || value.kind === 'raw') return 1;
  if (value.kind === 'stream') return streamEffort(value);
  if (value.kind === 'list') return value.encoding === 'quicklist' ? value.nodes(limits) : 1;
  return value.encoding === 'hashtable' || value.encoding === 'skiplist' ? value.size : 1;
}

/** Each group is taken to wait for as much as the first. */
function streamEffort({ nodeIds, groups }: StreamValue): number {
  const [first] = groups.all;
  return radixNodes(nodeIds) + (first === undefined ? 0 : groups.size * (1 + first.pending.size));
}
