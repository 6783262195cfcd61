/**
 * The grammar of a command's arguments: small parts that compose, each of which parses words into typed values, says how
 * many words it takes, where its keys are, and how COMMAND DOCS shows it. Declared once, read many times.
 *
 * Redis's own leniency is kept here, once: options come in any order, the same token twice is accepted (the last counts),
 * two different tokens of one choice are a syntax error. [redis t_string.c parseExtendedStringArgumentsOrReply]
 */

import { refuse, type Refusal } from '../../resp/refusals.ts';
import { parseDouble, parseInt64, parseInteger } from './numbers.ts';

/** As COMMAND DOCS shows an argument. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: 'key' | 'string' | 'integer' | 'double' | 'pattern' | 'unix-time' | 'pure-token' | 'oneof' | 'block';
  readonly token?: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  readonly multipleToken?: boolean;
  readonly keySpec?: number;
  readonly arguments?: readonly ArgumentDoc[];
}

/** A word that stands for itself. */
export const pureToken = (token: string, name = token.toLowerCase()): ArgumentDoc => ({
  name,
  type: 'pure-token',
  token,
});

export type KeyFlag =
  | 'RO'
  | 'RW'
  | 'OW'
  | 'RM'
  | 'access'
  | 'update'
  | 'insert'
  | 'delete'
  | 'not_key'
  | 'incomplete'
  | 'variable_flags';

/** How keys repeat inside an argument, counted from its first word. */
export interface KeyLayout {
  readonly flags: readonly KeyFlag[];
  /** `one`: the first word; `run`: every `step` words to the end less `leave`; `counted`: first word says how many follow. */
  readonly kind: 'one' | 'run' | 'counted';
  readonly step: number;
  readonly leave: number;
}

export interface Argument<T> {
  /** With a name where COMMAND DOCS shows another one than the declaration's. */
  readonly doc: Omit<ArgumentDoc, 'name'> & { readonly name?: string };
  readonly wordsMin: number;
  readonly wordsMax: number;
  readonly keys?: KeyLayout;
  parse(reader: WordReader): T;
}

export type Shape = Readonly<Record<string, Argument<unknown>>>;
export type Parsed<S extends Shape> = { -readonly [K in keyof S]: S[K] extends Argument<infer T> ? T : never };

/** The words of one request and how far they are read. */
export class WordReader {
  readonly words: readonly string[];
  at: number;
  constructor(words: readonly string[], at: number) {
    this.words = words;
    this.at = at;
  }
  get left(): number {
    return this.words.length - this.at;
  }
  take(): string {
    const word = this.words[this.at];
    if (word === undefined) throw refuse('SYNTAX');
    this.at++;
    return word;
  }
}

const one = <T>(type: ArgumentDoc['type'], convert: (word: string) => T): Argument<T> => ({
  doc: { type },
  wordsMin: 1,
  wordsMax: 1,
  parse: (reader) => convert(reader.take()),
});

/** A key. The flags say what the command does to it; the proxy routes by its place. */
export const key = (...flags: KeyFlag[]): Argument<string> => ({
  ...one('key', (word) => word),
  keys: { kind: 'one', flags, step: 1, leave: 0 },
});

/** Any bytes. */
export const text = (): Argument<string> => one('string', (word) => word);
export const pattern = (): Argument<string> => one('pattern', (word) => word);

/** A signed 64-bit integer as a number: beyond 2^53 it is rounded, which is right for indexes, counts and limits. */
export const integer = (otherwise?: () => Refusal): Argument<number> =>
  one('integer', (word) => {
    const value = parseInteger(word);
    if (value === null) throw otherwise?.() ?? refuse('NOT_INTEGER');
    return value;
  });

/** A signed 64-bit integer, exact. */
export const int64 = (): Argument<bigint> =>
  one('integer', (word) => {
    const value = parseInt64(word);
    if (value === null) throw refuse('NOT_INTEGER');
    return value;
  });

/** A whole number from `min` up. */
export const integerFrom = (min: number, otherwise: () => Refusal): Argument<number> =>
  one('integer', (word) => {
    const value = parseInteger(word);
    if (value === null) throw refuse('NOT_INTEGER');
    if (value < min) throw otherwise();
    return value;
  });

/** A double, infinities included, never NaN. */
export const double = (otherwise?: () => Refusal): Argument<number> =>
  one('double', (word) => {
    const value = parseDouble(word);
    if (value === null) throw otherwise?.() ?? refuse('NOT_FLOAT');
    return value;
  });

/** Unix time: a signed 64-bit integer. */
export const unixTime = (): Argument<number> => ({ ...integer(), doc: { type: 'unix-time' } });

