/**
 * A source's stream as units: one write, or everything between MULTI and EXEC, with the offset at which it ends. A checkpoint may
 * only stand between units. Pure: no network. PING and REPLCONF carry nothing; SELECT is remembered.
 */

export interface UnitWrite {
  readonly database: number;
  readonly words: readonly string[];
}

export interface Unit {
  readonly writes: readonly UnitWrite[];
  readonly transaction: boolean;
  /** Offset of the stream after the unit. */
  readonly endOffset: number;
  /** Database selected after it. */
  readonly database: number;
}

/** Writes in one transaction: a source's own limit is its memory; ours is a number. */
export const TRANSACTION_WRITES_MAX = 1_000_000;

/** What no stream of a correct server holds; nothing of it may be guessed, since a guess may lose writes. */
export class StreamTrouble extends Error {
  readonly why: 'too-large' | 'protocol';

  constructor(why: StreamTrouble['why'], message: string) {
    super(message);
    this.why = why;
  }
}

export class UnitReader {
  database: number;
  #transaction: UnitWrite[] | null = null;

  constructor(database: number) {
    this.database = database;
  }

  /** Takes one request of the stream; returns a unit when one is complete. An empty unit only moves the offset. Throws StreamTrouble. */
  push(words: readonly string[], endOffset: number): Unit | null {
    switch (words[0]!.toUpperCase()) {
      case 'SELECT':
        if (!/^-?\d+$/.test(words[1] ?? ''))
          throw new StreamTrouble('protocol', 'SELECT without a number in the stream');
        this.database = Number(words[1]);
        return this.#transaction === null ? this.#unit([], false, endOffset) : null;
      case 'PING':
      case 'REPLCONF':
        return this.#transaction === null ? this.#unit([], false, endOffset) : null;
      case 'MULTI':
        if (this.#transaction !== null) throw new StreamTrouble('protocol', 'MULTI inside a transaction of the stream');
        this.#transaction = [];
        return null;
      case 'DISCARD':
        throw new StreamTrouble(
          'protocol',
          'DISCARD in the stream: a primary sends what it has carried out, nothing else',
        );
      case 'EXEC': {
        const writes = this.#transaction ?? [];
        this.#transaction = null;
        return this.#unit(writes, true, endOffset);
      }
      default: {
        const write: UnitWrite = { database: this.database, words };
        if (this.#transaction === null) return this.#unit([write], false, endOffset);
        if (this.#transaction.length >= TRANSACTION_WRITES_MAX) {
          throw new StreamTrouble(
            'too-large',
            `a transaction of more than ${TRANSACTION_WRITES_MAX} writes in the stream`,
          );
        }
        this.#transaction.push(write);
        return null;
      }
    }
  }

  #unit(writes: readonly UnitWrite[], transaction: boolean, endOffset: number): Unit {
    return { writes, transaction, endOffset, database: this.database };
  }
}
