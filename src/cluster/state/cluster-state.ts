/**
 * Everything that is true of one cluster by decision (not by observation): nodes, databases, shards, secrets, certificates.
 *
 * Plain data, never changed in place: `apply.ts` makes the next state, `plan.ts` compares it with what runs. What is merely seen
 * (lag, connections, progress) lives with whoever sees it. Limits: `NODES_MAX`, `DATABASES_MAX`, those of `database-rules.ts`.
 */

import type { ReplicaSync, FullSyncCause, StopCause } from '../../replication/replica-of/status.ts';
import type { HashingRule } from '../../sharding/hashing-policy.ts';
import type { ClusterCertificates } from '../certificates/cluster-certificates.ts';
import { endpointName } from '../names/endpoint-names.ts';
import type { DatabaseAlerts } from './database-alerts.ts';
import type { Accounts } from './accounts.ts';
import { DEFAULT_ALERT_SETTINGS, type AlertSettings } from './alert-settings.ts';
import { DEFAULT_CLUSTER_SETTINGS, DEFAULT_SERVICES, type ClusterSettings, type Services } from './cluster-settings.ts';
import type { DatabaseSettings } from './database-settings.ts';
import type { LicenseRecord } from './license.ts';
import type { NodeSettings, ProxySettings } from './node-settings.ts';

export const NODES_MAX = 35;
export const DATABASES_MAX = 500;
/** [RS limits: shards of a node] */
export const SHARDS_PER_NODE_MAX = 100;

export interface NodeRecord {
  readonly uid: number;
  readonly address: string;
  /** Absent: as they are at first. */
  readonly settings?: NodeSettings;
  readonly proxy?: ProxySettings;
}

/** Who lacks what is needed to resolve names under `.local`. [RS mdns] */
export interface MdnsMissing {
  /** Uids of nodes: their syncers cannot find sources by such names. */
  readonly nodes: readonly number[];
  /** Programs outside: they cannot find this cluster by name. */
  readonly clients: boolean;
}

export interface SourceRecord {
  /** 1-based within its destination; also the source's name in the engine's marks. */
  readonly uid: number;
  readonly uri: string;
  /** Level of the stream on the wire; 0: none, at most 6. */
  readonly compression: number;
  readonly encryption: boolean;
  /** PEM; empty: none. */
  readonly serverCertificate: string;
  /** Own identity instead of the cluster's syncer certificate; empty: the syncer's. */
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Empty: the host of the URI. */
  readonly serverName: string;
}

export interface ReplicaRecord {
  readonly sync: ReplicaSync;
  readonly sources: readonly SourceRecord[];
  /** `replica_read_only`: clients of the destination may not write. */
  readonly readOnly: boolean;
  /** Counts the configurations that were enabled: each starts from scratch. */
  readonly generation: number;
  /** Why the present generation starts over; null once it has begun, and for the first. */
  readonly restart: FullSyncCause | null;
  /** Why the system stopped it; null unless `sync` is `stopped`. */
  readonly stopped: { readonly cause: StopCause; readonly detail: string } | null;
}

export type DatabaseStatus = 'pending' | 'active' | 'active-change-pending' | 'delete-pending' | 'creation-failed';

export type TlsMode = 'disabled' | 'enabled' | 'replica_ssl';

/** A save at least every `secs` seconds in which at least `writes` writes happened. */
export interface SnapshotRule {
  readonly secs: number;
  readonly writes: number;
}

/** Subject of a client certificate that may connect; what is absent is not looked at. [RS objects/bdb] */
export interface AuthorizedSubject {
  readonly CN: string;
  readonly O?: string | undefined;
  readonly OU?: readonly string[] | undefined;
  readonly L?: string | undefined;
  readonly ST?: string | undefined;
  readonly C?: string | undefined;
}

