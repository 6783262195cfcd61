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
import { editServices } from '../cluster/state/cluster-rules.ts';
import { DEFAULT_SERVICES } from '../cluster/state/cluster-settings.ts';
import { newCluster, NODES_MAX, type ClusterState } from '../cluster/state/cluster-state.ts';
import { endpointsOf } from '../cluster/state/endpoints.ts';
import { waitingCluster } from '../cluster/state/bootstrap-rules.ts';
import { firstAccounts } from '../cluster/state/accounts.ts';
import { developmentLicense, trialLicense } from '../cluster/state/license.ts';
import { replicationOf } from '../replication/replication.ts';
import { SystemWorld } from '../world/system-world.ts';
import type { Random, World } from '../world/world.ts';
import { ApiDoors } from './api-doors.ts';
import { findPlaces, subnetOf, type ClusterPlace, type Places } from './addresses.ts';
import { mdnsMissingOf, SandboxCluster } from './cluster.ts';
import { openDataFolder, type DataFolder } from './data-folder.ts';
import { SandboxFaults } from './faults.ts';
import {
  CLUSTERS_MAX,
  DEFAULT_CONFIG,
  DEFAULT_CONFIG_KEPT,
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
  /**
   * Path of a folder that keeps everything: state of the clusters and, as their databases are set to, data. What a folder holds
   * already wins over `clusters`. Absent: nothing outlives the sandbox.
   */
  readonly data?: string;
}

export const startSandbox = async (options: SandboxOptions = {}): Promise<Sandbox> => {
  const { clusters: standard } = options.data === undefined ? DEFAULT_CONFIG : DEFAULT_CONFIG_KEPT;
  const { world = new SystemWorld(), clusters = standard } = options;
  const data = options.data === undefined ? null : await openDataFolder(world, options.data);
  let sandbox: Sandbox | null = null;
  try {
    const isNew = data === null || data.restored === null;
    if (isNew) checkClusters(clusters);
    const places = data?.restored?.places ?? (await findPlaces(world, clusters));
    const names = clusters.map(({ name }) => name);
    if (data?.restored === null) await data.note(names, places, false);
    sandbox = new Sandbox({ world, config: clusters, places, data });
    await sandbox.start();
  } catch (error) {
    await (sandbox?.close() ?? data?.close());
    throw error;
  }
  return sandbox;
};

interface SandboxParts {
  readonly world: World;
  readonly config: readonly ClusterConfig[];
  readonly places: Places;
  readonly data: DataFolder | null;
}

export class Sandbox implements AsyncDisposable {
  readonly world: World;
  readonly clusters: readonly SandboxCluster[];
  readonly faults: SandboxFaults;
  readonly #parts: SandboxParts;
  readonly #random: Random;
  #doors: readonly ApiDoors[] = [];
  readonly #clients = new Set<Redis>();

