/**
 * Which entries a command with a random count returns: HRANDFIELD, SRANDMEMBER, ZRANDMEMBER. Places are numbered from 0; what
 * stands there is the caller's. Limit: SAMPLES_MAX, since a negative count may ask for more than there is memory.
 */

import { refuse } from '../../resp/refusals.ts';
import type { Random } from '../../world/world.ts';
import type { CommandContext } from '../shard/context.ts';

const SAMPLES_MAX = 10_000_000;
/** An empty word, as the wire has it. */
const ENTRY_BYTES_MIN = '$0\r\n\r\n'.length;

/**
 * Places for a client's reply. One that may not have so long a reply is cut off, and for it there are none.
 * [redis t_hash.c hrandfieldWithCountCommand]
 */
export function placesFor({ session, shard, mayBlock }: CommandContext, size: number, count: number): number[] {
  if (count < 0 && mayBlock && session.isCutOffBy(-count * ENTRY_BYTES_MIN)) return [];
  return samplePlaces(size, count, shard.random);
}

/** A count from 0 up asks for different places, all of them in order when it reaches `size`; below 0 places may come again. */
export function samplePlaces(size: number, count: number, random: Random): number[] {
  if (count < -SAMPLES_MAX) throw refuse('OUT_OF_RANGE');
  if (count < 0) return Array.from({ length: -count }, () => random.integer(0, size - 1));
  if (count >= size) return Array.from({ length: size }, (_, place) => place);
  // The beginning of a shuffle of all places, of which only those that moved are written down.
  const moved = new Map<number, number>();
  const places: number[] = [];
  for (let i = 0; i < count; i++) {
    const chosen = random.integer(i, size - 1);
    places.push(moved.get(chosen) ?? chosen);
    moved.set(chosen, moved.get(i) ?? i);
  }
  return places;
}