/** Users of the role may do what the ACL says. */
export interface RolePermission {
  readonly roleUid: number;
  readonly aclUid: number;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface DatabaseRecord {
  readonly uid: number;
  readonly name: string;
  readonly status: DatabaseStatus;
  /** What keeps it from becoming active; empty: nothing. */
  readonly trouble: string;
  readonly memorySizeBytes: number;
  readonly port: number;
  /** False: nobody asked for this port. [RS: GET then shows 0] */
  readonly portWished: boolean;
  /** Node whose proxy serves it under the policy `single`. [RS proxy policy] */
  readonly endpointNodeUid: number;
  readonly shardsCount: number;
  readonly sharding: boolean;
  readonly hashingRules: readonly HashingRule[];
  /** Of the default user; none: no password is needed. */
  readonly passwords: readonly string[];
  /** Of the user `admin`, for those who replicate from here. */
  readonly adminPassword: string;
  /** Counts regenerations of it: connections opened with an older one are cut. */
  readonly adminPasswordEpoch: number;
  readonly tlsMode: TlsMode;
  readonly enforceClientAuthentication: boolean;
  /** PEM. */
  readonly clientCertificates: readonly string[];
  readonly settings: DatabaseSettings;
  readonly snapshotPolicy: readonly SnapshotRule[];
  readonly authorizedSubjects: readonly AuthorizedSubject[];
  /** PEM; accepted like `clientCertificates`. [RS objects/bdb] */
  readonly crdtCertificates: readonly string[];
  readonly rolePermissions: readonly RolePermission[];
  readonly tags: readonly Tag[];
  readonly alerts: DatabaseAlerts;
  /** No endpoint is open: an administrator wants it so. [RS traffic_manually_disabled] */
  readonly trafficStopped: boolean;
  readonly replica: ReplicaRecord;
  readonly createdMs: number;
  readonly changedMs: number;
}

export interface ShardRecord {
  readonly uid: number;
  readonly databaseUid: number;
  /** Position in the database's slot map. */
  readonly index: number;
  readonly nodeUid: number;
  readonly port: number;
}

/** First ports that are given out by themselves; shifted where clusters must share one address. */
export interface PortPlan {
  readonly databaseFirst: number;
  readonly databaseLast: number;
  readonly shardFirst: number;
  readonly shardLast: number;
}

/** [RS port-configurations] */
export const STANDARD_PORTS: PortPlan = {
  databaseFirst: 10_000,
  databaseLast: 19_999,
  shardFirst: 20_000,
  shardLast: 29_999,
};

export interface ClusterState {
  readonly fqdn: string;
  /** Counts changes. [RS: header cluster-state-id] */
  readonly version: number;
  readonly createdMs: number;
  /** Of the first administrator, as the sandbox shows them to its owner; what opens the API is `accounts`. */
  readonly username: string;
  readonly password: string;
  readonly accounts: Accounts;
  readonly license: LicenseRecord;
  readonly settings: ClusterSettings;
  readonly services: Services;
  readonly alertSettings: AlertSettings;
  /** By which our own parts get into shards. */
  readonly internalPassword: string;
  readonly certificates: ClusterCertificates;
  readonly ports: PortPlan;
  readonly nodes: readonly NodeRecord[];
  /** Endpoints have a private name as well; decided at creation. [RS private-public-endpoints] */
  /** Nobody has created it yet: it answers POST /v1/bootstrap/create_cluster only. */
  readonly isWaiting: boolean;
  readonly privateEndpoints: boolean;
  readonly mdnsMissing: MdnsMissing;
  /** By uid. */
  readonly databases: readonly DatabaseRecord[];
  /** By uid. */
  readonly shards: readonly ShardRecord[];
  readonly nextDatabaseUid: number;
  readonly nextShardUid: number;
}

/** What has a usual value may be left out. */
const USUAL = {
  isWaiting: false,
  privateEndpoints: false,
  mdnsMissing: { nodes: [], clients: false } as MdnsMissing,
  settings: DEFAULT_CLUSTER_SETTINGS,
  services: DEFAULT_SERVICES,
  alertSettings: DEFAULT_ALERT_SETTINGS,
} as const satisfies Partial<ClusterState>;

export type NewCluster = Omit<
  ClusterState,
  'version' | 'databases' | 'shards' | 'nextDatabaseUid' | 'nextShardUid' | keyof typeof USUAL
> &
  Partial<Pick<ClusterState, keyof typeof USUAL>>;

export const newCluster = (facts: NewCluster): ClusterState => ({
  ...USUAL,
  ...facts,
  version: 1,
  databases: [],
  shards: [],
  nextDatabaseUid: 1,
  nextShardUid: 1,
});

export const databaseByUid = (state: ClusterState, uid: number): DatabaseRecord | undefined =>
  state.databases.find((database) => database.uid === uid);

export const nodeByUid = (state: ClusterState, uid: number): NodeRecord | undefined =>
  state.nodes.find((node) => node.uid === uid);

/** In the order of the slot map. */
export const shardsOf = (state: ClusterState, databaseUid: number): readonly ShardRecord[] =>
  state.shards.filter((shard) => shard.databaseUid === databaseUid).toSorted((a, b) => a.index - b.index);

/** Name by which clients and syncers reach a database. */
export const databaseHost = (state: ClusterState, database: DatabaseRecord): string =>
  endpointName(database.port, state.fqdn);

/** What a destination elsewhere is configured with. [RS replica-of: source URL] */
export const sourceUrlOf = (state: ClusterState, database: DatabaseRecord): string =>
  `redis://admin:${database.adminPassword}@${databaseHost(state, database)}:${database.port}`;

/** Names a configuration of Replica Of to the engine and in its marks. */
export const generationName = (state: ClusterState, database: DatabaseRecord): string =>
  `${state.fqdn}/${database.uid}#${database.replica.generation}`;
