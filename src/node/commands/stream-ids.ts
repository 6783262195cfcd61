/** Ids of stream entries as words: `milliseconds-sequence`, each up to 2^64 - 1. [redis t_stream.c streamGenericParseIDOrReply] */

import { refuse } from '../../resp/refusals.ts';
import { ID_END } from '../keyspace/stream.ts';

const WORD = 1n << 64n;

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

export function formatId(id: bigint): string {
  const [milliseconds, sequence] = [id >> 64n, BigInt.asUintN(64, id)];
  if (milliseconds > SAFE || sequence > SAFE) return `${milliseconds}-${sequence}`;
  return `${Number(milliseconds)}-${Number(sequence)}`; // several times as fast
}

const ID_CHARS_MAX = 127;

/** A part of an id; null when it is none. What is no plain integer is read as C reads numbers. [redis util.c string2ull] */
function part(word: string): bigint | null {
  if (/^(0|[1-9]\d{0,18})$/.test(word)) return BigInt(word);
  if (/^-[1-9]\d{0,17}$/.test(word)) return null;
  const [, sign, digits] = /^[ \t-\r]*([+-]?)(\d+)$/.exec(word) ?? [];
  if (digits === undefined) return null;
  const value = BigInt(digits);
  if (value >= WORD) return null;
  return sign === '-' ? BigInt.asUintN(64, -value) : value;
}

/** An id whose sequence, where it is missing, is `sequence`. */
export function streamId(word: string, sequence = 0n): bigint {
  const id = idOrNull(word, sequence);
  if (id === null) throw refuse('STREAM_ID');
  return id;
}

/** The same for a word that may be something else. */
export function idOrNull(word: string, sequence = 0n): bigint | null {
  if (word.length > ID_CHARS_MAX) return null;
  const [text] = word.split('\0', 1) as [string];
  const dash = text.indexOf('-');
  const milliseconds = part(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? sequence : part(text.slice(dash + 1));
  return milliseconds === null || last === null ? null : milliseconds * WORD + last;
}

/** `-`, `+`, an id, or with `(` what comes after it. */
export function rangeStart(word: string): bigint {
  if (word.startsWith('(')) {
    const id = streamId(word.slice(1));
    if (id === ID_END - 1n) throw refuse('STREAM_START');
    return id + 1n;
  }
  return word === '-' ? 0n : word === '+' ? ID_END - 1n : streamId(word);
}

/** The same for the end of a range: a missing sequence is the largest. */
export function rangeEnd(word: string): bigint {
  if (word.startsWith('(')) {
    const id = streamId(word.slice(1), WORD - 1n);
    if (id === 0n) throw refuse('STREAM_END');
    return id - 1n;
  }
  return word === '-' ? 0n : word === '+' ? ID_END - 1n : streamId(word, WORD - 1n);
}

export interface NewId {
  readonly kind: 'given' | 'made';
  /** Of a given one. */
  readonly id: bigint;
  /** The id an entry gets after `last`; null when there is none that is larger. */
  after(last: bigint, now: number): bigint | null;
}

const ID_OF_NOW: NewId = {
  kind: 'made',
  id: 0n,
  after(last, now) {
    const first = BigInt(now) << 64n;
    return last < first ? first : last + 1n;
  },
};

/** What XADD takes: `*`, `milliseconds-*` or a whole id. */
export function newId(word: string): NewId {
  if (word === '*') return ID_OF_NOW;
  if (word.endsWith('-*')) {
    const first = streamId(word.slice(0, -2));
    return {
      kind: 'made',
      id: 0n,
      after(last) {
        if (last < first) return first === 0n ? 1n : first;
        const next = last + 1n;
        if (first === 0n && last === 0n) return 1n;
        return next >> 64n === first >> 64n ? next : null;
      },
    };
  }
  const id = streamId(word);
  return { kind: 'given', id, after: (last) => (id > last ? id : null) };
}
