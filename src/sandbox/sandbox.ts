/**
 * Many clusters in one world: the library's face. `startSandbox()` gives two clusters with a database and its copy in the other,
 * everything reachable as in the real product; with a simulated world the same runs in virtual time, without HTTPS and DNS.
 *
 * Border: what a cluster is, is `src/cluster`; names for programs outside are `outside-names.ts`, asked for separately.
 */

import type { Redis } from 'ioredis';
import { makeClusterCertificates } from '../cluster/certificates/cluster-certificates.ts';
import { checkFqdn, sharedName } from '../cluster/names/endpoint-names.ts';
import { ControlPlane } from '../cluster/control/control-plane.ts';
import { passwordOf, randomPassword } from '../cluster/control/secrets.ts';
import { apiTls } from '../cluster/control/tls-policy.ts';
import { newCluster, NODES_MAX } from '../cluster/state/cluster-state.ts';
import { endpointsOf } from '../cluster/state/endpoints.ts';
import { firstAccounts } from '../cluster/state/accounts.ts';
import { developmentLicense, trialLicense } from '../cluster/state/license.ts';
import { replicationOf } from '../replication/replication.ts';
import { serveHttps, type HttpServer } from '../world/system-http.ts';
import { SystemWorld } from '../world/system-world.ts';
import type { World } from '../world/world.ts';
import { findPlaces, subnetOf, type ClusterPlace, type Places } from './addresses.ts';
import { mdnsMissingOf, SandboxCluster } from './cluster.ts';
import { SandboxFaults } from './faults.ts';
import {
  CLUSTERS_MAX,
  DEFAULT_CONFIG,
  SandboxError,
  SUBNET,
  type ClusterConfig,
  type SandboxConfig,
} from './options.ts';
import { setUpDatabases } from './set-up.ts';

export { ProblemError, SandboxCluster } from './cluster.ts';
export { SandboxDatabase, type ClientOptions, type DatabaseStatus } from './database.ts';
export {
  DEFAULT_CONFIG,
  SandboxError,
  type ClusterConfig,
  type DatabaseConfig,
  type MdnsMissingConfig,
  type SandboxConfig,
  type SourceConfig,
} from './options.ts';
export type { CertificateWish, DatabaseEdit, DatabaseWish, SourceWish } from '../cluster/state/change.ts';
export type { LinkConditions, World } from '../world/world.ts';
export type { Actors, Patience, WorldKind } from './actors.ts';
export type { SandboxFaults } from './faults.ts';
export type { Scenario, ScenarioResult } from './scenario.ts';
export type { ScenarioClient, ScenarioReply } from './scenario-client.ts';

/** Of a generated password for the REST API; people copy it from the screen. */
const PASSWORD_LENGTH = 16;

export interface SandboxOptions extends Partial<SandboxConfig> {
  /** Absent: real sockets. */
  readonly world?: World;
}

export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { world = new SystemWorld(), clusters = DEFAULT_CONFIG.clusters } = options;
  checkClusters(clusters);
  const places = await findPlaces(world, clusters);
  const sandbox = new Sandbox(world, clusters, places);
  try {
    await sandbox.start();
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  return sandbox;
};

export class Sandbox implements AsyncDisposable {
  readonly world: World;
  readonly clusters: readonly SandboxCluster[];
  readonly faults: SandboxFaults;
  /** All clusters share one address, and ports are shifted. */
  readonly isAddressShared: boolean;
  readonly #config: readonly ClusterConfig[];
  readonly #places: readonly ClusterPlace[];
  readonly #servers: HttpServer[] = [];
  readonly #clients = new Set<Redis>();

