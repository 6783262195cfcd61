/**
 * Makes the databases of a configuration and connects them: all are created first, then those that replicate get their sources,
 * since a source's URL exists only with the source.
 *
 * A source given as `cluster/database` is connected completely: URL with the internal password and, where the source asks for TLS,
 * the certificates of both sides.
 */

import type { DatabaseWish, Problem, ProblemCode, SourceWish } from '../cluster/state/change.ts';
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
      sourceOf(clusters, typeof given === 'string' ? { url: given } : given, [...path, 'replica_of', index]),
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
  settings: database.settings,
  passwords: database.password === undefined || database.password === '' ? undefined : [database.password],
  tlsMode: database.tlsMode,
  enforceClientAuthentication: database.enforceClientAuthentication,
  clientCertificates: [...new Set([...(database.clientCertificates ?? []), ...trusted])],
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
    const refers = (each.databases ?? []).some((one) =>
      one.replicaOf?.some((source) => urlOf(source) === `${cluster}/${database}`),
    );
    return refers ? [clusters[index]!.syncerCertificate] : [];
  });

const urlOf = (source: string | SourceConfig): string => (typeof source === 'string' ? source : source.url);

const sourceOf = (clusters: readonly SandboxCluster[], given: SourceConfig, path: ConfigPath): SourceWish => {
  const { url: uri, ...more } = given;
  // What is not said does not take away what the reference brings.
  const said = Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
  return { ...(uri.includes('://') ? { uri } : sourceByReference(clusters, uri, path)), ...said };
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
  const key = PROBLEM_KEYS[code];
  return key === undefined ? [] : [typeof key === 'string' ? key : key(database)];
};

type KeyOf = string | ((database: DatabaseConfig) => string);

const tlsKey: KeyOf = ({ clientCertificates }) => (clientCertificates === undefined ? 'tls_mode' : 'client_certs');

const PROBLEM_KEYS: Readonly<Partial<Record<ProblemCode, KeyOf>>> = {
  missing_db_name: 'name',
  name_violation: 'name',
  port_unavailable: 'port',
  missing_memory_size: 'memory_size',
  insufficient_resources: 'shards',
  invalid_sharding: ({ hashingRules }) => (hashingRules === undefined ? 'shards' : 'shard_key_regex'),
  invalid_replication: 'replica_of',
  invalid_certificate: tlsKey,
  certificate_expired: tlsKey,
  duplicated_certs: tlsKey,
  invalid_connections: 'max_connections',
  invalid_password: 'password',
  eviction_policy_violation: 'eviction_policy',
};
