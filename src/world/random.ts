/**
 * Chance that replays: a seeded generator (sfc32 over a SHA-256 of the seed) used by both worlds.
 *
 * A fork depends only on the seed and the name, never on what was drawn before, so a new draw in one place leaves the
 * others as they were. Not for secrets that must resist an attacker: the state is 128 bits, but the function is not
 * cryptographic. Limits: `integer` takes safe integers, `bytes` up to `RANDOM_BYTES_MAX`.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Random } from './world.ts';

const RANDOM_BYTES_MAX = 256 * 1024 * 1024;
/** sfc32 mixes its counter slowly into a fresh state; its author asks for at least a dozen discarded draws. */
const WARM_UP_DRAWS = 15;

export class SeededRandom implements Random {
  readonly #key: Buffer;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number | string | Buffer) {
    this.#key = createHash('sha256')
      .update(typeof seed === 'number' ? String(seed) : seed)
      .digest();
    this.#a = this.#key.readInt32LE(0);
    this.#b = this.#key.readInt32LE(4);
    this.#c = this.#key.readInt32LE(8);
    this.#counter = this.#key.readInt32LE(12);
    for (let draw = 0; draw < WARM_UP_DRAWS; draw++) this.#next();
  }

  fork(name: string): SeededRandom {
    return new SeededRandom(Buffer.concat([this.#key, Buffer.from(`/${name}`, 'utf8')]));
  }

  unit(): number {
    return ((this.#next() >>> 5) * 0x4000000 + (this.#next() >>> 6)) / 0x20000000000000;
  }

  integer(min: number, max: number): number {
    assert(Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max, 'an integer range has whole ends');
    return Math.min(max, min + Math.floor(this.unit() * (max - min + 1)));
  }

  bytes(length: number): Buffer {
    assert(length >= 0 && length <= RANDOM_BYTES_MAX, `random bytes: 0 to ${RANDOM_BYTES_MAX}`);
    const bytes = Buffer.allocUnsafe(length);
    let at = 0;
    for (; at + 4 <= length; at += 4) bytes.writeInt32LE(this.#next(), at);
    if (at < length) for (let rest = this.#next(); at < length; at++, rest >>>= 8) bytes[at] = rest & 0xff;
    return bytes;
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }
}
