/**
 * What a sandbox is made of, as scripts say it. The config file says the same in its own spelling (`config-file.ts`).
 *
 * A source is a URL, or `cluster/database` for a database of the same sandbox: then password, name and certificates are found by
 * themselves.
 */

import type { TlsMode } from '../cluster/state/cluster-state.ts';
import type { ServicesEdit } from '../cluster/state/change.ts';
import type { SettingsEdit } from '../cluster/state/database-settings.ts';

export const CLUSTERS_MAX = 100;
/** Three numbers of an IPv4 loopback address. */
export const SUBNET = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){2}$/;

export interface SourceConfig {
  /** Or `cluster/database`. */
  readonly url: string;
  /** 0 (none) to 6. */
  readonly compression?: number | undefined;
  readonly encryption?: boolean | undefined;
  /** PEM: the source cluster's proxy certificate. */
  readonly serverCertificate?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly serverName?: string | undefined;
}

/** Who lacks the means of multicast DNS (libnss-mdns, avahi), and cannot resolve names under `.local`. */
export interface MdnsMissingConfig {
  /** Nodes by number: their syncers cannot find sources by such names. Absent: none. */
  readonly nodes?: 'all' | readonly number[] | undefined;
  /** Programs outside cannot find the cluster by name. */
  readonly clients?: boolean | undefined;
}

export interface DatabaseConfig {
  readonly name: string;
  /** Absent: the next free one from 10000. */
  readonly port?: number | undefined;
  readonly shards?: number | undefined;
  /** 0, and absent: no limit. */
  readonly memorySizeBytes?: number | undefined;
  readonly password?: string | undefined;
  readonly tlsMode?: TlsMode | undefined;
  readonly enforceClientAuthentication?: boolean | undefined;
  /** PEM. */
  readonly clientCertificates?: readonly string[] | undefined;
  /** Under their names in the REST API: `proxy_policy`, `eviction_policy`, `max_connections` … */
  readonly settings?: SettingsEdit | undefined;
  /** Regular expressions with a group `tag`. */
  readonly hashingRules?: readonly string[] | undefined;
  readonly replicaReadOnly?: boolean | undefined;
  readonly replicaOf?: readonly (string | SourceConfig)[] | undefined;
}

export interface ClusterConfig {
  /** The cluster's fully qualified name. */
  readonly name: string;
  readonly nodes?: number | undefined;
  /** Three numbers: node n has the address `<subnet>.<n>`. Absent: 127.0.<position of the cluster>. */
  readonly subnet?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Endpoints have a second name, `redis-<port>.internal.<cluster>`. */
  readonly privateEndpoints?: boolean | undefined;
  readonly mdnsMissing?: MdnsMissingConfig | undefined;
  /** As in services_configuration of the REST API; absent: as usual. */
  readonly services?: ServicesEdit | undefined;
  /** `manual`: it waits for POST /v1/bootstrap/create_cluster, as a new machine does; it has no databases then. */
  readonly bootstrap?: 'automatic' | 'manual' | undefined;
  /** `trial`: the product's own, for 30 days and 4 shards. Absent: one that no sandbox outgrows. */
  readonly license?: 'development' | 'trial' | undefined;
  readonly databases?: readonly DatabaseConfig[] | undefined;
}

export interface SandboxConfig {
  readonly clusters: readonly ClusterConfig[];
}

/** Two clusters, a sharded database, and its copy in another cluster with another number of shards. */
export const DEFAULT_CONFIG: SandboxConfig = {
  clusters: [
    { name: 'east.local', databases: [{ name: 'orders', port: 12_000, shards: 2 }] },
    {
      name: 'west.local',
      databases: [{ name: 'orders-copy', port: 12_000, shards: 3, replicaOf: ['east.local/orders'] }],
    },
  ],
};

/** The same where there is a folder to keep data in: one that asks for it expects them to be there again. */
export const DEFAULT_CONFIG_KEPT: SandboxConfig = {
  clusters: DEFAULT_CONFIG.clusters.map((cluster) => ({
    ...cluster,
    databases: (cluster.databases ?? []).map((database) => ({ ...database, settings: { data_persistence: 'aof' } })),
  })),
};

/** Where in the configuration something is, as `clusters`, 0, `databases`, 1. */
export type ConfigPath = readonly (string | number)[];

/** What keeps a sandbox from starting. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  /** The part of the configuration that is concerned. */
  readonly path: ConfigPath;

  constructor(message: string, path: ConfigPath = []) {
    super(message);
    this.path = path;
  }
}
