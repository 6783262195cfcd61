import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLOT_COUNT } from '../../src/sharding/slot.ts';
import { evenSlotMap, SHARDS_MAX, SlotMap, slotRangeText } from '../../src/sharding/slot-map.ts';

const texts = (map: SlotMap): string[] => map.ranges().map(slotRangeText);

describe('slot map', () => {
  it('divides the slots as a cluster shows them', () => {
    expect(texts(evenSlotMap(1))).toEqual(['0-16383']);
    expect(texts(evenSlotMap(2))).toEqual(['0-8191', '8192-16383']);
    expect(texts(evenSlotMap(3))).toEqual(['0-5460', '5461-10922', '10923-16383']);
    expect(texts(evenSlotMap(4))).toEqual(['0-4095', '4096-8191', '8192-12287', '12288-16383']);
  });

  it('gives every slot one owner, in order and evenly, for any number of shards', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SHARDS_MAX }), (shardCount) => {
        const map = evenSlotMap(shardCount);
        const counts = Array.from({ length: shardCount }, () => 0);
        let previous = 0;
        for (let slot = 0; slot < SLOT_COUNT; slot++) {
          const shard = map.shardOf(slot);
          if (shard !== previous && shard !== previous + 1) throw new Error(`slot ${slot} breaks the order`);
          counts[shard] = (counts[shard] ?? 0) + 1;
          previous = shard;
        }
        expect(map.shardCount).toBe(shardCount);
        expect(map.ranges().map(({ first, last }) => last - first + 1)).toEqual(counts);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  it('accepts uneven ranges in any order of shards', () => {
    const map = new SlotMap([
      { first: 100, last: 16383 },
      { first: 0, last: 99 },
    ]);
    expect([map.shardOf(99), map.shardOf(100)]).toEqual([1, 0]);
  });

  it('is a defect with two owners, no owner, no shards or a slot that does not exist', () => {
    expect(() => new SlotMap([])).toThrow(/1 to 512 shards/);
    expect(() => evenSlotMap(SHARDS_MAX + 1)).toThrow(/1 to 512 shards/);
    expect(() => new SlotMap([{ first: 0, last: 16382 }])).toThrow(/1 slots have no owner/);
    const overlapping = [
      { first: 0, last: 8192 },
      { first: 8192, last: 16383 },
    ];
    expect(() => new SlotMap(overlapping)).toThrow(/slot 8192 has two owners/);
    expect(() => new SlotMap([{ first: 0, last: 16384 }])).toThrow(/not a range/);
    expect(() => evenSlotMap(2).shardOf(SLOT_COUNT)).toThrow(/does not exist/);
  });
});
