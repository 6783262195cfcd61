/** Replies as trees, and what it means for two of them to be equal enough. Replies are the bytes as they came. */

/**
 * `exact`: byte by byte. `unordered`: items in any order, at every depth. `pairs`: pairs of items in any order. `shape`: the same
 * type. `within`: integers from 0 up that are not further apart, so that -1 and -2 keep their meaning.
 */
export type Looseness = 'exact' | 'unordered' | 'pairs' | 'shape' | { readonly within: number };

export interface ReplyTree {
  /** The type byte, `$-` and `*-` for RESP2's nulls. */
  readonly mark: string;
  readonly text: string;
  readonly items: readonly ReplyTree[];
}

export function repliesAgree(ours: string, theirs: string, how: Looseness): boolean {
  if (ours === theirs) return true;
  if (how === 'exact' || ours.startsWith('-') || theirs.startsWith('-')) return false;
  const a = replyTree(ours);
  const b = replyTree(theirs);
  if (typeof how === 'object') {
    const [mine, real] = [Number(a.text), Number(b.text)];
    return a.mark === b.mark && mine >= 0 && real >= 0 && Math.abs(mine - real) <= how.within;
  }
  if (how === 'shape') return a.mark === b.mark;
  return canonical(a, how) === canonical(b, how);
}

/** SCAN and its kin from a cursor in the middle: where that leads is each server's own affair. */
export function isScanFromMiddle(request: readonly string[]): boolean {
  const name = request[0]!.toUpperCase();
  return name.endsWith('SCAN') && request[name === 'SCAN' ? 1 : 2] !== '0';
}

/** The items of an array of bulk strings. */
export const bulkItems = (reply: string): string[] => replyTree(reply).items.map((item) => item.text);

/** The items of an array, as they came; of anything else none. */
export function rawItems(reply: string): string[] {
  if (!reply.startsWith('*') || reply.startsWith('*-')) return [];
  const items: string[] = [];
  for (let at = reply.indexOf('\r\n') + 2; at < reply.length;) {
    const { end } = parseAt(reply, at);
    items.push(reply.slice(at, end));
    at = end;
  }
  return items;
}

/** One whole reply. */
export const replyTree = (reply: string): ReplyTree => parseAt(reply, 0).tree;

function parseAt(reply: string, from: number): { readonly tree: ReplyTree; readonly end: number } {
  let at = from;
  const next = (): ReplyTree => {
    const mark = reply[at]!;
    const end = reply.indexOf('\r\n', at);
    const line = reply.slice(at + 1, end);
    at = end + 2;
    if ('$=!*%~>'.includes(mark) && line.startsWith('-')) return { mark: `${mark}-`, text: '', items: [] };
    if ('$=!'.includes(mark)) {
      const text = reply.slice(at, at + Number(line));
      at += text.length + 2;
      return { mark, text, items: [] };
    }
    if (!'*%~>'.includes(mark)) return { mark, text: line, items: [] };
    const count = Number(line) * (mark === '%' ? 2 : 1);
    return { mark, text: '', items: Array.from({ length: count }, next) };
  };
  return { tree: next(), end: at };
}

function canonical(tree: ReplyTree, how: 'unordered' | 'pairs'): string {
  const items = tree.items.map((item) => canonical(item, how));
  if (how === 'unordered') items.sort();
  else if (items.length % 2 === 0 && tree.items.every((item) => item.items.length === 0)) {
    const pairs = items.flatMap((item, at) => (at % 2 === 0 ? [[item, items[at + 1]!]] : []));
    return JSON.stringify([tree.mark, tree.text, pairs.map((pair) => JSON.stringify(pair)).sort()]);
  }
  return JSON.stringify([tree.mark, tree.text, items]);
}
