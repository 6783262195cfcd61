/**
 * Several contestants against one reference, in turn and several times. One that fails is left out from then on and its rows say why;
 * the others go on.
 */

import { rowOf } from './rounds.ts';
import type { Naming } from './rounds.ts';
import { failedRow } from './table.ts';
import type { Row } from './table.ts';

export interface Contestant<T> {
  readonly name: string;
  readonly run: () => Promise<T>;
}

type Result<T> = { readonly results: T[]; failure: unknown };

export class Contest<T> {
  readonly #reference: Contestant<T>;
  readonly #contestants: readonly Contestant<T>[];
  readonly #results = new Map<string, Result<T>>();

  constructor(reference: Contestant<T>, contestants: readonly Contestant<T>[]) {
    this.#reference = reference;
    this.#contestants = contestants;
  }

  /** The first one of each round changes. A failure of the reference ends everything. */
  async run(rounds: number): Promise<void> {
    const all = [this.#reference, ...this.#contestants];
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < all.length; turn += 1) {
        const each = all[(round + turn) % all.length]!;
        const result = this.#resultOf(each);
        if (result.failure !== null) continue;
        try {
          result.results.push(await each.run());
        } catch (error) {
          if (each === this.#reference) throw error;
          result.failure = error;
        }
      }
    }
  }

  /** One row for each contestant beside the reference. */
  rows(naming: Naming, value: (result: T) => number): readonly Row[] {
    const reference = this.#resultOf(this.#reference).results;
    return this.#contestants.map((each) => {
      const { results, failure } = this.#resultOf(each);
      const what = `${each.name}: ${naming.what}`;
      if (failure !== null) return failedRow(what, failure);
      const pairs = results.map((ours, round) => ({ reference: reference[round]!, ours }));
      return rowOf({ ...naming, what }, pairs, value);
    });
  }

  #resultOf(each: Contestant<T>): Result<T> {
    let result = this.#results.get(each.name);
    if (result === undefined) {
      result = { results: [], failure: null };
      this.#results.set(each.name, result);
    }
    return result;
  }
}
