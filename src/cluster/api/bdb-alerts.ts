/**
 * /v1/bdbs/alerts and /v1/bdbs/replica_sources/alerts: which alerts there are, from which threshold, and whether they are raised.
 * [RS objects/db_alerts_settings]
 */

import { z } from 'zod';
import { ALERT_NAMES, type AlertName as SourceAlertName } from '../../replication/replica-of/alerts.ts';
import { alertSeverity, SOURCE_ALERTS, type AlertState } from '../control/alert-watch.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import {
  DATABASE_ALERT_NAMES,
  databaseAlertSetting,
  type DatabaseAlertName,
  type DatabaseAlertsEdit,
} from '../state/database-alerts.ts';
import { sourceOf } from './bdb-stats.ts';
import { ApiProblem } from './problems.ts';
import { changed, databaseOf, defineRoute, dryRunQuery, isDryRun, isoTime, type Call, type Route } from './route.ts';

const alertReply = z.object({
  enabled: z.boolean(),
  state: z.boolean(),
  threshold: z.string(),
  severity: z.string(),
  change_time: z.string(),
  change_value: z.looseObject({ state: z.boolean() }),
});

const alertsReply = z.record(z.string(), alertReply);

type Alert = z.infer<typeof alertReply>;

const alertView = (database: DatabaseRecord, name: DatabaseAlertName, seen: AlertState | undefined): Alert => {
  const { enabled, threshold } = databaseAlertSetting(database.alerts, name);
  const state = seen?.raised ?? false;
  const value = seen?.value ?? null;
  return {
    enabled,
    state,
    threshold,
    severity: alertSeverity(name),
    // One that was never raised is as it was made.
    change_time: isoTime(seen?.changedMs ?? database.createdMs),
    change_value: { state, threshold, ...(value === null ? {} : { [VALUE_NAMES[name] ?? 'value']: value }) },
  };
};

const VALUE_NAMES: Readonly<Partial<Record<DatabaseAlertName, string>>> = {
  bdb_size: 'memory_util',
  bdb_high_latency: 'latency',
  bdb_high_throughput: 'throughput',
  bdb_low_throughput: 'throughput',
  bdb_replica_src_high_syncer_lag: 'lag',
  bdb_high_syncer_lag: 'lag',
};

const alertsOf = ({ alerts }: ControlPlane, database: DatabaseRecord): Readonly<Record<string, Alert>> =>
  Object.fromEntries(
    DATABASE_ALERT_NAMES.map((name) => [name, alertView(database, name, alerts.state(database.uid, name))]),
  );

/** Of one source; null: of all, raised when any is. */
const sourceAlertsOf = (
  { alerts }: ControlPlane,
  database: DatabaseRecord,
  sourceUid: number | null,
): Readonly<Record<string, Alert>> =>
  Object.fromEntries(
    ALERT_NAMES.map((name) => {
      const seen =
        sourceUid === null
          ? alerts.state(database.uid, SOURCE_ALERTS[name])
          : alerts.sourceState(database.uid, sourceUid, name);
      return [name, alertView(database, SOURCE_ALERTS[name], seen)];
    }),
  );

const named = (alerts: Readonly<Record<string, Alert>>, name: string): Alert => {
  // A name that every object has, `constructor`, is no alert.
  const found = Object.hasOwn(alerts, name) ? alerts[name] : undefined;
  if (found !== undefined) return found;
  throw new ApiProblem('not_found', `there is no alert "${name}"; there are: ${Object.keys(alerts).join(', ')}`);
};

const settingsBody = z.strictObject(
  Object.fromEntries(
    DATABASE_ALERT_NAMES.map((name) => [
      name,
      z.strictObject({ enabled: z.boolean().optional(), threshold: z.string().optional() }).optional(),
    ]),
  ),
);

/** No database is Active-Active: there are no such sources, and none can be named. */
const crdtRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/crdt_sources/alerts',
    summary: 'The alerts about Active-Active sources of all databases: none.',
    permission: 'view_all_bdbs_alerts',
    reply: z.record(z.string(), alertsReply),
    run: () => ({}),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/crdt_sources/alerts/:uid',
    summary: 'The alerts about the Active-Active sources of a database: none.',
    permission: 'view_bdb_alerts',
    reply: alertsReply,
    problems: ['db_not_exist'],
    run(call) {
      databaseOf(call);
      return {};
    },
  }),
];

export const bdbAlertRoutes: readonly Route[] = [
  ...crdtRoutes,

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/alerts',
    summary: 'The alerts of all databases, by uid.',
    permission: 'view_all_bdbs_alerts',
    reply: z.record(z.string(), alertsReply),
    run: ({ control }) =>
      Object.fromEntries(
        control.state.databases.map((database) => [String(database.uid), alertsOf(control, database)]),
      ),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/alerts/:uid',
    summary: 'The alerts of a database.',
    permission: 'view_bdb_alerts',
    reply: alertsReply,
    problems: ['db_not_exist'],
    run: (call) => alertsOf(call.control, databaseOf(call)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/alerts/:uid/:alert',
    summary: 'One alert of a database.',
    permission: 'view_bdb_alerts',
    reply: alertReply,
    problems: ['db_not_exist', 'not_found'],
    run: (call) => named(alertsOf(call.control, databaseOf(call)), call.parameter('alert')),
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bdbs/alerts/:uid',
    summary: 'Turns alerts of a database on and off and sets their thresholds.',
    permission: 'update_bdb_alerts',
    query: dryRunQuery,
    body: settingsBody,
    reply: alertsReply,
    problems: ['db_not_exist', 'invalid_alert'],
    run(call: Call<z.infer<typeof settingsBody>>) {
      const { control, body } = call;
      const change = control.setAlerts(databaseOf(call).uid, body as DatabaseAlertsEdit);
      return alertsOf(control, changed(isDryRun(call) ? control.dryRun(change) : control.submit(change)));
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/replica_sources/alerts',
    summary: 'The alerts about replica sources of all databases, by uid.',
    permission: 'view_all_bdbs_alerts',
    reply: z.record(z.string(), alertsReply),
    run: ({ control }) =>
      Object.fromEntries(
        control.state.databases
          .filter((database) => database.replica.sources.length > 0)
          .map((database) => [String(database.uid), sourceAlertsOf(control, database, null)]),
      ),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/replica_sources/alerts/:uid',
    summary: 'The alerts about the replica sources of a database.',
    permission: 'view_bdb_alerts',
    reply: alertsReply,
    problems: ['db_not_exist'],
    run: (call) => sourceAlertsOf(call.control, databaseOf(call), null),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/replica_sources/alerts/:uid/:source',
    summary: 'The alerts about one replica source.',
    permission: 'view_bdb_alerts',
    reply: alertsReply,
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      const database = databaseOf(call);
      return sourceAlertsOf(call.control, database, sourceOf(call, database));
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/replica_sources/alerts/:uid/:source/:alert',
    summary: 'One alert about one replica source.',
    permission: 'view_bdb_alerts',
    reply: alertReply,
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      const database = databaseOf(call);
      return named(
        sourceAlertsOf(call.control, database, sourceOf(call, database)),
        call.parameter('alert') as SourceAlertName,
      );
    },
  }),
];