  /** For `startSandbox`. */
  constructor(world: World, config: readonly ClusterConfig[], places: Places) {
    this.world = world;
    this.#config = config;
    this.#places = places.clusters;
    this.isAddressShared = places.isShared;
    this.clusters = config.map((cluster, index) => this.#makeCluster(cluster, places.clusters[index]!));
    const faulty = this.clusters.map(({ name, nodes }) => ({ name, hosts: nodes.map((node) => node.address) }));
    this.faults = new SandboxFaults(world.network.faults, faulty, places.isShared);
  }

  cluster(name: string): SandboxCluster {
    const found = this.clusters.find((each) => each.name === name.toLowerCase());
    if (found !== undefined) return found;
    const known = this.clusters.map((each) => each.name).join(', ');
    throw new Error(`there is no cluster "${name}"; there are: ${known}`);
  }

  /** For `startSandbox`. */
  async start(): Promise<void> {
    // A mistake in the configuration is told before anything that may be in use.
    const databasesAreUp = setUpDatabases(this.clusters, this.#config, this.#places);
    const doors = this.world instanceof SystemWorld ? this.#openApis() : Promise.resolve();
    const [opened, setUp] = await Promise.allSettled([doors, databasesAreUp()]);
    if (opened.status === 'rejected') throw opened.reason;
    if (setUp.status === 'rejected') throw setUp.reason;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    await Promise.all(this.#servers.map((server) => server.close()));
    await Promise.all(this.clusters.map((cluster) => cluster.control.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #makeCluster(config: ClusterConfig, place: ClusterPlace): SandboxCluster {
    const { world } = this;
    const random = world.random.fork(`cluster ${config.name}`);
    const addresses = [...new Set(place.nodes.map((node) => node.address))];
    const certificates = makeClusterCertificates(
      { clock: world.clock, random: random.fork('certificates') },
      config.name,
      {
        addresses,
        deterministicKeys: !(world instanceof SystemWorld),
      },
    );
    const createdMs = world.clock.now();
    const username = config.username ?? `admin@${config.name}`;
    const password = config.password ?? randomPassword(random, PASSWORD_LENGTH);
    const state = newCluster({
      fqdn: config.name,
      createdMs,
      username,
      password,
      accounts: firstAccounts(username, passwordOf(password).hash, createdMs),
      license: config.license === 'trial' ? trialLicense(createdMs) : developmentLicense(createdMs),
      internalPassword: randomPassword(random),
      certificates,
      ports: place.ports,
      nodes: place.nodes,
      privateEndpoints: config.privateEndpoints ?? false,
      mdnsMissing: mdnsMissingOf(config.mdnsMissing ?? {}, place.nodes),
    });
    const surroundings = {
      positionsAt: (host: string, port: number) => this.#positionsAt(host, port),
      remember: (client: Redis) => void this.#clients.add(client),
    };
    const host = place.nodes[0]!.address;
    const doors = {
      apiUrl: world instanceof SystemWorld ? `https://${host}:${place.apiPort}` : null,
      uiUrl: `https://${host}:${place.uiPort}`,
    };
    return new SandboxCluster(new ControlPlane(world, state), surroundings, doors);
  }

  /** Any node answers for its cluster. */
  async #openApis(): Promise<void> {
    const opening = this.clusters.flatMap((cluster, index) => {
      const hosts = new Set(cluster.nodes.map((node) => node.address));
      return [...hosts].map((host) => this.#openApi(cluster, index, host, this.#places[index]!.apiPort));
    });
    const opened = await Promise.allSettled(opening);
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
  }

  async #openApi(cluster: SandboxCluster, index: number, host: string, port: number): Promise<void> {
    const tls = () => apiTls(cluster.control.state);
    const outcome = await serveHttps({ host, port }, tls, (request) => cluster.api(request));
    if (!outcome.ok) {
      const what = `the REST API of ${cluster.name} cannot listen on ${host}:${port}`;
      const advice =
        outcome.why === 'in-use'
          ? 'another sandbox may be running (antipode down ends it), or give the cluster another subnet in the config file'
          : 'choose another subnet in the config file';
      throw new SandboxError(`${what} (${outcome.why}): ${outcome.detail}; ${advice}`, ['clusters', index]);
    }
    this.#servers.push(outcome.server);
  }

  #positionsAt(host: string, port: number): readonly number[] | undefined {
    const asked = host.toLowerCase();
    for (const { control } of this.clusters) {
      const { state } = control;
      const database = state.databases.find((each) =>
        endpointsOf(state, each).some(
          (one) => one.port === port && (one.name === asked || one.addresses.includes(asked)),
        ),
      );
      if (database !== undefined) return control.shards(database.uid).map((shard) => replicationOf(shard).feed.offset);
    }
    return undefined;
  }
}

const checkClusters = (clusters: readonly ClusterConfig[]): void => {
  if (clusters.length === 0 || clusters.length > CLUSTERS_MAX) {
    throw new SandboxError(`${clusters.length} clusters: a sandbox has 1 to ${CLUSTERS_MAX}`, ['clusters']);
  }
  for (const [index, { name, nodes = 1, mdnsMissing }] of clusters.entries()) {
    const checked = checkFqdn(name);
    if (!checked.ok) throw new SandboxError(checked.detail, ['clusters', index, 'name']);
    if (checked.fqdn !== name)
      throw new SandboxError(`cluster name "${name}": write ${checked.fqdn}`, ['clusters', index, 'name']);
    checkOwnNames(clusters, index);
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) {
      throw new SandboxError(`${nodes} nodes: a cluster has 1 to ${NODES_MAX}`, ['clusters', index, 'nodes']);
    }
    const stranger = [mdnsMissing?.nodes ?? []].flat().find((uid) => uid !== 'all' && !(uid >= 1 && uid <= nodes));
    if (stranger !== undefined) {
      const path = ['clusters', index, 'mdns_missing', 'nodes'];
      throw new SandboxError(`mdns_missing: ${name} has no node ${stranger}; its nodes are 1 to ${nodes}`, path);
    }
    checkSubnet(clusters, index);
  }
};

/** No name may lead to two clusters. [RS mdns] */
const checkOwnNames = (clusters: readonly ClusterConfig[], index: number): void => {
  const { name } = clusters[index]!;
  const path = ['clusters', index, 'name'];
  for (const { name: other } of clusters.slice(0, index)) {
    const shared = sharedName(name, other);
    if (shared === null) continue;
    if (name === other) throw new SandboxError(`two clusters are called ${name}`, path);
    throw new SandboxError(`clusters ${other} and ${name} would both answer for ${shared}; choose another name`, path);
  }
};

const checkSubnet = (clusters: readonly ClusterConfig[], index: number): void => {
  const subnet = subnetOf(clusters[index]!, index);
  const path = ['clusters', index, 'subnet'];
  if (!SUBNET.test(subnet)) {
    throw new SandboxError(`subnet "${subnet}": three numbers that begin with 127, as in 127.0.1`, path);
  }
  const twin = clusters.slice(0, index).findIndex((each, other) => subnetOf(each, other) === subnet);
  if (twin < 0) return;
  throw new SandboxError(
    `subnet ${subnet} belongs to ${clusters[twin]!.name} already; give ${clusters[index]!.name} another one`,
    path,
  );
};
