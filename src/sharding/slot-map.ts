/**
 * Which shard owns which slot: every slot has exactly one owner, every shard one contiguous range.
 *
 * Shards are named by their position in the database, 0 up. Pure; the request path asks `shardOf` once per key.
 */

import assert from 'node:assert';
import { SLOTS_16K, type SlotSpace } from './slot.ts';

/** Shards of one database [RS limits]. */
export const SHARDS_MAX = 512;

/** Both ends included. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

export const slotRangeText = (range: SlotRange): string => `${range.first}-${range.last}`;

export class SlotMap {
  readonly #owners: Uint16Array;
  readonly #ranges: readonly SlotRange[];

  /** Ranges in the order of the shards; together they must cover every slot once. */
  constructor(ranges: readonly SlotRange[], slots: SlotSpace = SLOTS_16K) {
    const end = slots.first + slots.count;
    this.#owners = new Uint16Array(end);
    assert(ranges.length >= 1 && ranges.length <= SHARDS_MAX, `a database has 1 to ${SHARDS_MAX} shards`);
    const owned = new Uint8Array(end);
    let total = 0;
    for (const [shard, { first, last }] of ranges.entries()) {
      assert(
        Number.isInteger(first) && Number.isInteger(last) && first >= slots.first && first <= last && last < end,
        `slots ${first}-${last} are not a range`,
      );
      for (let slot = first; slot <= last; slot++) {
        assert(owned[slot] === 0, `slot ${slot} has two owners`);
        owned[slot] = 1;
        this.#owners[slot] = shard;
      }
      total += last - first + 1;
    }
    assert(total === slots.count, `${slots.count - total} slots have no owner`);
    this.#ranges = ranges.map(({ first, last }) => ({ first, last }));
  }

  get shardCount(): number {
    return this.#ranges.length;
  }

  /** Position of the shard that owns the slot. */
  shardOf(slot: number): number {
    const shard = this.#owners[slot];
    assert(shard !== undefined, `slot ${slot} does not exist`);
    return shard;
  }

  ranges(): readonly SlotRange[] {
    return this.#ranges;
  }
}

/**
 * Ranges as even as they can be: `0-4095`, `4096-8191`, … for four shards. Where 16384 does not divide, each border is
 * rounded to the nearest slot: `0-5460`, `5461-10922`, `10923-16383` for three.
 */
export const evenSlotMap = (shardCount: number, slots: SlotSpace = SLOTS_16K): SlotMap => {
  const border = (shard: number): number => slots.first + Math.round((shard * slots.count) / shardCount);
  return new SlotMap(
    Array.from({ length: shardCount }, (_, shard) => ({ first: border(shard), last: border(shard + 1) - 1 })),
    slots,
  );
};
