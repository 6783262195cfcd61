/**
 * Redis's glob patterns (KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET): `*`, `?`, `[a-c]`, `[^x]`, backslash escapes; matched
 * byte by byte, a malformed class behaves as Redis's does [redis util.c stringmatchlen]. Iterative with one point of return per
 * star, so that a pattern of many stars cannot take exponential time. Limit: STARS_MAX, beyond which nothing matches, as in Redis.
 */
export function matchesGlob(pattern: string, text: string, ignoreCase = false): boolean {
  if (pattern === '*') return true;
  if (ignoreCase) {
    pattern = pattern.toLowerCase();
    text = text.toLowerCase();
  }
  let p = 0;
  let t = 0;
  let starAt = -1;
  let starText = 0;
  let stars = 0;
  for (;;) {
    if (p < pattern.length && pattern[p] === '*') {
      while (pattern[p] === '*') p++;
      if (p >= pattern.length) return true;
      if (++stars > STARS_MAX) return false;
      starAt = p;
      starText = t;
      continue;
    }
    if (t >= text.length) {
      if (p >= pattern.length) return true;
      return false;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text.charCodeAt(t)) : -1;
    if (next >= 0) {
      p = next;
      t++;
      continue;
    }
    if (starAt < 0) return false;
    p = starAt;
    t = ++starText;
  }
}

/** Redis looks no deeper [redis util.c stringmatchlen_impl]. */
const STARS_MAX = 1000;

/** Index after the pattern element that matches this char, -1 when it does not match. */
function matchOne(pattern: string, at: number, char: number): number {
  switch (pattern[at]) {
    case '?':
      return at + 1;
    case '[':
      return matchClass(pattern, at + 1, char);
    case '\\':
      if (at + 1 < pattern.length) at++;
      return pattern.charCodeAt(at) === char ? at + 1 : -1;
    default:
      return pattern.charCodeAt(at) === char ? at + 1 : -1;
  }
}

function matchClass(pattern: string, at: number, char: number): number {
  const negated = pattern[at] === '^';
  if (negated) at++;
  let matched = false;
  for (; at < pattern.length; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      at++;
      if (pattern.charCodeAt(at) === char) matched = true;
    } else if (pattern[at] === ']') {
      return matched === negated ? -1 : at + 1;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      let from = pattern.charCodeAt(at);
      let to = pattern.charCodeAt(at + 2);
      if (from > to) [from, to] = [to, from];
      if (char >= from && char <= to) matched = true;
      at += 2;
    } else if (pattern.charCodeAt(at) === char) matched = true;
  }
  // A class that never closes ends with the pattern.
  return matched === negated ? -1 : at;
}
