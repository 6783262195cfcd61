/**
 * Who a client is: the default user by any of the database's passwords, or `admin` by the internal one. [RS replica-of: the source
 * URL's user is admin] Pure; wire words are binary strings, settings are ordinary text.
 */

import { refuse, type Refusal } from '../resp/refusals.ts';
import type { EndpointSettings } from './endpoint-settings.ts';

export type User = 'default' | 'admin';

export type AuthenticationOutcome =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly refusal: Refusal };

type Credentials = Pick<EndpointSettings, 'passwords' | 'adminPassword'>;

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').latin1Slice();

/** Who a client is that has said nothing yet. */
export const userOnConnect = (settings: Credentials): User | null =>
  settings.passwords.length === 0 ? 'default' : null;

/** `AUTH password`: the default user. */
export function authenticateByPassword(password: string, settings: Credentials): AuthenticationOutcome {
  if (settings.passwords.length === 0) return { ok: false, refusal: refuse('AUTH_WITHOUT_PASSWORD') };
  return authenticate('default', password, settings);
}

/** A default user without passwords takes any [redis acl.c nopass]. An empty internal password lets nobody in. */
export function authenticate(name: string, password: string, settings: Credentials): AuthenticationOutcome {
  const { passwords, adminPassword } = settings;
  const holds =
    name === 'default'
      ? passwords.length === 0 || passwords.some((each) => bytesOf(each) === password)
      : name === 'admin' && adminPassword !== '' && bytesOf(adminPassword) === password;
  return holds ? { ok: true, user: name as User } : { ok: false, refusal: refuse('WRONGPASS') };
}
