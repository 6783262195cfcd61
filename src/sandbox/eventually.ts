/** Waiting until something is true, on the world's clock: the same on real sockets and in a simulation. */

import type { Clock, Milliseconds } from '../world/world.ts';

const LOOK_EVERY_MS = 5;

/** False when it has not become true in time. */
export const eventually = (clock: Clock, isTrue: () => boolean, withinMs: Milliseconds): Promise<boolean> => {
  const deadline = clock.elapsed() + withinMs;
  return new Promise((resolve) => {
    const look = (): void => {
      if (isTrue()) resolve(true);
      else if (clock.elapsed() >= deadline) resolve(false);
      else clock.after(LOOK_EVERY_MS, look);
    };
    look();
  });
};
