/**
 * Points in time as requests give them (EX, PX, EXAT, PXAT; EXPIRE and its kin), turned into Unix milliseconds with Redis's
 * bounds: what an int64 of milliseconds cannot hold is refused. [redis t_string.c getExpireMillisecondsOrReply, expire.c]
 *
 * Limit: the arithmetic is exact, but the result is a JavaScript number: beyond 2^53 ms (the year 287396) it is rounded.
 */

import { refuse } from '../../resp/refusals.ts';
import { integer, named, unixTime, unread } from './arguments.ts';
import { fitsInt64, parseInt64, parseInteger } from './numbers.ts';

const SECOND = 1000;
/** Digits up to which number arithmetic is exact, a thousandfold and the present time included. */
const EXACT_DIGITS = 12;
/** The largest number below 2^63: what is later than that is stored as this. */
const UNIX_MS_MAX = 2 ** 63 - 1024;

/** The options that give a point in time; they yield the word, which is read only when the command has come that far. */
export const expiryTokens = {
  EX: named('seconds', unread(integer())),
  PX: named('milliseconds', unread(integer())),
  EXAT: named('unix-time-seconds', unread(unixTime())),
  PXAT: named('unix-time-milliseconds', unread(unixTime())),
} as const;

export type ExpiryToken = keyof typeof expiryTokens;

/** For SET, SETEX, GETEX …: a time span or point in time, which must be positive. */
export function expiryToUnixMs(token: ExpiryToken, word: string, now: number, command: string): number {
  const relative = token === 'EX' || token === 'PX';
  const at = unixMs(word, token === 'EX' || token === 'EXAT' ? SECOND : 1, relative ? now : 0);
  if (at === null || word.startsWith('-') || word === '0') throw refuse('INVALID_EXPIRE', command);
  return at;
}

/** For EXPIRE and its kin: may lie in the past. `base` is what the word counts from. */
export function expireToUnixMs(word: string, unit: 'seconds' | 'milliseconds', base: number, command: string): number {
  const at = unixMs(word, unit === 'seconds' ? SECOND : 1, base);
  if (at === null) throw refuse('INVALID_EXPIRE', command);
  return at;
}

/** Null when it does not fit an int64. */
function unixMs(word: string, unit: number, base: number): number | null {
  if (word.length <= EXACT_DIGITS) {
    const value = parseInteger(word);
    if (value === null) throw refuse('NOT_INTEGER');
    return value * unit + base;
  }
  const value = parseInt64(word);
  if (value === null) throw refuse('NOT_INTEGER');
  const scaled = value * BigInt(unit);
  const at = scaled + BigInt(base);
  return fitsInt64(scaled) && fitsInt64(at) ? Math.min(Number(at), UNIX_MS_MAX) : null;
}
