/**
 * Faults of the network between clusters: `world.network.faults` with clusters named by their names.
 *
 * A name that is no cluster is taken as a host, or as the beginning of one if it ends in a dot. Clusters that share one address (see
 * `addresses.ts`) cannot be told apart by the network: then a fault is refused.
 */

import type { Faults, HostPattern, LinkConditions } from '../world/world.ts';

export interface FaultyCluster {
  readonly name: string;
  readonly hosts: readonly string[];
}

export class SandboxFaults {
  readonly #faults: Faults;
  readonly #clusters: readonly FaultyCluster[];
  readonly #isAddressShared: boolean;

  constructor(faults: Faults, clusters: readonly FaultyCluster[], isAddressShared: boolean) {
    this.#faults = faults;
    this.#clusters = clusters;
    this.#isAddressShared = isAddressShared;
  }

  /** No byte passes, and nobody is told, until `heal`. */
  partition(
    one: string | readonly string[],
    other: string | readonly string[],
    ways: 'one-way' | 'both-ways' = 'both-ways',
  ): void {
    this.#faults.partition(this.#hosts(one), this.#hosts(other), ways);
  }

  /** Ends every partition. */
  heal(): void {
    this.#faults.heal();
  }

  /** Cuts the connections between the two; returns how many there were. */
  cut(one: string, other: string, how: 'reset' | 'silent' = 'reset'): number {
    let cut = 0;
    for (const from of this.#hosts(one)) for (const to of this.#hosts(other)) cut += this.#faults.cut(from, to, how);
    return cut;
  }

  /** Latency and the like, both ways. The real network honours `latencyMs` alone. */
  conditions(one: string, other: string, conditions: Partial<LinkConditions>): void {
    for (const from of this.#hosts(one))
      for (const to of this.#hosts(other)) this.#faults.conditions(from, to, conditions);
  }

  #hosts(names: string | readonly string[]): readonly HostPattern[] {
    return [names].flat().flatMap((name) => {
      const cluster = this.#clusters.find((each) => each.name === name);
      if (cluster === undefined) return [name];
      if (this.#isAddressShared) {
        throw new Error(`all clusters share one address here, so the network of ${name} cannot be disturbed by itself`);
      }
      return cluster.hosts;
    });
  }
}
