/**
 * Where a destination's data come from, however many databases lie in between: the run ids of its sources and of whatever fills
 * those. A destination among its own origins is a circle in which a write would go round for ever.
 * [RS replica-of: cyclic replication]
 *
 * An endpoint of ours tells its origins in ANTIPODE TOPOLOGY; they are asked for when a source is found, and again every so often,
 * because a circle may be closed elsewhere and later. Other servers tell nothing: behind them a circle stays unseen.
 *
 * Border: what to do about it is the engine's affair. Limits: ORIGINS_MAX ids.
 */

import type { Timer, World } from '../../world/world.ts';
import type { Topology } from './topology.ts';

const ASK_AGAIN_MS = 15_000;
/** Databases in one net of replication; what is beyond is not looked for. */
const ORIGINS_MAX = 1024;

export class Origins {
  readonly #own: () => readonly string[];
  readonly #bySource = new Map<string, readonly string[]>();
  readonly #clock: World['clock'];
  #timer: Timer | null = null;

  /** `own`: run ids of the destination's servers. */
  constructor(clock: World['clock'], own: () => readonly string[]) {
    this.#clock = clock;
    this.#own = own;
  }

  /** Everything known to lie behind the destination. */
  get all(): readonly string[] {
    return [...new Set([...this.#bySource.values()].flat())].slice(0, ORIGINS_MAX);
  }

  /** What a source says; what is wrong with that, null: nothing. */
  learn(sourceKey: string, place: string, { runId, origins }: Topology): string | null {
    this.#bySource.set(sourceKey, runId === '' ? origins : [runId, ...origins]);
    const own = new Set(this.#own());
    if (own.has(runId)) return `source ${place} is the destination itself: a database cannot replicate itself`;
    if (!origins.some((id) => own.has(id))) return null;
    return `source ${place} is itself filled from this destination: a write would go round in a circle for ever; take one of the two Replica Of away`;
  }

  /** Calls `ask` every so often. */
  watch(ask: () => void): void {
    this.#timer = this.#clock.after(ASK_AGAIN_MS, () => {
      ask();
      this.watch(ask);
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#bySource.clear();
  }
}
