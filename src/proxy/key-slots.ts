/**
 * The slot that all keys of a request share, under Redis Enterprise's rule that they must. Pure.
 */

import type { Command } from '../node/commands/command.ts';
import { keyPositionsOf } from '../node/commands/key-uses.ts';
import { Refusal, refuse } from '../resp/refusals.ts';
import type { HashingPolicy } from '../sharding/hashing-policy.ts';

/** A slot and the key that chose it. */
export interface Anchor {
  readonly slot: number;
  readonly key: string;
}

export function placeDeclared(
  command: Command,
  words: readonly string[],
  hashing: HashingPolicy,
  anchor: Anchor | null,
  where: string,
): Anchor | null | Refusal {
  const positions = keyPositionsOf(command, words);
  return positions instanceof Refusal ? positions : placeKeys(command.name, words, positions, hashing, anchor, where);
}

/** The slot that all keys share, with the anchor if there is one; a refusal when they do not. */
export function placeKeys(
  command: string,
  words: readonly string[],
  positions: readonly number[],
  hashing: HashingPolicy,
  anchor: Anchor | null,
  context: string,
): Anchor | null | Refusal {
  let found = anchor;
  for (const at of positions) {
    const key = words[at]!;
    const slot = hashing.slotOf(key);
    if (slot === null) return noSlot(key);
    if (found === null) found = { slot, key };
    else if (slot !== found.slot) {
      return refuse('CROSSSLOT', {
        context,
        command,
        slot: found.slot,
        wrongSlot: slot,
        firstKey: found.key,
        wrongKey: key,
      });
    }
  }
  return found;
}

export const noSlot = (key: string): Refusal =>
  refuse('ERR', `key '${key.slice(0, 128)}' does not match any hashing rule of this database`);
