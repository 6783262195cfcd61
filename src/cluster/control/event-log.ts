/**
 * The cluster's event log: what happened, under the names that Redis Enterprise gives its events [RS bdb events].
 *
 * Bounded: the oldest entries go. Limits: `EVENTS_KEPT` in all, and the cluster's `max_saved_events_per_type`.
 */

import { STOP_EVENTS } from '../../replication/replica-of/status.ts';
import type { Change } from '../state/change.ts';
import { DEFAULT_CLUSTER_SETTINGS } from '../state/cluster-settings.ts';
import { databaseByUid, type ClusterState } from '../state/cluster-state.ts';

const EVENTS_KEPT = 1_000;

export interface ClusterEvent {
  readonly atMs: number;
  readonly type: string;
  readonly severity: 'INFO' | 'WARNING' | 'ERROR';
  readonly fields: Readonly<Record<string, string | number>>;
}

export class EventLog {
  readonly #events: ClusterEvent[] = [];
  #keptPerType: number = DEFAULT_CLUSTER_SETTINGS.max_saved_events_per_type;

  get events(): readonly ClusterEvent[] {
    return this.#events;
  }

  /** Writes down what a change means, if anything. `before` and `after` are the states around it. */
  note(atMs: number, change: Change, uid: number, before: ClusterState, after: ClusterState): void {
    this.#keptPerType = after.settings.max_saved_events_per_type;
    const event = eventOf(change, uid, before, after);
    if (event !== null) this.add({ atMs, ...event });
  }

  add(event: ClusterEvent): void {
    this.#events.push(event);
    const alike = this.#events.filter(({ type }) => type === event.type);
    if (alike.length > this.#keptPerType) this.#events.splice(this.#events.indexOf(alike[0]!), 1);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }
}

const eventOf = (
  change: Change,
  uid: number,
  before: ClusterState,
  after: ClusterState,
): Omit<ClusterEvent, 'atMs'> | null => {
  const name = (databaseByUid(after, uid) ?? databaseByUid(before, uid))?.name ?? '';
  const bdb = { bdb_uid: String(uid), bdb_name: name };
  switch (change.kind) {
    case 'create-database':
      return { type: 'bdb_created', severity: 'INFO', fields: bdb };
    case 'update-database': {
      const old = databaseByUid(before, uid);
      if (old === undefined || old.name === name) return { type: 'bdb_updated', severity: 'INFO', fields: bdb };
      return { type: 'bdb_name_updated', severity: 'INFO', fields: { ...bdb, old_val: old.name, new_val: name } };
    }
    case 'regenerate-password':
    case 'set-traffic':
    case 'update-alerts':
      return { type: 'bdb_updated', severity: 'INFO', fields: bdb };
    case 'database-removed':
      return { type: 'bdb_deleted', severity: 'INFO', fields: bdb };
    case 'replica-stopped': {
      const type = STOP_EVENTS[change.cause] ?? 'replica_src_syncer_general_error';
      return { type, severity: 'ERROR', fields: { ...bdb, description: change.detail } };
    }
    case 'replace-certificates':
    case 'delete-certificate':
    case 'update-cluster':
    case 'update-node':
    case 'bootstrap-cluster':
      return { type: 'cluster_updated', severity: 'INFO', fields: {} };
    case 'install-license':
      return { type: 'license_updated', severity: 'INFO', fields: {} };
    case 'create-user':
    case 'update-user':
    case 'change-password':
    case 'delete-user': {
      const type =
        change.kind === 'create-user'
          ? 'user_created'
          : change.kind === 'delete-user'
            ? 'user_deleted'
            : 'user_updated';
      const of = (state: ClusterState) => state.accounts.users.find((each) => each.uid === uid);
      return { type, severity: 'INFO', fields: { user_uid: uid, name: (of(after) ?? of(before))?.name ?? '' } };
    }
    case 'create-role':
    case 'update-role':
    case 'delete-role':
    case 'create-redis-acl':
    case 'update-redis-acl':
    case 'delete-redis-acl':
    case 'delete-database':
    case 'database-ready':
    case 'database-troubled':
    case 'set-mdns-missing':
    case 'full-sync-begun':
      return null;
  }
};
