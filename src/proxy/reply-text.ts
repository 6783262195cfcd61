/**
 * Just enough reading of encoded replies to fold several into one: where values end, integers, the items of an array.
 * Replies are complete (the framer saw to it) and binary strings; RESP2 and RESP3. Pure.
 */

export const isFailure = (reply: string): boolean => reply.startsWith('-');

/** Of `:5`; anything else counts as 0. */
export const integerOf = (reply: string): number => (reply.startsWith(':') ? Number(reply.slice(1, -2)) : 0);

/** Text of a bulk, a verbatim (without its format) or a status; null for every null. */
export function textOf(reply: string): string | null {
  if (reply.startsWith('+')) return reply.slice(1, -2);
  if (reply.startsWith('$-1') || reply.startsWith('_')) return null;
  const start = reply.indexOf('\n') + 1;
  return reply.slice(reply.startsWith('=') ? start + 4 : start, -2);
}

/** How many items an array, set or push says it has; -1 when the reply is none of these. */
export const countOf = (reply: string): number =>
  '*~>'.includes(reply[0]!) ? Number(reply.slice(1, reply.indexOf('\r'))) : -1;

/** What follows the line with the count. */
export const bodyOf = (reply: string): string => reply.slice(reply.indexOf('\n') + 1);

/** Encoded items of an array; empty when it is none. */
export function itemsOf(reply: string): string[] {
  const items: string[] = [];
  const count = countOf(reply);
  for (let n = 0, at = reply.indexOf('\n') + 1; n < count; n++) {
    const end = endOf(reply, at);
    items.push(reply.slice(at, end));
    at = end;
  }
  return items;
}

/** Nesting needs no stack: an aggregate only adds the values it announces. */
function endOf(text: string, from: number): number {
  let at = from;
  for (let pending = 1; pending > 0; pending--) {
    const mark = text[at]!;
    const lineEnd = text.indexOf('\n', at) + 1;
    if ('$=!'.includes(mark)) {
      const length = Number(text.slice(at + 1, lineEnd - 2));
      at = length < 0 ? lineEnd : lineEnd + length + 2;
    } else {
      if ('*~>%|'.includes(mark)) {
        const count = Math.max(0, Number(text.slice(at + 1, lineEnd - 2)));
        pending += mark === '%' ? 2 * count : mark === '|' ? 2 * count + 1 : count;
      }
      at = lineEnd;
    }
  }
  return at;
}
