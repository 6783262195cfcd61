/**
 * Passwords: generated ones are letters and digits, so that a URL carries them as they are [RS authentication_admin_pass]; those of
 * people are kept as a hash.
 */

import { passwordHash } from '../../node/acl/password.ts';
import type { Random } from '../../world/world.ts';
import type { Password } from '../state/accounts.ts';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** [RS recorded objects] */
const PASSWORD_LENGTH = 48;

export const randomPassword = (random: Random, length = PASSWORD_LENGTH): string =>
  Array.from({ length }, () => LETTERS_AND_DIGITS[random.integer(0, LETTERS_AND_DIGITS.length - 1)]).join('');

/** A password as people write it, and as it is kept. */
export const passwordOf = (text: string): Password => ({
  text,
  hash: passwordHash(Buffer.from(text, 'utf8').toString('latin1')),
});
