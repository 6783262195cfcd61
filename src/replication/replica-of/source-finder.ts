/**
 * Asks sources what they are: which shards lie behind an address, and where their data come from. A source that does not answer is
 * asked again for ever, with pauses that grow; one that has answered is asked again now and then, because a circle of destinations
 * may have been closed since (`origins.ts`).
 *
 * Border: what follows from the answers is decided in `replica-of.ts`.
 */

import type { Network, Random, World } from '../../world/world.ts';
import { backoffMs } from './backoff.ts';
import { Origins } from './origins.ts';
import type { SourceState } from './progress.ts';
import type { SourceSpec } from './source.ts';
import { connectTroubleText } from './connect-trouble.ts';
import { askTopology, type Topology, type TopologyOutcome } from './topology.ts';

const TIMEOUT_MS = 10_000;

export interface SourceFinderEvents {
  found(source: SourceState, topology: Topology): void;
  /** It will be asked again; why is in its `lastError`. */
  failed(source: SourceState): void;
  /** It can never be replicated from like this. */
  hopeless(source: SourceState, cause: 'authentication' | 'self', detail: string): void;
}

export class SourceFinder {
  readonly #world: World;
  readonly #network: Network;
  readonly #random: Random;
  readonly #origins: Origins;
  readonly #events: SourceFinderEvents;
  /** Answers to questions asked before the latest `forget` do not count. */
  #epoch = 0;
  #check: 'due' | 'asking' | 'done' = 'due';
  #checks = 0;

  constructor(
    options: {
      readonly world: World;
      readonly network: Network;
      /** Run ids of the destination's own servers. */
      readonly ownRunIds: () => readonly string[];
      readonly sources: readonly SourceState[];
    },
    events: SourceFinderEvents,
  ) {
    this.#world = options.world;
    this.#network = options.network;
    this.#random = options.world.random.fork('source-finder');
    this.#events = events;
    this.#origins = new Origins(options.world.clock, options.ownRunIds);
    this.#origins.watch(() => {
      for (const source of options.sources)
        if (source.shards !== null) this.#ask(source, (outcome) => this.#learn(source, outcome));
    });
  }

  /** Run ids of everything that the destination is filled from. */
  get origins(): readonly string[] {
    return this.#origins.all;
  }

  find(source: SourceState): void {
    source.timer?.cancel();
    this.#ask(source, (outcome) => {
      if (outcome.ok) {
        if (!this.#learn(source, outcome)) return;
        source.attempts = 0;
        this.#events.found(source, outcome.topology);
        return;
      }
      source.lastError =
        outcome.why === 'connection'
          ? connectTroubleText(outcome.failure, outcome.detail, source.spec.tls === null)
          : outcome.detail;
      if (outcome.why === 'authentication') {
        this.#events.hopeless(source, 'authentication', `source ${place(source.spec)}: ${outcome.detail}`);
        return;
      }
      source.timer = this.#world.clock.after(backoffMs(source.attempts++, this.#random), () => this.find(source));
      this.#events.failed(source);
    });
  }

  /** True once all that were found have said, since `checkAgain`, where their data come from, and none closes a circle. */
  get isChecked(): boolean {
    return this.#check === 'done';
  }

  checkAgain(): void {
    this.#check = 'due';
    this.#checks++;
  }

  /** Asks them, unless that is on its way; calls back when it is done. */
  check(sources: readonly SourceState[], then: () => void): void {
    if (this.#check === 'asking') return;
    this.#check = 'asking';
    const check = this.#checks;
    const found = sources.filter(({ shards }) => shards !== null);
    let missing = found.length;
    for (const source of found) {
      this.#ask(source, (outcome) => {
        if (this.#checks !== check || !this.#learn(source, outcome)) return;
        missing--;
        if (missing > 0) return;
        this.#check = 'done';
        then();
      });
    }
  }

  /** Nothing asked up to now is wanted any more. */
  forget(): void {
    this.#epoch++;
  }

  close(): void {
    this.forget();
    this.#origins.close();
  }

  /** False when the source closes a circle. */
  #learn(source: SourceState, outcome: TopologyOutcome): boolean {
    if (!outcome.ok) return true;
    const circle = this.#origins.learn(source.spec.key, place(source.spec), outcome.topology);
    if (circle !== null) this.#events.hopeless(source, 'self', circle);
    return circle === null;
  }

  #ask({ spec }: SourceState, then: (outcome: TopologyOutcome) => void): void {
    const epoch = this.#epoch;
    const access = { url: spec.url, tls: spec.tls, timeoutMs: TIMEOUT_MS };
    askTopology(
      this.#network,
      (ms, later) => this.#world.clock.after(ms, later),
      access,
      (outcome) => {
        if (this.#epoch === epoch) then(outcome);
      },
    );
  }
}

export const place = (spec: SourceSpec): string => `${spec.url.host}:${spec.url.port}`;
