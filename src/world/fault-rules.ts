/**
 * PURE bookkeeping of what scenarios did to the network: which pairs of hosts are partitioned, which conditions hold
 * between them. Both worlds ask it, so a scenario means the same in each.
 *
 * Border: knows hosts and rules, no connections; cutting connections is the worlds' own work. A host always reaches
 * itself. Limits: `FAULT_RULES_MAX` rules of each kind.
 */
import assert from 'node:assert/strict';
import { matchesHost } from './world.ts';
import type { HostPattern, LinkConditions } from './world.ts';

const FAULT_RULES_MAX = 10_000;

export const PERFECT_LINK: LinkConditions = { latencyMs: 0, jitterMs: 0, bandwidth: 0, chunking: 'whole' };

interface Partition {
  readonly from: readonly HostPattern[];
  readonly to: readonly HostPattern[];
}

interface ConditionRule {
  readonly from: HostPattern;
  readonly to: HostPattern;
  conditions: Partial<LinkConditions>;
}

const matchesAny = (patterns: readonly HostPattern[], host: string): boolean =>
  patterns.some((pattern) => matchesHost(pattern, host));

export class FaultRules {
  readonly #defaults: LinkConditions;
  #partitions: Partition[] = [];
  readonly #conditions: ConditionRule[] = [];

  constructor(defaults: LinkConditions = PERFECT_LINK) {
    this.#defaults = defaults;
  }

  /** False as long as nothing was ever asked for: the worlds then skip every look-up. */
  get active(): boolean {
    return this.#partitions.length > 0 || this.#conditions.length > 0;
  }

  partition(from: readonly HostPattern[], to: readonly HostPattern[], ways: 'one-way' | 'both-ways'): void {
    this.#partitions.push({ from: [...from], to: [...to] });
    if (ways === 'both-ways') this.#partitions.push({ from: [...to], to: [...from] });
    assert(this.#partitions.length <= FAULT_RULES_MAX, `at most ${FAULT_RULES_MAX} partitions`);
  }

  heal(): void {
    this.#partitions = [];
  }

  /** A later rule wins over an earlier one, field by field; the same pair said again is merged, so lists stay short. */
  setConditions(from: HostPattern, to: HostPattern, conditions: Partial<LinkConditions>): void {
    const index = this.#conditions.findIndex((rule) => rule.from === from && rule.to === to);
    const [known] = index < 0 ? [undefined] : this.#conditions.splice(index, 1);
    this.#conditions.push({ from, to, conditions: { ...known?.conditions, ...conditions } });
    assert(this.#conditions.length <= FAULT_RULES_MAX, `at most ${FAULT_RULES_MAX} conditions`);
  }

  /** Whether bytes going one way are held back. */
  blocked(from: string, to: string): boolean {
    if (from === to) return false;
    return this.#partitions.some((rule) => matchesAny(rule.from, from) && matchesAny(rule.to, to));
  }

  /** Whether no connection can be made: its opening needs both ways. */
  blockedEitherWay(one: string, other: string): boolean {
    return this.#partitions.length > 0 && (this.blocked(one, other) || this.blocked(other, one));
  }

  conditionsBetween(one: string, other: string): LinkConditions {
    let conditions = this.#defaults;
    for (const rule of this.#conditions) {
      if (betweenHosts(rule.from, rule.to, one, other)) conditions = { ...conditions, ...rule.conditions };
    }
    return conditions;
  }
}

/** Whether two hosts are the two ends that two patterns name, in either order. */
export const betweenHosts = (from: HostPattern, to: HostPattern, one: string, other: string): boolean =>
  (matchesHost(from, one) && matchesHost(to, other)) || (matchesHost(from, other) && matchesHost(to, one));
