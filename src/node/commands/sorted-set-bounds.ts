/**
 * Ranges of a sorted set, by rank, score or member, turned into intervals of ranks. Bounds are read (and refused) first, before
 * the key is looked at; the interval is found in the value in O(log n). [redis t_zset.c zslParseRange, zslParseLexRangeItem]
 */

import { refuse } from '../../resp/refusals.ts';
import type { SortedSetValue } from '../keyspace/sorted-set.ts';
import { isDecimal, parseDouble, parseInteger } from './numbers.ts';

/** Ranks `from` up to, not including, `to`; never `to` below `from`. */
interface Interval {
  readonly from: number;
  readonly to: number;
}

export type FindInterval = (value: SortedSetValue) => Interval;

/** First and last rank, counted from the end when negative, or from the other end altogether when `reverse`. */
export function byRank(first: string, last: string, reverse: boolean): FindInterval {
  const start = parseInteger(first);
  const stop = parseInteger(last);
  if (start === null || stop === null) throw refuse('NOT_INTEGER');
  return ({ size }) => {
    const from = Math.min(size, Math.max(0, start < 0 ? start + size : start));
    const to = Math.max(from, Math.min(size, (stop < 0 ? stop + size : stop) + 1));
    return reverse ? { from: size - to, to: size - from } : { from, to };
  };
}

export function byScore(min: string, max: string): FindInterval {
  const low = scoreBound(min);
  const high = scoreBound(max);
  return interval(
    low.exclusive ? (score) => score <= low.score : (score) => score < low.score,
    high.exclusive ? (score) => score < high.score : (score) => score <= high.score,
  );
}

/** By member: of use where all scores are equal, as in Redis. */
export function byMember(min: string, max: string): FindInterval {
  const before = memberBound(min);
  const until = memberBound(max);
  return interval(
    (_score, member) => before.isAbove(member) || (before.exclusive && member === before.member),
    (_score, member) => until.isAbove(member) || (!until.exclusive && member === until.member),
  );
}

type Predicate = Parameters<SortedSetValue['countWhile']>[0];

const interval =
  (isBefore: Predicate, isUntil: Predicate): FindInterval =>
  (value) => {
    const from = value.countWhile(isBefore);
    return { from, to: Math.max(from, value.countWhile(isUntil)) };
  };

/**
 * `1.5`, `(1.5`, `-inf`: read with C's leniency, so that leading space, an overflow to infinity, no digits at all (zero) and
 * whatever follows a zero byte pass.
 */
function scoreBound(given: string): { readonly score: number; readonly exclusive: boolean } {
  const nul = given.indexOf('\0');
  const text = nul < 0 ? given : given.slice(0, nul);
  const exclusive = text.startsWith('(');
  const number = text.slice(exclusive ? 1 : 0).replace(/^[ \t\n\v\f\r]+/, '');
  if (exclusive ? text.length === 1 : text === '') return { score: 0, exclusive };
  const score = parseDouble(number) ?? (isDecimal(number) ? Number(number) : null);
  if (score === null) throw refuse('MIN_MAX_NOT_FLOAT');
  return { score, exclusive };
}

interface MemberBound {
  /** Null before and behind all members. */
  readonly member: string | null;
  readonly exclusive: boolean;
  /** True for members before the bound. */
  isAbove(member: string): boolean;
}

/** `[member`, `(member`, or `-` and `+`, before and behind all members. */
function memberBound(text: string): MemberBound {
  if (text === '-') return { member: null, exclusive: true, isAbove: () => false };
  if (text === '+') return { member: null, exclusive: true, isAbove: () => true };
  const member = text.slice(1);
  if (text[0] !== '[' && text[0] !== '(') throw refuse('MIN_MAX_NOT_STRING');
  return { member, exclusive: text[0] === '(', isAbove: (other) => other < member };
}
