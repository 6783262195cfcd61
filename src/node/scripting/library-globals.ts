/**
 * What a library asks for while it is loaded although only `redis` is there then: in Redis all other globals are missing until a
 * function is called, here the engine cannot hide them. [redis function_lua.c luaEngineCreate]
 *
 * Border: looks at words outside of functions and knows which are names of globals; a function of the library's own that is called while it is
 * loaded is not followed. A name that is local anywhere counts as local everywhere.
 */

import { luaWords, type Word } from './lua-words.ts';

const GLOBALS: ReadonlySet<string> = new Set(
  (
    'ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable ipairs load loadstring math next os ' +
    'pairs pcall rawequal rawget rawset select setmetatable string struct table tonumber tostring type unpack xpcall'
  ).split(' '),
);
const NAME = /^[A-Za-z_]\w*$/;
const OPENS: ReadonlySet<string> = new Set(['function', 'if', 'do', 'repeat']);
const CLOSES: ReadonlySet<string> = new Set(['end', 'until']);

export interface MissingGlobal {
  readonly name: string;
  readonly line: number;
}

export function missingWhileLoading(source: string): MissingGlobal | null {
  const words = luaWords(source);
  const locals = localsOf(words);
  const blocks: string[] = [];
  let functions = 0;
  let braces = 0;
  for (const [at, { text, at: place }] of words.entries()) {
    if (OPENS.has(text)) {
      blocks.push(text);
      if (text === 'function') functions++;
    } else if (CLOSES.has(text)) {
      if (blocks.pop() === 'function') functions--;
    } else if (text === '{') braces++;
    else if (text === '}') braces--;
    else if (functions === 0 && GLOBALS.has(text) && !locals.has(text) && !isField(words, at, braces > 0))
      return { name: text, line: source.slice(0, place).split('\n').length };
  }
  return null;
}

/** After a dot (but not two, which join texts) or a colon; before `=` in a table. */
function isField(words: readonly Word[], at: number, isInTable: boolean): boolean {
  const before = words[at - 1]?.text;
  if (before === ':' || (before === '.' && words[at - 2]?.text !== '.')) return true;
  return isInTable && words[at + 1]?.text === '=' && words[at + 2]?.text !== '=';
}

/** Names behind `local` and `for`, and parameters. */
function localsOf(words: readonly Word[]): ReadonlySet<string> {
  const locals = new Set<string>();
  for (const [at, { text }] of words.entries()) {
    if (text !== 'local' && text !== 'for' && text !== 'function') continue;
    let next = at + 1;
    if (text === 'local' && words[next]?.text === 'function') next++;
    if (text === 'function') while (next < words.length && words[next]!.text !== '(') next++;
    if (text === 'function') next++;
    for (; next < words.length; next++) {
      const name = words[next]!.text;
      if (NAME.test(name) && name !== 'in') locals.add(name);
      else if (name !== ',') break;
    }
  }
  return locals;
}
