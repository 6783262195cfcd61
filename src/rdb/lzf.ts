/**
 * LZF, the compression of long strings in dumps: literal runs and references of up to 264 bytes, at most 8192 back.
 *
 * Both functions work on Buffers given by the caller and never read or write outside the ranges named. `compressLzf`
 * gives the same bytes for the same input whatever was compressed before. It takes longer steps where nothing has
 * matched for a while, so that hopeless input costs little.
 */
const LITERALS_MAX = 32;
const REFERENCE_BYTES_MAX = 264;
const DISTANCE_MAX = 8192;
const HASH_BITS = 13;
/** After this many misses in a row (a power of two, as a shift) the step grows by one. */
const MISSES_SHIFT = 4;

/** Three bytes give at most 264: a longer claim is a lie, and nothing need be allocated to find out. */
export const LZF_EXPANSION_MAX = 88;

/** Positions by hash, relative to `epoch`: what an earlier input left behind is below it and so invalid. */
const positions = new Int32Array(1 << HASH_BITS);
let epoch = 1;
const EPOCH_MAX = 0x4000_0000;

/** Fills `out` from 0 to exactly `length`; false when the input is malformed or of another length. */
export function decompressLzf(input: Buffer, start: number, end: number, out: Buffer, length: number): boolean {
  let from = start;
  let to = 0;
  while (from < end) {
    const control = input[from]!;
    from += 1;
    if (control < LITERALS_MAX) {
      const count = control + 1;
      if (from + count > end || to + count > length) return false;
      for (let index = 0; index < count; index += 1) out[to + index] = input[from + index]!;
      from += count;
      to += count;
      continue;
    }
    let count = control >>> 5;
    if (count === 7) {
      if (from >= end) return false;
      count += input[from]!;
      from += 1;
    }
    if (from >= end) return false;
    const back = to - (((control & 31) << 8) | input[from]!) - 1;
    from += 1;
    count += 2;
    if (back < 0 || to + count > length) return false;
    // Byte by byte: a reference may overlap what it writes.
    for (let index = 0; index < count; index += 1) out[to + index] = out[back + index]!;
    to += count;
  }
  return to === length;
}

/** Compresses into `out` from 0, using at most `room` bytes; the length used, or 0 when it does not fit. */
export function compressLzf(input: Buffer, start: number, end: number, out: Buffer, room: number): number {
  if (end - start > EPOCH_MAX) return 0;
  if (epoch > EPOCH_MAX) {
    positions.fill(0);
    epoch = 1;
  }
  const base = epoch - start;
  epoch += end - start;
  const lastStart = end - 3;
  let at = start;
  let anchor = start;
  let used = 0;
  let misses = 0;
  while (at <= lastStart) {
    const word = (input[at]! << 16) | (input[at + 1]! << 8) | input[at + 2]!;
    const slot = Math.imul(word, 0x9e37_79b1) >>> (32 - HASH_BITS);
    const found = positions[slot]! - base;
    positions[slot] = at + base;
    const distance = at - found;
    if (
      found < start ||
      distance > DISTANCE_MAX ||
      input[found] !== input[at] ||
      input[found + 1] !== input[at + 1] ||
      input[found + 2] !== input[at + 2]
    ) {
      at += 1 + (misses >>> MISSES_SHIFT);
      misses += 1;
      continue;
    }
    misses = 0;
    const countMax = Math.min(REFERENCE_BYTES_MAX, end - at);
    let count = 3;
    while (count < countMax && input[found + count] === input[at + count]) count += 1;
    used = writeLiterals(input, anchor, at, out, used, room);
    if (used < 0 || used + 3 > room) return 0;
    const code = count - 2;
    const high = (distance - 1) >>> 8;
    if (code < 7) {
      out[used] = (code << 5) | high;
      used += 1;
    } else {
      out[used] = (7 << 5) | high;
      out[used + 1] = code - 7;
      used += 2;
    }
    out[used] = (distance - 1) & 255;
    used += 1;
    at += count;
    anchor = at;
  }
  used = writeLiterals(input, anchor, end, out, used, room);
  return used < 0 ? 0 : used;
}

/** The new length used, or -1 when there is no room. */
function writeLiterals(input: Buffer, from: number, to: number, out: Buffer, used: number, room: number): number {
  const bytes = to - from;
  if (used + bytes + Math.ceil(bytes / LITERALS_MAX) > room) return -1;
  let at = from;
  let next = used;
  while (at < to) {
    const count = Math.min(LITERALS_MAX, to - at);
    out[next] = count - 1;
    for (let index = 0; index < count; index += 1) out[next + 1 + index] = input[at + index]!;
    next += 1 + count;
    at += count;
  }
  return next;
}
