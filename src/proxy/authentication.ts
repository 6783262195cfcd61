/**
 * Who a client is: the default user by any of the database's passwords, a user of the cluster who has a role here, or `admin` by the
 * internal password [RS replica-of: source URL]. Pure; wire words are binary strings, settings are ordinary text.
 */

import { passwordHash } from '../node/acl/password.ts';
import { User } from '../node/acl/user.ts';
import { refuse, type Refusal } from '../resp/refusals.ts';
import type { EndpointSettings } from './endpoint-settings.ts';

export const DEFAULT_NAME = 'default';
const ADMIN_NAME = 'admin';

/** A client that has said who it is. */
export interface Account {
  readonly name: string;
  /** The internal user: replication and what else is for the cluster's own parts. */
  readonly isAdmin: boolean;
  /** Null: everything that is not blocked. */
  readonly permissions: User | null;
}

export type AuthenticationOutcome =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly refusal: Refusal };

const ADMIN: Account = { name: ADMIN_NAME, isAdmin: true, permissions: null };

const bytesOf = (text: string): string => Buffer.from(text, 'utf8').latin1Slice();

/** Made once for each version of the settings. */
const users = new WeakMap<EndpointSettings, ReadonlyMap<string, User>>();

/** Everybody who may connect, by name; without `admin`. */
export function usersOf(settings: EndpointSettings): ReadonlyMap<string, User> {
  let found = users.get(settings);
  if (found === undefined) {
    const all = [...(settings.defaultUser ? [defaultUser(settings)] : []), ...settings.users];
    users.set(settings, (found = new Map(all.map((user) => [user.name, user]))));
  }
  return found;
}

function defaultUser({ passwords, commands }: EndpointSettings): User {
  const user = new User(DEFAULT_NAME, commands);
  for (const word of ['on', 'allkeys', 'allchannels', 'allcommands']) user.apply(word);
  if (passwords.length === 0) user.apply('nopass');
  for (const password of passwords) user.apply(`#${passwordHash(bytesOf(password))}`);
  return user;
}

const accountOf = (user: User): Account => ({
  name: user.name,
  isAdmin: false,
  permissions: user.allowsEverything ? null : user,
});

/** Who a client is that has said nothing yet. */
export function accountOnConnect(settings: EndpointSettings): Account | null {
  const user = usersOf(settings).get(DEFAULT_NAME);
  return user !== undefined && user.noPassword ? accountOf(user) : null;
}

/** Who a client is after the settings have changed; null: nobody any more. A password that was right stays right. */
export function accountAfter(account: Account, settings: EndpointSettings): Account | null {
  if (account.isAdmin) return account;
  const user = usersOf(settings).get(account.name);
  return user === undefined ? null : accountOf(user);
}

/** `AUTH password`: the default user. */
export function authenticateByPassword(password: string, settings: EndpointSettings): AuthenticationOutcome {
  const user = usersOf(settings).get(DEFAULT_NAME);
  if (user?.noPassword === true) return { ok: false, refusal: refuse('AUTH_WITHOUT_PASSWORD') };
  return authenticate(DEFAULT_NAME, password, settings);
}

/** A default user without passwords takes any [redis acl.c nopass]. An empty internal password lets nobody in. */
export function authenticate(name: string, password: string, settings: EndpointSettings): AuthenticationOutcome {
  const { adminPassword } = settings;
  if (name === ADMIN_NAME && adminPassword !== '' && bytesOf(adminPassword) === password) {
    return { ok: true, account: ADMIN };
  }
  const user = usersOf(settings).get(name);
  if (user?.takesPassword(password) !== true) return { ok: false, refusal: refuse('WRONGPASS') };
  return { ok: true, account: accountOf(user) };
}