  /** For `startSandbox`. */
  constructor(parts: SandboxParts) {
    const { world, config, places, data } = parts;
    this.world = world;
    this.#parts = parts;
    this.#random = data === null || data.starts === 1 ? world.random : world.random.fork(`start ${data.starts}`);
    const states = data?.restored?.states ?? config.map((cluster, index) => this.#newState(cluster, index));
    this.clusters = states.map((state, index) => this.#makeCluster(state, places.clusters[index]!));
    const faulty = this.clusters.map(({ name, nodes }) => ({ name, hosts: nodes.map((node) => node.address) }));
    this.faults = new SandboxFaults(world.network.faults, faulty, places.isShared);
  }

  /** All clusters share one address, and ports are shifted. */
  get isAddressShared(): boolean {
    return this.#parts.places.isShared;
  }

  /** Where everything is kept, and whether it was there before; null: nowhere. */
  get data(): { readonly path: string; readonly isRestored: boolean } | null {
    const { data } = this.#parts;
    return data === null ? null : { path: data.path, isRestored: data.restored !== null };
  }

  cluster(name: string): SandboxCluster {
    const found = this.clusters.find((each) => each.name === name.toLowerCase());
    if (found !== undefined) return found;
    const known = this.clusters.map((each) => each.name).join(', ');
    throw new Error(`there is no cluster "${name}"; there are: ${known}`);
  }

  /** For `startSandbox`. */
  async start(): Promise<void> {
    const { config, places, data } = this.#parts;
    if (data === null || data.restored === null) {
      // A mistake in the configuration is told before anything that may be in use.
      const databasesAreUp = setUpDatabases(this.clusters, config, places.clusters);
      if (data === null) {
        await this.#openWhile(databasesAreUp);
        return;
      }
      await databasesAreUp();
      await this.#saved();
      await data.note(this.#names, places, true);
      // Not before: what the API answers is kept.
      await this.#openWhile(() => Promise.resolve());
      return;
    }
    for (const { control } of this.clusters) control.start();
    await this.#openWhile(async () => {
      await Promise.all(this.clusters.map(({ control }) => control.settled()));
    });
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    this.#clients.clear();
    await Promise.all(this.#doors.map((doors) => doors.close()));
    await Promise.all(this.clusters.map((cluster) => cluster.control.close()));
    await this.#parts.data?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #names(): readonly string[] {
    return this.clusters.map(({ name }) => name);
  }

  async #saved(): Promise<void> {
    for (const { name, control } of this.clusters) {
      const saved = await control.saved();
      if (!saved.ok) throw new SandboxError(`the state of ${name} cannot be kept (${saved.why}): ${saved.detail}`);
    }
  }

  async #openWhile(work: () => Promise<void>): Promise<void> {
    const doors = this.world instanceof SystemWorld ? this.#openApis() : Promise.resolve();
    const [opened, done] = await Promise.allSettled([doors, work()]);
    if (opened.status === 'rejected') throw opened.reason;
    if (done.status === 'rejected') throw done.reason;
  }

  #newState(config: ClusterConfig, index: number): ClusterState {
    const { world } = this;
    const place = this.#parts.places.clusters[index]!;
    const random = this.#random.fork(`cluster ${config.name}`);
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
      services: editServices(DEFAULT_SERVICES, config.services ?? {}),
      mdnsMissing: mdnsMissingOf(config.mdnsMissing ?? {}, place.nodes),
    });
    return config.bootstrap === 'manual' ? waitingCluster(state) : state;
  }

  #makeCluster(state: ClusterState, place: ClusterPlace): SandboxCluster {
    const { world } = this;
    const surroundings = {
      positionsAt: (host: string, port: number) => this.#positionsAt(host, port),
      remember: (client: Redis) => void this.#clients.add(client),
    };
    const host = place.nodes[0]!.address;
    const doors = {
      apiUrl: world instanceof SystemWorld ? `https://${host}:${place.apiPort}` : null,
      uiUrl: `https://${host}:${place.uiPort}`,
    };
    const folder = this.#parts.data?.cluster(state.fqdn);
    const options = { random: this.#random, ...(folder === undefined ? {} : { folder }) };
    return new SandboxCluster(new ControlPlane(world, state, options), surroundings, doors);
  }

  /** Any node answers for its cluster. */
  async #openApis(): Promise<void> {
    this.#doors = this.clusters.map((cluster, index) => new ApiDoors(cluster, this.#parts.places.clusters[index]!));
    const opened = await Promise.allSettled(this.#doors.map((doors, index) => doors.open(index)));
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
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
  for (const [index, { name, nodes = 1, mdnsMissing, bootstrap, databases = [] }] of clusters.entries()) {
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
    if (bootstrap === 'manual' && databases.length > 0) {
      const path = ['clusters', index, 'databases'];
      throw new SandboxError(`${name} waits to be created (bootstrap: manual): it has no databases before`, path);
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
