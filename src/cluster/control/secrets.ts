/** Generated passwords: letters and digits, so that a URL carries them as they are [RS authentication_admin_pass]. */

import type { Random } from '../../world/world.ts';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** [RS recorded objects] */
const PASSWORD_LENGTH = 48;

export const randomPassword = (random: Random, length = PASSWORD_LENGTH): string =>
  Array.from({ length }, () => LETTERS_AND_DIGITS[random.integer(0, LETTERS_AND_DIGITS.length - 1)]).join('');
