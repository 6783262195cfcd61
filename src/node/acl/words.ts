/**
 * ACL rules as words: what stands in parentheses, over however many words, is one selector. [redis acl.c ACLMergeSelectorArguments]
 * Pure.
 */

export type WordsOutcome =
  | { readonly ok: true; readonly modifiers: readonly string[] }
  | { readonly ok: false; readonly unmatched: string };

export function mergeSelectors(words: readonly string[]): WordsOutcome {
  const modifiers: string[] = [];
  let open: string | null = null;
  let openWord = '';
  for (const word of words) {
    if (open === null) {
      if (word.startsWith('(') && !word.endsWith(')')) {
        open = openWord = word;
        continue;
      }
      modifiers.push(word);
      continue;
    }
    open += ` ${word}`;
    if (!word.endsWith(')')) continue;
    modifiers.push(open);
    open = null;
  }
  return open === null ? { ok: true, modifiers } : { ok: false, unmatched: openWord };
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** Words of a line, as they stand in parentheses or in a redis.conf; they may be quoted [redis sds.c sdssplitargs]. Null: a quote is not closed. */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  const space = /[\0\t-\r ]/; // not \s: in binary text 0xA0 is part of a letter
  for (let at = 0; ;) {
    while (at < text.length && space.test(text[at]!)) at++;
    if (at === text.length) return words;
    let word = '';
    while (at < text.length && !space.test(text[at]!)) {
      const quote = text[at]!;
      if (quote !== '"' && quote !== "'") {
        word += text[at++]!;
        continue;
      }
      const quoted = readQuoted(text, at + 1, quote);
      if (quoted === null || (quoted.end < text.length && !space.test(text[quoted.end]!))) return null;
      word += quoted.text;
      at = quoted.end;
    }
    words.push(word);
  }
}

function readQuoted(text: string, from: number, quote: string): { readonly text: string; readonly end: number } | null {
  let word = '';
  for (let at = from; at < text.length;) {
    const char = text[at]!;
    if (char === quote) return { text: word, end: at + 1 };
    const next = text[at + 1];
    const hex = quote === '"' ? /^\\x([0-9a-f]{2})/i.exec(text.slice(at, at + 4)) : null;
    if (hex !== null) {
      word += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      at += 4;
    } else if (char === '\\' && next !== undefined && (quote === '"' || next === "'")) {
      word += quote === '"' ? (ESCAPED[next] ?? next) : next;
      at += 2;
    } else {
      word += char;
      at++;
    }
  }
  return null;
}
