/**
 * Whether npm still stands behind this process. `npx antipode up` and `npm start` put a shell between npm and the program, and that
 * shell, ended by a signal, does not pass it on: the sandbox would stay behind with nobody who knows of it.
 */

import type { Clock } from '../world/world.ts';

const LOOK_EVERY_MS = 250;

/** Resolves when the process that started this one is gone; never, when that was not npm. */
export const starterGone = (clock: Clock): Promise<void> =>
  new Promise((resolve) => {
    if (process.env['npm_command'] === undefined) return;
    const starter = process.ppid;
    const look = (): void => {
      if (process.ppid !== starter) resolve();
      else clock.after(LOOK_EVERY_MS, look);
    };
    look();
  });
