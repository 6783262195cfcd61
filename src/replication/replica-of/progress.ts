/** How far each source is, for people and for REST. [RS rest-api/objects/bdb/syncer_sources] */

import type { Timer } from '../../world/world.ts';
import type { Point } from './destination.ts';
import type { SourceShard } from './source-shard.ts';
import type { SourceSpec } from './source.ts';
import type { SourceStatus } from './status.ts';

export interface SourceProgress {
  readonly key: string;
  readonly status: SourceStatus;
  readonly lagMs: number;
  /** Bytes received and not yet applied. */
  readonly lagBytes: number;
  readonly rdbSize: number;
  readonly rdbTransferred: number;
  /** Whole percent of the snapshot received; 100 once it is in. */
  readonly percent: number;
  readonly lastUpdateMs: number | null;
  readonly lastError: string;
  readonly ingressBytes: number;
  readonly shards: readonly {
    readonly id: string;
    readonly state: string;
    readonly replicationId: string;
    readonly offset: number;
  }[];
}

export interface SourceState {
  readonly spec: SourceSpec;
  shards: SourceShard[] | null;
  status: SourceStatus;
  /** An attempt has failed since gathering began: the others do not wait for it. */
  failedOnce: boolean;
  lastError: string;
  lastUpdateMs: number | null;
  attempts: number;
  timer: Timer | null;
}

interface ShardLag {
  lagMs: number;
  readonly pending: Point[];
}

/** How long what arrived from each source shard took to be applied, and what still waits. */
export class Lags {
  readonly #shards = new Map<string, ShardLag>();

  get(id: string): ShardLag | undefined {
    return this.#shards.get(id);
  }

  sent(point: Point): void {
    this.#shard(point.sourceShard).pending.push(point);
  }

  applied(point: Point, now: number): void {
    const lag = this.#shard(point.sourceShard);
    if (lag.pending[0]?.offset === point.offset) lag.pending.shift();
    lag.lagMs = now - point.arrivedMs;
  }

  clear(): void {
    this.#shards.clear();
  }

  #shard(id: string): ShardLag {
    let lag = this.#shards.get(id);
    if (lag === undefined) this.#shards.set(id, (lag = { lagMs: 0, pending: [] }));
    return lag;
  }
}

export function sourceProgress(source: SourceState, lags: Lags, now: number, destinationError: string): SourceProgress {
  const shards = source.shards ?? [];
  const rdbSize = shards.reduce((sum, shard) => sum + shard.snapshotBytesTotal, 0);
  const rdbTransferred = shards.reduce((sum, shard) => sum + shard.snapshotBytes, 0);
  const own = shards.map((shard) => lags.get(shard.id));
  return {
    key: source.spec.key,
    status: source.status,
    lagMs: Math.max(
      0,
      ...own.map((lag) => (lag === undefined ? 0 : lag.pending[0] ? now - lag.pending[0].arrivedMs : lag.lagMs)),
    ),
    lagBytes: own.reduce((sum, lag) => sum + (lag?.pending.reduce((bytes, point) => bytes + point.bytes, 0) ?? 0), 0),
    rdbSize,
    rdbTransferred,
    percent:
      source.status === 'in-sync' ? 100 : rdbSize > 0 ? Math.min(100, Math.floor((100 * rdbTransferred) / rdbSize)) : 0,
    lastUpdateMs: source.lastUpdateMs,
    lastError: source.status === 'in-sync' ? '' : source.lastError || destinationError,
    ingressBytes: shards.reduce((sum, shard) => sum + shard.ingressBytes, 0),
    shards: shards.map((shard) => ({
      id: shard.id,
      state: shard.state,
      replicationId: shard.position?.replicationId ?? '',
      offset: shard.position?.offset ?? 0,
    })),
  };
}

/** Every source has sent everything, or an attempt to have it from there has failed: those that have need not wait longer. */
export const isGathered = (sources: readonly SourceState[]): boolean =>
  sources.every(({ shards, failedOnce }) =>
    shards === null
      ? failedOnce
      : shards.every(({ state }) => state === 'staged' || (failedOnce && (state === 'down' || state === 'connecting'))),
  );

export function statusOf(shards: readonly SourceShard[] | null): SourceStatus {
  if (shards === null || shards.some((shard) => shard.state === 'down' || shard.state === 'connecting'))
    return 'out-of-sync';
  return shards.every((shard) => shard.state === 'streaming' && shard.isCaughtUp) ? 'in-sync' : 'syncing';
}
