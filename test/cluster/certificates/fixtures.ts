/** Chance from a seed for tests of certificates: bytes are hashes of a counter, so the same seed gives the same keys. */

import { createHash } from 'node:crypto';
import type { CertificateWorld } from '../../../src/cluster/certificates/cluster-certificates.ts';
import type { Random } from '../../../src/world/world.ts';

const seededRandom = (seed: string): Random => {
  let draws = 0;
  const bytes = (length: number): Buffer => {
    const blocks: Buffer[] = [];
    for (let have = 0; have < length; have += 32) {
      blocks.push(createHash('sha256').update(`${seed} ${draws++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, length);
  };
  const unit = (): number => bytes(4).readUInt32BE() / 2 ** 32;
  return {
    fork: (name) => seededRandom(`${seed}/${name}`),
    unit,
    integer: (min, max) => min + Math.floor(unit() * (max - min + 1)),
    bytes,
  };
};

export const certificateWorld = (seed = 'seed', nowMs = Date.now()): CertificateWorld => ({
  clock: { now: () => nowMs },
  random: seededRandom(seed),
});
