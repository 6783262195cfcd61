/**
 * A set, in the three encodings that Redis 7.2 and later show: integers in numerical order (`intset`), a few short words in
 * the order they came (`listpack`), or a dictionary (`hashtable`). An encoding only ever grows. [redis t_set.c setTypeAddAux]
 *
 * Small sets are one array; a dictionary is made when a limit is passed. Border: knows no keys and no commands; an empty set
 * is legal here, whoever owns the key removes it. Limits: whatever `EncodingLimits` says when a member is added.
 */

import type { Random } from '../../world/world.ts';
import { isInt64Text } from '../commands/numbers.ts';
import { Dict } from './dict.ts';
import type { EncodingLimits } from './encoding-limits.ts';
import { arrayBytes, DICT_BYTES, DICT_ENTRY_BYTES, Measured, stringBytes, VALUE_BYTES } from './memory.ts';

export type SetEncoding = 'intset' | 'listpack' | 'hashtable';

export class SetValue extends Measured {
  readonly kind = 'set';
  #members: string[] | Dict<true> = [];
  /** The array holds canonical 64-bit integers in numerical order. */
  #integers = true;
  /** Memory of the members' texts. */
  #textBytes = 0;

  /** A set from a snapshot. The same member twice counts once. */
  static from(members: readonly string[], limits: EncodingLimits): SetValue {
    const set = new SetValue();
    set.#integers = members.length <= limits.intsetEntries && members.every(isInt64Text);
    if (!set.#integers) {
      const small = members.length <= limits.setEntries && members.every((each) => each.length <= limits.setValueBytes);
      if (!small) set.#toDict();
    }
    for (const member of members) set.add(member, limits);
    return set;
  }

  /** An empty set in the encoding that fits `count` members like the first: how many a request names decides. [redis t_set.c setTypeCreate] */
  static sized(first: string, count: number, limits: EncodingLimits): SetValue {
    const set = new SetValue();
    set.#integers = count <= limits.intsetEntries && isInt64Text(first);
    if (!set.#integers && count > limits.setEntries) set.#toDict();
    return set;
  }

  get size(): number {
    return Array.isArray(this.#members) ? this.#members.length : this.#members.size;
  }

  override get memoryBytes(): number {
    const members = this.#members;
    const table = Array.isArray(members) ? arrayBytes(members.length) : DICT_BYTES + members.size * DICT_ENTRY_BYTES;
    return VALUE_BYTES + table + this.#textBytes;
  }

  /** Null while the members are a plain list. */
  get table(): Dict<true> | null {
    return Array.isArray(this.#members) ? null : this.#members;
  }

  get encoding(): SetEncoding {
    if (!Array.isArray(this.#members)) return 'hashtable';
    return this.#integers ? 'intset' : 'listpack';
  }

  /** A request is about to add this many members: more than a small set may hold turns it into a dictionary first. */
  prepare(count: number, limits: EncodingLimits): void {
    if (count > (this.#integers ? limits.intsetEntries : limits.setEntries)) this.#toDict();
  }

  /** True when the member is new. */
  add(member: string, limits: EncodingLimits): boolean {
    const isNew = this.#add(member, limits);
    if (isNew) this.#textBytes += stringBytes(member.length);
    return isNew;
  }

  #add(member: string, limits: EncodingLimits): boolean {
    const members = this.#members;
    if (!Array.isArray(members)) return members.set(member, true);
    if (!this.#integers) {
      if (members.includes(member)) return false;
      if (members.length < limits.setEntries && member.length <= limits.setValueBytes) members.push(member);
      else this.#toDict().set(member, true);
      return true;
    }
    if (isInt64Text(member)) {
      const at = seekInteger(members, member);
      if (members[at] === member) return false;
      if (at === members.length) members.push(member);
      else members.splice(at, 0, member);
      if (members.length > limits.intsetEntries) this.#toDict();
      return true;
    }
    const longest = Math.max(member.length, members[0]?.length ?? 0, members.at(-1)?.length ?? 0);
    if (members.length < limits.setEntries && longest <= limits.setValueBytes) {
      this.#integers = false;
      members.push(member);
    } else this.#toDict().set(member, true);
    return true;
  }

  /** True when the member was there. */
  delete(member: string): boolean {
    const members = this.#members;
    if (!Array.isArray(members)) {
      if (members.take(member) === undefined) return false;
    } else {
      const at = this.#find(members, member);
      if (at < 0) return false;
      members.splice(at, 1);
    }
    this.#textBytes -= stringBytes(member.length);
    return true;
  }

  has(member: string): boolean {
    const members = this.#members;
    return Array.isArray(members) ? this.#find(members, member) >= 0 : members.has(member);
  }

  /** The member at a place below `size`; places change with every change of the set. */
  at(index: number): string {
    return Array.isArray(this.#members) ? this.#members[index]! : this.#members.keyAt(index);
  }

  /** All members in a new array: integers by value, a listpack as they came, a dictionary in no order. */
  members(): string[] {
    return Array.isArray(this.#members) ? this.#members.slice() : Array.from(this.#members.keys());
  }

  /** One step of SSCAN: a small set is visited whole. Returns the next cursor, 0 at the end. */
  scan(cursor: number, visit: (member: string) => void): number {
    if (!Array.isArray(this.#members)) return this.#members.scan(cursor, visit);
    this.#members.forEach((member) => visit(member));
    return 0;
  }

  /** A member by chance, each as likely; the set must not be empty. */
  random(random: Random): string {
    return this.at(random.integer(0, this.size - 1));
  }

  /** Takes a member out by chance; the set must not be empty. */
  pop(random: Random): string {
    const member = this.random(random);
    this.delete(member);
    return member;
  }

  clone(): SetValue {
    const copy = new SetValue();
    copy.#integers = this.#integers;
    copy.#members = this.members();
    copy.#textBytes = this.#textBytes;
    if (!Array.isArray(this.#members)) copy.#toDict();
    return copy;
  }

  #find(members: readonly string[], member: string): number {
    if (!this.#integers) return members.indexOf(member);
    const at = seekInteger(members, member);
    return members[at] === member ? at : -1;
  }

  #toDict(): Dict<true> {
    const members = this.#members;
    this.#integers = false;
    if (!Array.isArray(members)) return members;
    const dict = new Dict<true>();
    for (const member of members) dict.set(member, true);
    this.#members = dict;
    return dict;
  }
}

/** Where an integer's text stands, or would stand, among sorted ones. What is no integer lands anywhere and equals none. */
function seekInteger(sorted: readonly string[], text: string): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compareIntegers(sorted[middle]!, text) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** By value, from the canonical texts: sign, then length, then digits. */
function compareIntegers(a: string, b: string): number {
  const negative = a.charCodeAt(0) === 45;
  if (negative !== (b.charCodeAt(0) === 45)) return negative ? -1 : 1;
  const order = a.length !== b.length ? a.length - b.length : a < b ? -1 : a > b ? 1 : 0;
  return negative ? -order : order;
}
