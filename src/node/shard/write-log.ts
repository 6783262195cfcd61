/**
 * The effects of commands, in order, as those who copy them need them: one unit is one command or one transaction. A unit of
 * several writes is wrapped in MULTI and EXEC so that it stays atomic at every replica [redis server.c propagatePendingCommands].
 *
 * Border: knows no bytes and no offsets; `replication/feed.ts` subscribes and encodes.
 */

export interface WriteListener {
  /** One write; `database` is where it ran. MULTI and EXEC arrive as writes of their own. */
  write(database: number, words: readonly string[]): void;
}

const MULTI: readonly string[] = ['MULTI'];
const EXEC: readonly string[] = ['EXEC'];

export class WriteLog {
  readonly #listeners = new Set<WriteListener>();
  #databases: number[] = [];
  #writes: (readonly string[])[] = [];
  /** True when somebody listens: nothing needs to be put together otherwise. */
  active = false;

  subscribe(listener: WriteListener): () => void {
    this.#listeners.add(listener);
    this.active = true;
    return () => {
      this.#listeners.delete(listener);
      this.active = this.#listeners.size > 0;
    };
  }

  append(database: number, words: readonly string[]): void {
    if (!this.active) return;
    this.#databases.push(database);
    this.#writes.push(words);
  }

  /** Ends the unit and hands it out. */
  commit(): void {
    const count = this.#writes.length;
    if (count === 0) return;
    const databases = this.#databases;
    const writes = this.#writes;
    this.#databases = [];
    this.#writes = [];
    for (const listener of this.#listeners) {
      if (count > 1) listener.write(databases[0]!, MULTI);
      for (let i = 0; i < count; i++) listener.write(databases[i]!, writes[i]!);
      if (count > 1) listener.write(databases[count - 1]!, EXEC);
    }
  }
}
