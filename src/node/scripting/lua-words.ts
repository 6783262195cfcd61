/**
 * Lua source as words: names, numbers, strings and signs, without gaps and comments.
 *
 * Border: knows no grammar. What it cannot read it gives char by char; the compiler says what is wrong.
 */

/** White space and comments; strings; names and numbers; one sign. */
const WORD =
  /(?:\s+|--\[(=*)\[[^]*?\]\1\]|--(?!\[=*\[)[^\n]*)+|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|\[(=*)\[[^]*?\]\2\]|\w+|[^]/gy;
const IS_GAP = /^(?:\s|--)/;

export interface Word {
  readonly text: string;
  /** Where in the source it begins. */
  readonly at: number;
}

export function luaWords(source: string): Word[] {
  const words: Word[] = [];
  for (const match of source.matchAll(WORD)) {
    if (!IS_GAP.test(match[0])) words.push({ text: match[0], at: match.index });
  }
  return words;
}
