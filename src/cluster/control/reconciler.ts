/**
 * Makes what runs become what the state says: plans, carries the steps out one after another, plans again, until nothing is
 * left to do. Then it tells the state which databases are ready and which are gone.
 *
 * A step that fails holds back the later steps of the same database, no others; it is tried again after `RETRY_MS`.
 * Limits: `ROUNDS_MAX` rounds without a pause, against a plan that never becomes empty.
 */

import assert from 'node:assert';
import type { Timer, World } from '../../world/world.ts';
import type { Change } from '../state/change.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { plan, type Found } from '../state/plan.ts';
import type { NodeAgent } from './node-agent.ts';

const RETRY_MS = 2_000;
const ROUNDS_MAX = 1_000;

export interface ReconcilerOptions {
  readonly world: World;
  readonly state: () => ClusterState;
  readonly agents: readonly NodeAgent[];
  readonly tell: (change: Change) => void;
  /** A step of a database is being done: `done` of `steps` are behind it. */
  readonly stepped: (databaseUid: number, step: string, done: number, steps: number) => void;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  #running: Promise<void> | null = null;
  #wanted = false;
  #retry: Timer | null = null;
  #closed = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Something has changed. */
  wake(): void {
    if (this.#closed) return;
    this.#wanted = true;
    this.#running ??= this.#run();
  }

  /** Resolves when everything that can be done now has been done. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /** Lets a step in progress end; begins no other. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.settled();
  }

  async #run(): Promise<void> {
    this.#retry?.cancel();
    let rounds = 0;
    while (this.#wanted && !this.#closed) {
      assert(++rounds <= ROUNDS_MAX, 'carrying out a plan leads to an empty plan');
      this.#wanted = false;
      const troubles = await this.#round();
      if (this.#closed) break;
      this.#report(troubles);
      this.#retry?.cancel();
      if (troubles.size > 0) this.#retry = this.#options.world.clock.after(RETRY_MS, () => this.wake());
    }
    // At once, not when the promise is told: who wakes in between begins anew.
    this.#running = null;
  }

  /** Database to what went wrong. */
  async #round(): Promise<ReadonlyMap<number, string>> {
    const { state, agents, world, stepped } = this.#options;
    const troubles = new Map<number, string>();
    const steps = plan(state(), this.#found);
    const done = new Map<number, number>();
    for (const step of steps) {
      if (this.#closed) break;
      if (troubles.has(step.databaseUid)) continue;
      const before = done.get(step.databaseUid) ?? 0;
      const all = steps.filter((each) => each.databaseUid === step.databaseUid).length;
      stepped(step.databaseUid, step.kind, before, all);
      done.set(step.databaseUid, before + 1);
      const agent = agents.find((each) => each.node.uid === step.nodeUid);
      assert(agent !== undefined, `node ${step.nodeUid} has an agent`);
      const outcome = await agent.carryOut(step);
      const { kind, nodeUid, databaseUid } = step;
      world.log.event('step', { cluster: state().fqdn, kind, nodeUid, databaseUid, ok: outcome.ok });
      if (!outcome.ok) troubles.set(databaseUid, outcome.detail);
    }
    return troubles;
  }

  get #found(): Found {
    const found = this.#options.agents.map((agent) => agent.found);
    return {
      shards: found.flatMap((each) => each.shards),
      endpoints: found.flatMap((each) => each.endpoints),
      syncers: found.flatMap((each) => each.syncers),
    };
  }

  /** Judged by the state as it is now: what changed meanwhile has its own round to come. */
  #report(troubles: ReadonlyMap<number, string>): void {
    const { state, tell } = this.#options;
    for (const [uid, trouble] of troubles) tell({ kind: 'database-troubled', uid, trouble });
    const left = new Set(plan(state(), this.#found).map((step) => step.databaseUid));
    for (const { uid, status } of state().databases) {
      if (left.has(uid) || troubles.has(uid)) continue;
      tell({ kind: status === 'delete-pending' ? 'database-removed' : 'database-ready', uid });
    }
  }
}
