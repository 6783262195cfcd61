/**
 * What keeps the process alive, for programs that have nothing else to live for (a verb that watches, a scenario that waits): the
 * timers of the world's clock do not.
 */

import type { Milliseconds } from './world.ts';

export const waitAlive = (delay: Milliseconds): Promise<void> => new Promise((resolve) => setTimeout(resolve, delay));

/** Until the returned function is called. */
export const stayAlive = (): (() => void) => {
  const timer = setInterval(() => undefined, 2 ** 31 - 1);
  return () => clearInterval(timer);
};
