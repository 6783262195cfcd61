/**
 * The two state graphs of Replica Of, as documented, with the one function that moves each. Pure.
 * [RS rest-api/objects/bdb/replica_sync, replica_sources_status]
 */

import assert from 'node:assert';

/** Of one source. `out-of-sync`: disconnected, trying again. */
export type SourceStatus = 'out-of-sync' | 'syncing' | 'in-sync';

export const SOURCE_MOVES: Readonly<Record<SourceStatus, readonly SourceStatus[]>> = {
  'out-of-sync': ['syncing'],
  syncing: ['in-sync', 'out-of-sync'],
  'in-sync': ['syncing', 'out-of-sync'],
};

/** Of a destination database. Users set all but `stopped`, which the system sets when it cannot go on. */
export type ReplicaSync = 'disabled' | 'enabled' | 'paused' | 'stopped';

export const SYNC_MOVES: Readonly<Record<ReplicaSync, readonly ReplicaSync[]>> = {
  disabled: ['enabled'],
  enabled: ['stopped', 'paused', 'disabled'],
  paused: ['enabled', 'stopped', 'disabled'],
  stopped: ['enabled', 'disabled'],
};

export function moveSource(from: SourceStatus, to: SourceStatus): SourceStatus {
  assert(from === to || SOURCE_MOVES[from].includes(to), `a source does not go from ${from} to ${to}`);
  return to;
}

export const syncMoveAllowed = (from: ReplicaSync, to: ReplicaSync): boolean =>
  from === to || SYNC_MOVES[from].includes(to);

/** Why a full sync happened: every one has a cause and the numbers behind it in the ledger. */
export type FullSyncCause =
  | 'no-offset' // nothing applied yet
  | 'backlog-lost' // the source no longer has the bytes since our offset
  | 'replid-changed' // the source is not the one we know
  | 'config-changed' // the list of sources was edited
  | 'operator-restart' // paused or stopped, then enabled again
  | 'interrupted' // an earlier full sync did not finish
  | 'refused-write' // the destination refused a write and had applied later ones
  | 'transfer-broken' // none happened: a transfer that had begun broke off
  | 'other-source'; // another source needed one, and a destination is flushed as a whole

export interface FullSyncEntry {
  readonly atMs: number;
  readonly cause: FullSyncCause;
  readonly source: string;
  readonly detail: string;
}

/** Entries of the ledger kept. */
export const LEDGER_MAX = 1000;

/** What makes Replica Of stop for good until somebody acts. [RS replica-of: synchronization errors] */
export type StopCause =
  | 'authentication' // the source refuses our password
  | 'cross-slot' // a write whose keys live on different shards of the destination
  | 'out-of-memory' // the destination or the source is full
  | 'compression' // the source cannot compress its stream
  | 'unsupported' // a type or command that the destination does not know
  | 'not-replicable' // the source offers no replication
  | 'self' // the destination is among its own sources, or behind them
  | 'superseded' // another replication has begun to write into the destination
  | 'general'; // the destination refused a write

/** Event names of the cluster's log for the causes that have one. [RS bdb events] */
export const STOP_EVENTS: Readonly<Partial<Record<StopCause, string>>> = {
  authentication: 'authentication_err',
  'cross-slot': 'crossslot_err',
  'out-of-memory': 'oom_err',
  compression: 'compression_unsup_err',
};
