/**
 * A world that exists only here: virtual time, a simulated network, chance from one seed. The same program with the same seed does
 * the same, event for event, which `eventLogHash` shows.
 *
 * THE RULE OF PROMISES. Events run one after another; time moves only from event to event. A plain event (bytes arrive, a timer fires)
 * calls straight through and costs a heap operation. When an event makes or settles any promise, whoever made it, the next event waits
 * for one real turn of the event loop, in which every promise that can go on does (Node.js tells us by its promise hooks, so
 * a callback may resolve a promise of its own and nobody has to say so). Whatever a promise leads to therefore happens at
 * the time of the event that settled it, before anything else. What waits for the real machine instead (a key made by WebCrypto, a file) must
 * be wrapped in `outside`, which stops virtual time until it is there. Limits: `DriveLimits`, by default `DRIVE_VIRTUAL_MS` and `DRIVE_EVENTS`.
 */
import assert from 'node:assert/strict';
import { SeededRandom } from './random.ts';
import { SimFabric } from './sim-fabric.ts';
import { SimFiles } from './sim-files.ts';
import { SimNetwork } from './sim-network.ts';
import { SimQueue } from './sim-queue.ts';
import { KEPT_LINES_DEFAULT, SimTrace } from './sim-trace.ts';
import { nextTurn, promiseActivity, shortWait, watchPromises } from './system-turn.ts';
import type { Clock, LinkConditions, Log, Milliseconds, Network, Random, World } from './world.ts';

const DRIVE_VIRTUAL_MS = 7 * 24 * 60 * 60 * 1000;
const DRIVE_EVENTS = 100_000_000;
/** 2026-01-01, a Thursday. */
const START_MS = Date.UTC(2026, 0, 1);
/** Work that nothing in the queue can finish may still be finished by the machine; this many short waits are given to it. */
const IDLE_WAITS_MAX = 5000;
/** Even without promises the machine gets a turn now and then, so that a test runner's own limits work. */
const EVENTS_PER_TURN = 50_000;

export interface SimWorldOptions {
  readonly seed: number | string;
  /** Unix time at which the simulation starts. */
  readonly startMs?: Milliseconds;
  /** What holds between any two hosts until a fault says otherwise. */
  readonly conditions?: Partial<LinkConditions>;
  /** Share of datagrams that are lost, 0 to 1. */
  readonly datagramLoss?: number;
  /** How many of the latest lines `eventLog` keeps. */
  readonly eventLogLines?: number;
  /** Hears the program's own events too. */
  readonly log?: Log;
}

export interface DriveLimits {
  readonly virtualMs?: Milliseconds;
  readonly events?: number;
}

export class SimWorld implements World {
  readonly seed: number | string;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly files: SimFiles;
  readonly log: Log;
  readonly threads = null;
  readonly #queue: SimQueue;
  readonly #trace: SimTrace;
  #outside = 0;

  constructor(options: SimWorldOptions) {
    this.seed = options.seed;
    this.#queue = new SimQueue(options.startMs ?? START_MS);
    this.#trace = new SimTrace(options.eventLogLines ?? KEPT_LINES_DEFAULT);
    const chance = new SeededRandom(options.seed);
    this.clock = this.#queue;
    this.random = chance.fork('program');
    this.log = {
      event: (name, fields = {}) => {
        this.#trace.addEvent(this.#queue.elapsed(), name, fields);
        options.log?.event(name, fields);
      },
    };
    const fabric = new SimFabric({
      queue: this.#queue,
      random: chance.fork('network'),
      trace: this.#trace,
      conditions: options.conditions ?? {},
      datagramLoss: options.datagramLoss ?? 0,
    });
    this.network = new SimNetwork(fabric);
    this.files = new SimFiles({ queue: this.#queue, random: chance.fork('files'), trace: this.#trace });
  }

  /** SHA-256 of everything that happened so far. */
  eventLogHash(): string {
    return this.#trace.digest();
  }

  /** The latest lines of what happened. */
  get eventLog(): readonly string[] {
    return this.#trace.latest;
  }

  /** How many lines the event log has had. */
  get eventLogLength(): number {
    return this.#trace.count;
  }

  /** One event, without waiting for promises. False: nothing is left to happen. */
  step(): boolean {
    return this.#queue.step();
  }

  /** Lets every promise go on that can, without moving time. */
  async settle(): Promise<void> {
    await nextTurn();
    while (this.#outside > 0) await shortWait();
  }

  /** Lets everything happen that happens within `ms`, and moves time on by exactly that. */
  async advance(ms: Milliseconds): Promise<void> {
    const end = this.#queue.elapsed() + ms;
    await this.#drive(() => (this.#queue.nextTime() ?? Infinity) > end, { virtualMs: ms });
    this.#queue.moveTo(end);
  }

  /** Until `holds`, asked after each event. False: it did not within the limits, or nothing is left to happen. */
  runUntil(holds: () => boolean, limits: DriveLimits = {}): Promise<boolean> {
    return this.#drive(holds, limits);
  }

  /** Until nothing is left to happen. A program with a periodic timer never gets there and meets the limit: that is a defect. */
  async runUntilIdle(limits: DriveLimits = {}): Promise<void> {
    await this.#drive(() => false, limits);
    assert(this.#queue.nextTime() === null, this.#say('is not idle within the limits'));
  }

  /** Until `work` has finished, whose value this gives back. */
  async run<T>(work: Promise<T> | (() => Promise<T>), limits: DriveLimits = {}): Promise<T> {
    let isDone = false;
    const promise = typeof work === 'function' ? work() : work;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    for (let wait = 0; !(await this.#drive(() => isDone, limits)); wait++) {
      const isIdle = this.#queue.nextTime() === null;
      assert(isIdle, this.#say('has not finished the awaited work within the limits'));
      assert(wait < IDLE_WAITS_MAX, this.#say('has nothing left to happen, and the awaited work is not finished'));
      await shortWait();
    }
    return promise;
  }

  /** For work that waits for the real machine: virtual time stands still until it is done. */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside++;
    try {
      return await work;
    } finally {
      this.#outside--;
    }
  }

  async #drive(isEnough: () => boolean, limits: DriveLimits): Promise<boolean> {
    const queue = this.#queue;
    const timeMax = queue.elapsed() + (limits.virtualMs ?? DRIVE_VIRTUAL_MS);
    const eventsMax = limits.events ?? DRIVE_EVENTS;
    const stopWatching = watchPromises();
    try {
      await this.settle(); // what was asked for before we came
      for (let events = 0; ;) {
        if (isEnough()) return true;
        const next = queue.nextTime();
        if (next === null || next > timeMax || events >= eventsMax) return false;
        const before = promiseActivity();
        queue.step();
        events++;
        if (promiseActivity() !== before || events % EVENTS_PER_TURN === 0) await this.settle();
      }
    } catch (error) {
      throw new Error(this.#say(`failed: ${error instanceof Error ? error.message : String(error)}`), { cause: error });
    } finally {
      stopWatching();
    }
  }

  #say(what: string): string {
    return `the simulation of seed ${this.seed} ${what} (at ${Math.floor(this.#queue.elapsed())} virtual ms)`;
  }
}
