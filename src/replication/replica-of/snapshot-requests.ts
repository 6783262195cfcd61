/**
 * An entry of a source's snapshot as the request that stores it. Value and expiry travel in one step, as absolute time, so that a
 * key can never be seen (or renewed) without its expiry. Pure.
 */

import { payloadFrom } from '../../rdb/payload.ts';
import type { RdbEntry } from '../../rdb/rdb-entry.ts';
import { decodeValue } from '../../rdb/values.ts';

/** RDB type number of a plain string. */
const STRING_TYPE = 0;

export function snapshotRequest(entry: RdbEntry): readonly string[] {
  if (entry.type === STRING_TYPE) {
    const value = decodeValue(entry.type, entry.raw) as string;
    return entry.expireAtMs === null ? ['SET', entry.key, value] : ['SET', entry.key, value, 'PXAT', String(entry.expireAtMs)];
  }
  const payload = payloadFrom(entry.type, entry.raw).latin1Slice();
  const expireAtMs = entry.expireAtMs === null ? '0' : String(entry.expireAtMs);
  return ['RESTORE', entry.key, expireAtMs, payload, 'REPLACE', 'ABSTTL'];
}
