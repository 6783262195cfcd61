/** How long to wait before a source or destination is tried again: for ever, with pauses that grow. Pure. */

import type { Milliseconds, Random } from '../../world/world.ts';

/** No numbers are documented. [RS replica-of: synchronization errors] */
const FIRST_MS = 1_000;
const LAST_MS = 10_000;

/** `failures` so far in a row, from 0. Up to a half is taken off by chance, so that many sources do not come back at once. */
export const backoffMs = (failures: number, random: Random): Milliseconds => {
  const pause = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(Math.max(0, failures), 10));
  return Math.round(pause * (1 - random.unit() / 2));
};

const REOPEN_FIRST_MS = 200;
const REOPEN_LAST_MS = 5_000;

/** The same for a destination: it is near, and nobody else waits for it. */
export const reopenMs = (failures: number): Milliseconds =>
  Math.min(REOPEN_LAST_MS, REOPEN_FIRST_MS * 2 ** Math.min(failures, 10));
