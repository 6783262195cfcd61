/**
 * The effects of commands, in order, as those who copy them need them: one unit is one command or one transaction. A unit of
 * several writes is wrapped in MULTI and EXEC so that it stays atomic at every replica [redis server.c propagatePendingCommands].
 *
 * A note is what belongs to this server alone and must be kept together with the writes of its unit (marks of a Replica Of): only
 * listeners that keep this server's own state are told.
 *
 * Border: knows no bytes and no offsets; `replication/feed.ts` and `persistence/append-log.ts` subscribe and encode.
 */

export interface WriteListener {
  /** One write; `database` is where it ran. MULTI and EXEC arrive as writes of their own. */
  write(database: number, words: readonly string[]): void;
  /** Hears notes too, as writes in their place. */
  readonly hearsNotes?: boolean;
}

const MULTI: readonly string[] = ['MULTI'];
const EXEC: readonly string[] = ['EXEC'];

/** Begins a unit, and belongs to no database. */
export const isMulti = (words: readonly string[]): boolean => words === MULTI;

/** Whom a write is told: `own` is this server's own state alone, `others` are those who follow it. */
export type Reach = 'all' | 'own' | 'others' | 'none';

interface Entry {
  readonly database: number;
  readonly words: readonly string[];
  readonly reach: Reach;
}

export class WriteLog {
  readonly #listeners = new Set<WriteListener>();
  #unit: Entry[] = [];
  /** Entries that not everybody hears. */
  #partial = 0;
  /** Of the writes that come now: a script may keep its own from others. */
  reach: Reach = 'all';
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

  append(database: number, words: readonly string[], reach: Reach = this.reach): void {
    if (!this.active || reach === 'none') return;
    this.#unit.push({ database, words, reach });
    if (reach !== 'all') this.#partial++;
  }

  note(database: number, words: readonly string[]): void {
    if (!this.active) return;
    this.#unit.push({ database, words, reach: 'own' });
    this.#partial++;
  }

  /** Ends the unit and hands it out. */
  commit(): void {
    if (this.#unit.length === 0) return;
    const unit = this.#unit;
    const isPartial = this.#partial > 0;
    const own = isPartial ? unit.filter(({ reach }) => reach !== 'others') : unit;
    const others = isPartial ? unit.filter(({ reach }) => reach !== 'own') : unit;
    this.#unit = [];
    this.#partial = 0;
    for (const listener of this.#listeners) tell(listener, listener.hearsNotes === true ? own : others);
  }

  /** Hands out each write as a unit of its own: what belongs to nothing but chance is not held together. */
  commitEach(): void {
    const unit = this.#unit;
    for (const entry of unit) {
      this.#unit = [entry];
      this.#partial = entry.reach === 'all' ? 0 : 1;
      this.commit();
    }
  }
}

function tell(listener: WriteListener, unit: readonly Entry[]): void {
  const count = unit.length;
  if (count > 1) listener.write(unit[0]!.database, MULTI);
  for (const { database, words } of unit) listener.write(database, words);
  if (count > 1) listener.write(unit[count - 1]!.database, EXEC);
}
