/**
 * The numbers of all databases and replica sources of a cluster over time: a sample every second on the world's clock, kept in rings.
 *
 * Border: what is counted is `database-counters.ts`, how long it is kept `sample-rings.ts`; who looks at each sample as it comes
 * (alerts) is told by `sampled`.
 */

import type { SourceProgress } from '../../replication/replica-of/progress.ts';
import type { Clock, Milliseconds, Timer } from '../../world/world.ts';
import { isRate, METRIC_NAMES, type Counters, type MetricName } from './database-counters.ts';
import { SampleRings, type Sample } from './sample-rings.ts';

const SAMPLE_MS = 1_000;

export interface StatisticsOptions {
  readonly clock: Clock;
  /** Databases there are, by uid. */
  readonly databases: () => readonly number[];
  readonly counters: (databaseUid: number) => Counters;
  readonly sources: (databaseUid: number) => readonly SourceProgress[];
  /** Called after each sample. */
  readonly sampled: (atMs: Milliseconds) => void;
}

/** Of a source, in the order in which samples hold them. Bytes per second, and milliseconds. */
export const SOURCE_METRIC_NAMES = ['ingress_bytes', 'ingress_bytes_decompressed', 'local_ingress_lag_time'] as const;

interface SourceBytes {
  readonly wire: number;
  readonly plain: number;
}

interface Watched {
  counters: Counters;
  lastRequestMs: Milliseconds;
  readonly rings: SampleRings;
  readonly sources: Map<string, { bytes: SourceBytes; readonly rings: SampleRings }>;
}

/** What a database's numbers are now. */
export interface Reading {
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
  readonly metrics: Counters;
}

export class Statistics {
  readonly #options: StatisticsOptions;
  readonly #watched = new Map<number, Watched>();
  #sampledMs: Milliseconds;
  #timer: Timer;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#sampledMs = options.clock.now();
    this.#timer = this.#schedule();
  }

  close(): void {
    this.#timer.cancel();
  }

  rings(databaseUid: number): SampleRings | undefined {
    return this.#watched.get(databaseUid)?.rings;
  }

  sourceRings(databaseUid: number, sourceKey: string): SampleRings | undefined {
    return this.#watched.get(databaseUid)?.sources.get(sourceKey)?.rings;
  }

  /** 0: none yet. To the second. */
  lastRequestMs(databaseUid: number): Milliseconds {
    return this.#watched.get(databaseUid)?.lastRequestMs ?? 0;
  }

  /** Numbers as of now, rates as of the latest sample. */
  reading(databaseUid: number): Reading {
    const now = this.#options.clock.now();
    const latest = this.rings(databaseUid)?.latest;
    const current = this.#options.counters(databaseUid);
    const metrics = Object.fromEntries(
      METRIC_NAMES.map((name, index) => [name, isRate(name) ? (latest?.values[index] ?? 0) : current[name]]),
    ) as Record<MetricName, number>;
    return { startMs: latest?.startMs ?? now, endMs: latest?.endMs ?? now, metrics };
  }

  #schedule(): Timer {
    return this.#options.clock.after(SAMPLE_MS, () => this.#sample());
  }

  #sample(): void {
    const { clock, databases, sampled } = this.#options;
    const now = clock.now();
    const uids = new Set(databases());
    for (const uid of this.#watched.keys()) if (!uids.has(uid)) this.#watched.delete(uid);
    // A clock that was set back gives no rates.
    const span = { startMs: this.#sampledMs, endMs: now, seconds: (now - this.#sampledMs) / 1_000 };
    this.#sampledMs = now;
    if (span.seconds > 0) for (const uid of uids) this.#sampleDatabase(uid, span);
    this.#timer = this.#schedule();
    sampled(now);
  }

  #sampleDatabase(uid: number, span: Omit<Sample, 'values'> & { readonly seconds: number }): void {
    const { startMs, endMs, seconds } = span;
    const counters = this.#options.counters(uid);
    let watched = this.#watched.get(uid);
    if (watched === undefined) {
      watched = { counters, lastRequestMs: 0, rings: new SampleRings(), sources: new Map() };
      this.#watched.set(uid, watched);
    }
    const before = watched.counters;
    const values = METRIC_NAMES.map((name) =>
      isRate(name) ? growth(before[name], counters[name]) / seconds : counters[name],
    );
    if (growth(before.total_req, counters.total_req) > 0) watched.lastRequestMs = endMs;
    watched.counters = counters;
    watched.rings.add({ startMs, endMs, values });
    const sources = this.#options.sources(uid);
    for (const key of watched.sources.keys()) {
      if (!sources.some((source) => source.key === key)) watched.sources.delete(key);
    }
    for (const source of sources) {
      const bytes: SourceBytes = { wire: source.ingressBytes, plain: source.ingressBytesDecompressed };
      const known = watched.sources.get(source.key) ?? { bytes, rings: new SampleRings() };
      watched.sources.set(source.key, { bytes, rings: known.rings });
      const wire = growth(known.bytes.wire, bytes.wire) / seconds;
      const plain = growth(known.bytes.plain, bytes.plain) / seconds;
      known.rings.add({ startMs, endMs, values: [wire, plain, source.lagMs] });
    }
  }
}

/** A counter that is lower than before has begun anew. */
const growth = (before: number, after: number): number => (after >= before ? after - before : after);
