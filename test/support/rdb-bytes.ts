/**
 * Dumps written by hand, byte by byte: what no server at hand writes any more, or would never write.
 *
 * Border: nothing here uses `src/rdb` except the checksum, so that the tests judge one by the other.
 */
import { Crc64 } from '../../src/rdb/crc64.ts';

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** A string as dumps keep it, of less than 16384 bytes. */
export function rdbString(content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  const length = bytes.length < 64 ? [bytes.length] : [0x40 | (bytes.length >> 8), bytes.length & 255];
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A ziplist around entries that were written by hand. */
export function buildZiplist(entries: readonly Buffer[]): Buffer {
  const body = Buffer.concat(entries);
  const header = Buffer.alloc(10);
  header.writeUInt32LE(10 + body.length + 1, 0);
  header.writeUInt32LE(10 + body.length - (entries.at(-1)?.length ?? 0), 4);
  header.writeUInt16LE(entries.length, 8);
  return Buffer.concat([header, body, Buffer.from([0xff])]);
}

/** A ziplist of short strings. */
export function ziplistOf(...words: readonly string[]): Buffer {
  return buildZiplist(
    words.map((word, index) => {
      const before = index === 0 ? 0 : words[index - 1]!.length + 2;
      return Buffer.concat([Buffer.from([before, word.length]), Buffer.from(word, 'latin1')]);
    }),
  );
}

/** Magic, items, end and a right checksum. */
export function buildDump(magic: string, ...items: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from(magic, 'latin1'), ...items, Buffer.from([0xff])]);
  const checksum = new Crc64();
  checksum.update(body, 0, body.length);
  const footer = Buffer.alloc(8);
  checksum.write(footer, 0);
  return Buffer.concat([body, footer]);
}

/** One key: a type, its name and its value. */
export function rdbEntry(type: number, key: string, raw: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), rdbString(key), raw]);
}

export interface OldValue {
  readonly what: string;
  readonly type: number;
  readonly raw: Buffer;
  /** As Redis answers LRANGE, HGETALL, SMEMBERS or ZRANGE WITHSCORES. */
  readonly reply: readonly string[];
}

const listpackSet = hex('10000000 0300 2a01 8161 02 8262 63 03 ff');

/** Encodings that Redis 7.0 reads but does not write, and one (listpack sets) that only 7.2 knows. */
export const OLD_VALUES: readonly OldValue[] = [
  { what: 'list of strings', type: 1, raw: hex('03 0161 c02a c10004'), reply: ['a', '42', '1024'] },
  {
    what: 'sorted set with text scores',
    type: 3,
    raw: hex('03 0161 03 312e35 0162 fe 0163 ff'),
    reply: ['c', '-inf', 'a', '1.5', 'b', 'inf'],
  },
  {
    what: 'hash as zipmap',
    type: 9,
    raw: rdbString(hex('02 01 61 02 00 6869 01 62 01 02 63 0000 ff')),
    reply: ['a', 'hi', 'b', 'c'],
  },
  { what: 'list as ziplist', type: 10, raw: rdbString(ziplistOf('x', 'yy', 'zzz')), reply: ['x', 'yy', 'zzz'] },
  {
    what: 'sorted set as ziplist',
    type: 12,
    raw: rdbString(ziplistOf('m', '-1', 'n', '2.5')),
    reply: ['m', '-1', 'n', '2.5'],
  },
  { what: 'hash as ziplist', type: 13, raw: rdbString(ziplistOf('f', 'v', 'g', '')), reply: ['f', 'v', 'g', ''] },
  {
    what: 'list as quicklist of ziplists',
    type: 14,
    raw: Buffer.concat([hex('02'), rdbString(ziplistOf('1st', '2nd')), rdbString(ziplistOf('3rd'))]),
    reply: ['1st', '2nd', '3rd'],
  },
  { what: 'set as listpack', type: 20, raw: rdbString(listpackSet), reply: ['42', 'a', 'bc'] },
];
