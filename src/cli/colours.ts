/**
 * Colours for people: only on a terminal, never with CI or NO_COLOR set; FORCE_COLOR asks for them anyway. (The library's own test
 * takes CI for a wish to have them.)
 */

import pc from 'picocolors';

const isPlain = ({ NO_COLOR, FORCE_COLOR, CI, TERM }: NodeJS.ProcessEnv): boolean => {
  if (NO_COLOR) return true;
  if (FORCE_COLOR) return false;
  return !process.stdout.isTTY || TERM === 'dumb' || Boolean(CI);
};

export const colours = pc.createColors(!isPlain(process.env));
