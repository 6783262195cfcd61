/** How long to wait before a source is asked again: for ever, with pauses that grow. Pure. */

import type { Milliseconds, Random } from '../../world/world.ts';

/** No numbers are documented. [RS replica-of: synchronization errors] */
const FIRST_MS = 1_000;
const LAST_MS = 10_000;

/** `failures` so far in a row, from 0. Up to a half is taken off by chance, so that many sources do not come back at once. */
export const backoffMs = (failures: number, random: Random): Milliseconds => {
  const pause = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures), 10));
  return Math.round(pause * (1 - random.unit() / 2));
};
