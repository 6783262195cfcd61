/**
 * What took long, by kind of event, while `latency-monitor-threshold` is above 0: the latest samples, one a second, and the
 * longest ever. [redis latency.c]
 *
 * Border: who does something says how long it took; `commands/latency.ts` shows it. Limit: SAMPLES_MAX of each kind.
 */

export type LatencyEvent = 'command' | 'fast-command' | 'expire-cycle' | 'eviction-cycle';

export interface LatencySample {
  /** Unix time. */
  readonly atSeconds: number;
  /** The longest of that second. */
  readonly milliseconds: number;
}

export interface LatencySeries {
  /** Oldest first. */
  readonly samples: readonly LatencySample[];
  readonly longestMs: number;
}

const SAMPLES_MAX = 160;

export class LatencyMonitor {
  /** Milliseconds from which on an event is kept; 0: none is. */
  thresholdMs = 0;
  readonly #series = new Map<string, { samples: LatencySample[]; longestMs: number }>();

  get isOn(): boolean {
    return this.thresholdMs > 0;
  }

  get series(): ReadonlyMap<string, LatencySeries> {
    return this.#series;
  }

  ended(event: LatencyEvent, duration: number, nowMs: number): void {
    const milliseconds = Math.floor(duration);
    if (!this.isOn || milliseconds < this.thresholdMs) return;
    let series = this.#series.get(event);
    if (series === undefined) this.#series.set(event, (series = { samples: [], longestMs: 0 }));
    const { samples } = series;
    series.longestMs = Math.max(series.longestMs, milliseconds);
    const atSeconds = Math.floor(nowMs / 1000);
    const last = samples.at(-1);
    if (last?.atSeconds === atSeconds) {
      if (milliseconds > last.milliseconds) samples[samples.length - 1] = { atSeconds, milliseconds };
      return;
    }
    samples.push({ atSeconds, milliseconds });
    if (samples.length > SAMPLES_MAX) samples.shift();
  }

  /** True when there was something to forget. */
  reset(event: string): boolean {
    return this.#series.delete(event);
  }
}
