/**
 * A value from the bytes of DUMP, as a fingerprint that does not depend on how a server encodes it, and as a few words for people.
 *
 * What cannot be decoded here (modules, payloads of newer servers) is fingerprinted by its bytes: equal bytes are equal
 * values, different ones say nothing. Pure.
 */

import { createHash } from 'node:crypto';
import { parsePayload } from '../../rdb/payload.ts';
import { RdbError } from '../../rdb/rdb-error.ts';
import type { RdbStream } from '../../rdb/stream.ts';
import { decodeValue, type RdbValue } from '../../rdb/values.ts';

export interface ValueFacts {
  /** Equal for equal values. */
  readonly fingerprint: string;
  /** False: a fingerprint of bytes, so a different one may still be an equal value. */
  readonly isExact: boolean;
  /** For people: `list of 3`. */
  readonly words: string;
}

/** Of a text shown to people. */
const SHOWN_CHARS_MAX = 32;
/** RDB version and checksum at the end of a payload. */
const FOOTER_BYTES = 10;

export function factsOfDump(payload: string): ValueFacts {
  const bytes = Buffer.from(payload, 'latin1');
  const parsed = parsePayload(bytes);
  if (parsed.ok) {
    try {
      const value = decodeValue(parsed.type, parsed.raw);
      return { fingerprint: fingerprintOf(value), isExact: true, words: wordsOf(value) };
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
    }
  }
  const body = bytes.subarray(0, Math.max(0, bytes.length - FOOTER_BYTES));
  return { fingerprint: `bytes ${sum(body)}`, isExact: false, words: `a value of type number ${bytes[0] ?? '?'}` };
}

function fingerprintOf(value: RdbValue): string {
  if (typeof value === 'string') return `string ${sum(Buffer.from(value, 'latin1'))}`;
  return `${value.kind} ${sum(Buffer.from(joined(elementsOf(value)), 'latin1'))}`;
}

/** Where order does not count, in one order. */
function elementsOf(value: Exclude<RdbValue, string>): readonly string[] {
  switch (value.kind) {
    case 'list':
      return value.items;
    case 'set':
      return value.members.toSorted();
    case 'zset':
      return value.members.map((member, index) => joined([member, String(value.scores[index])])).sort();
    case 'stream':
      return streamElements(value);
    case 'hash':
      break;
  }
  const fields: string[] = [];
  for (let i = 0; i < value.pairs.length; i += 2) fields.push(joined([value.pairs[i]!, value.pairs[i + 1]!]));
  return fields.sort();
}

/** Entries alone, as DEBUG DIGEST counts them: groups and what is remembered of deleted entries do not make a difference. */
const streamElements = ({ entries }: RdbStream): string[] =>
  entries.map(({ id, pairs }) => joined([String(id), ...pairs]));

/** No two lists of words give the same text. */
const joined = (words: readonly string[]): string => words.map((word) => `${word.length}:${word}`).join('');

const sum = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('base64');

function wordsOf(value: RdbValue): string {
  if (typeof value === 'string') {
    const isCut = value.length > SHOWN_CHARS_MAX;
    return `string "${shownText(value.slice(0, SHOWN_CHARS_MAX))}"${isCut ? `… (${value.length} bytes)` : ''}`;
  }
  switch (value.kind) {
    case 'list':
      return `list of ${value.items.length}`;
    case 'set':
      return `set of ${value.members.length}`;
    case 'zset':
      return `sorted set of ${value.members.length}`;
    case 'stream':
      return `stream of ${value.entries.length}`;
    case 'hash':
      break;
  }
  return `hash of ${value.pairs.length / 2}`;
}

const hex = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** A binary string for people and for JSON: as it is where it is printable UTF-8, the rest escaped as redis-cli does. */
export function shownText(text: string): string {
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  const isUtf8 = !decoded.includes('\uFFFD');
  if (isUtf8) return decoded.replace(/[\\\0-\x1f\x7f-\x9f]/g, (char) => (char === '\\' ? '\\\\' : hex(char)));
  return text.replace(/[^\x20-\x7e]|\\/g, (char) => (char === '\\' ? '\\\\' : hex(char)));
}
