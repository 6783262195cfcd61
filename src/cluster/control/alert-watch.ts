/**
 * Which alerts of databases and of their replica sources are raised: judged after every sample, kept with the time of the last
 * change, and noted in the event log. [RS objects/db_alerts_settings]
 *
 * Border: what can be raised and from which threshold is decided (`state/database-alerts.ts`); a source is judged by its engine
 * (`replica-of/alerts.ts`), other numbers come from whoever sees them.
 */

import { ALERT_NAMES, type AlertName as SourceAlertName } from '../../replication/replica-of/alerts.ts';
import type { SourceProgress } from '../../replication/replica-of/progress.ts';
import type { Milliseconds } from '../../world/world.ts';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import {
  DATABASE_ALERT_NAMES,
  DATABASE_ALERTS,
  databaseAlertSetting,
  type DatabaseAlertName,
} from '../state/database-alerts.ts';

export interface AlertState {
  readonly raised: boolean;
  readonly changedMs: Milliseconds;
  /** What was seen as it changed: for `bdb_size` the percentage, for a lag the seconds; null: it is a plain yes or no. */
  readonly value: number | null;
}

/** What is judged. */
export interface DatabaseFacts {
  readonly memoryPercent: number;
  readonly requestsPerSecond: number;
  readonly latencyUs: number;
  /** How long the oldest action has been running. */
  readonly actionSeconds: number;
  readonly sources: readonly SourceProgress[];
}

/** Alerts that each source of a database has. */
export const SOURCE_ALERTS = {
  replica_src_high_syncer_lag: 'bdb_replica_src_high_syncer_lag',
  replica_src_syncer_connection_error: 'bdb_replica_src_syncer_connection_error',
  replica_src_syncer_general_error: 'bdb_replica_src_syncer_general_error',
} as const satisfies Readonly<Record<SourceAlertName, DatabaseAlertName>>;

interface Judgement {
  readonly raised: boolean;
  readonly value: number | null;
}

export type AlertEvents = (
  atMs: Milliseconds,
  database: DatabaseRecord,
  /** Null: of the database as a whole. */
  sourceUid: number | null,
  name: string,
  state: AlertState,
) => void;

const CALM: Judgement = { raised: false, value: null };

export class AlertWatch {
  /** By database and alert, or by database, source and alert. */
  readonly #states = new Map<string, AlertState>();
  readonly #events: AlertEvents;

  constructor(events: AlertEvents) {
    this.#events = events;
  }

  /** Undefined: it has never been otherwise than calm. */
  state(databaseUid: number, name: DatabaseAlertName): AlertState | undefined {
    return this.#states.get(`${databaseUid}/${name}`);
  }

  sourceState(databaseUid: number, sourceUid: number, name: SourceAlertName): AlertState | undefined {
    return this.#states.get(`${databaseUid}/${sourceUid}/${name}`);
  }

  judge(atMs: Milliseconds, database: DatabaseRecord, facts: DatabaseFacts): void {
    const bySource = ALERT_NAMES.map((name) => {
      const judged = database.replica.sources.map(({ uid }) => {
        const judgement = judgeSource(database, uid, name, facts.sources);
        this.#set(`${database.uid}/${uid}/${name}`, atMs, database, uid, name, judgement);
        return judgement;
      });
      return [SOURCE_ALERTS[name], judged.find(({ raised }) => raised) ?? CALM] as const;
    });
    const ofSources = new Map<DatabaseAlertName, Judgement>(bySource);
    for (const name of DATABASE_ALERT_NAMES) {
      const newer = OLDER_NAMES[name] ?? name;
      const judgement = ofSources.get(newer) ?? judgeDatabase(newer, database, facts);
      const enabled = databaseAlertSetting(database.alerts, name).enabled;
      this.#set(`${database.uid}/${name}`, atMs, database, null, name, enabled ? judgement : CALM);
    }
  }

  /** Forgets databases that are gone. */
  keep(databaseUids: ReadonlySet<number>): void {
    for (const key of this.#states.keys()) {
      if (!databaseUids.has(Number.parseInt(key, 10))) this.#states.delete(key);
    }
  }

  #set(
    key: string,
    atMs: Milliseconds,
    database: DatabaseRecord,
    sourceUid: number | null,
    name: string,
    { raised, value }: Judgement,
  ): void {
    const before = this.#states.get(key);
    if ((before?.raised ?? false) === raised) return;
    const state = { raised, changedMs: atMs, value };
    this.#states.set(key, state);
    this.#events(atMs, database, sourceUid, name, state);
  }
}

/** As its engine sees it, as long as that runs; what has stopped it stays true. */
const judgeSource = (
  { alerts, replica }: DatabaseRecord,
  uid: number,
  name: SourceAlertName,
  sources: readonly SourceProgress[],
): Judgement => {
  const seen = sources.find((source) => source.key === String(uid));
  const meant = name === 'replica_src_syncer_general_error' ? 'stopped' : 'enabled';
  const isOn = seen?.alerts[name].isOn === true && replica.sync === meant;
  if (!isOn || !databaseAlertSetting(alerts, SOURCE_ALERTS[name]).enabled) return CALM;
  return { raised: true, value: name === 'replica_src_high_syncer_lag' ? seen.lagMs / 1_000 : null };
};

/** Deprecated twins. [RS objects/db_alerts_settings] */
const OLDER_NAMES: Readonly<Partial<Record<DatabaseAlertName, DatabaseAlertName>>> = {
  bdb_high_syncer_lag: 'bdb_replica_src_high_syncer_lag',
  bdb_syncer_connection_error: 'bdb_replica_src_syncer_connection_error',
  bdb_syncer_general_error: 'bdb_replica_src_syncer_general_error',
};

const judgeDatabase = (name: DatabaseAlertName, database: DatabaseRecord, facts: DatabaseFacts): Judgement => {
  const threshold = Number(databaseAlertSetting(database.alerts, name).threshold);
  const above = (value: number): Judgement => ({ raised: value > threshold, value });
  switch (name) {
    case 'bdb_size':
      return above(facts.memoryPercent);
    case 'bdb_high_throughput':
      return above(facts.requestsPerSecond);
    case 'bdb_low_throughput':
      return { raised: facts.requestsPerSecond < threshold, value: facts.requestsPerSecond };
    case 'bdb_high_latency':
      return above(facts.latencyUs);
    case 'bdb_long_running_action':
      return above(facts.actionSeconds);
    default:
      return CALM;
  }
};

/** How bad it is while it is raised. */
export const alertSeverity = (name: DatabaseAlertName): 'WARNING' | 'ERROR' => DATABASE_ALERTS[name].severity;
