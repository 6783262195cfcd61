/** What replication and persistence tell a shard, or hear from it, in words of their own. */

import type { Session } from './session.ts';

/** A place in a replication stream, as a snapshot or a log on disk names it. */
export interface StreamPosition {
  readonly replicationId: string;
  readonly offset: number;
  readonly database: number;
}

export interface LoadedSnapshot {
  /** AUX fields. */
  readonly facts: ReadonlyMap<string, string>;
}

export interface AnswerGate {
  /** Called before bytes leave for the client of a session: the number that must be `passed` first. */
  place(session: Session): number;
  readonly passed: number;
}

/** A log of writes on disk: each piece of it has a number, and those up to `synced` outlive the machine. */
export interface SyncedLog {
  /** Of what was written so far, or is about to be. */
  readonly place: number;
  readonly synced: number;
}

/** A server that follows this one and has not acknowledged everything. */
export interface LaggingReplica {
  /** `host:port`, as it says itself. */
  readonly name: string;
  /** As INFO names it. */
  readonly state: string;
  readonly behindBytes: number;
  readonly lagSeconds: number;
}

/** Servers that follow this one. */
export interface Replicas {
  readonly count: number;
  /** Those that were heard of within so long. */
  within(lagMsMax: number): number;
  lagging(): readonly LaggingReplica[];
  /** Asks them how far they are. */
  ask(): void;
  /** This shard is one itself, and shows its data while others are on their way that will take their place. */
  awaitsData(): boolean;
}

export const NO_REPLICAS: Replicas = {
  count: 0,
  within: () => 0,
  lagging: () => [],
  ask: () => undefined,
  awaitsData: () => false,
};
