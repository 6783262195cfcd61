/**
 * Scenarios: stories about clusters, played in a simulated world (virtual time, everything repeats from one seed) or on real sockets.
 * A file exports `scenario`; the same file runs in both worlds.
 *
 * Limits: a story may last SCENARIO_MS_MAX, virtual or real; EVENTS_SHOWN latest events are kept for a failure.
 */

import { SimWorld } from '../world/sim-world.ts';
import { stayAlive } from '../world/system-wait.ts';
import { SystemWorld } from '../world/system-world.ts';
import type { LogFields, Milliseconds } from '../world/world.ts';
import { Actors, ScenarioFailure, ScenarioSkipped, type WorldKind } from './actors.ts';

export { ScenarioFailure, ScenarioSkipped } from './actors.ts';

const SCENARIO_MS_MAX = 5 * 60_000;
const EVENTS_SHOWN = 15;

export interface Scenario {
  readonly name: string;
  /** One sentence: what it shows. */
  readonly description: string;
  run(actors: Actors): Promise<void>;
}

export interface ScenarioOptions {
  readonly world: WorldKind;
  readonly seed: number;
}

export interface ScenarioResult {
  readonly name: string;
  readonly description: string;
  readonly world: WorldKind;
  readonly seed: number;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped; empty otherwise. */
  readonly detail: string;
  /** What it waited for last, when it failed. */
  readonly waitedFor: string;
  /** Of the world it was played in. */
  readonly elapsedMs: Milliseconds;
  /** By the clock on the wall. */
  readonly realMs: Milliseconds;
  /** The same for every run of the same seed; null in the system world. */
  readonly eventLogHash: string | null;
  /** The latest events, when it failed. */
  readonly events: readonly string[];
}

export const isScenario = (value: unknown): value is Scenario => {
  const some = value as Partial<Scenario> | null | undefined;
  return typeof some === 'object' && some !== null && typeof some.name === 'string' && typeof some.run === 'function';
};

export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<ScenarioResult> {
  const wall = new SystemWorld().clock;
  const startedAt = wall.elapsed();
  const stage = options.world === 'simulated' ? simulatedStage(options.seed) : systemStage(options.seed);
  const { actors } = stage;
  const worldStartedAt = actors.world.clock.elapsed();
  let outcome: ScenarioResult['outcome'] = 'passed';
  let detail = '';
  try {
    await stage.play(() => scenario.run(actors));
  } catch (error) {
    outcome = error instanceof ScenarioSkipped ? 'skipped' : 'failed';
    detail = textOf(error);
  }
  const { name, description } = scenario;
  return {
    name,
    description,
    ...options,
    outcome,
    detail,
    waitedFor: outcome === 'failed' ? actors.waitingFor : '',
    elapsedMs: Math.round(actors.world.clock.elapsed() - worldStartedAt),
    realMs: Math.round(wall.elapsed() - startedAt),
    eventLogHash: stage.hash(),
    events: stage.eventsAtFailure(),
  };
}

interface Stage {
  readonly actors: Actors;
  /** Plays the story and ends what it has opened. */
  play(story: () => Promise<void>): Promise<void>;
  hash(): string | null;
  /** The latest before the failure, not of the clearing up; empty: it did not fail. */
  eventsAtFailure(): readonly string[];
}

function simulatedStage(seed: number): Stage {
  const world = new SimWorld({ seed, conditions: { latencyMs: 1, jitterMs: 1, chunking: 'random' } });
  const actors = new Actors(world, 'simulated');
  let kept: readonly string[] | null = null;
  const keep = (): void => void (kept ??= world.eventLog.slice(-EVENTS_SHOWN));
  return {
    actors,
    play: async (story) => {
      try {
        await world.run(() => playAndClose(actors, story, keep), { virtualMs: SCENARIO_MS_MAX });
      } catch (error) {
        keep(); // the story neither ended nor failed
        throw error;
      }
    },
    hash: () => world.eventLogHash(),
    eventsAtFailure: () => kept ?? [],
  };
}

function systemStage(seed: number): Stage {
  const events: string[] = [];
  const world = new SystemWorld({ seed, log: { event: (name, fields) => remember(name, fields) } });
  const startedAt = world.clock.elapsed();
  const remember = (name: string, fields: LogFields = {}): void => {
    const words = Object.entries(fields).map(([field, value]) => `${field}=${String(value)}`);
    events.push(`${Math.round(world.clock.elapsed() - startedAt)} ms ${name} ${words.join(' ')}`.trimEnd());
    if (events.length > EVENTS_SHOWN) events.shift();
  };
  const actors = new Actors(world, 'system');
  let kept: readonly string[] | null = null;
  const keep = (): void => void (kept ??= [...events]);
  const play = async (story: () => Promise<void>): Promise<void> => {
    let isOver = false;
    const rest = stayAlive(); // a story may wait without a single socket open
    const tooLong = new Promise<never>((_, reject) => {
      world.clock.after(SCENARIO_MS_MAX, () => {
        if (!isOver) reject(new ScenarioFailure(`it is not over after ${SCENARIO_MS_MAX} ms`));
      });
    });
    try {
      await Promise.race([playAndClose(actors, story, keep), tooLong]);
    } catch (error) {
      keep();
      throw error;
    } finally {
      isOver = true;
      rest();
    }
  };
  return { actors, play, hash: () => null, eventsAtFailure: () => kept ?? [] };
}

async function playAndClose(actors: Actors, story: () => Promise<void>, failed: () => void): Promise<void> {
  try {
    await story();
  } catch (error) {
    failed();
    throw error;
  } finally {
    await actors.close();
  }
}

/** Failures speak for themselves; anything else is shown with the place where it happened. */
function textOf(error: unknown): string {
  if (error instanceof ScenarioFailure || error instanceof ScenarioSkipped) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
