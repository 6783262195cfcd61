/**
 * Intset: a set of integers as a sorted array of 16, 32 or 64 bits each [redis intset.c].
 *
 * Decoding refuses what is unsorted or said twice, for Redis searches it by halving.
 */
import assert from 'node:assert/strict';
import { largeInteger, smallInteger } from './integers.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { RdbError } from './rdb-error.ts';

const HEADER_BYTES = 8;
type Width = 2 | 4 | 8;

/** The members, ascending, of the intset that fills `bytes` from `start` to `end`. */
export function decodeIntset(bytes: Buffer, start: number, end: number): string[] {
  if (end - start < HEADER_BYTES) throw broken('its size');
  const width = bytes.readUInt32LE(start);
  const count = bytes.readUInt32LE(start + 4);
  if (width !== 2 && width !== 4 && width !== 8) throw broken('its encoding');
  if (HEADER_BYTES + count * width !== end - start) throw broken('its size');
  if (count > ELEMENTS_MAX) throw new RdbError('too-large', `an intset of ${count} members, more than ${ELEMENTS_MAX}`);
  const members: string[] = [];
  let previous: number | bigint | null = null;
  for (let at = start + HEADER_BYTES; at < end; at += width) {
    const member = width === 8 ? bytes.readBigInt64LE(at) : bytes.readIntLE(at, width);
    if (previous !== null && member <= previous) throw broken('its order');
    previous = member;
    members.push(member.toString());
  }
  return members;
}

/** True when each member is an integer in canonical spelling, so that an intset can hold the set. */
export function fitsIntset(members: readonly string[]): boolean {
  return members.every((member) => smallInteger(member) !== null || largeInteger(member) !== null);
}

/** Members must satisfy `fitsIntset` and be distinct. */
export function encodeIntset(members: readonly string[]): Buffer {
  const sorted = BigInt64Array.from(members, BigInt).sort();
  const lowest = sorted[0];
  const highest = sorted[sorted.length - 1];
  assert(lowest !== undefined && highest !== undefined, 'a set that is written has members');
  const width = Math.max(widthOf(lowest), widthOf(highest));
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + sorted.length * width);
  bytes.writeUInt32LE(width, 0);
  bytes.writeUInt32LE(sorted.length, 4);
  let at = HEADER_BYTES;
  for (const member of sorted) {
    at = width === 8 ? bytes.writeBigInt64LE(member, at) : bytes.writeIntLE(Number(member), at, width);
  }
  return bytes;
}

function widthOf(member: bigint): Width {
  if (member >= -0x8000n && member <= 0x7fffn) return 2;
  return member >= -0x8000_0000n && member <= 0x7fff_ffffn ? 4 : 8;
}

function broken(what: string): RdbError {
  return new RdbError('corrupt', `an intset is wrong in ${what}`);
}
