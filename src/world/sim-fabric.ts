/**
 * What everything in one simulated network shares: the queue, chance, the trace, the rules of faults, names, who listens where,
 * and the connections that exist. `sim-network.ts` is its face; connections and links reach each other through it.
 *
 * Limits: `PORT_FIRST` to `PORT_LAST` for ports that the network itself hands out.
 */
import assert from 'node:assert/strict';
import { betweenHosts, FaultRules, PERFECT_LINK } from './fault-rules.ts';
import { NameSources } from './names.ts';
import { addressText } from './world.ts';
import type { SimQueue } from './sim-queue.ts';
import type { SimTrace } from './sim-trace.ts';
import type { Address, Connection, Faults, HostPattern, LinkConditions, ListenOptions, Random } from './world.ts';

/** Even the nearest neighbour is a little away: so a conversation always takes time, and time always moves. */
export const LATENCY_MIN_MS = 0.01;

const PORT_FIRST = 32_768;
const PORT_LAST = 60_999;
export const ANY_HOST = '0.0.0.0';

export interface SimListening {
  readonly address: Address;
  readonly options: ListenOptions;
  readonly accept: (connection: Connection) => void;
}

/** What faults need of one end of a connection. */
export interface SimEnd {
  readonly local: Address;
  readonly remote: Address;
  /** The number of the connection; both ends have the same. */
  readonly id: number;
  cutReset(): void;
  cutSilently(): void;
}

export interface SimFabricParts {
  readonly queue: SimQueue;
  readonly random: Random;
  readonly trace: SimTrace;
  readonly conditions: Partial<LinkConditions>;
  readonly datagramLoss: number;
}

export class SimFabric implements Faults {
  readonly queue: SimQueue;
  readonly random: Random;
  readonly trace: SimTrace;
  readonly datagramLoss: number;
  readonly names = new NameSources();
  readonly listening = new Map<string, SimListening>();
  readonly #hopRandom: Random;
  readonly #rules: FaultRules;
  readonly #ends = new Set<SimEnd>();
  readonly #parked = new Set<() => void>();
  readonly #usedPorts = new Set<string>();
  #conditionsVersion = 0;
  #lastId = 0;
  #nextPort = PORT_FIRST;

  constructor(parts: SimFabricParts) {
    this.queue = parts.queue;
    this.random = parts.random;
    this.#hopRandom = parts.random.fork('hops');
    this.trace = parts.trace;
    this.datagramLoss = parts.datagramLoss;
    this.#rules = new FaultRules({ ...PERFECT_LINK, ...parts.conditions });
  }

  note(text: string): void {
    this.trace.add(this.queue.elapsed(), text);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  /** A port of `host` that nobody uses; the caller gives it back by `releasePort`. */
  takePort(host: string): number {
    let port = this.#nextPort;
    const isUsed = (): boolean =>
      this.#usedPorts.has(addressText({ host, port })) || this.listenerAt({ host, port }) !== undefined;
    for (let tried = PORT_FIRST; isUsed(); tried++) {
      assert(tried < PORT_LAST, `${host} has no free port`);
      port = nextPortAfter(port);
    }
    this.#usedPorts.add(addressText({ host, port }));
    this.#nextPort = nextPortAfter(port);
    return port;
  }

  releasePort(address: Address): void {
    this.#usedPorts.delete(addressText(address));
  }

  listenerAt(address: Address): SimListening | undefined {
    return this.listening.get(addressText(address)) ?? this.listening.get(addressText({ ...address, host: ANY_HOST }));
  }

  add(end: SimEnd): void {
    this.#ends.add(end);
  }

  remove(end: SimEnd): void {
    this.#ends.delete(end);
  }

  conditions(from: HostPattern, to: HostPattern, conditions: Partial<LinkConditions>): void {
    this.note(`fault conditions ${from} ${to} ${JSON.stringify(conditions)}`);
    this.#rules.setConditions(from, to, conditions);
    this.#conditionsVersion++;
  }

  /** Changes whenever conditions do, so that links may remember theirs. */
  get conditionsVersion(): number {
    return this.#conditionsVersion;
  }

  conditionsBetween(from: string, to: string): LinkConditions {
    return this.#rules.conditionsBetween(from, to);
  }

  blocked(from: string, to: string): boolean {
    return this.#rules.active && this.#rules.blocked(from, to);
  }

  partition(from: readonly HostPattern[], to: readonly HostPattern[], ways: 'one-way' | 'both-ways'): void {
    this.note(`fault partition ${from.join()} ${to.join()} ${ways}`);
    this.#rules.partition(from, to, ways);
  }

  heal(): void {
    this.note('fault heal');
    this.#rules.heal();
    const parked = [...this.#parked];
    this.#parked.clear();
    for (const again of parked) again();
  }

  cut(from: HostPattern, to: HostPattern, how: 'reset' | 'silent'): number {
    const ids = new Set<number>();
    for (const end of this.#ends) {
      if (!betweenHosts(from, to, end.local.host, end.remote.host)) continue;
      ids.add(end.id);
      if (how === 'reset') end.cutReset();
      else end.cutSilently();
    }
    this.note(`fault cut ${from} ${to} ${how} ${ids.size}`);
    return ids.size;
  }

  /** Calls `again` once, when partitions are healed: whoever meets one asks. Asking twice is asking once. */
  park(again: () => void): void {
    this.#parked.add(again);
  }

  /** Something small on its way between two hosts, outside any connection: waits for a partition to heal. */
  hop(from: string, to: string, then: () => void): void {
    const go = (): void => {
      if (this.blocked(from, to)) return this.park(go);
      this.queue.after(this.#travelMs(from, to), () => {
        if (this.blocked(from, to)) this.park(go);
        else then();
      });
    };
    go();
  }

  /** As `hop`, but what meets a partition is lost. */
  cast(from: string, to: string, then: () => void): void {
    if (this.blocked(from, to)) return;
    this.queue.after(this.#travelMs(from, to), () => {
      if (!this.blocked(from, to)) then();
    });
  }

  #travelMs(from: string, to: string): number {
    const { latencyMs, jitterMs } = this.conditionsBetween(from, to);
    return Math.max(LATENCY_MIN_MS, latencyMs) + (jitterMs > 0 ? this.#hopRandom.unit() * jitterMs : 0);
  }
}

const nextPortAfter = (port: number): number => (port === PORT_LAST ? PORT_FIRST : port + 1);
