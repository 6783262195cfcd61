/** What replication and persistence tell a shard, or hear from it, in words of their own. Types only. */

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
  /** Called before bytes leave for a client: the number that must be `passed` first. */
  place(): number;
  readonly passed: number;
}
