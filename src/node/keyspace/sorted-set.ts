/**
 * A sorted set: members with scores, in order. Small ones (`listpack`) are one run that is searched for a member from the
 * start, larger ones (`skiplist`, by Redis's name) a dictionary from member to score beside a chunked order. [redis t_zset.c]
 *
 * Every range, by rank, score or member, is an interval of ranks: `countWhile` turns bounds into ranks in O(log n), `walk` visits.
 * Border: knows no keys and no commands; an empty one is legal here. Scores are never NaN. Minus zero is kept where Redis
 * keeps it: a listpack writes it as the integer 0.
 */

import { Dict } from './dict.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import {
  arrayBytes,
  DICT_BYTES,
  DICT_ENTRY_BYTES,
  Measured,
  NUMBER_BYTES,
  stringBytes,
  VALUE_BYTES,
} from './memory.ts';
import { ChunkedOrder, Run, type IsBefore, type ScoreOrder, type VisitEntry } from './score-order.ts';

export type SortedSetEncoding = 'listpack' | 'skiplist';

export class SortedSetValue extends Measured {
  readonly kind = 'zset';
  #order: ScoreOrder = new Run();
  /** Null while small. */
  #scores: Dict<number> | null = null;
  /** Memory of the members' texts. */
  #textBytes = 0;

  /** A sorted set from a snapshot or a computed result, in any order; of the same member twice the last counts. */
  static from(members: readonly string[], scores: readonly number[], limits: EncodingLimits): SortedSetValue {
    const value = new SortedSetValue();
    const ordered = isOrdered(members, scores);
    if (
      members.length <= limits.sortedSetEntries &&
      members.every((each) => each.length <= limits.sortedSetValueBytes)
    ) {
      if (ordered && new Set(members).size === members.length) {
        value.#order = new Run(members.slice(), scores.map(asPacked));
        for (const member of members) value.#textBytes += stringBytes(member.length);
      } else members.forEach((member, i) => value.set(member, scores[i]!, limits));
      return value;
    }
    const dict = new Dict<number>();
    for (let i = 0; i < members.length; i++) {
      if (dict.set(members[i]!, scores[i]!)) value.#textBytes += stringBytes(members[i]!.length);
    }
    value.#scores = dict;
    value.#order =
      ordered && dict.size === members.length ? new ChunkedOrder(members, scores) : new ChunkedOrder(...inOrder(dict));
    return value;
  }

  /** An empty one in the encoding that fits what a request is about to add. [redis t_zset.c zsetTypeCreate] */
  static sized(first: string, count: number, limits: EncodingLimits): SortedSetValue {
    const value = new SortedSetValue();
    if (count > limits.sortedSetEntries || first.length > limits.sortedSetValueBytes) value.#toLarge();
    return value;
  }

  get size(): number {
    return this.#order.size;
  }

