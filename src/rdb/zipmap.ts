/**
 * Zipmap, read only: how Redis before 2.6 kept small hashes, and what a very old dump may still hold.
 *
 * Fields and values in turn, each with its length; a value may be followed by a few bytes that are free.
 */
import { readLatin1 } from './latin1.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { RdbError } from './rdb-error.ts';

const LENGTH_LARGE = 254;
const END = 255;

/** Field, value, field, value… of the zipmap that fills `bytes` from `start` to `end`. */
export function decodeZipmap(bytes: Buffer, start: number, end: number): string[] {
  const pairs: string[] = [];
  const last = end - 1;
  if (last <= start || bytes[last] !== END) throw broken('its end');
  const count = bytes[start]!;
  let at = start + 1;
  while (at < last) {
    const isValue = pairs.length % 2 === 1;
    let length = bytes[at]!;
    at += 1;
    if (length === END) throw broken('a length');
    if (length === LENGTH_LARGE) {
      if (at + 4 > last) throw broken('a length');
      length = bytes.readUInt32LE(at);
      at += 4;
    }
    let free = 0;
    if (isValue) {
      if (at >= last) throw broken('a value');
      free = bytes[at]!;
      at += 1;
    }
    if (at + length + free > last) throw broken('a length');
    if (pairs.length === ELEMENTS_MAX) throw new RdbError('too-large', `a zipmap of more than ${ELEMENTS_MAX} entries`);
    pairs.push(readLatin1(bytes, at, at + length));
    at += length + free;
  }
  if (pairs.length % 2 !== 0) throw broken('a field without a value');
  if (count < LENGTH_LARGE && count !== pairs.length / 2) throw broken('its count');
  return pairs;
}

function broken(what: string): RdbError {
  return new RdbError('corrupt', `a zipmap is wrong in ${what}`);
}