/** The word as it came, whatever the argument is: for commands that convert it themselves. */
export const unread = (argument: Argument<unknown>): Argument<string> => ({
  ...argument,
  parse: (reader) => reader.take(),
});

/** Another name in COMMAND DOCS. */
export const named = <T>(name: string, argument: Argument<T>): Argument<T> => ({
  ...argument,
  doc: { ...argument.doc, name },
});

/** In COMMAND DOCS, which key specification finds its keys, where that is not told by counting. */
export const foundBy = <T>(keySpec: number, argument: Argument<T>): Argument<T> => ({
  ...argument,
  doc: { ...argument.doc, keySpec },
});

/**
 * Read only when the command asks for it: for arguments whose faults Redis finds after those of the key (a wrong type, a key
 * that is not there). Stands for the words up to the end, or as many as the argument takes.
 */
export const late = <T>(argument: Argument<T>): Argument<() => T> => ({
  ...argument,
  parse: (reader) => {
    const { words, at } = reader;
    const end = Math.min(words.length, at + argument.wordsMax);
    reader.at = end;
    return () => {
      const own = new WordReader(words, at);
      const value = argument.parse(own);
      if (own.at < end) throw refuse('SYNTAX');
      return value;
    };
  },
});

/** One of several fixed words, without regard to case; yields the word in capitals. */
export const word = <const W extends string>(...choices: readonly W[]): Argument<W> => ({
  doc: { type: 'oneof', arguments: choices.map((token) => pureToken(token)) },
  wordsMin: 1,
  wordsMax: 1,
  parse: (reader) => {
    const given = reader.take().toUpperCase();
    if (!(choices as readonly string[]).includes(given)) throw refuse('SYNTAX');
    return given as W;
  },
});

/** Present only when words are left. */
export const optional = <T>(argument: Argument<T>): Argument<T | undefined> => ({
  ...argument,
  doc: { ...argument.doc, optional: true },
  wordsMin: 0,
  parse: (reader) => (reader.left > 0 ? argument.parse(reader) : undefined),
});

/** One or more (or `{ min: 0 }`), to the end of the request less `leave` words that belong to later arguments. */
export function many<T>(argument: Argument<T>, options: { min?: number; leave?: number } = {}): Argument<T[]> {
  const leave = options.leave ?? 0;
  const min = options.min ?? 1;
  return {
    doc: { ...argument.doc, multiple: true, ...(min === 0 ? { optional: true } : {}) },
    wordsMin: min * argument.wordsMin,
    wordsMax: Infinity,
    ...(argument.keys && { keys: { ...argument.keys, kind: 'run', step: argument.wordsMax, leave } }),
    parse: (reader) => {
      const items: T[] = [];
      while (reader.left > leave) items.push(argument.parse(reader));
      return items;
    },
  };
}

/** `numkeys key [key …]`. */
export const countedKeys = (otherwise: () => Refusal, ...flags: KeyFlag[]): Argument<string[]> => ({
  doc: {
    type: 'block',
    arguments: [
      { name: 'numkeys', type: 'integer' },
      { name: 'key', type: 'key', multiple: true },
    ],
  },
  wordsMin: 2,
  wordsMax: Infinity,
  keys: { kind: 'counted', flags, step: 1, leave: 0 },
  parse: (reader) => {
    const count = parseInteger(reader.take());
    if (count === null || count <= 0) throw otherwise();
    if (count > reader.left) throw refuse('SYNTAX');
    return Array.from({ length: count }, () => reader.take());
  },
});

/** Several arguments in a row as a tuple. */
export function tuple<const A extends readonly (readonly [name: string, argument: Argument<unknown>])[]>(
  ...parts: A
): Argument<{ -readonly [I in keyof A]: A[I] extends readonly [string, Argument<infer T>] ? T : never }> {
  const keys = parts.find(([, part]) => part.keys)?.[1].keys;
  return {
    doc: { type: 'block', arguments: parts.map(([name, part]) => ({ name, ...part.doc })) },
    wordsMin: parts.reduce((sum, [, part]) => sum + part.wordsMin, 0),
    wordsMax: parts.reduce((sum, [, part]) => sum + part.wordsMax, 0),
    ...(keys && { keys }),
    parse: (reader) => parts.map(([, part]) => part.parse(reader)) as never,
  };
}

