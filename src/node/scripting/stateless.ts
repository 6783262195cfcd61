/**
 * Whether functions of a library can keep nothing from one call to the next, so that the library, loaded elsewhere, is the same: all that
 * stands outside of functions is `local` functions, `local` names of one plain value, and registrations, and no such name is given
 * another value anywhere.
 *
 * Border: looks at words, as `lua-words.ts` gives them. When in doubt the answer is no.
 */

import { luaWords, type Word } from './lua-words.ts';

const OPENS: ReadonlySet<string | undefined> = new Set(['function', 'if', 'do', 'repeat']);
const CLOSES: ReadonlySet<string | undefined> = new Set(['end', 'until']);
const IS_NAME = /^[A-Za-z_]\w*$/;
const IS_PLAIN = /^(?:["'[]|\d|true$|false$|nil$)/;

export function isStateless(source: string): boolean {
  const words = luaWords(source);
  const names = new Set<string>();
  /** Places of words that give a name its one value. */
  const declared = new Set<number>();
  for (let at = 0; at < words.length;) {
    const end = statementEnd(words, at, names, declared);
    if (end < 0) return false;
    at = end;
  }
  return words.every((_, at) => declared.has(at) || !isAssigned(words, at, names));
}

/** Where the next statement outside of functions begins; below 0: it is none of those that keep nothing. */
function statementEnd(words: readonly Word[], at: number, names: Set<string>, declared: Set<number>): number {
  const text = (place: number): string | undefined => words[place]?.text;
  if (text(at) === ';') return at + 1;
  if (text(at) === 'redis' && text(at + 1) === '.' && text(at + 2) === 'register_function')
    return registrationEnd(words, at + 3);
  if (text(at) !== 'local') return -1;
  const isFunction = text(at + 1) === 'function';
  const place = at + (isFunction ? 2 : 1);
  const name = text(place);
  if (name === undefined || !IS_NAME.test(name)) return -1;
  names.add(name);
  declared.add(place);
  if (isFunction) return blockEnd(words, at + 1);
  if (text(place + 1) !== '=') return -1;
  const value = place + 2;
  if (text(value) === 'function') return blockEnd(words, value);
  const begins = text(place + 3);
  const isAlone = begins === undefined || begins === ';' || begins === 'local' || begins === 'redis';
  return IS_PLAIN.test(text(value) ?? '') && isAlone ? place + 3 : -1;
}

/** `(…)` or `{…}` in which, outside of functions, nothing is called. */
function registrationEnd(words: readonly Word[], open: number): number {
  const closes = words[open]?.text === '(' ? ')' : words[open]?.text === '{' ? '}' : null;
  if (closes === null) return -1;
  let braces = 0;
  for (let at = open + 1; at < words.length;) {
    const { text } = words[at]!;
    if (text === closes && braces === 0) return at + 1;
    if (text === 'function') {
      at = blockEnd(words, at);
      if (at < 0) return -1;
      continue;
    }
    if (text === '(' || text === ':' || text === '.') return -1;
    if (IS_NAME.test(text) && /^["'[{]/.test(words[at + 1]?.text ?? '')) return -1; // calls without parentheses
    if (text === '{') braces++;
    else if (text === '}') braces--;
    at++;
  }
  return -1;
}

/** Behind the `end` of the function at that place. */
function blockEnd(words: readonly Word[], begin: number): number {
  let depth = 0;
  for (let at = begin; at < words.length; at++) {
    const { text } = words[at]!;
    if (OPENS.has(text)) depth++;
    else if (CLOSES.has(text) && --depth === 0) return at + 1;
  }
  return -1;
}

/** Before `=` or `,` outside of parentheses and tables; a parameter or field of that name counts as well, for safety. */
function isAssigned(words: readonly Word[], at: number, names: ReadonlySet<string>): boolean {
  if (!names.has(words[at]!.text)) return false;
  const next = words[at + 1]?.text;
  if (next === '=') return words[at + 2]?.text !== '=';
  return next === ',' && isOpen(words, at);
}

/** In no parentheses, brackets or tables that begin in the same statement. */
function isOpen(words: readonly Word[], at: number): boolean {
  let depth = 0;
  for (let place = at - 1; place >= 0 && depth === 0; place--) {
    const { text } = words[place]!;
    if (text === '(' || text === '{' || text === '[') depth++;
    else if (text === ')' || text === '}' || text === ']') depth--;
    else if (OPENS.has(text) || CLOSES.has(text) || text === 'then' || text === 'else' || text === 'local') break;
  }
  return depth <= 0;
}
