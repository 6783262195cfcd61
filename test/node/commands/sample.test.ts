import { describe, expect, it } from 'vitest';
import { samplePlaces } from '../../../src/node/commands/sample.ts';
import { SeededRandom } from '../../../src/world/random.ts';

describe('samplePlaces', () => {
  const random = new SeededRandom(3);

  it('gives different places for a count from 0 up, all in order when there are no more', () => {
    expect(samplePlaces(4, 4, random)).toEqual([0, 1, 2, 3]);
    expect(samplePlaces(4, 2 ** 60, random)).toEqual([0, 1, 2, 3]);
    expect(samplePlaces(4, 0, random)).toEqual([]);
    for (let round = 0; round < 100; round++) {
      const places = samplePlaces(10, 7, random);
      expect(new Set(places).size).toBe(7);
      expect(places.every((place) => place >= 0 && place < 10)).toBe(true);
    }
  });

  it('repeats places for a negative count, and refuses more than memory holds', () => {
    const places = samplePlaces(2, -50, random);
    expect(places).toHaveLength(50);
    expect(new Set(places)).toEqual(new Set([0, 1]));
    expect(() => samplePlaces(2, -(2 ** 40), random)).toThrow('out of range');
  });

  it('prefers no place', () => {
    const seen = Array<number>(5).fill(0);
    for (let round = 0; round < 5000; round++) for (const place of samplePlaces(5, 2, random)) seen[place]!++;
    for (const times of seen) expect(Math.abs(times - 2000)).toBeLessThan(200);
  });
});
