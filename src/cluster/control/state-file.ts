/**
 * A cluster's state as a file: one line that says what follows (format, schema, length, SHA-256), then the state as JSON, laid out
 * for people who look. Pure: text in and out.
 *
 * The state is written as it is, so that what is added to it needs nothing here; what an older file lacks gets the values of a
 * new cluster and a new database. A file that is damaged, or newer than this program, is never guessed at.
 */

import { createHash } from 'node:crypto';
import { firstAccounts } from '../state/accounts.ts';
import { DEFAULT_ALERT_SETTINGS } from '../state/alert-settings.ts';
import { DEFAULT_CLUSTER_SETTINGS, DEFAULT_SERVICES } from '../state/cluster-settings.ts';
import { newCluster, type ClusterState } from '../state/cluster-state.ts';
import { DATABASE_DEFAULTS } from '../state/database-defaults.ts';
import { developmentLicense } from '../state/license.ts';
import { passwordOf } from './secrets.ts';

const FORMAT = 'antipode-cluster-state';
/** Raised when an older program could misread what a newer one writes. */
const SCHEMA = 1;

export type StateFileOutcome =
  | { readonly ok: true; readonly state: ClusterState }
  /** The cause, for people. */
  | { readonly ok: false; readonly detail: string };

export const encodeState = (state: ClusterState): Buffer => {
  const body = Buffer.from(`${JSON.stringify(state, null, 1)}\n`, 'utf8');
  const head = { format: FORMAT, schema: SCHEMA, bytes: body.length, sha256: digest(body) };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`, 'utf8'), body]);
};

export const decodeState = (bytes: Buffer): StateFileOutcome => {
  const end = bytes.indexOf('\n');
  const head = end < 0 ? null : parsed(bytes.subarray(0, end));
  if (head === null || head['format'] !== FORMAT) return wrong("its first line is not that of a cluster's state");
  if (typeof head['schema'] !== 'number' || head['schema'] > SCHEMA) {
    return wrong(
      `it was written by a newer version (schema ${String(head['schema'])}; this one knows up to ${SCHEMA})`,
    );
  }
  const body = bytes.subarray(end + 1);
  if (body.length !== head['bytes']) {
    return wrong(`it has ${body.length} bytes after its first line, which announces ${String(head['bytes'])}`);
  }
  if (digest(body) !== head['sha256']) return wrong('its checksum does not fit: it has been changed or damaged');
  const state = parsed(body) as ClusterState | null;
  if (state === null) return wrong('it is not JSON');
  return { ok: true, state: completed(state) };
};

/** Perhaps written by a version that knew neither accounts nor licences. */
type Older = Omit<ClusterState, 'accounts' | 'license'> & Partial<Pick<ClusterState, 'accounts' | 'license'>>;

/** What is running has stopped: databases are being started again. */
const completed = (older: Older): ClusterState => {
  const accounts = older.accounts ?? firstAccounts(older.username, passwordOf(older.password).hash, older.createdMs);
  const license = older.license ?? developmentLicense(older.createdMs);
  const state = { ...older, accounts, license };
  return {
    ...newCluster(state),
    ...state,
    settings: { ...DEFAULT_CLUSTER_SETTINGS, ...state.settings },
    services: { ...DEFAULT_SERVICES, ...state.services },
    alertSettings: { ...DEFAULT_ALERT_SETTINGS, ...state.alertSettings },
    databases: state.databases.map((database) => ({
      ...DATABASE_DEFAULTS,
      ...database,
      status: database.status === 'active' ? 'active-change-pending' : database.status,
      settings: { ...DATABASE_DEFAULTS.settings, ...database.settings },
      replica: { ...DATABASE_DEFAULTS.replica, ...database.replica },
    })),
  };
};

const wrong = (detail: string): StateFileOutcome => ({ ok: false, detail });

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const parsed = (bytes: Buffer): Readonly<Record<string, unknown>> | null => {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
};
