/** How fast a counter grows, averaged over the last few samples [redis server.c trackInstantaneousMetric]. */

const SAMPLES = 16;
const SAMPLE_MS_MIN = 100;

export class Rate {
  readonly #perSecond: number[] = [];
  #count = 0;
  #atMs: number | null = null;

  /** Called as often as one likes; counts only what lies far enough apart. */
  sample(count: number, nowMs: number): void {
    const elapsedMs = this.#atMs === null ? 0 : nowMs - this.#atMs;
    if (this.#atMs !== null && elapsedMs < SAMPLE_MS_MIN) return;
    if (this.#atMs !== null) {
      this.#perSecond.push(((count - this.#count) * 1000) / elapsedMs);
      if (this.#perSecond.length > SAMPLES) this.#perSecond.shift();
    }
    this.#count = count;
    this.#atMs = nowMs;
  }

  /** Forgets what was: the counter begins again. */
  reset(): void {
    this.#perSecond.length = 0;
    this.#count = 0;
    this.#atMs = null;
  }

  get perSecond(): number {
    if (this.#perSecond.length === 0) return 0;
    return Math.round(this.#perSecond.reduce((sum, each) => sum + each, 0) / this.#perSecond.length);
  }
}
