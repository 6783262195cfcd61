/**
 * Where a destination's data come from, however many databases lie in between: the run ids of its sources and of whatever fills
 * those. A destination among its own origins is a circle in which a write would go round for ever.
 * [RS replica-of: cyclic replication]
 *
 * An endpoint of ours tells its origins in ANTIPODE TOPOLOGY; they are asked for when a source is found, and again and again, because
 * a circle may be closed elsewhere and later: soon after something new was heard, so that news travels round a circle quickly, then
 * less and less often. Other servers tell nothing: behind them a circle stays unseen.
 *
 * Border: what to do about it is the engine's affair. Limits: ORIGINS_MAX ids.
 */

import type { Timer, World } from '../../world/world.ts';
import type { Topology } from './topology.ts';

const ASK_AGAIN_FIRST_MS = 250;
const ASK_AGAIN_LAST_MS = 15_000;
/** Databases in one net of replication; what is beyond is not looked for. */
const ORIGINS_MAX = 1024;

export class Origins {
  readonly #own: () => readonly string[];
  readonly #bySource = new Map<string, readonly string[]>();
  readonly #clock: World['clock'];
  #timer: Timer | null = null;
  #pauseMs = ASK_AGAIN_FIRST_MS;
  #ask: () => void = () => undefined;

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
    const before = this.#bySource.get(sourceKey);
    const heard = runId === '' ? origins : [runId, ...origins];
    this.#bySource.set(sourceKey, heard);
    if (before?.join() !== heard.join()) {
      this.#pauseMs = ASK_AGAIN_FIRST_MS;
      this.#askLater();
    }
    const own = new Set(this.#own());
    if (own.has(runId)) return `source ${place} is the destination itself: a database cannot replicate itself`;
    if (!origins.some((id) => own.has(id))) return null;
    return `source ${place} is itself filled from this destination: a write would go round in a circle for ever; take one of the two Replica Of away`;
  }

  /** Calls `ask` every so often, once a source has been heard. */
  watch(ask: () => void): void {
    this.#ask = ask;
  }

  #askLater(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#pauseMs, () => {
      this.#pauseMs = Math.min(ASK_AGAIN_LAST_MS, this.#pauseMs * 2);
      this.#askLater();
      this.#ask();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#bySource.clear();
  }
}
