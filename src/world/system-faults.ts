/**
 * Faults on real sockets: every connection made through the world's door is known here by its two hosts, and a rule
 * that concerns it puts a gate into it. Rules themselves are `fault-rules.ts`.
 *
 * What cannot be done on a real network: a reset that the kernel sends cannot be held back by a partition, so a peer
 * outside this process learns it. When both ends are ours, bytes are held at the sender and at the receiver, and delayed at the
 * receiver only. Limits: none of its own; one entry for each open connection.
 */
import { betweenHosts, FaultRules } from './fault-rules.ts';
import type { GateState } from './system-gate.ts';
import { addressText } from './world.ts';
import type { Address, Faults, HostPattern, LinkConditions } from './world.ts';

/** What a fault does to one end of a connection. */
export interface FaultyEnd {
  readonly local: Address;
  readonly remote: Address;
  constrain(state: GateState | null): void;
  reset(): void;
}

export class SystemFaults implements Faults {
  readonly #rules = new FaultRules();
  readonly #ends = new Map<string, FaultyEnd>();
  readonly #severed = new Set<FaultyEnd>();
  readonly #waiting = new Set<() => void>();

  partition(from: readonly HostPattern[], to: readonly HostPattern[], ways: 'one-way' | 'both-ways'): void {
    this.#rules.partition(from, to, ways);
    this.#constrainAll();
  }

  heal(): void {
    this.#rules.heal();
    this.#constrainAll();
    for (const wake of this.#waiting) wake();
  }

  cut(from: HostPattern, to: HostPattern, how: 'reset' | 'silent'): number {
    const connections = new Set<string>();
    for (const end of this.#ends.values()) {
      if (!betweenHosts(from, to, end.local.host, end.remote.host)) continue;
      connections.add([endKey(end.local, end.remote), endKey(end.remote, end.local)].sort().join());
      if (how === 'reset') end.reset();
      else {
        this.#severed.add(end);
        end.constrain(this.#stateOf(end));
      }
    }
    return connections.size;
  }

  conditions(from: HostPattern, to: HostPattern, conditions: Partial<LinkConditions>): void {
    this.#rules.setConditions(from, to, conditions);
    this.#constrainAll();
  }

  add(end: FaultyEnd): void {
    this.#ends.set(endKey(end.local, end.remote), end);
    if (this.#rules.active) end.constrain(this.#stateOf(end));
  }

  remove(end: FaultyEnd): void {
    this.#severed.delete(end);
    const key = endKey(end.local, end.remote);
    if (this.#ends.get(key) === end) this.#ends.delete(key);
  }

  blocked(from: string, to: string): boolean {
    return this.#rules.active && this.#rules.blocked(from, to);
  }

  blockedEitherWay(one: string, other: string): boolean {
    return this.#rules.active && this.#rules.blockedEitherWay(one, other);
  }

  /** Calls `then` when the pair can meet again, at once if it can now. The returned function stops waiting. */
  whenOpen(one: string, other: string, then: () => void): () => void {
    if (!this.blockedEitherWay(one, other)) {
      then();
      return () => undefined;
    }
    const wake = (): void => {
      if (this.blockedEitherWay(one, other)) return;
      this.#waiting.delete(wake);
      then();
    };
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  #constrainAll(): void {
    for (const end of this.#ends.values()) end.constrain(this.#stateOf(end));
  }

  #stateOf(end: FaultyEnd): GateState | null {
    const local = end.local.host;
    const remote = end.remote.host;
    const severed = this.#severed.has(end);
    const inputHeld = this.#rules.blocked(remote, local);
    const outputHeld = this.#rules.blocked(local, remote);
    const { latencyMs } = this.#rules.conditionsBetween(local, remote);
    if (!severed && !inputHeld && !outputHeld && latencyMs === 0) return null;
    const farEndIsOurs = this.#ends.has(endKey(end.remote, end.local));
    return { inputHeld, outputHeld, severed, inputDelayMs: latencyMs, outputDelayMs: farEndIsOurs ? 0 : latencyMs };
  }
}

const endKey = (local: Address, remote: Address): string => `${addressText(local)}>${addressText(remote)}`;
