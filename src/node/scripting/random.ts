/** The numbers `math.random` draws: the 48-bit generator that Redis carries, with its first state. [redis rand.c] */

import type { ScriptRandom } from './desk.ts';

const MULTIPLIER = 0x5_deec_e66dn;
const INCREMENT = 0xbn;
const MASK = (1n << 48n) - 1n;
const FIRST = 0x1234_abcd_330en;
const LOW_OF_SEED = 0x330en;

export class ShardRandom implements ScriptRandom {
  #state = FIRST;

  next(): number {
    this.#state = (this.#state * MULTIPLIER + INCREMENT) & MASK;
    return Number(this.#state >> 17n);
  }

  seed(seed: number): void {
    this.#state = (BigInt(seed | 0) & 0xffff_ffffn) * 0x1_0000n + LOW_OF_SEED;
  }
}
