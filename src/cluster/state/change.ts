/**
 * Everything that can happen to a cluster's state, and what may be wrong with it. Types and the table of problems; the
 * rules are in `apply.ts` and its siblings.
 *
 * Chance and time come in with the change, so that applying it is pure. Problem codes are those of Redis Enterprise's REST API; where
 * it documents none for a rule, the nearest is used [RS bdbs: 406 codes].
 */

import type { FullSyncCause, ReplicaSync, StopCause } from '../../replication/replica-of/status.ts';
import type {
  AuthorizedSubject,
  ClusterState,
  MdnsMissing,
  RolePermission,
  SnapshotRule,
  SourceRecord,
  Tag,
  TlsMode,
} from './cluster-state.ts';
import type { DatabaseAlertsEdit } from './database-alerts.ts';
import type { AccountChange } from './accounts.ts';
import type { AlertSettingsEdit } from './alert-settings.ts';
import type { BootstrapWish } from './bootstrap-rules.ts';
import type { ClusterSettingsEdit, Services } from './cluster-settings.ts';
import type { SettingsEdit } from './database-settings.ts';
import type { NodeChange } from './node-settings.ts';

export interface SourceWish {
  readonly uid?: number | undefined;
  readonly uri: string;
  readonly compression?: number | undefined;
  readonly encryption?: boolean | undefined;
  readonly serverCertificate?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly serverName?: string | undefined;
}

/** What may be changed at any time; absent: stays as it is. */
export interface DatabaseEdit {
  readonly name?: string | undefined;
  readonly memorySizeBytes?: number | undefined;
  readonly passwords?: readonly string[] | undefined;
  readonly tlsMode?: TlsMode | undefined;
  readonly enforceClientAuthentication?: boolean | undefined;
  readonly clientCertificates?: readonly string[] | undefined;
  readonly settings?: SettingsEdit | undefined;
  readonly snapshotPolicy?: readonly SnapshotRule[] | undefined;
  readonly authorizedSubjects?: readonly AuthorizedSubject[] | undefined;
  readonly crdtCertificates?: readonly string[] | undefined;
  readonly rolePermissions?: readonly RolePermission[] | undefined;
  readonly tags?: readonly Tag[] | undefined;
  readonly replicaSources?: readonly SourceWish[] | undefined;
  readonly replicaSync?: ReplicaSync | undefined;
  // Fixed at creation: an edit may repeat them, not change them.
  readonly port?: number | undefined;
  readonly shardsCount?: number | undefined;
  readonly sharding?: boolean | undefined;
  readonly hashingRules?: readonly { readonly regex: string }[] | undefined;
  readonly replicaReadOnly?: boolean | undefined;
}

export interface DatabaseWish extends DatabaseEdit {
  readonly uid?: number | undefined;
}

/** A certificate of the cluster that somebody brings. */
export interface CertificateWish {
  /** Names that no cluster knows are refused, so any text may come. */
  readonly name: string;
  /** PEM; may hold the chain, the certificate itself first. */
  readonly certificate: string;
  /** PEM, not encrypted; absent for those without one. */
  readonly key?: string | undefined;
}

export type ServicesEdit = { readonly [Name in keyof Services]?: Services[Name] | undefined };

/** Absent: stays as it is. */
export interface ClusterEdit {
  readonly settings?: ClusterSettingsEdit | undefined;
  readonly services?: ServicesEdit | undefined;
  readonly alerts?: AlertSettingsEdit | undefined;
}

