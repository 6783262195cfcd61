/**
 * A source's stream as units: one write, or everything between MULTI and EXEC, with the offset at which it ends. A checkpoint may
 * only stand between units. Pure: no network. PING and REPLCONF carry nothing; SELECT is remembered.
 */

import { refuse } from '../../resp/refusals.ts';

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

export class UnitReader {
  database: number;
  #transaction: UnitWrite[] | null = null;

  constructor(database: number) {
    this.database = database;
  }

  /** Takes one request of the stream; returns a unit when one is complete. An empty unit only moves the offset. */
  push(words: readonly string[], endOffset: number): Unit | null {
    switch (words[0]!.toUpperCase()) {
      case 'SELECT':
        this.database = Number(words[1]);
        return this.#transaction === null ? this.#unit([], false, endOffset) : null;
      case 'PING':
      case 'REPLCONF':
        return this.#transaction === null ? this.#unit([], false, endOffset) : null;
      case 'MULTI':
        this.#transaction = [];
        return null;
      case 'EXEC': {
        const writes = this.#transaction ?? [];
        this.#transaction = null;
        return this.#unit(writes, true, endOffset);
      }
      default: {
        const write: UnitWrite = { database: this.database, words };
        if (this.#transaction === null) return this.#unit([write], false, endOffset);
        if (this.#transaction.length >= TRANSACTION_WRITES_MAX) {
          throw refuse('ERR', `a transaction of more than ${TRANSACTION_WRITES_MAX} writes in the stream`);
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
