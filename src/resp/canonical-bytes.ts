/** Bytes of a request as a server writes it; a shorter one was not written by one [redis networking.c processInlineBuffer]. Pure. */
export function canonicalBytes(words: readonly string[]): number {
  let bytes = 3 + digits(words.length);
  for (const word of words) bytes += 5 + digits(word.length) + word.length;
  return bytes;
}

const digits = (value: number): number => (value < 10 ? 1 : value < 100 ? 2 : String(value).length);
