/** Which sessions watch which keys, and are to be told that EXEC must fail. [redis multi.c] */

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

  /** FLUSHDB, SWAPDB: every watched key that is (or was) there changed. */
  changedAll(database: number, existed: (key: string) => boolean): void {
    const prefix = `${database}:`;
    for (const [at, sessions] of this.#sessions) {
      if (!at.startsWith(prefix) || !existed(at.slice(prefix.length))) continue;
      for (const session of sessions) session.transaction.dirty = true;
    }
  }
}
