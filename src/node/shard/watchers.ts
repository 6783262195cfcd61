/** Which sessions watch which keys, and are to be told that EXEC must fail. [redis multi.c] */

import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Session } from './session.ts';

const watchedPlace = (database: number, key: string): string => `${database}:${key}`;

export class Watchers {
  readonly #sessions = new Map<string, Set<Session>>();

  /** Keys watched by anybody. */
  get count(): number {
    return this.#sessions.size;
  }

  /** `gone`: the key had already expired when it was watched, so its later deletion is no change. */
  watch(session: Session, database: number, key: string, gone: boolean): void {
    const at = watchedPlace(database, key);
    if (session.transaction.watched.has(at)) return;
    session.transaction.watched.set(at, gone);
    const sessions = this.#sessions.get(at);
    if (sessions === undefined) this.#sessions.set(at, new Set([session]));
    else sessions.add(session);
  }

  unwatch(session: Session): void {
    for (const at of session.transaction.watched.keys()) {
      const sessions = this.#sessions.get(at);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#sessions.delete(at);
    }
    session.transaction.watched.clear();
    session.transaction.dirty = false;
  }

  /** Sessions that watch something. */
  get sessions(): number {
    const all = new Set<Session>();
    for (const sessions of this.#sessions.values()) for (const session of sessions) all.add(session);
    return all.size;
  }

  changed(database: number, key: string, exists: boolean): void {
    const at = watchedPlace(database, key);
    for (const session of this.#sessions.get(at) ?? []) {
      const { watched } = session.transaction;
      // It had expired already: that it is deleted at last is no change, what happens to it from now on is.
      if (!exists && watched.get(at) === true) watched.set(at, false);
      else session.transaction.dirty = true;
    }
  }

  /**
   * The keys of a database go (`after` is null) or become others'. A key whose time had come when it was watched may go, one whose time
   * has come may take the place of none: that is no change. [redis multi.c touchAllWatchedKeysInDb]
   */
  changedAll(database: number, before: Keyspace, after: Keyspace | null, now: number): void {
    const prefix = `${database}:`;
    for (const [at, sessions] of this.#sessions) {
      if (!at.startsWith(prefix)) continue;
      const key = at.slice(prefix.length);
      const was = before.values.has(key);
      const is = after?.values.has(key) === true;
      if (!was && !is) continue;
      const isExpired = is && (after.expireAt(key) ?? Infinity) < now;
      for (const { transaction } of sessions) {
        const gone = transaction.watched.get(at) === true;
        if (gone ? is && isExpired : !was && isExpired) transaction.watched.set(at, true);
        else if (gone && !is) transaction.watched.set(at, false);
        else transaction.dirty = true;
      }
    }
  }
}
