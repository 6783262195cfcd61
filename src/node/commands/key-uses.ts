/**
 * The keys of a request with what the command does to each, from its declaration: for COMMAND GETKEYSANDFLAGS and ACL rules. Pure.
 */

import type { KeyFlag } from './arguments.ts';
import { positionsOf, type Command } from './command.ts';

export interface KeyUse {
  /** Position among the words. */
  readonly at: number;
  readonly flags: readonly KeyFlag[];
}

/** Throws a refusal when the keys cannot be found. */
export function keyUsesOf(command: Command, words: readonly string[]): KeyUse[] {
  const specs = command.keySpecs.filter((spec) => !spec.flags.includes('not_key'));
  if (specs.length === 0) return [];
  const flagsAt = new Map<number, readonly KeyFlag[]>();
  for (const spec of specs) {
    for (const at of positionsOf([spec], words)) if (!flagsAt.has(at)) flagsAt.set(at, spec.flags);
  }
  const byHand = specs.findLast((spec) => spec.find.kind === 'unknown')?.flags ?? [];
  const actual = command.keyFlags?.(words);
  return command.keyPositions(words).map((at) => ({ at, flags: actual ?? flagsAt.get(at) ?? byHand }));
}
