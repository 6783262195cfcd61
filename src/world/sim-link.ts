/**
 * One direction of a simulated connection: bytes wait here from `send` until they arrive, in order, as late as latency, jitter
 * and bandwidth say, and not at all while the direction is blocked.
 *
 * Border: what arrives is handed to the receiving end (`sim-connection.ts`), which cuts it into chunks. Bytes travel as binary
 * strings, since those need no copy. Limits: the writer's, by `waitingBytes`.
 */
import { LATENCY_MIN_MS } from './sim-fabric.ts';
import type { SimFabric } from './sim-fabric.ts';
import type { LinkConditions, Random, Timer } from './world.ts';

/** Data, or how the direction ends. */
export type Parcel = string | typeof FIN | typeof RESET;
export const FIN = Symbol('fin');
export const RESET = Symbol('reset');

const COMPACT_MIN = 1024;

interface Waiting {
  readonly parcel: Parcel;
  arrival: number;
}

export class SimLink {
  readonly #fabric: SimFabric;
  readonly #from: string;
  readonly #to: string;
  readonly #arrive: (parcel: Parcel) => void;
  readonly #name: string;
  #random: Random | null = null;
  #waiting: Waiting[] = [];
  #head = 0;
  #bytes = 0;
  #next: Timer | null = null;
  #conditions: LinkConditions | null = null;
  #conditionsVersion = -1;
  #severed = false;
  /** When the sender's wire is free again, and when the latest parcel arrives: nothing overtakes. */
  #freeAt = 0;
  #lastArrival = 0;

  constructor(fabric: SimFabric, name: string, ends: { from: string; to: string }, arrive: (parcel: Parcel) => void) {
    this.#fabric = fabric;
    this.#name = name;
    this.#from = ends.from;
    this.#to = ends.to;
    this.#arrive = arrive;
  }

  /** Bytes that have not arrived. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  get random(): Random {
    return (this.#random ??= this.#fabric.random.fork(this.#name));
  }

  send(parcel: Parcel): void {
    const { queue } = this.#fabric;
    const now = queue.elapsed();
    const conditions = this.conditions();
    const size = typeof parcel === 'string' ? parcel.length : 0;
    const start = Math.max(now, this.#freeAt);
    this.#freeAt = conditions.bandwidth > 0 ? start + (size * 1000) / conditions.bandwidth : start;
    const jitter = conditions.jitterMs > 0 ? this.random.unit() * conditions.jitterMs : 0;
    const arrival = this.#freeAt + Math.max(LATENCY_MIN_MS, conditions.latencyMs) + jitter;
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    this.#waiting.push({ parcel, arrival: this.#lastArrival });
    this.#bytes += size;
    this.#schedule();
  }

  /** A reset overtakes: what has not arrived never will. */
  sendReset(): void {
    this.#drop();
    this.send(RESET);
  }

  /** Silently cut: what is sent never arrives, and stays unsent for its sender. */
  sever(): void {
    this.#severed = true;
  }

  drop(): void {
    this.#severed = true;
    this.#drop();
  }

  /** The partition is over: what waited sets out again and has the way still before it. */
  readonly #wake = (): void => {
    const first = this.#waiting[this.#head];
    if (first === undefined) return;
    const shift = this.#fabric.queue.elapsed() + this.#latencyMs() - first.arrival;
    if (shift > 0) {
      for (let index = this.#head; index < this.#waiting.length; index++) this.#waiting[index]!.arrival += shift;
      this.#lastArrival += shift;
      this.#next?.cancel();
      this.#next = null;
    }
    this.#schedule();
  };

  conditions(): LinkConditions {
    const version = this.#fabric.conditionsVersion;
    if (this.#conditions === null || this.#conditionsVersion !== version) {
      this.#conditions = this.#fabric.conditionsBetween(this.#from, this.#to);
      this.#conditionsVersion = version;
    }
    return this.#conditions;
  }

  #drop(): void {
    this.#next?.cancel();
    this.#next = null;
    this.#waiting = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#freeAt = 0;
    this.#lastArrival = 0;
  }

  #latencyMs(): number {
    return Math.max(LATENCY_MIN_MS, this.conditions().latencyMs);
  }

  #schedule(): void {
    const first = this.#waiting[this.#head];
    if (first === undefined || this.#next !== null || this.#severed) return;
    if (this.#fabric.blocked(this.#from, this.#to)) return this.#fabric.park(this.#wake);
    this.#next = this.#fabric.queue.at(Math.max(first.arrival, this.#fabric.queue.elapsed()), this.#arriveFirst);
  }

  readonly #arriveFirst = (): void => {
    this.#next = null;
    const first = this.#waiting[this.#head];
    if (first === undefined || this.#severed) return;
    if (this.#fabric.blocked(this.#from, this.#to)) return this.#fabric.park(this.#wake);
    this.#head++;
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else if (this.#head > COMPACT_MIN && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    if (typeof first.parcel === 'string') this.#bytes -= first.parcel.length;
    this.#arrive(first.parcel);
    this.#schedule();
  };
}
