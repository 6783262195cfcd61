/**
 * Hashes with fields that expire, as 7.4 writes them: the earliest time first, times of fields relative to it; packed ones hold triplets
 * whose times are absolute, in the order of the times. Before 7.4 was out the earliest time was missing. [redis rdb.c rdbLoadObject]
 */

import type { ByteSink } from './byte-sink.ts';
import type { Cursor } from './cursor.ts';
import { decodeListpack, ListpackBuilder } from './listpack.ts';
import { RdbError } from './rdb-error.ts';
import { TYPE } from './vendors.ts';

const TIME_BYTES = 8;
/** [redis ebuckets.h EB_EXPIRE_TIME_MAX] */
const TIME_MAX = 2 ** 48 - 1;

const isEarly = (type: number): boolean => type === TYPE.hashExpiringEarly || type === TYPE.hashListpackExpiringEarly;
const isPacked = (type: number): boolean =>
  type === TYPE.hashListpackExpiring || type === TYPE.hashListpackExpiringEarly;

export interface ExpiringFields {
  readonly pairs: string[];
  /** 0 for never. */
  readonly expiries: readonly number[];
}

export function decodeExpiringHash(cursor: Cursor, type: number): ExpiringFields {
  const firstMs = isEarly(type) ? 0 : timeOf(cursor.fixed(TIME_BYTES).readBigUInt64LE());
  const pairs: string[] = [];
  const expiries: number[] = [];
  const add = (field: string, value: string, atMs: number): void => {
    pairs.push(field, value);
    expiries.push(atMs);
  };
  if (isPacked(type)) {
    const { bytes, start, end } = cursor.packed();
    const words = decodeListpack(bytes, start, end);
    if (words.length === 0) throw new RdbError('corrupt', 'a collection is empty');
    if (words.length % 3 !== 0) throw new RdbError('corrupt', 'a field has no value or no time');
    for (let i = 0; i < words.length; i += 3) {
      if (!/^\d{1,15}$/.test(words[i + 2]!)) throw new RdbError('corrupt', 'the time of a field is no number');
      add(words[i]!, words[i + 1]!, timeOf(BigInt(words[i + 2]!)));
    }
  } else {
    for (let left = cursor.count(3); left > 0; left--) {
      const time = cursor.word();
      const atMs = time === 0n ? 0 : timeOf(isEarly(type) ? time : time + BigInt(firstMs) - 1n);
      add(cursor.string(), cursor.string(), atMs);
    }
  }
  return { pairs, expiries };
}

function timeOf(value: bigint): number {
  if (value > BigInt(TIME_MAX)) throw new RdbError('corrupt', `the time of a field is ${value}`);
  return Number(value);
}

const builder = new ListpackBuilder();

export function encodeExpiringHash(
  sink: ByteSink,
  type: number,
  pairs: readonly string[],
  expiries: readonly number[],
): void {
  const firstMs = Math.min(...expiries.filter((atMs) => atMs > 0));
  sink.integer64(firstMs);
  if (type === TYPE.hashListpackExpiring) {
    const order = Array.from(expiries.keys()).sort(
      (a, b) => (expiries[a] || Infinity) - (expiries[b] || Infinity) || a - b,
    );
    for (const i of order) {
      builder.append(pairs[2 * i]!);
      builder.append(pairs[2 * i + 1]!);
      builder.append(String(expiries[i]));
    }
    sink.packed(builder.finish());
    return;
  }
  sink.length(expiries.length);
  expiries.forEach((atMs, i) => {
    sink.word(atMs === 0 ? 0n : BigInt(atMs - firstMs + 1));
    sink.string(pairs[2 * i]!);
    sink.string(pairs[2 * i + 1]!);
  });
}
