/**
 * The users of a server by name, the default one among them, changed as ACL SETUSER and DELUSER do it, and as text: a user to a line,
 * as ACL LIST and ACL files have it. [redis acl.c] Border: who is connected as whom is the sessions' affair.
 * Limit: `USERS_MAX`.
 */

import type { CommandTable } from '../commands/table.ts';
import { hasSpaces, RULE_PROBLEMS } from './rule-problem.ts';
import { User } from './user.ts';
import { mergeSelectors } from './words.ts';

export const DEFAULT_USER = 'default';
const USERS_MAX = 100_000;

export type UserOutcome =
  | { readonly ok: true; readonly user: User }
  | { readonly ok: false; readonly why: 'spaces' | 'too-many' }
  | { readonly ok: false; readonly why: 'unmatched'; readonly word: string }
  | { readonly ok: false; readonly why: 'modifier'; readonly word: string; readonly detail: string };

/** `problems`: one for each bad line. */
export type TextOutcome =
  | { readonly ok: true; readonly users: ReadonlyMap<string, User> }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What is wrong with a line that says a user, without the dot. */
export function declarationProblem(outcome: Extract<UserOutcome, { ok: false }>): string {
  switch (outcome.why) {
    case 'unmatched':
      return `Unmatched parenthesis in acl selector starting at '${outcome.word}'`;
    case 'modifier':
      return outcome.detail;
    case 'spaces':
      return 'Spaces not allowed in ACL usernames';
    case 'too-many':
      return `more than ${USERS_MAX} users`;
  }
}

export class AccessList {
  readonly #table: CommandTable;
  readonly #allChannels: () => boolean;
  readonly #users = new Map<string, User>();
  /** Whom new connections are; the same object for ever. */
  readonly defaultUser: User;

  constructor(table: CommandTable, allChannels: () => boolean = () => false) {
    this.#table = table;
    this.#allChannels = allChannels;
    this.defaultUser = new User(DEFAULT_USER, table, allChannels);
    for (const word of ['on', 'nopass', 'allkeys', 'allchannels', 'allcommands']) this.defaultUser.apply(word);
    this.#users.set(DEFAULT_USER, this.defaultUser);
  }

  /** New connections need not authenticate. */
  get isOpen(): boolean {
    return this.defaultUser.enabled && this.defaultUser.noPassword;
  }

  /** By name. */
  get users(): readonly User[] {
    return [...this.#users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** Null: no such user, switched off, or another password. */
  authenticate(name: string, password: string): User | null {
    const user = this.#users.get(name);
    return user?.takesPassword(password) === true ? user : null;
  }

  /** All words or none. `before` is a copy of the user as it was; null when it is new. */
  setUser(name: string, words: readonly string[]): UserOutcome & { readonly before?: User | null } {
    if (hasSpaces(name)) return { ok: false, why: 'spaces' };
    const known = this.#users.get(name);
    if (known === undefined && this.#users.size >= USERS_MAX) return { ok: false, why: 'too-many' };
    const changed = this.#changed(known ?? this.#newUser(name), words);
    if (!changed.ok) return changed;
    if (known === undefined) {
      this.#users.set(name, changed.user);
      return { ...changed, before: null };
    }
    const before = known.copy();
    known.become(changed.user);
    return { ok: true, user: known, before };
  }

  /** As a line of a redis.conf says a user: nothing of what it was before is left. [redis acl.c ACLLoadConfiguredUsers] */
  declare(name: string, words: readonly string[]): UserOutcome {
    if (hasSpaces(name)) return { ok: false, why: 'spaces' };
    if (this.#users.size >= USERS_MAX) return { ok: false, why: 'too-many' };
    const changed = this.#changed(this.#newUser(name), words);
    if (!changed.ok) return changed;
    const known = this.#users.get(name);
    if (known === undefined) this.#users.set(name, changed.user);
    else known.become(changed.user);
    return changed;
  }

  /** The user that is no more; undefined when there was none. The default user stays. */
  deleteUser(name: string): User | undefined {
    const user = name === DEFAULT_USER ? undefined : this.#users.get(name);
    if (user !== undefined) this.#users.delete(name);
    return user;
  }

  /** `requirepass`: the password of the default user; empty: none is needed. */
  setDefaultPassword(password: string): void {
    if (password === '') this.defaultUser.apply('nopass');
    else {
      this.defaultUser.apply('resetpass');
      this.defaultUser.apply(`>${password}`);
    }
  }

  /** Everybody as in `users`; the default user is as new when they leave it out. Users that keep their name keep their object. */
  replace(users: ReadonlyMap<string, User>): { readonly gone: readonly User[] } {
    const gone = this.users.filter((user) => user !== this.defaultUser && !users.has(user.name));
    for (const user of gone) this.#users.delete(user.name);
    this.defaultUser.become(users.get(DEFAULT_USER) ?? new AccessList(this.#table, this.#allChannels).defaultUser);
    for (const [name, user] of users) {
      const known = this.#users.get(name);
      if (known === undefined) this.#users.set(name, user);
      else known.become(user);
    }
    return { gone };
  }

  /** A user to a line. */
  get text(): string {
    return this.users.map((user) => `user ${user.name} ${user.text}\n`).join('');
  }

  /** Reads what `text` says; nothing is changed yet. `file` is named in the problems. [redis acl.c ACLLoadFromFile] */
  read(text: string, file: string): TextOutcome {
    const users = new Map<string, User>();
    const problems: string[] = [];
    for (const [index, raw] of text.split('\n').entries()) {
      const line = raw.trim();
      if (line === '') continue;
      const [keyword, name] = line.split(' ').filter((word) => word !== '');
      if (keyword === 'user' && name !== undefined && users.has(name)) {
        problems.push(`WARNING: Duplicate user '${name}' found on line ${index + 1}.`);
        continue;
      }
      const problem = this.#readLine(line, users);
      if (problem !== null) problems.push(`${file}:${index + 1}: ${problem}`);
    }
    return problems.length === 0 ? { ok: true, users } : { ok: false, problems };
  }

  #readLine(line: string, users: Map<string, User>): string | null {
    const [keyword, name, ...words] = line.split(' ').filter((word) => word !== '');
    if (keyword !== 'user' || name === undefined) return 'should start with user keyword followed by the username.';
    const changed = this.#changed(this.#newUser(name), words);
    if (changed.ok) {
      users.set(name, changed.user);
      return null;
    }
    return `${declarationProblem(changed)}.`;
  }

  #newUser(name: string): User {
    return new User(name, this.#table, this.#allChannels);
  }

  /** A changed copy. */
  #changed(user: User, words: readonly string[]): UserOutcome {
    const merged = mergeSelectors(words);
    if (!merged.ok) return { ok: false, why: 'unmatched', word: merged.unmatched };
    const copy = user.copy();
    for (const word of merged.modifiers) {
      const outcome = copy.apply(word);
      if (!outcome.ok) return { ok: false, why: 'modifier', word, detail: RULE_PROBLEMS[outcome.problem] };
    }
    return { ok: true, user: copy };
  }
}