  override get memoryBytes(): number {
    // Members and scores lie in two arrays; a large one has a dictionary from one to the other beside them
    const order = 2 * arrayBytes(this.#order.size);
    const table = this.#scores === null ? 0 : DICT_BYTES + this.#scores.size * (DICT_ENTRY_BYTES + NUMBER_BYTES);
    return 2 * VALUE_BYTES + order + table + this.#textBytes;
  }

  /** Null while members and scores are a plain list. */
  get table(): Dict<number> | null {
    return this.#scores;
  }

  get encoding(): SortedSetEncoding {
    return this.#scores === null ? 'listpack' : 'skiplist';
  }

  /** A request is about to add this many members: more than a small one may hold makes it large first. */
  prepare(count: number, limits: EncodingLimits): void {
    if (count > limits.sortedSetEntries) this.#toLarge();
  }

  score(member: string): number | undefined {
    if (this.#scores !== null) return this.#scores.get(member);
    const { members, scores } = this.#order as Run;
    const index = members.indexOf(member);
    return index < 0 ? undefined : scores[index];
  }

  has(member: string): boolean {
    return this.score(member) !== undefined;
  }

  /** Adds a member or moves it; returns the score it had, undefined when it is new. An equal score changes nothing, not even the sign of zero. */
  set(member: string, score: number, limits: EncodingLimits): number | undefined {
    const before = this.score(member);
    if (before !== undefined) {
      if (before === score) return before;
      this.#order.remove(before, member);
    } else if (
      this.#scores === null &&
      (this.#order.size >= limits.sortedSetEntries || member.length > limits.sortedSetValueBytes)
    ) {
      this.#toLarge();
    }
    if (before === undefined) this.#textBytes += stringBytes(member.length);
    const kept = this.#scores === null ? asPacked(score) : score;
    this.#scores?.set(member, kept);
    this.#order.insert(kept, member);
    return before;
  }

  /** True when the member was there. */
  delete(member: string): boolean {
    const score = this.score(member);
    if (score === undefined) return false;
    this.#scores?.take(member);
    this.#order.remove(score, member);
    this.#textBytes -= stringBytes(member.length);
    return true;
  }

  /** Removes the ranks `from` up to, not including, `to`, both within 0 and `size`; returns how many those were. */
  deleteRange(from: number, to: number): number {
    const removed = this.#order.removeRange(from, to);
    for (const member of removed) {
      this.#scores?.take(member);
      this.#textBytes -= stringBytes(member.length);
    }
    return removed.length;
  }

  /** How many entries come before the member; undefined when it is not there. */
  rank(member: string): number | undefined {
    const score = this.score(member);
    return score === undefined ? undefined : this.#order.rankOf(score, member);
  }

  /** The entry at a rank below `size`. */
  at(rank: number): [member: string, score: number] {
    let found!: [string, number];
    this.#order.walk(rank, 1, false, (member, score) => (found = [member, score]));
    return found;
  }

  /** How many entries a predicate holds for that holds for a first part of the order: the rank where a range begins or ends. */
  countWhile(isBefore: IsBefore): number {
    return this.#order.countWhile(isBefore);
  }

  /** Visits `count` entries from a rank on, downwards when `reverse`; all must exist and nothing may change meanwhile. */
  walk(from: number, count: number, reverse: boolean, visit: VisitEntry): void {
    this.#order.walk(from, count, reverse, visit);
  }

  /** Visits every entry in order. */
  forEach(visit: VisitEntry): void {
    this.#order.walk(0, this.size, false, visit);
  }

  /** All entries in order, as parallel arrays of their own. */
  entries(): { members: string[]; scores: number[] } {
    const members: string[] = [];
    const scores: number[] = [];
    this.forEach((member, score) => {
      members.push(member);
      scores.push(score);
    });
    return { members, scores };
  }

  /** One step of ZSCAN: a small one is visited whole, in order. Returns the next cursor, 0 at the end. */
  scan(cursor: number, visit: VisitEntry): number {
    if (this.#scores !== null) return this.#scores.scan(cursor, visit);
    this.forEach(visit);
    return 0;
  }

  /** The entry at a place below `size`, in O(1) and no order: with a chance place, an entry by chance. */
  entryAt(index: number): [member: string, score: number] {
    return this.#scores === null ? this.at(index) : [this.#scores.keyAt(index), this.#scores.valueAt(index)];
  }

  clone(): SortedSetValue {
    const copy = new SortedSetValue();
    copy.#order = this.#order.clone();
    copy.#textBytes = this.#textBytes;
    if (this.#scores !== null) {
      const scores = new Dict<number>();
      this.#scores.forEach((member, score) => scores.set(member, score));
      copy.#scores = scores;
    }
    return copy;
  }

  #toLarge(): void {
    if (this.#scores !== null) return;
    const { members, scores } = this.#order as Run;
    this.#scores = new Dict<number>();
    for (let i = 0; i < members.length; i++) this.#scores.set(members[i]!, scores[i]!);
    this.#order = new ChunkedOrder(members, scores);
  }
}

/** A listpack holds a whole score as an integer, which has no minus zero. [redis t_zset.c zzlInsertAt] */
const asPacked = (score: number): number => (score === 0 ? 0 : score);

function isOrdered(members: readonly string[], scores: readonly number[]): boolean {
  for (let i = 1; i < members.length; i++) {
    const before = scores[i - 1]!;
    const score = scores[i]!;
    if (before > score || (before === score && members[i - 1]! >= members[i]!)) return false;
  }
  return true;
}

/** The entries of a dictionary in the order of a sorted set, as parallel arrays. */
export function inOrder(scores: Dict<number>): [members: string[], scores: number[]] {
  const entries = Array.from(scores.entries());
  entries.sort((a, b) => (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : a[0] < b[0] ? -1 : 1));
  return [entries.map(([member]) => member), entries.map(([, score]) => score)];
}
