/**
 * The worker that keeps a destination database in step with its sources, and what it has done so far.
 *
 * The engine is `replication/replica-of`; one engine serves one configuration. What people ask about outlives it: the latest
 * progress, the number of full syncs and the ledger are carried from one engine to the next. Limits: `LEDGER_MAX`.
 */

import type { SourceProgress } from '../../replication/replica-of/progress.ts';
import { ReplicaOf, type ReplicaOfOptions } from '../../replication/replica-of/replica-of.ts';
import { LEDGER_MAX, type FullSyncEntry } from '../../replication/replica-of/status.ts';

export interface SyncHistory {
  readonly sources: readonly SourceProgress[];
  readonly fullSyncs: number;
  readonly partialSyncs: number;
  readonly ledger: readonly FullSyncEntry[];
}

export const NOTHING_YET: SyncHistory = { sources: [], fullSyncs: 0, partialSyncs: 0, ledger: [] };

export class Syncer {
  /** Of the cluster's node that it runs on, for the plan. */
  readonly generation: string;
  readonly #engine: ReplicaOf;
  readonly #before: SyncHistory;

  constructor(options: ReplicaOfOptions, before: SyncHistory = NOTHING_YET) {
    this.generation = options.generation;
    this.#before = before;
    this.#engine = new ReplicaOf(options);
    this.#engine.start();
  }

  get inSync(): boolean {
    return this.#engine.inSync;
  }

  get origins(): readonly string[] {
    return this.#engine.origins;
  }

  get history(): SyncHistory {
    const { progress, fullSyncs, partialSyncs, ledger } = this.#engine;
    return {
      sources: progress,
      fullSyncs: this.#before.fullSyncs + fullSyncs,
      partialSyncs: this.#before.partialSyncs + partialSyncs,
      ledger: [...this.#before.ledger, ...ledger].slice(-LEDGER_MAX),
    };
  }

  close(): void {
    this.#engine.close();
  }
}
