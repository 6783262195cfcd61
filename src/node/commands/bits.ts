/** Reading bits out of strings, the highest bit of each byte first. Positions are of bits and within the string. */

import type { RawString } from '../keyspace/raw-string.ts';

const BITS = 8;

const ONES = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) ONES[byte] = (byte & 1) + ONES[byte >> 1]!;

/** The bytes to read, valid until the string changes. */
export const bytesOf = (value: string | RawString): Buffer =>
  typeof value === 'string' ? Buffer.from(value, 'latin1') : value.view;

/** 0 beyond the end. */
export const byteAt = (value: string | RawString, index: number): number => {
  if (typeof value !== 'string') return value.byteAt(index);
  return index < value.length ? value.charCodeAt(index) : 0;
};

export const bitAt = (value: string | RawString, position: number): number =>
  (byteAt(value, Math.floor(position / BITS)) >> (BITS - 1 - (position % BITS))) & 1;

/** Set bits from `first` to `last`, both included. */
export function countBits(bytes: Buffer, first: number, last: number): number {
  const from = Math.floor(first / BITS);
  const to = Math.floor(last / BITS);
  let count = 0;
  for (let i = from; i <= to; i++) count += ONES[bytes[i]!]!;
  // What was counted too much, in the first and in the last byte
  count -= ONES[bytes[from]! & ~(0xff >> (first % BITS))]!;
  count -= ONES[bytes[to]! & (0x7f >> (last % BITS))]!;
  return count;
}

/** The first bit of this kind from `first` to `last`, both included; -1 when there is none. */
export function firstBit(bytes: Buffer, bit: 0 | 1, first: number, last: number): number {
  const skipped = bit === 1 ? 0x00 : 0xff;
  let at = first;
  while (at <= last) {
    const index = Math.floor(at / BITS);
    const byte = bytes[index]!;
    if (byte === skipped) {
      at = (index + 1) * BITS;
      continue;
    }
    const inside = at % BITS;
    const wanted = (bit === 1 ? byte : ~byte & 0xff) & (0xff >> inside);
    if (wanted !== 0) {
      const found = index * BITS + Math.clz32(wanted) - 24;
      return found <= last ? found : -1;
    }
    at = (index + 1) * BITS;
  }
  return -1;
}
