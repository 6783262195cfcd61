/**
 * Binary strings (one char per byte) in and out of bytes, the fast way.
 *
 * Node's Buffer has `latin1Slice` and `latin1Write`, about a fifth cheaper than `toString('latin1')` and `write`, but
 * its types do not name them; this file does, once. No bounds are checked beyond Node's own.
 */
interface Latin1 {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

/** Below this many chars a loop is faster than the call into Node. */
const SHORT_CHARS = 12;

export function readLatin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1).latin1Slice(start, end);
}

/** The caller has made sure that `text.length` bytes are free at `offset`. */
export function writeLatin1(bytes: Buffer, text: string, offset: number): void {
  const length = text.length;
  if (length > SHORT_CHARS) {
    (bytes as unknown as Latin1).latin1Write(text, offset, length);
    return;
  }
  for (let index = 0; index < length; index += 1) bytes[offset + index] = text.charCodeAt(index);
}
