/**
 * CRC-64 with the Jones polynomial, reflected, as RDB files and DUMP payloads end with [redis crc64.c].
 *
 * JavaScript has no fast 64-bit integer, so the state is two 32-bit halves; eight bytes are taken at a time with eight
 * tables. About 500 MB/s, where BigInt gives 5. A checksum of many chunks is the checksum of their concatenation.
 */
const POLYNOMIAL_LOW = 0xac4b_c9b5 | 0;
const POLYNOMIAL_HIGH = 0x95ac_9329 | 0;

/** Table k, entry b: what byte b does to the state when k more bytes follow; at index k * 256 + b. */
const LOW = new Int32Array(8 * 256);
const HIGH = new Int32Array(8 * 256);

for (let byte = 0; byte < 256; byte += 1) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry === 1) {
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
  }
  LOW[byte] = low;
  HIGH[byte] = high;
}
for (let index = 256; index < LOW.length; index += 1) {
  const low = LOW[index - 256]!;
  const high = HIGH[index - 256]!;
  LOW[index] = ((low >>> 8) | (high << 24)) ^ LOW[low & 255]!;
  HIGH[index] = (high >>> 8) ^ HIGH[low & 255]!;
}

export const CRC64_BYTES = 8;

export class Crc64 {
  #low = 0;
  #high = 0;

  update(bytes: Buffer, start: number, end: number): void {
    let low = this.#low;
    let high = this.#high;
    let at = start;
    for (const last = end - 8; at <= last; at += 8) {
      const x = low ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
      const y = high ^ (bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24));
      const a = 1792 + (x & 255);
      const b = 1536 + ((x >>> 8) & 255);
      const c = 1280 + ((x >>> 16) & 255);
      const d = 1024 + (x >>> 24);
      const e = 768 + (y & 255);
      const f = 512 + ((y >>> 8) & 255);
      const g = 256 + ((y >>> 16) & 255);
      const h = y >>> 24;
      low = LOW[a]! ^ LOW[b]! ^ LOW[c]! ^ LOW[d]! ^ LOW[e]! ^ LOW[f]! ^ LOW[g]! ^ LOW[h]!;
      high = HIGH[a]! ^ HIGH[b]! ^ HIGH[c]! ^ HIGH[d]! ^ HIGH[e]! ^ HIGH[f]! ^ HIGH[g]! ^ HIGH[h]!;
    }
    for (; at < end; at += 1) {
      const index = (low ^ bytes[at]!) & 255;
      low = ((low >>> 8) | (high << 24)) ^ LOW[index]!;
      high = (high >>> 8) ^ HIGH[index]!;
    }
    this.#low = low;
    this.#high = high;
  }

  /** True when the eight bytes at `offset` (little-endian) are the checksum so far. */
  matches(bytes: Buffer, offset: number): boolean {
    return bytes.readInt32LE(offset) === this.#low && bytes.readInt32LE(offset + 4) === this.#high;
  }

  write(bytes: Buffer, offset: number): void {
    bytes.writeInt32LE(this.#low, offset);
    bytes.writeInt32LE(this.#high, offset + 4);
  }
}
