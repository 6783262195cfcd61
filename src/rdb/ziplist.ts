/**
 * Ziplist, read only: the packed sequence that Redis wrote before 7.0 in lists, hashes and sorted sets.
 *
 * Every entry says how long the one before it was; that, the tail offset and the count are checked, as deep
 * sanitization does [redis ziplist.c ziplistValidateIntegrity].
 */
import { readLatin1 } from './latin1.ts';
import { ELEMENTS_MAX } from './limits.ts';
import { RdbError } from './rdb-error.ts';

const HEADER_BYTES = 10;
const END = 0xff;
const PREVIOUS_LARGE = 0xfe;
const COUNT_UNKNOWN = 0xffff;

interface Entry {
  readonly text: string;
  readonly end: number;
}

/** The entries of the ziplist that fills `bytes` from `start` to `end`. */
export function decodeZiplist(bytes: Buffer, start: number, end: number): string[] {
  if (end - start < HEADER_BYTES + 1 || bytes.readUInt32LE(start) !== end - start) throw broken('its size');
  const tail = start + bytes.readUInt32LE(start + 4);
  const count = bytes.readUInt16LE(start + 8);
  const last = end - 1;
  const entries: string[] = [];
  let at = start + HEADER_BYTES;
  let previousAt = at;
  let previousBytes = 0;
  while (at < last && bytes[at] !== END) {
    const large = bytes[at] === PREVIOUS_LARGE;
    const entryAt = at + (large ? 5 : 1);
    if (entryAt >= last) throw broken('an entry');
    if ((large ? bytes.readUInt32LE(at + 1) : bytes[at]) !== previousBytes)
      throw broken('a length of the entry before');
    const entry = decodeEntry(bytes, entryAt, last);
    if (entries.length === ELEMENTS_MAX)
      throw new RdbError('too-large', `a ziplist of more than ${ELEMENTS_MAX} entries`);
    entries.push(entry.text);
    previousAt = at;
    previousBytes = entry.end - at;
    at = entry.end;
  }
  if (at !== last || bytes[last] !== END) throw broken('its end');
  if (tail !== previousAt) throw broken('its tail offset');
  if (count !== COUNT_UNKNOWN && count !== entries.length) throw broken('its count');
  return entries;
}

function decodeEntry(bytes: Buffer, at: number, last: number): Entry {
  const head = bytes[at]!;
  if (head < 0x40) return text(bytes, at + 1, head, last);
  if (head < 0x80) {
    if (at + 2 > last) throw broken('an entry');
    return text(bytes, at + 2, ((head & 0x3f) << 8) | bytes[at + 1]!, last);
  }
  if (head < 0xc0) {
    if (at + 5 > last) throw broken('an entry');
    return text(bytes, at + 5, bytes.readUInt32BE(at + 1), last);
  }
  // Immediate integers 0 to 12 live in the head itself.
  if (head >= 0xf1 && head <= 0xfd) return { text: String(head - 0xf1), end: at + 1 };
  const end = at + 1 + integerBytes(head);
  if (end > last) throw broken('an entry');
  if (head === 0xe0) return { text: bytes.readBigInt64LE(at + 1).toString(), end };
  return { text: String(bytes.readIntLE(at + 1, end - at - 1)), end };
}

function integerBytes(head: number): number {
  switch (head) {
    case 0xfe:
      return 1;
    case 0xc0:
      return 2;
    case 0xf0:
      return 3;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    default:
      throw broken('an entry encoding');
  }
}

function text(bytes: Buffer, at: number, length: number, last: number): Entry {
  if (at + length > last) throw broken('an entry length');
  return { text: readLatin1(bytes, at, at + length), end: at + length };
}

function broken(what: string): RdbError {
  return new RdbError('corrupt', `a ziplist is wrong in ${what}`);
}
