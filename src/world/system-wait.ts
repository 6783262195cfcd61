/** Waiting that keeps the process alive, for programs that have nothing else to live for (a verb that watches). */

import type { Milliseconds } from './world.ts';

export const waitAlive = (delay: Milliseconds): Promise<void> => new Promise((resolve) => setTimeout(resolve, delay));
