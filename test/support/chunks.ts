/** Ways to cut a stream of bytes, for the law that nothing may depend on where chunks end. */

/** Cuts at the given places (taken modulo the length, in any order). */
export function cutAt(stream: Buffer, places: readonly number[]): Buffer[] {
  const ordered = places.map((place) => (stream.length === 0 ? 0 : place % stream.length)).sort((a, b) => a - b);
  const ends = [...new Set([...ordered, stream.length])];
  let from = 0;
  return ends.map((end) => {
    const chunk = stream.subarray(from, end);
    from = end;
    return chunk;
  });
}

/** The two extremes: in one piece, and byte by byte. */
export const wholeAndBytewise = (stream: Buffer): Buffer[][] => [
  [stream],
  Array.from(stream, (byte) => Buffer.from([byte])),
];
