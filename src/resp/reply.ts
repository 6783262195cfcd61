/**
 * Replies as values, and their encoding in RESP2 and RESP3.
 *
 * Plain JavaScript values stand for the common replies: a string is a bulk string (binary, one char per byte), a number or
 * bigint an integer, null a null, an array an array. The few others are the classes below. Pure: no session, no socket.
 */

import { constants } from 'node:buffer';

export class Status {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** An error reply as a value (inside EXEC's array, or kept for later). */
export class Failure {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** An integer that no double holds, by its digits. RESP2 sees a bulk string. */
export class BigNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** Flat: key, value, key, value. RESP2 sees an array. */
export class MapReply {
  readonly flat: readonly Reply[];
  constructor(flat: readonly Reply[]) {
    this.flat = flat;
  }
}

export class SetReply {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** Out-of-band data (pub/sub, invalidation). RESP2 sees an array. */
export class Push {
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP2 sees a bulk string. */
export class Verbatim {
  readonly text: string;
  readonly format: 'txt' | 'mkd';
  constructor(text: string, format: 'txt' | 'mkd' = 'txt') {
    this.text = text;
    this.format = format;
  }
}

/** Already encoded bytes. An empty one sends nothing: the command has answered by itself, or never does. */
export class Raw {
  readonly bytes: string;
  constructor(bytes: string) {
    this.bytes = bytes;
  }
}

/** A null where RESP2 has the null array: EXEC after a failed WATCH, blocking pops that timed out. */
class NullArray {
  readonly kind = 'null-array';
}

export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Reply[]
  | Status
  | Failure
  | Double
  | BigNumber
  | MapReply
  | SetReply
  | Push
  | Verbatim
  | Raw
  | NullArray;

export type Protocol = 2 | 3;

export const OK = new Status('OK');
export const PONG = new Status('PONG');
export const QUEUED = new Status('QUEUED');
export const NULL_ARRAY = new NullArray();
export const NO_REPLY = new Raw('');

const SMALL_INTEGERS = Array.from({ length: 128 }, (_, n) => `:${n}\r\n`);

export function encodeReply(reply: Reply, protocol: Protocol): string {
  if (typeof reply === 'string') return encodeBulk(reply);
  if (reply === OK) return '+OK\r\n';
  if (typeof reply === 'number') {
    // `Number.isInteger` would let 1e300 through as ":1e+300"
    return reply >= 0 && reply < 128 && Number.isInteger(reply) ? SMALL_INTEGERS[reply]! : `:${reply}\r\n`;
  }
  if (reply === null) return protocol === 3 ? '_\r\n' : '$-1\r\n';
  if (typeof reply === 'bigint') return `:${reply}\r\n`;
  if (typeof reply === 'boolean') return protocol === 3 ? (reply ? '#t\r\n' : '#f\r\n') : reply ? ':1\r\n' : ':0\r\n';
  if (Array.isArray(reply)) return encodeItems('*', reply as readonly Reply[], protocol);
  return encodeSpecial(reply as Exclude<Reply, readonly Reply[]> & object, protocol);
}

/** What begins a bulk string of so many bytes; strings joined from few pieces are written much faster. */
const BULK_HEADS = Array.from({ length: 1_024 }, (_, length) => `$${length}\r\n`);
const bulkHead = (length: number): string => BULK_HEADS[length] ?? `$${length}\r\n`;
/** The same behind another bulk string, whose end it is. */
const BULK_JOINTS = BULK_HEADS.map((head) => `\r\n${head}`);
const bulkJoint = (length: number): string => BULK_JOINTS[length] ?? `\r\n$${length}\r\n`;

export const encodeBulk = (text: string): string => `${bulkHead(text.length)}${text}\r\n`;

/** A request as a server or a replica reads it: an array of bulk strings. */
export function encodeRequest(words: readonly string[]): string {
  let bytes = `*${words.length}`;
  for (const word of words) bytes += bulkJoint(word.length) + word;
  return `${bytes}\r\n`;
}

/**
 * Gives a request away in pieces: whole, or each word by itself when one is longer than `wordBytesMax`, since what is put together
 * could exceed the longest string there is.
 */
export function giveRequest(words: readonly string[], wordBytesMax: number, give: (piece: string) => void): void {
  if (words.every((word) => word.length <= wordBytesMax)) {
    give(encodeRequest(words));
    return;
  }
  give(`*${words.length}\r\n`);
  for (const word of words) {
    give(`$${word.length}\r\n`);
    give(word);
    give('\r\n');
  }
}

const SHOWN_MAX = 120;

/** A request as messages show it: its beginning, quoted. */
export const shownRequest = (words: readonly string[]): string => JSON.stringify(words.join(' ').slice(0, SHOWN_MAX));

/** The text of the first error in a reply (EXEC answers with several); null: there is none. */
export function failureIn(reply: Reply): string | null {
  if (reply instanceof Failure) return reply.text;
  if (!Array.isArray(reply)) return null;
  for (const each of reply as readonly Reply[]) if (each instanceof Failure) return each.text;
  return null;
}

/** Line ends would end the reply: inside they become spaces, at the end they go [redis networking.c addReplyErrorFormat]. */
export function encodeFailure(text: string): string {
  if (!/[\r\n]/.test(text)) return `-${text}\r\n`;
  let end = text.length; // by hand: a pattern that ends in `+$` tries every run of line ends from each of its places
  while (text[end - 1] === '\r' || text[end - 1] === '\n') end--;
  return `-${text.slice(0, end).replace(/[\r\n]/g, ' ')}\r\n`;
}

/** No reply is longer: a JavaScript string ends there. */
export const REPLY_BYTES_MAX = constants.MAX_STRING_LENGTH;
/** Sent in place of one that would be. */
export const REPLY_TOO_LONG = '-ERR reply exceeds the largest string this server can hold (512 MiB)\r\n';

/** As `encodeReply`, and a refusal when it does not fit in a string. */
export function encodeReplyWithinLimit(reply: Reply, protocol: Protocol): string {
  try {
    return encodeReply(reply, protocol);
  } catch (error) {
    if (error instanceof RangeError) return REPLY_TOO_LONG;
    throw error;
  }
}

function encodeItems(mark: string, items: readonly Reply[], protocol: Protocol): string {
  return encodeAll(`${mark}${items.length}\r\n`, items, protocol);
}

/** Behind what comes first. */
function encodeAll(first: string, items: readonly Reply[], protocol: Protocol): string {
  let bytes = first;
  let endsOpen = false;
  for (const item of items) {
    if (typeof item === 'string') {
      bytes += (endsOpen ? bulkJoint(item.length) : bulkHead(item.length)) + item;
      endsOpen = true;
    } else {
      if (endsOpen) bytes += '\r\n';
      bytes += encodeReply(item, protocol);
      endsOpen = false;
    }
  }
  return endsOpen ? `${bytes}\r\n` : bytes;
}

function encodeSpecial(reply: Exclude<Reply, readonly Reply[]> & object, protocol: Protocol): string {
  if (reply instanceof Status) return `+${reply.text}\r\n`;
  if (reply instanceof Raw) return reply.bytes;
  if (reply instanceof Failure) return encodeFailure(reply.text);
  if (reply instanceof NullArray) return protocol === 3 ? '_\r\n' : '*-1\r\n';
  if (reply instanceof Double) {
    const text = formatDouble(reply.value);
    return protocol === 3 ? `,${text}\r\n` : encodeBulk(text);
  }
  if (reply instanceof BigNumber) return protocol === 3 ? `(${reply.digits}\r\n` : encodeBulk(reply.digits);
  if (reply instanceof MapReply) {
    if (protocol === 2) return encodeItems('*', reply.flat, protocol);
    return encodeAll(`%${reply.flat.length / 2}\r\n`, reply.flat, protocol);
  }
  if (reply instanceof SetReply) return encodeItems(protocol === 3 ? '~' : '*', reply.items, protocol);
  if (reply instanceof Push) return encodeItems(protocol === 3 ? '>' : '*', reply.items, protocol);
  if (protocol === 2) return encodeBulk(reply.text);
  return `=${reply.text.length + 4}\r\n${reply.format}:${reply.text}\r\n`;
}

/** Integers up to here are printed as such [redis util.c double2ll]. */
const PLAIN_INTEGER_MAX = 2 ** 62;

/** A double as Redis 7.2 and later print it in replies: the shortest text that reads back the same [redis util.c d2string]. */
export function formatDouble(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) <= PLAIN_INTEGER_MAX) {
    if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0' : String(value);
    return BigInt(value).toString();
  }
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (Number.isNaN(value)) return 'nan';
  return formatShortest(value);
}

/** JavaScript and fpconv agree on the shortest digits, not on when to use an exponent [redis fpconv_dtoa.c emit_digits]. */
function formatShortest(value: number): string {
  const text = Math.abs(value).toExponential();
  const mark = text.indexOf('e');
  const digits = text.slice(0, mark).replace('.', '');
  const exponent = Number(text.slice(mark + 1));
  const sign = value < 0 ? '-' : '';
  /** Zeros to append; below zero, how many digits are behind the point. */
  const shift = exponent - digits.length + 1;
  if (shift >= 0 && exponent < digits.length + 7) return sign + digits + '0'.repeat(shift);
  if (shift < 0 && (shift > -7 || Math.abs(exponent) < 4)) {
    if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
    return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}
