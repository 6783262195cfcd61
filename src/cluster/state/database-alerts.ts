/**
 * The alerts that a database can raise, declared once: which are on by default, the threshold and its unit. Pure.
 *
 * Border: whether one is raised is seen, not decided (`control/database-alerts.ts`). [RS objects/db_alerts_settings] Names of
 * alerts that cannot happen here are kept with their settings, as scripts set them.
 */

import { problem } from './change.ts';

interface AlertDeclaration {
  readonly enabled: boolean;
  /** A number in the unit that `about` says; null: the alert has none. */
  readonly threshold: number | null;
  readonly severity: 'WARNING' | 'ERROR';
  readonly about: string;
}

const alert = (
  about: string,
  threshold: number | null,
  enabled = false,
  severity: AlertDeclaration['severity'] = 'WARNING',
): AlertDeclaration => ({ about, threshold, enabled, severity });

export const DATABASE_ALERTS = {
  bdb_size: alert('percent of the memory limit in use', 80),
  bdb_high_latency: alert('microseconds that a request takes', 3_000),
  bdb_high_throughput: alert('requests per second, at most', 1_000_000),
  bdb_low_throughput: alert('requests per second, at least', 1),
  bdb_long_running_action: alert('an action has not ended for so many seconds', 300),
  bdb_backup_delayed: alert('minutes by which a backup is late', 1_800),
  bdb_ram_dataset_overhead: alert('percent of a shard that is overhead', 80),
  bdb_ram_values: alert('percent of values held in memory, at least', 20),
  bdb_shard_num_ram_values: alert('values held in memory, at least', 1),
  bdb_replica_src_high_syncer_lag: alert('seconds that a source is ahead', 60),
  bdb_replica_src_syncer_connection_error: alert('a source cannot be reached', null, true, 'ERROR'),
  bdb_replica_src_syncer_general_error: alert('the system has stopped Replica Of', null, true, 'ERROR'),
  bdb_high_syncer_lag: alert('older name of bdb_replica_src_high_syncer_lag', 60),
  bdb_syncer_connection_error: alert('older name of bdb_replica_src_syncer_connection_error', null, true, 'ERROR'),
  bdb_syncer_general_error: alert('older name of bdb_replica_src_syncer_general_error', null, true, 'ERROR'),
  bdb_crdt_src_high_syncer_lag: alert('of Active-Active', 60),
  bdb_crdt_src_syncer_connection_error: alert('of Active-Active', null),
  bdb_crdt_src_syncer_general_error: alert('of Active-Active', null),
} as const satisfies Readonly<Record<string, AlertDeclaration>>;

export type DatabaseAlertName = keyof typeof DATABASE_ALERTS;

export const DATABASE_ALERT_NAMES = Object.keys(DATABASE_ALERTS) as readonly DatabaseAlertName[];

export interface AlertSetting {
  readonly enabled: boolean;
  /** A number as text, as the API has it; empty: none. */
  readonly threshold: string;
}

/** Those that somebody has set. */
export type DatabaseAlerts = { readonly [Name in DatabaseAlertName]?: AlertSetting | undefined };

/** What may be said of one alert; absent: stays as it is. */
export type DatabaseAlertsEdit = {
  readonly [Name in DatabaseAlertName]?:
    | { readonly enabled?: boolean | undefined; readonly threshold?: string | undefined }
    | undefined;
};

export const databaseAlertSetting = (settings: DatabaseAlerts, name: DatabaseAlertName): AlertSetting => {
  const { enabled, threshold } = DATABASE_ALERTS[name];
  return settings[name] ?? { enabled, threshold: threshold === null ? '' : String(threshold) };
};

type AlertsOutcome = { readonly ok: true; readonly alerts: DatabaseAlerts } | ReturnType<typeof problem>;

export const editDatabaseAlerts = (settings: DatabaseAlerts, edit: DatabaseAlertsEdit): AlertsOutcome => {
  const next: Record<string, AlertSetting> = { ...(settings as Readonly<Record<string, AlertSetting>>) };
  for (const name of DATABASE_ALERT_NAMES) {
    const given = edit[name];
    if (given === undefined) continue;
    const before = databaseAlertSetting(settings, name);
    const setting = { enabled: given.enabled ?? before.enabled, threshold: given.threshold ?? before.threshold };
    const { about, threshold } = DATABASE_ALERTS[name];
    const isNumber = /^\d{1,12}(?:\.\d{1,6})?$/.test(setting.threshold);
    if (!isNumber && (setting.threshold !== '' || (threshold !== null && setting.enabled))) {
      return problem('invalid_alert', `${name}: threshold "${setting.threshold}" is not a number (${about})`);
    }
    next[name] = setting;
  }
  return { ok: true, alerts: next };
};
