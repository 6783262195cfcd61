/** How often durations came, by size, with sixteen steps between powers of two: a share of 6 % at most is lost. */

const STEP_BITS = 4;
const STEPS = 1 << STEP_BITS;
/** Longer durations count as this. [redis server.h LATENCY_HISTOGRAM_MAX_VALUE] */
const NANOSECONDS_MAX = 1e9;
const PLACES = 31 * STEPS;

export class Histogram {
  readonly #counts = new Float64Array(PLACES);
  count = 0;

  add(nanoseconds: number, times: number): void {
    this.#counts[placeOf(Math.min(NANOSECONDS_MAX, Math.max(1, Math.round(nanoseconds))))]! += times;
    this.count += times;
  }

  /** Nanoseconds that `percent` of the durations do not exceed; 0 when there are none. */
  percentile(percent: number): number {
    let left = Math.max(1, Math.ceil((this.count * percent) / 100));
    for (let place = 0; place < PLACES; place++) {
      left -= this.#counts[place]!;
      if (left <= 0 && this.#counts[place]! > 0) return largestOf(place);
    }
    return 0;
  }

  /** How many were so long at most. */
  upTo(nanoseconds: number): number {
    let sum = 0;
    for (let place = 0; place < PLACES && largestOf(place) <= nanoseconds; place++) sum += this.#counts[place]!;
    return sum;
  }
}

/** Numbers below STEPS have places of their own. */
function placeOf(value: number): number {
  if (value < STEPS) return value;
  const exponent = 31 - Math.clz32(value);
  return (exponent - STEP_BITS + 1) * STEPS + ((value >> (exponent - STEP_BITS)) - STEPS);
}

function largestOf(place: number): number {
  if (place < STEPS) return place;
  const shift = Math.floor(place / STEPS) - 1;
  return ((place % STEPS) + STEPS + 1) * 2 ** shift - 1;
}
