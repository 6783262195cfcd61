/**
 * `return redis.call(…)` as `return (redis.call(…))`: the same value, but no tail call, behind which Lua would forget the line that an
 * error is to name. In Redis these are functions of C, which are never tail-called. `math.random` likewise.
 */

import { luaWords, type Word } from './lua-words.ts';

/** What may stand behind the last `return` of a block. */
const BLOCK_ENDS: ReadonlySet<string | undefined> = new Set([undefined, 'end', 'else', 'elseif', 'until', ';']);

export function withoutTailCalls(source: string): string {
  if (!/\breturn\b/.test(source)) return source;
  const words = luaWords(source);
  let made = '';
  let from = 0;
  for (let i = 0; i < words.length; i++) {
    if (words[i]!.text !== 'return' || !callsRedis(words, i + 1)) continue;
    const last = closing(words, i + 4);
    if (last < 0 || !BLOCK_ENDS.has(words[last + 1]?.text)) continue;
    const end = words[last]!.at + 1;
    made += `${source.slice(from, words[i + 1]!.at)}(${source.slice(words[i + 1]!.at, end)})`;
    from = end;
    i = last;
  }
  return made + source.slice(from);
}

const callsRedis = (words: readonly Word[], at: number): boolean => {
  const [library, dot, name, open] = words.slice(at, at + 4).map(({ text }) => text);
  return (library === 'redis' || (library === 'math' && name === 'random')) && dot === '.' && open === '(';
};

/** Where the parenthesis at `open` is closed. */
function closing(words: readonly Word[], open: number): number {
  let depth = 0;
  for (let i = open; i < words.length; i++) {
    const { text } = words[i]!;
    if (text === '(') depth++;
    else if (text === ')' && --depth === 0) return i;
  }
  return -1;
}
