/** The rules about a new password of a user. Pure. [RS password-complexity-rules] [RS requests/users/password] */

import type { Password } from './accounts.ts';
import { problem, type Problem } from './change.ts';
import type { ClusterSettings } from './cluster-settings.ts';

const LENGTH_MAX = 256;
const DAY_MS = 86_400_000;

/** One after another; the first that is broken is told. */
const COMPLEXITY: readonly {
  readonly rule: string;
  readonly holds: (password: string, email: string) => boolean;
}[] = [
  { rule: 'at least one uppercase letter', holds: (password) => /[A-Z]/.test(password) },
  { rule: 'at least one lowercase letter', holds: (password) => /[a-z]/.test(password) },
  { rule: 'at least one digit', holds: (password) => /\d/.test(password) },
  { rule: 'at least one special character', holds: (password) => /[^A-Za-z0-9]/.test(password) },
  { rule: 'no character more than three times in a row', holds: (password) => !/(.)\1{3}/s.test(password) },
  {
    rule: "neither the user's email nor its reverse",
    holds: (password, email) => {
      const [word, name] = [password.toLowerCase(), email.toLowerCase()];
      return name === '' || (!word.includes(name) && !word.includes(name.split('').toReversed().join('')));
    },
  },
];

export const checkNewPassword = (
  settings: ClusterSettings,
  email: string,
  current: readonly string[],
  { text, hash }: Password,
  how: 'replace' | 'add',
): { readonly ok: false; readonly problem: Problem } | null => {
  if (text === '') return problem('invalid_param', 'an empty password is none');
  if (text.length > LENGTH_MAX) return problem('invalid_param', `a password has at most ${LENGTH_MAX} characters`);
  if (current.includes(hash)) {
    const which = how === 'replace' ? 'the new password is the same as the current one' : 'the user has it already';
    return problem('new_password_same_as_current', `${which}; choose another`);
  }
  if (!settings.password_complexity) return null;
  if (text.length < settings.password_min_length) {
    return problem('password_not_complex', `a password has at least ${settings.password_min_length} characters`);
  }
  const broken = COMPLEXITY.find(({ holds }) => !holds(text, email));
  return broken === undefined ? null : problem('password_not_complex', `a password has ${broken.rule}`);
};

/** When a password that was set then has to be replaced; null: never. */
export const passwordExpiresMs = (settings: ClusterSettings, issuedMs: number): number | null =>
  settings.password_expiration_duration === 0 ? null : issuedMs + settings.password_expiration_duration * DAY_MS;
