/**
 * Makes the databases of a configuration and connects them: all are created first, then those that replicate get their sources,
 * since a source's URL exists only with the source.
 *
 * A source given as `cluster/database` is connected completely: URL with the internal password and, where the source asks for TLS,
 * the certificates of both sides.
 */

import type { DatabaseWish, Problem, SourceWish } from '../cluster/state/change.ts';
import { databaseByUid } from '../cluster/state/cluster-state.ts';
import type { ClusterPlace } from './addresses.ts';
import type { SandboxCluster } from './cluster.ts';
import type { SandboxDatabase } from './database.ts';
import {
  SandboxError,
  type ClusterConfig,
  type ConfigPath,
  type DatabaseConfig,
  type SourceConfig,
} from './options.ts';

/** Throws what is wrong with the configuration; the returned function resolves when all databases are there. */
export const setUpDatabases = (
  clusters: readonly SandboxCluster[],
  config: readonly ClusterConfig[],
  places: readonly ClusterPlace[],
): (() => Promise<void>) => {
  const plans = config.flatMap((each, index) =>
    (each.databases ?? []).map((database, at) => ({
      cluster: clusters[index]!,
      shift: places[index]!.portShift,
      database,
      path: ['clusters', index, 'databases', at] as const,
    })),
  );
  const uids = plans.map(({ cluster, shift, database, path }) => {
    const trusted = destinationsOf(clusters, config, cluster.name, database.name);
    const { control } = cluster;
    const outcome = control.submit(control.creation(wishOf(database, shift, trusted)));
    if (!outcome.ok) throw refused(cluster, database, outcome.problem, path);
    return outcome.uid;
  });
  for (const [at, { cluster, database, path }] of plans.entries()) {
    if (database.replicaOf === undefined || database.replicaOf.length === 0) continue;
    const replicaSources = database.replicaOf.map((given, index) =>
      typeof given === 'string' && !given.includes('://')
        ? sourceByReference(clusters, given, [...path, 'replica_of', index])
        : sourceByUrl(given),
    );
    const { control } = cluster;
    const outcome = control.submit(control.edit(uids[at]!, { replicaSources, replicaSync: 'enabled' }));
    if (!outcome.ok) throw refused(cluster, database, outcome.problem, path);
  }
  return async () => {
    await Promise.all(clusters.map((cluster) => cluster.control.settled()));
    for (const [at, { cluster, database, path }] of plans.entries()) {
      const trouble = databaseByUid(cluster.control.state, uids[at]!)?.trouble ?? '';
      if (trouble === '') continue;
      const advice = trouble.includes('in-use')
        ? '; another program has the port: end it, or choose another port or subnet'
        : '';
      const place = trouble.startsWith('the endpoint') ? [...path, 'port'] : path;
      throw new SandboxError(`database "${database.name}" of ${cluster.name}: ${trouble}${advice}`, place);
    }
  };
};

const wishOf = (database: DatabaseConfig, shift: number, trusted: readonly string[]): DatabaseWish => ({
  name: database.name,
  port: database.port === undefined ? undefined : database.port + shift,
  shardsCount: database.shards,
  memorySizeBytes: database.memorySizeBytes ?? 0,
  settings: { eviction_policy: database.evictionPolicy },
  passwords: database.password === undefined || database.password === '' ? undefined : [database.password],
  tlsMode: database.tlsMode,
  enforceClientAuthentication: database.enforceClientAuthentication,
  clientCertificates: [...new Set([...(database.clientCertificates ?? []), ...trusted])],
  maxConnections: database.maxConnections,
  hashingRules: database.hashingRules?.map((regex) => ({ regex })),
  replicaReadOnly: database.replicaReadOnly,
});

/** Syncer certificates of the clusters that replicate from this database by reference: it must let them in. */
const destinationsOf = (
  clusters: readonly SandboxCluster[],
  config: readonly ClusterConfig[],
  cluster: string,
  database: string,
): readonly string[] =>
  config.flatMap((each, index) => {
    const refers = (each.databases ?? []).some((one) => one.replicaOf?.includes(`${cluster}/${database}`));
    return refers ? [clusters[index]!.syncerCertificate] : [];
  });

const sourceByUrl = (given: string | SourceConfig): SourceWish => {
  if (typeof given === 'string') return { uri: given };
  const { url: uri, ...more } = given;
  return { uri, ...more };
};

const sourceByReference = (clusters: readonly SandboxCluster[], reference: string, path: ConfigPath): SourceWish => {
  const [clusterName, databaseName, ...rest] = reference.split('/');
  if (clusterName === undefined || databaseName === undefined || rest.length > 0) {
    throw new SandboxError(
      `"${reference}" is no source: write cluster/database, as in east.local/orders, or redis://host:port`,
      path,
    );
  }
  const cluster = clusters.find((each) => each.name === clusterName);
  if (cluster === undefined) {
    const known = clusters.map((each) => each.name).join(', ');
    throw new SandboxError(`source "${reference}": there is no cluster "${clusterName}"; there are: ${known}`, path);
  }
  let database: SandboxDatabase;
  try {
    database = cluster.database(databaseName);
  } catch (error) {
    throw new SandboxError(`source "${reference}": ${error instanceof Error ? error.message : String(error)}`, path);
  }
  const tls = database.tlsMode === 'disabled' ? {} : { encryption: true, serverCertificate: cluster.proxyCertificate };
  return { uri: database.sourceUrl(), ...tls };
};

const refused = (cluster: SandboxCluster, database: DatabaseConfig, problem: Problem, path: ConfigPath): SandboxError =>
  new SandboxError(`database "${database.name}" of ${cluster.name}: ${problem.description} (${problem.code})`, [
    ...path,
    ...settingOf(database, problem),
  ]);

/** The key of the config file that a problem is about; empty: of none. */
const settingOf = (database: DatabaseConfig, { code, source }: Problem): ConfigPath => {
  if (source !== undefined) return ['replica_of', source];
  switch (code) {
    case 'missing_db_name':
    case 'name_violation':
      return ['name'];
    case 'port_unavailable':
      return ['port'];
    case 'missing_memory_size':
      return ['memory_size'];
    case 'insufficient_resources':
      return ['shards'];
    case 'invalid_sharding':
      return [database.hashingRules === undefined ? 'shards' : 'shard_key_regex'];
    case 'invalid_replication':
      return ['replica_of'];
    case 'invalid_certificate':
    case 'certificate_expired':
    case 'duplicated_certs':
      return [database.clientCertificates === undefined ? 'tls_mode' : 'client_certs'];
    case 'invalid_connections':
      return ['max_connections'];
    case 'invalid_password':
      return ['password'];
    case 'unknown_certificate':
    case 'invalid_cluster_certificate':
    case 'required_certificate':
    case 'certificate_not_found':
    case 'db_not_exist':
    case 'invalid_setting':
    case 'busy':
    case 'uid_exists':
      return [];
  }
};
