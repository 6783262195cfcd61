/**
 * The keys of a request with what the command does to each, from its declaration: for COMMAND GETKEYSANDFLAGS, ACL rules and whoever
 * looks for the keys of a request that may be wrong. Pure.
 */

import { Refusal } from '../../resp/refusals.ts';
import type { KeyFlag } from './arguments.ts';
import { positionsOf, type Command, type KeySpec } from './command.ts';
import { isCanonicalInteger } from './numbers.ts';

export interface KeyUse {
  /** Position among the words. */
  readonly at: number;
  readonly flags: readonly KeyFlag[];
}

/** Where the keys of a request are among its words, or why they cannot be found. */
export function keyPositionsOf(command: Command, words: readonly string[]): readonly number[] | Refusal {
  try {
    return command.keyPositions(words);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** A number of keys in another form (`+1`) is read, but nothing is told of those keys. [redis db.c getKeysUsingKeySpecs, genericGetKeys] */
const hasPlainCounts = (specs: readonly KeySpec[], words: readonly string[]): boolean =>
  specs.every(
    ({ begin, find }) =>
      find.kind !== 'keynum' || !('index' in begin) || isCanonicalInteger(words[begin.index + find.keynum] ?? ''),
  );

/** Throws a refusal when the keys cannot be found. */
export function keyUsesOf(command: Command, words: readonly string[]): KeyUse[] {
  const specs = command.keySpecs.filter((spec) => !spec.flags.includes('not_key'));
  if (specs.length === 0) return [];
  const flagsAt = new Map<number, readonly KeyFlag[]>();
  for (const spec of specs) {
    for (const at of positionsOf([spec], words)) if (!flagsAt.has(at)) flagsAt.set(at, spec.flags);
  }
  const byHand = specs.findLast((spec) => spec.find.kind === 'unknown')?.flags ?? [];
  const actual = hasPlainCounts(specs, words) ? command.keyFlags?.(words) : [];
  return command.keyPositions(words).map((at) => ({ at, flags: actual ?? flagsAt.get(at) ?? byHand }));
}
