/**
 * What users of a shard may do, asked for each request of a session that is not its primary's; every denial is logged for ACL LOG.
 * Border: the rules are `node/acl/`, the order of checks is `checks.ts`.
 */

import { AccessList } from '../acl/access-list.ts';
import type { AclFile, AclFileOutcome } from '../acl/acl-file.ts';
import { DenialLog, type DenialFacts } from '../acl/denial-log.ts';
import type { Denial } from '../acl/selector.ts';
import type { User } from '../acl/user.ts';
import { clientLine } from '../commands/client-list.ts';
import type { Command } from '../commands/command.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export class Permissions {
  readonly users: AccessList;
  readonly log = new DenialLog();
  /** Where ACL LOAD and SAVE find the users; null: nowhere. */
  file: AclFile | null = null;
  readonly #shard: Shard;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.users = new AccessList(
      shard.commands.declared,
      () => shard.config.get('acl-pubsub-default') === 'allchannels',
    );
    this.users.setDefaultPassword(shard.config.get('requirepass'));
  }

  /** Null: the session may. */
  check(session: Session, command: Command, words: readonly string[], context: DenialFacts['context']): Denial | null {
    if (session.kind === 'primary') return null;
    const denial = session.user.check(command, words);
    if (denial === null) return null;
    const object = denial.reason === 'command' ? command.fullName : words[denial.at]!;
    this.note(session, { reason: denial.reason, context, object, username: session.user.name });
    return denial;
  }

  /** AUTH and HELLO: null when it did not succeed. */
  logIn(session: Session, name: string, password: string, command: string): User | null {
    const user = this.users.authenticate(name, password);
    if (user === null) {
      const context = session.transaction.queue === null ? 'toplevel' : 'multi';
      this.note(session, { reason: 'auth', context, object: command, username: name });
      return null;
    }
    session.user = user;
    session.setAuthenticated(true);
    return user;
  }

  /** As a new connection. */
  logOut(session: Session): void {
    session.user = this.users.defaultUser;
    session.setAuthenticated(this.users.isOpen);
  }

  note(session: Session, facts: Omit<DenialFacts, 'client'>): void {
    const { now, config } = this.#shard;
    this.log.add({ ...facts, client: clientLine(session, now) }, now, config.get('acllog-max-len'));
  }

  /** The password of the default user was set by `requirepass`. */
  passwordChanged(): void {
    this.users.setDefaultPassword(this.#shard.config.get('requirepass'));
    this.defaultUserChanged();
  }

  /** Whoever needs no password any more may send what the authenticated may. */
  defaultUserChanged(): void {
    if (!this.users.isOpen) return;
    for (const session of this.#shard.sessions.values()) session.decoder.authenticated = true;
  }

  /** Makes the users those of `file`, which then are all there are. */
  async loadFile(file: AclFile, by: Session | null): Promise<AclFileOutcome> {
    const outcome = await file.load(this.users);
    if (!outcome.ok) return outcome;
    for (const user of outcome.gone) this.cut(user, by);
    for (const user of this.users.users) this.cutListeners(user, by);
    this.defaultUserChanged();
    return outcome;
  }

  /** Ends the connections of a user that is no more; the one that asked for it gets its reply. */
  cut(user: User, by: Session | null): void {
    for (const session of this.#sessionsOf(user)) {
      session.user = this.users.defaultUser;
      session.setAuthenticated(false);
      this.#end(session, by);
    }
  }

  /** Ends connections that listen to what their user may no longer hear [redis acl.c ACLKillPubsubClientsIfNeeded]. */
  cutListeners(user: User, by: Session | null): void {
    for (const session of this.#sessionsOf(user)) {
      const { channel, pattern, shard } = session.subscriptions;
      const mayHear = (names: ReadonlySet<string>, isPattern: boolean): boolean =>
        [...names].every((name) => user.allowsChannel(name, isPattern));
      if (!mayHear(channel, false) || !mayHear(pattern, true) || !mayHear(shard, false)) this.#end(session, by);
    }
  }

  #end(session: Session, by: Session | null): void {
    if (session !== by) session.kill();
    else if (session.waiting === null) session.close();
    else this.#shard.world.clock.soon(() => session.close()); // behind the reply that it waits for
  }

  #sessionsOf(user: User): Session[] {
    return [...this.#shard.sessions.values()].filter((session) => session.user === user);
  }
}
