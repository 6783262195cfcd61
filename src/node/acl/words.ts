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
      if (word.startsWith('(') && !word.endsWith(')')) open = openWord = word;
      else modifiers.push(word);
      continue;
    }
    open += ` ${word}`;
    if (!word.endsWith(')')) continue;
    modifiers.push(open);
    open = null;
  }
  return open === null ? { ok: true, modifiers } : { ok: false, unmatched: openWord };
}

/** Rules inside parentheses; words may be quoted [redis sds.c sdssplitargs]. Null: a quote is not closed. */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\')*)'|([^\s"']\S*))(?=\s|$)/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return null;
    words.push(found[3] ?? (found[1] ?? found[2]!).replace(/\\(.)/gs, '$1'));
    at = pattern.lastIndex;
  }
  return words;
}
