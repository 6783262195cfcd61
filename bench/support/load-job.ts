/**
 * What the load generator is told and what it answers, and the bytes it sends: keys of 11 bytes, values of 100.
 *
 * Border: pure; sending is `load-generator.ts`. All requests of a kind have one length and their replies too, so that counting
 * bytes is enough to know that all were answered.
 */

/** `set` and `get` take random keys, `fill` each key once. */
export type LoadKind = 'set' | 'get' | 'fill';

export interface LoadJob {
  readonly host: string;
  readonly port: number;
  /** Over TLS; whose certificate it is does not matter to a load. */
  readonly tls: boolean;
  readonly kind: LoadKind;
  /** Requests sent together on a connection before their replies are awaited. */
  readonly pipeline: number;
  /** A multiple of `pipeline`. */
  readonly operations: number;
  /** Keys there are; at most KEYS_MAX. */
  readonly keys: number;
}

export type LoadAnswer =
  | { readonly ok: true; readonly elapsedMs: number }
  | { readonly ok: false; readonly message: string };

export const KEYS_MAX = 10_000_000;
const VALUE_BYTES = 100;

const KEY_DIGITS = 7;
const CHANCE_BYTES = 8_192;

/** xorshift32: the same load for both servers. */
export const chanceFrom = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

/** Letters without a pattern: compression shall gain nothing on one side only. Values are windows of it. */
const letters = ((): string => {
  const chance = chanceFrom(7);
  const codes = Array.from({ length: CHANCE_BYTES + VALUE_BYTES }, () => 48 + chance(75));
  return String.fromCharCode(...codes);
})();

const keyName = (key: number): string => `key:${String(key).padStart(KEY_DIGITS, '0')}`;

const valueOf = (key: number): string => {
  const at = (key * 37) % CHANCE_BYTES;
  return letters.slice(at, at + VALUE_BYTES);
};

export const requestOf = (kind: LoadKind, key: number): string => {
  const name = keyName(key);
  if (kind === 'get') return `*2\r\n$3\r\nGET\r\n$${name.length}\r\n${name}\r\n`;
  return `*3\r\n$3\r\nSET\r\n$${name.length}\r\n${name}\r\n$${VALUE_BYTES}\r\n${valueOf(key)}\r\n`;
};

export const replyBytes = (kind: LoadKind): number =>
  kind === 'get' ? `$${VALUE_BYTES}\r\n\r\n`.length + VALUE_BYTES : '+OK\r\n'.length;

export const firstReplyByte = (kind: LoadKind): number => (kind === 'get' ? '$' : '+').charCodeAt(0);