export type Change =
  // asked for by people and programs
  | {
      readonly kind: 'create-database';
      readonly atMs: number;
      readonly adminPassword: string;
      readonly wish: DatabaseWish;
    }
  | { readonly kind: 'update-database'; readonly atMs: number; readonly uid: number; readonly edit: DatabaseEdit }
  | {
      readonly kind: 'regenerate-password';
      readonly atMs: number;
      readonly uid: number;
      readonly adminPassword: string;
    }
  | { readonly kind: 'update-alerts'; readonly atMs: number; readonly uid: number; readonly edit: DatabaseAlertsEdit }
  | { readonly kind: 'set-traffic'; readonly atMs: number; readonly uid: number; readonly stopped: boolean }
  | { readonly kind: 'delete-database'; readonly atMs: number; readonly uid: number }
  /** All of them or, when one is refused, none. */
  | { readonly kind: 'replace-certificates'; readonly atMs: number; readonly certificates: readonly CertificateWish[] }
  | { readonly kind: 'delete-certificate'; readonly atMs: number; readonly name: string }
  | ({ readonly kind: 'set-mdns-missing' } & MdnsMissing)
  | { readonly kind: 'update-cluster'; readonly edit: ClusterEdit }
  | ({ readonly kind: 'update-node' } & NodeChange)
  | { readonly kind: 'bootstrap-cluster'; readonly atMs: number; readonly wish: BootstrapWish }
  | { readonly kind: 'install-license'; readonly atMs: number; readonly text: string }
  | AccountChange
  // told by the reconciler and the syncers
  | { readonly kind: 'database-ready'; readonly uid: number }
  | { readonly kind: 'database-troubled'; readonly uid: number; readonly trouble: string }
  | { readonly kind: 'database-removed'; readonly uid: number }
  | {
      readonly kind: 'full-sync-begun';
      readonly uid: number;
      readonly generation: number;
      readonly cause: FullSyncCause;
    }
  | {
      readonly kind: 'replica-stopped';
      readonly uid: number;
      readonly generation: number;
      readonly cause: StopCause;
      readonly detail: string;
    };

export type ProblemCode =
  | 'db_not_exist'
  | 'busy'
  | 'uid_exists'
  | 'missing_db_name'
  | 'name_violation'
  | 'missing_memory_size'
  | 'insufficient_resources'
  | 'port_unavailable'
  | 'invalid_sharding'
  | 'invalid_replication'
  | 'invalid_certificate'
  | 'certificate_expired'
  | 'duplicated_certs'
  | 'unknown_certificate'
  | 'invalid_cluster_certificate'
  | 'required_certificate'
  | 'certificate_not_found'
  | 'invalid_connections'
  | 'invalid_password'
  | 'invalid_proxy_policy'
  | 'invalid_data_persistence'
  | 'invalid_oss_cluster_configuration'
  | 'invalid_sasl_credentials'
  | 'invalid_bdb_tags'
  | 'invalid_alert'
  | 'eviction_policy_violation'
  | 'replication_node_violation'
  | 'replication_size_violation'
  | 'not_rack_aware'
  | 'rack_awareness_violation'
  | 'missing_backup_interval'
  | 'invalid_setting'
  | 'not_emulated'
  | 'node_not_exist'
  | 'bad_debuginfo_path'
  | 'not_found'
  | 'in_use'
  | 'read_only_object'
  | 'missing_field'
  | 'invalid_param'
  | 'name_already_exists'
  | 'email_already_exists'
  | 'password_not_complex'
  | 'new_password_same_as_current'
  | 'cannot_delete_last_password'
  | 'change_last_admin_role_not_allowed'
  | 'invalid_license'
  | 'already_bootstrapped'
  | 'config_error'
  | 'license_violation'
  | 'license_refused';

export interface Problem {
  readonly code: ProblemCode;
  /** For people: the offending value, the rule, what to do. */
  readonly description: string;
  /** Which of the replica sources is meant, counted from 0. */
  readonly source?: number;
}

export type ApplyOutcome =
  | {
      readonly ok: true;
      readonly state: ClusterState;
      /** The object concerned, mostly a database; 0: none. */ readonly uid: number;
    }
  | { readonly ok: false; readonly problem: Problem };

export type SourcesOutcome =
  | { readonly ok: true; readonly sources: readonly SourceRecord[] }
  | { readonly ok: false; readonly problem: Problem };

export const problem = (
  code: ProblemCode,
  description: string,
  source?: number,
): { readonly ok: false; readonly problem: Problem } => ({
  ok: false,
  problem: { code, description, ...(source === undefined ? {} : { source }) },
});
