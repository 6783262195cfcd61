import { describe, expect, it } from 'vitest';
import { INTERVAL_NAMES, INTERVALS, SampleRings } from '../../../src/cluster/control/sample-rings.ts';

const WEEK_S = 604_800;

/** So many seconds, in each of which the value is its number. */
const filled = (seconds: number): SampleRings => {
  const rings = new SampleRings();
  for (let second = 0; second < seconds; second++) {
    rings.add({ startMs: second * 1_000, endMs: (second + 1) * 1_000, values: [second] });
  }
  return rings;
};

describe('samples', () => {
  it('are averaged over whole multiples of their length', () => {
    const rings = filled(25);
    expect(rings.samples('10sec')).toEqual([
      { startMs: 0, endMs: 10_000, values: [4.5] },
      { startMs: 10_000, endMs: 20_000, values: [14.5] },
    ]);
    expect(rings.samples('5min')).toEqual([]);
    expect(rings.latest).toEqual({ startMs: 24_000, endMs: 25_000, values: [24] });
  });

  it('are kept in each resolution for as long as the API says', () => {
    const rings = filled(WEEK_S);
    const kept = Object.fromEntries(INTERVAL_NAMES.map((name) => [name, rings.samples(name).length]));
    expect(kept).toEqual({ '1sec': 10, '10sec': 30, '5min': 12, '15min': 96, '1hour': 168, '12hour': 14, '1week': 1 });
    expect(INTERVALS['1week'].kept).toBe(53);
  });

  it('that begin between two multiples make a shorter first one', () => {
    const rings = new SampleRings();
    for (const second of [7, 8, 9, 10]) {
      rings.add({ startMs: second * 1_000, endMs: (second + 1) * 1_000, values: [second] });
    }
    expect(rings.samples('10sec')).toEqual([{ startMs: 7_000, endMs: 10_000, values: [8] }]);
  });
});
