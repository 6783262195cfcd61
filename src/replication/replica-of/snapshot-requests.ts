/**
 * An entry of a source's snapshot as the request that stores it. Value and expiry travel in one step, as absolute time, so that a
 * key can never be seen (or renewed) without its expiry.
 */

import { payloadFrom } from '../../rdb/payload.ts';
import type { RdbEntry } from '../../rdb/rdb-entry.ts';
import { decodeValue } from '../../rdb/values.ts';
import { CHECKPOINT_KEY } from './checkpoint.ts';
import type { Staging } from './staging.ts';
import type { StopCause } from './status.ts';

/** RDB type number of a plain string. */
const STRING_TYPE = 0;

/** Keeps an entry for the target its key belongs to; says what is wrong when there is none. A source's own checkpoint stays its own. */
export function stageEntry(
  entry: RdbEntry,
  destination: Place,
  staging: Staging,
): { readonly cause: StopCause; readonly detail: string } | null {
  if (entry.key === CHECKPOINT_KEY && entry.database === 0) return null;
  const trouble = troubleOf(entry, destination);
  if (trouble !== null) return trouble;
  const target = destination.targetOf(entry.key)!;
  try {
    staging.add(target, entry.database, snapshotRequest(entry));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // JavaScript's strings end at 512 MiB: a request that holds such a value cannot be put together
    return { cause: 'unsupported', detail: `the value of "${entry.key}" is too large to be copied (about 512 MiB)` };
  }
  return null;
}

interface Place {
  targetOf(key: string): number | null;
  readonly databases: number;
}

/** Why there is no place for an entry; null: there is one. */
export function troubleOf(
  entry: RdbEntry,
  destination: Place,
): { readonly cause: StopCause; readonly detail: string } | null {
  if (destination.targetOf(entry.key) === null) {
    return { cause: 'cross-slot', detail: `no hashing rule of the destination matches the key "${entry.key}"` };
  }
  if (entry.database < destination.databases) return null;
  const detail = `the source holds keys in logical database ${entry.database}; a Redis Enterprise database has only database 0: move its keys there or take them away`;
  return { cause: 'unsupported', detail };
}

export function snapshotRequest(entry: RdbEntry): readonly string[] {
  if (entry.type === STRING_TYPE) {
    const value = decodeValue(entry.type, entry.raw) as string;
    return entry.expireAtMs === null
      ? ['SET', entry.key, value]
      : ['SET', entry.key, value, 'PXAT', String(entry.expireAtMs)];
  }
  const payload = payloadFrom(entry.type, entry.raw).latin1Slice();
  const expireAtMs = entry.expireAtMs === null ? '0' : String(entry.expireAtMs);
  return ['RESTORE', entry.key, expireAtMs, payload, 'REPLACE', 'ABSTTL'];
}
