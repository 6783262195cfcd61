/**
 * How an edit moves a database's Replica Of: which moves are legal, and when everything starts from scratch. Pure.
 *
 * Enabling always starts over: the first time, after a pause, after a stop, after any edit of the sources. A stopped one is
 * started again by mending its sources, since that is what stopped destinations are told to do [RS replica-of: regenerated
 * password]; a paused one stays paused until somebody enables it.
 */

import { syncMoveAllowed, type FullSyncCause } from '../../replication/replica-of/status.ts';
import { problem, type DatabaseEdit, type Problem } from './change.ts';
import type { ClusterState, DatabaseRecord, ReplicaRecord } from './cluster-state.ts';
import { checkSources, sameSources } from './source-rules.ts';

export const NO_REPLICA: ReplicaRecord = {
  sync: 'disabled',
  sources: [],
  readOnly: false,
  generation: 0,
  restart: null,
  stopped: null,
};

type ReplicaOutcome =
  | { readonly ok: true; readonly replica: ReplicaRecord }
  | { readonly ok: false; readonly problem: Problem };

export const editReplica = (state: ClusterState, database: DatabaseRecord, edit: DatabaseEdit): ReplicaOutcome => {
  const { replica } = database;
  let { sources } = replica;
  let sourcesChanged = false;
  if (edit.replicaSources !== undefined) {
    const checked = checkSources(state, database, replica.sources, edit.replicaSources);
    if (!checked.ok) return checked;
    sourcesChanged = !sameSources(checked.sources, replica.sources);
    // The same set in another order stays as it is.
    if (sourcesChanged) ({ sources } = checked);
  }
  if (edit.replicaSync === 'stopped' && replica.sync !== 'stopped') {
    return problem('invalid_replication', 'replica_sync "stopped" is set by the system; use "paused" or "disabled"');
  }
  let sync = edit.replicaSync ?? replica.sync;
  if (edit.replicaSync === undefined && sources.length === 0) sync = 'disabled';
  else if (edit.replicaSync === undefined && sourcesChanged && replica.sync === 'stopped') sync = 'enabled';
  if (!syncMoveAllowed(replica.sync, sync)) {
    return problem('invalid_replication', `replica_sync cannot go from "${replica.sync}" to "${sync}"`);
  }
  if (sync !== 'disabled' && sources.length === 0) {
    return problem('invalid_replication', `replica_sync "${sync}" needs at least one entry in replica_sources`);
  }
  const starts = sync === 'enabled' && (replica.sync !== 'enabled' || sourcesChanged);
  const next: ReplicaRecord = { ...replica, sources, sync, stopped: sync === 'stopped' ? replica.stopped : null };
  if (!starts) return { ok: true, replica: next };
  return {
    ok: true,
    replica: { ...next, generation: replica.generation + 1, restart: restartCause(replica, sourcesChanged) },
  };
};

const restartCause = (replica: ReplicaRecord, sourcesChanged: boolean): FullSyncCause | null => {
  if (replica.generation === 0) return null;
  return sourcesChanged ? 'config-changed' : 'operator-restart';
};
