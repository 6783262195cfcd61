/**
 * `return redis.call(…)` as `return (redis.call(…))`: the same value, but no tail call, behind which Lua would forget the line that an
 * error is to name. In Redis these are functions of C, which are never tail-called. `math.random` likewise.
 *
 * Border: knows Lua's words, strings and comments, no grammar. What it cannot read it leaves as it is; the compiler says why.
 */

/** White space and comments; strings; names and numbers; one sign. */
const WORD =
  /(?:\s+|--\[(=*)\[[^]*?\]\1\]|--(?!\[=*\[)[^\n]*)+|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|\[(=*)\[[^]*?\]\2\]|\w+|[^]/gy;
const IS_GAP = /^(?:\s|--)/;
/** What may stand behind the last `return` of a block. */
const BLOCK_ENDS: ReadonlySet<string | undefined> = new Set([undefined, 'end', 'else', 'elseif', 'until', ';']);

interface Word {
  readonly text: string;
  readonly at: number;
}

export function withoutTailCalls(source: string): string {
  if (!/\breturn\b/.test(source)) return source;
  const words: Word[] = [];
  for (const match of source.matchAll(WORD)) {
    if (!IS_GAP.test(match[0])) words.push({ text: match[0], at: match.index });
  }
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