/** Every word that is left, for commands that read them by hand; `doc` says what they are. */
export const rest = (doc: Omit<ArgumentDoc, 'name'>, wordsMin = 0): Argument<readonly string[]> => ({
  doc: { ...doc, multiple: true, ...(wordsMin === 0 ? { optional: true } : {}) },
  wordsMin,
  wordsMax: Infinity,
  parse: (reader) => {
    const words = reader.words.slice(reader.at);
    reader.at = reader.words.length;
    return words;
  },
});

/** Every word that is left, read by hand and shown as these arguments, one after another. */
export const byHand = (wordsMin: number, ...docs: readonly ArgumentDoc[]): Argument<readonly string[]> => ({
  ...rest({ type: 'block' }, wordsMin),
  doc: { type: 'block', optional: true, arguments: docs },
});

/** One option of an `options` group: the tokens that begin it and what follows each. */
export interface Option<T> {
  readonly tokens: Readonly<Record<string, Argument<unknown> | null>>;
  /** Folds what was read into the option's value; `before` is the value so far. */
  fold(token: string, value: unknown, before: T | undefined, name: string): T;
  readonly multiple?: boolean;
}

/** `NX`: present or not. */
export const flag = (token: string): Option<boolean> => ({ tokens: { [token]: null }, fold: () => true });

/** `LIMIT offset count`: a token and its argument. */
export const option = <T>(token: string, argument: Argument<T>): Option<T> => ({
  tokens: { [token]: argument },
  fold: (_token, value) => value as T,
});

/** `GET pattern GET pattern`: a token that may come again, each time adding. */
export const repeated = <T>(token: string, argument: Argument<T>): Option<T[]> => ({
  tokens: { [token]: argument },
  multiple: true,
  // One array that grows: a copy for each would take hours for a request of a million words
  fold: (_token, value, before = []) => {
    before.push(value as T);
    return before;
  },
});

/** At most one of several tokens: `NX | XX`, `EX seconds | PX ms | KEEPTTL`. Yields `{ token, value }`. */
export const choice = <const C extends Readonly<Record<string, Argument<unknown> | null>>>(
  tokens: C,
): Option<{ [K in keyof C]: { token: K; value: C[K] extends Argument<infer T> ? T : null } }[keyof C]> => ({
  tokens,
  fold: (token, value, before) => {
    if (before !== undefined && (before as { token: string }).token !== token) throw refuse('SYNTAX');
    return { token, value } as never;
  },
});

type OptionValues<S> = { -readonly [K in keyof S]?: S[K] extends Option<infer T> ? T : never };

/** As COMMAND DOCS writes names. */
export const kebabCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/**
 * Options in any order. At the end of a command an unknown word is a syntax error; with `leading` the group ends at the
 * first word that is no token (ZADD key [NX] [CH] score member).
 */
export function options<const S extends Readonly<Record<string, Option<unknown>>>>(
  spec: S,
  how: { leading?: boolean; unknown?: (word: string) => Refusal } = {},
): Argument<OptionValues<S>> {
  const byToken = new Map<string, { name: string; option: Option<unknown>; argument: Argument<unknown> | null }>();
  const docs: ArgumentDoc[] = [];
  for (const [name, each] of Object.entries(spec)) {
    const tokenDocs: ArgumentDoc[] = [];
    for (const [token, argument] of Object.entries(each.tokens)) {
      byToken.set(token, { name, option: each, argument });
      tokenDocs.push(argument === null ? pureToken(token) : { name: token.toLowerCase(), ...argument.doc, token });
    }
    const first = tokenDocs[0]!;
    const more = each.multiple ? { multiple: true, multipleToken: true } : {};
    docs.push(
      tokenDocs.length === 1
        ? { ...first, name: Object.values(each.tokens)[0]?.doc.name ?? kebabCase(name), optional: true, ...more }
        : { name: kebabCase(name), type: 'oneof', optional: true, arguments: tokenDocs },
    );
  }
  return {
    doc: { type: 'block', optional: true, arguments: docs },
    wordsMin: 0,
    wordsMax: Infinity,
    parse: (reader) => {
      const values: Record<string, unknown> = {};
      while (reader.left > 0) {
        const given = reader.words[reader.at]!;
        const found = byToken.get(given) ?? byToken.get(given.toUpperCase());
        if (found === undefined) {
          if (how.leading) break;
          throw how.unknown?.(given) ?? refuse('SYNTAX');
        }
        reader.at++;
        // A token whose argument is missing is a syntax error, not a missing number.
        if (found.argument !== null && reader.left < found.argument.wordsMin) throw refuse('SYNTAX');
        const value = found.argument === null ? null : found.argument.parse(reader);
        values[found.name] = found.option.fold(given.toUpperCase(), value, values[found.name], found.name);
      }
      return values as OptionValues<S>;
    },
  };
}
