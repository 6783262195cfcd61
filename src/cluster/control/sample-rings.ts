/**
 * Samples of some numbers over time, in the resolutions that the API knows, each kept for as long as it says. Pure.
 *
 * Samples of about a second come in; coarser ones are their averages, cut at whole multiples of their length. Limits: `INTERVALS`.
 * [RS objects/statistics]
 */

import type { Milliseconds } from '../../world/world.ts';

/** Length of a sample and how many are kept. */
export const INTERVALS = {
  '1sec': { ms: 1_000, kept: 10 },
  '10sec': { ms: 10_000, kept: 30 },
  '5min': { ms: 300_000, kept: 12 },
  '15min': { ms: 900_000, kept: 96 },
  '1hour': { ms: 3_600_000, kept: 168 },
  '12hour': { ms: 43_200_000, kept: 62 },
  '1week': { ms: 604_800_000, kept: 53 },
} as const;

export type IntervalName = keyof typeof INTERVALS;

export const INTERVAL_NAMES = Object.keys(INTERVALS) as [IntervalName, ...IntervalName[]];

export interface Sample {
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
  /** In the order that whoever adds them gives. */
  readonly values: readonly number[];
}

interface Sum {
  startMs: Milliseconds;
  endMs: Milliseconds;
  count: number;
  values: number[];
}

export class SampleRings {
  readonly #kept = new Map<IntervalName, Sample[]>(INTERVAL_NAMES.map((name) => [name, []]));
  readonly #sums = new Map<IntervalName, Sum>();

  add(sample: Sample): void {
    for (const name of INTERVAL_NAMES) {
      if (name === '1sec') this.#keep(name, sample);
      else this.#sum(name, sample);
    }
  }

  /** The oldest first. */
  samples(interval: IntervalName): readonly Sample[] {
    return this.#kept.get(interval)!;
  }

  get latest(): Sample | undefined {
    return this.#kept.get('1sec')!.at(-1);
  }

  #sum(name: IntervalName, sample: Sample): void {
    const { ms } = INTERVALS[name];
    let sum = this.#sums.get(name);
    if (sum === undefined) {
      sum = { startMs: sample.startMs, endMs: sample.endMs, count: 0, values: sample.values.map(() => 0) };
      this.#sums.set(name, sum);
    }
    sum.endMs = sample.endMs;
    sum.count++;
    for (const [index, value] of sample.values.entries()) sum.values[index]! += value;
    if (Math.floor(sum.startMs / ms) === Math.floor(sample.endMs / ms)) return;
    const { startMs, endMs, count, values } = sum;
    this.#keep(name, { startMs, endMs, values: values.map((value) => value / count) });
    this.#sums.delete(name);
  }

  #keep(name: IntervalName, sample: Sample): void {
    const kept = this.#kept.get(name)!;
    kept.push(sample);
    if (kept.length > INTERVALS[name].kept) kept.shift();
  }
}
