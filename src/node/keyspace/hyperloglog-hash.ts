/** The hash of HyperLogLog: MurmurHash64A in halves of 32 bits, because a bigint for each step would cost far more. */

const SEED = 0xadc83b19;
const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
/** The hash's low bits choose the register. */
const INDEX_BITS = 14;
const HALF_BITS = 32;
const RANK_MAX = 64 - INDEX_BITS;

/** The upper half of the product of two halves. */
function upperProduct(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const first = aHigh * bLow + ((aLow * bLow) >>> 16);
  const second = aLow * bHigh + (first & 0xffff);
  return (aHigh * bHigh + (first >>> 16) + (second >>> 16)) >>> 0;
}

/** A number of 64 bits that is multiplied and mixed in place. */
class Mixer {
  high = 0;
  low = 0;

  multiply(): void {
    const { high, low } = this;
    this.low = Math.imul(low, M_LOW) >>> 0;
    this.high = (upperProduct(low, M_LOW) + Math.imul(high, M_LOW) + Math.imul(low, M_HIGH)) >>> 0;
  }

  /** `x ^= x >> 47` */
  fold(): void {
    this.low = (this.low ^ (this.high >>> 15)) >>> 0;
  }
}

const hash = new Mixer();
const part = new Mixer();

/**
 * Register and value that an element stands for, as `value * 2^14 + register`. The value, 1 to 51, is the place of the first set
 * bit in what is left of the hash. [redis hyperloglog.c hllPatLen]
 */
export function placeOf(element: string): number {
  const bytes = Buffer.from(element, 'latin1');
  const whole = bytes.length & ~7;
  part.high = 0;
  part.low = bytes.length;
  part.multiply();
  hash.high = part.high;
  hash.low = (part.low ^ SEED) >>> 0;
  for (let at = 0; at < whole; at += 8) {
    part.low = bytes.readUInt32LE(at);
    part.high = bytes.readUInt32LE(at + 4);
    part.multiply();
    part.fold();
    part.multiply();
    hash.high = (hash.high ^ part.high) >>> 0;
    hash.low = (hash.low ^ part.low) >>> 0;
    hash.multiply();
  }
  if (whole < bytes.length) {
    for (let at = whole; at < bytes.length; at++) {
      const shift = (at - whole) * 8;
      if (shift < HALF_BITS) hash.low = (hash.low ^ (bytes[at]! << shift)) >>> 0;
      else hash.high = (hash.high ^ (bytes[at]! << (shift - HALF_BITS))) >>> 0;
    }
    hash.multiply();
  }
  hash.fold();
  hash.multiply();
  hash.fold();
  return (rankOf(hash.high, hash.low >>> INDEX_BITS) << INDEX_BITS) | (hash.low & ((1 << INDEX_BITS) - 1));
}

function rankOf(high: number, low: number): number {
  if (low !== 0) return 1 + zerosBelow(low);
  return high === 0 ? RANK_MAX + 1 : 1 + HALF_BITS - INDEX_BITS + zerosBelow(high);
}

const zerosBelow = (bits: number): number => 31 - Math.clz32(bits & -bits);
