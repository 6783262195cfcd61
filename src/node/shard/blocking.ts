/**
 * Sessions that wait for keys, served in the order in which they began to wait [redis blocked.c]. When a key somebody waits
 * for changes, the waiting command runs again after the current unit has ended; if it still finds nothing it keeps its place.
 */

import { denialText } from '../acl/denial-text.ts';
import { Failure, type Reply } from '../../resp/reply.ts';
import { refusalText } from '../../resp/refusals.ts';
import type { Timer } from '../../world/world.ts';
import type { Command } from '../commands/command.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { BLOCKED, type BlockRequest } from './context.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export interface Waiting {
  readonly command: Command;
  readonly words: readonly string[];
  readonly database: number;
  readonly request: BlockRequest;
  timer: Timer | null;
}

/** One key as one word: the database number cannot contain the colon. */
const place = (database: number, key: string): string => `${database}:${key}`;

export class Blocking {
  readonly #shard: Shard;
  readonly #waiters = new Map<string, Set<Session>>();
  #ready = new Set<string>();
  /** Sessions that wait. */
  count = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  wait(session: Session, command: Command, words: readonly string[], request: BlockRequest): void {
    const waiting: Waiting = {
      command,
      words: request.words ?? words,
      database: session.database,
      request,
      timer: null,
    };
    if (request.timeoutMs > 0) {
      waiting.timer = this.#shard.world.clock.after(request.timeoutMs, () =>
        this.answer(session, request.timeoutReply),
      );
    }
    for (const key of request.keys) {
      const at = place(waiting.database, key);
      let waiters = this.#waiters.get(at);
      if (waiters === undefined) this.#waiters.set(at, (waiters = new Set()));
      waiters.add(session);
    }
    session.waiting = waiting;
    this.count++;
  }

  /** A key changed: if somebody waits for it, it is looked at when the unit ends. */
  changed(keyspace: Keyspace, key: string): void {
    const at = place(keyspace.index, key);
    if (this.#waiters.has(at)) this.#ready.add(at);
  }

  /** Every key of a database may have changed (SWAPDB). */
  changedAll(database: number): void {
    for (const at of this.#waiters.keys()) if (at.startsWith(`${database}:`)) this.#ready.add(at);
  }

  /** Keys that somebody waits for. */
  get keys(): number {
    return this.#waiters.size;
  }

  /** Those whose end ends a wait. */
  get keysWhoseEndIsAwaited(): number {
    let count = 0;
    for (const waiters of this.#waiters.values())
      if ([...waiters].some(({ waiting }) => waiting?.request.endsWhenGone === true)) count++;
    return count;
  }

  get pending(): boolean {
    return this.#ready.size > 0;
  }

  /** Runs waiting commands whose keys changed, until none is left that can go on. */
  serve(): void {
    while (this.#ready.size > 0) {
      const ready = this.#ready;
      this.#ready = new Set();
      for (const at of ready) {
        for (const session of this.#waiters.get(at) ?? []) {
          const waiting = session.waiting;
          if (waiting === null || !this.#mayGoOn(waiting, at)) continue;
          if (this.#isDenied(session, waiting)) continue;
          const reply = this.#shard.runAgain(session, waiting);
          if (reply === BLOCKED) continue;
          if (waiting.request.kind === undefined && reply instanceof Failure && reply.text === refusalText('WRONGTYPE'))
            continue;
          this.release(session, reply);
        }
      }
    }
  }

  /** What it waited for may have been taken from its user since: then the wait ends with that. */
  #isDenied(session: Session, { command, words }: Waiting): boolean {
    const { permissions, commandStats } = this.#shard;
    const denial = permissions.check(session, command, words, 'toplevel');
    if (denial === null) return false;
    const text = `NOPERM ${denialText(denial, session.user.name, command)}`;
    commandStats.rejected(command, text);
    this.release(session, new Failure(text));
    return true;
  }

  /** Does the changed key hold what the session waits for? A command that names no kind finds out by running. */
  #mayGoOn(waiting: Waiting, at: string): boolean {
    const { kind, endsWhenGone } = waiting.request;
    if (kind === undefined || endsWhenGone === true) return true;
    const keyspace = this.#shard.keyspaces[waiting.database]!;
    const key = at.slice(at.indexOf(':') + 1);
    // Looking alone deletes nothing [redis blocked.c handleClientsBlockedOnKey]
    if ((keyspace.expireAt(key) ?? Infinity) < this.#shard.now && this.#shard.expiryNow !== 'ignore') return false;
    const value = keyspace.values.get(key);
    return value !== undefined && typeof value !== 'string' && value.kind === kind;
  }

  /** Ends a wait with a reply; the session goes on with what it sent meanwhile. */
  release(session: Session, reply: Reply): void {
    if (session.waiting === null) return;
    this.forget(session);
    session.reply(reply);
    session.sendPushes();
    session.continueSoon();
  }

  /** Ends a wait with what the command answers without being run again: that is its call. [redis 7.2 blocked.c updateStatsOnUnblock] */
  answer(session: Session, reply: Reply): void {
    const { waiting } = session;
    if (waiting === null) return;
    const { commandStats } = this.#shard;
    commandStats.answered(commandStats.of(waiting.command), reply);
    this.release(session, reply);
  }

  /** Ends a wait with an error that the command itself did not make. */
  fail(session: Session, text: string): void {
    const { waiting } = session;
    if (waiting === null) return;
    const { commandStats } = this.#shard;
    const stat = commandStats.of(waiting.command);
    stat.calls++;
    stat.failed++;
    commandStats.error(text);
    this.release(session, new Failure(text));
  }

  /** Ends a wait without a reply: the session is gone. */
  forget(session: Session): void {
    const waiting = session.waiting;
    if (waiting === null) return;
    waiting.timer?.cancel();
    for (const key of waiting.request.keys) {
      const at = place(waiting.database, key);
      const waiters = this.#waiters.get(at);
      waiters?.delete(session);
      if (waiters?.size === 0) this.#waiters.delete(at);
    }
    session.waiting = null;
    this.count--;
    waiting.request.ended?.();
  }
}
