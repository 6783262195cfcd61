/**
 * Programs of the machine that some suites ask for a second opinion: openssl, dig.
 *
 * Where one is missing its tests are skipped with a visible line; continuous integration must have them all.
 */

import { spawnSync } from 'node:child_process';

/** `arguments_` must make it end at once. */
export const programAvailable = (program: string, ...arguments_: readonly string[]): boolean => {
  const available = spawnSync(program, arguments_, { stdio: 'ignore' }).status === 0;
  if (!available && process.env['CI'] === 'true') throw new Error(`CI must have ${program}`);
  if (!available) console.warn(`SKIPPED: tests that need ${program}, because this machine has none`);
  return available;
};
