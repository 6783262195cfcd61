/**
 * What is worth an alert at a source, as data: on or off, and since when. Names as in the REST API, without `bdb_`.
 * [RS replica_sources/alerts]
 *
 * Border: when to look is the engine's affair, what to do about it the cluster's.
 */

import type { Milliseconds } from '../../world/world.ts';

export const ALERT_NAMES = [
  'replica_src_high_syncer_lag',
  'replica_src_syncer_connection_error',
  'replica_src_syncer_general_error',
] as const;

export type AlertName = (typeof ALERT_NAMES)[number];

export interface Alert {
  readonly isOn: boolean;
  /** Null: it was never on. */
  readonly changedMs: Milliseconds | null;
}

export type AlertStates = Readonly<Record<AlertName, Alert>>;

/** When the two alerts that measure something are on. */
export interface AlertThresholds {
  /** Null: never. */
  readonly lagMs: Milliseconds | null;
  /** How long a source may be out of reach; 0: not at all. */
  readonly connectionMs: Milliseconds;
}

const OFF: Alert = { isOn: false, changedMs: null };

export class Alerts {
  #states: AlertStates = {
    replica_src_high_syncer_lag: OFF,
    replica_src_syncer_connection_error: OFF,
    replica_src_syncer_general_error: OFF,
  };

  get states(): AlertStates {
    return this.#states;
  }

  set(name: AlertName, isOn: boolean, now: Milliseconds): void {
    if (this.#states[name].isOn === isOn) return;
    this.#states = { ...this.#states, [name]: { isOn, changedMs: now } };
  }
}
