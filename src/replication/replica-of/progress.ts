/** How far each source is, for people and for REST. [RS rest-api/objects/bdb/syncer_sources] */

import type { Timer } from '../../world/world.ts';
import { Alerts, type AlertStates, type AlertThresholds } from './alerts.ts';
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
  /** As the source says it; else judged by how many of its keys have arrived. */
  readonly rdbSize: number;
  readonly rdbTransferred: number;
  /** Whole percent of the snapshot received; 100 once it is in. */
  readonly percent: number;
  readonly lastUpdateMs: number | null;
  readonly lastError: string;
  /** Bytes that came over the wire, and as they were once they were no longer compressed. */
  readonly ingressBytes: number;
  readonly ingressBytesDecompressed: number;
  readonly alerts: AlertStates;
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
  ingressBytes: number;
  ingressBytesDecompressed: number;
  /** Since when it is out of reach; null: it is not. */
  unreachableSinceMs: number | null;
  readonly alerts: Alerts;
}

export const newSourceState = (spec: SourceSpec, now: number): SourceState => ({
  spec,
  shards: null,
  status: 'out-of-sync',
  failedOnce: false,
  lastError: '',
  lastUpdateMs: null,
  attempts: 0,
  timer: null,
  ingressBytes: 0,
  ingressBytesDecompressed: 0,
  unreachableSinceMs: now,
  alerts: new Alerts(),
});

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
  const rdbSize = shards.reduce((sum, shard) => sum + snapshotSize(shard), 0);
  const rdbTransferred = shards.reduce((sum, shard) => sum + shard.snapshotBytes, 0);
  const own = shards.map((shard) => lags.get(shard.id));
  return {
    key: source.spec.key,
    status: source.status,
    lagMs: lagMsOf(source, lags, now),
    lagBytes: own.reduce((sum, lag) => sum + (lag?.pending.reduce((bytes, point) => bytes + point.bytes, 0) ?? 0), 0),
    rdbSize,
    rdbTransferred,
    percent:
      source.status === 'in-sync' ? 100 : rdbSize > 0 ? Math.min(100, Math.floor((100 * rdbTransferred) / rdbSize)) : 0,
    lastUpdateMs: source.lastUpdateMs,
    lastError: source.status === 'in-sync' ? '' : source.lastError || destinationError,
    ingressBytes: source.ingressBytes,
    ingressBytesDecompressed: source.ingressBytesDecompressed,
    alerts: source.alerts.states,
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

/**
 * Out of sync as long as a shard is away, or none has begun. While a source sends everything, those of its shards whose turn has
 * not come do not make it so.
 */
export function statusOf(shards: readonly SourceShard[] | null): SourceStatus {
  if (shards === null || shards.every(hasNotBegun)) return 'out-of-sync';
  if (shards.some(({ state, resume }) => state === 'down' || (state === 'connecting' && resume !== null)))
    return 'out-of-sync';
  return shards.every((shard) => shard.state === 'streaming' && shard.isCaughtUp) ? 'in-sync' : 'syncing';
}

const hasNotBegun = ({ state }: SourceShard): boolean =>
  state === 'down' || state === 'waiting' || state === 'connecting';

/** How long what was written last, or waits longest, took to be applied; over all shards of a source. */
function lagMsOf(source: SourceState, lags: Lags, now: number): number {
  let longest = 0;
  for (const { id } of source.shards ?? []) {
    const lag = lags.get(id);
    if (lag === undefined) continue;
    longest = Math.max(longest, lag.pending[0] === undefined ? lag.lagMs : now - lag.pending[0].arrivedMs);
  }
  return longest;
}

/** Bytes of a shard's snapshot: 0 while nothing is known, and what has arrived once it is complete. */
function snapshotSize(shard: SourceShard): number {
  const { snapshotBytesTotal, snapshotBytes, snapshotKeys, snapshotKeysTotal, state } = shard;
  if (snapshotBytesTotal > 0) return snapshotBytesTotal;
  if (state !== 'transferring' || snapshotKeys === 0 || snapshotKeysTotal <= snapshotKeys) return snapshotBytes;
  return Math.round((snapshotBytes / snapshotKeys) * snapshotKeysTotal);
}

/** Brings a source's alerts up to date. `isBroken`: it has been stopped by an error that no other alert or event names. */
export function updateAlerts(
  source: SourceState,
  lags: Lags,
  now: number,
  { lagMs, connectionMs }: AlertThresholds = { lagMs: null, connectionMs: 0 },
  isBroken: boolean,
): void {
  const { alerts, unreachableSinceMs: since } = source;
  alerts.set('replica_src_high_syncer_lag', lagMs !== null && lagMsOf(source, lags, now) > lagMs, now);
  alerts.set(
    'replica_src_syncer_connection_error',
    since !== null && source.lastError !== '' && now - since >= connectionMs,
    now,
  );
  alerts.set('replica_src_syncer_general_error', isBroken, now);
}
