/**
 * How many entries a group has read and how many are still before it, as far as Redis can know without counting: entries that were
 * deleted between others make it unknown. As 7.4 counts. [redis t_stream.c streamReplyWithCGLag, streamEstimateDistanceFromFirstEverEntry]
 */

import type { StreamValue } from './stream.ts';
import { UNKNOWN_READ, type ConsumerGroup } from './stream-groups.ts';

/** True when the last deletion was at `id` or later. */
const hasGapsFrom = (stream: StreamValue, id: bigint): boolean =>
  stream.size > 0 && stream.maxDeletedId !== 0n && id <= stream.maxDeletedId;

/** The place of an id among all entries that ever were, counted from 1; `UNKNOWN_READ` when it cannot be told. */
function placeOfId(stream: StreamValue, id: bigint): bigint {
  const { entriesAdded, size, lastId, maxDeletedId } = stream;
  if (entriesAdded === 0n) return 0n;
  if (size === 0 && id <= lastId) return entriesAdded;
  if (id !== 0n && id < maxDeletedId) return UNKNOWN_READ;
  if (id === lastId) return entriesAdded;
  if (id > lastId) return UNKNOWN_READ;
  const firstId = stream.firstId ?? 0n;
  if (maxDeletedId === 0n || maxDeletedId < firstId) {
    if (id < firstId) return entriesAdded - BigInt(size);
    if (id === firstId) return entriesAdded - BigInt(size) + 1n;
  }
  return UNKNOWN_READ;
}

/** Null when it cannot be told. */
export function lagOf(stream: StreamValue, group: ConsumerGroup): bigint | null {
  const { entriesAdded, size } = stream;
  if (entriesAdded === 0n || size === 0) return 0n;
  const firstId = stream.firstId!;
  if (group.lastId < firstId && stream.maxDeletedId < firstId) return BigInt(size);
  if (group.entriesRead !== UNKNOWN_READ && !hasGapsFrom(stream, group.lastId)) {
    return entriesAdded - group.entriesRead;
  }
  const place = placeOfId(stream, group.lastId);
  return place === UNKNOWN_READ ? null : entriesAdded - place;
}

/** The group reads the entry `id`, which is beyond its last one. */
export function readOn(stream: StreamValue, group: ConsumerGroup, id: bigint): void {
  const { lastId } = group;
  if (group.entriesRead !== UNKNOWN_READ && lastId >= (stream.firstId ?? 0n) && !hasGapsFrom(stream, lastId)) {
    group.entriesRead++;
  } else if (stream.entriesAdded > 0n) group.entriesRead = placeOfId(stream, id);
  group.lastId = id;
}
