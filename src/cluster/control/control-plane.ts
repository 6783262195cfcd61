/**
 * One cluster: its state, the agents of its nodes, and the one way to change it. REST, the library and scenarios all submit
 * the same changes here.
 *
 * A change is checked and applied at once; what follows from it is carried out by the reconciler, and `settled` waits for
 * that. The cluster's names are answered inside the world as long as it lives.
 */

import type { Shard } from '../../node/shard/shard.ts';
import type { SourceSpec } from '../../replication/replica-of/source.ts';
import type { FileOutcome, Folder } from '../../world/files.ts';
import type { Milliseconds, Random, World } from '../../world/world.ts';
import { certificateExpiries, type CertificateExpiry } from '../certificates/certificate-expiry.ts';
import type { Zone } from '../names/name-records.ts';
import { apply } from '../state/apply.ts';
import type { DatabaseAlertsEdit } from '../state/database-alerts.ts';
import type { ApplyOutcome, CertificateWish, Change, DatabaseEdit, DatabaseWish } from '../state/change.ts';
import { databaseByUid, type ClusterState } from '../state/cluster-state.ts';
import { Actions, type Action } from './actions.ts';
import { AlertWatch } from './alert-watch.ts';
import { zoneOf } from './cluster-zone.ts';
import { DatasetTransfers } from './dataset-transfer.ts';
import { readCounters, type ConnectionCounts } from './database-counters.ts';
import { sourcesOf } from './database-routing.ts';
import { EventLog } from './event-log.ts';
import { askOnce, type LocalOutcome } from './local-client.ts';
import { nameSource } from './name-source.ts';
import { NodeAgent } from './node-agent.ts';
import { Reconciler } from './reconciler.ts';
import { randomPassword } from './secrets.ts';
import { StateStore } from './state-store.ts';
import { Statistics } from './statistics.ts';
import type { SyncHistory } from './syncer.ts';

/** What is seen of a running database, as opposed to decided. */
export interface DatabaseSight {
  readonly keys: number;
  readonly expiringKeys: number;
  readonly connections: number;
  readonly usedBytes: number;
  /** Of the last second. */
  readonly requestsPerSecond: number;
  /** An endpoint listens. */
  readonly isReachable: boolean;
  readonly inSync: boolean;
  readonly sync: SyncHistory | undefined;
}

export interface ControlPlaneOptions {
  /** Chance of this run alone: a cluster that starts again must not draw again what it drew before. */
  readonly random?: Random;
  /** Where state and data are kept; absent: nowhere. */
  readonly folder?: Folder;
}

export class ControlPlane {
  readonly world: World;
  readonly events = new EventLog();
  readonly actions: Actions;
  readonly transfers: DatasetTransfers;
  readonly statistics: Statistics;
  /** By uid of the shard. */
  readonly shardStatistics: Statistics;
  readonly alerts: AlertWatch;
  readonly #random: Random;
  readonly #store: StateStore | null;
  readonly #agents: readonly NodeAgent[];
  readonly #reconciler: Reconciler;
  readonly #takeNamesAway: () => void;
  readonly #listeners = new Set<() => void>();
  #state: ClusterState;
  #zone: Zone;

  constructor(world: World, state: ClusterState, { random = world.random, folder }: ControlPlaneOptions = {}) {
    this.world = world;
    this.#state = state;
    this.#zone = zoneOf(state);
    this.#random = random.fork(`control ${state.fqdn}`);
    this.actions = new Actions(world.clock, random.fork(`actions ${state.fqdn}`));
    this.transfers = new DatasetTransfers({
      world,
      actions: this.actions,
      state: () => this.#state,
      shards: (uid) => this.shards(uid),
      flush: (uid) => this.#empty(uid),
    });
    this.#store = folder === undefined ? null : new StateStore(world, folder, state);
    const options = {
      world,
      random,
      state: () => this.#state,
      tell: (change: Change) => void this.submit(change),
      stepped: (uid: number, step: string, done: number, steps: number) => this.actions.step(uid, step, done, steps),
      origins: (uid: number) => this.#agents.flatMap((agent) => agent.originsOf(uid)),
      runIds: (uid: number) => this.shards(uid).map((shard) => shard.runId),
    };
    this.#agents = state.nodes.map(
      (node) =>
        new NodeAgent({
          ...options,
          node,
          ...(folder === undefined ? {} : { folder: folder.folder(`node-${node.uid}`) }),
        }),
    );
    this.#reconciler = new Reconciler({ ...options, agents: this.#agents });
    this.alerts = new AlertWatch((atMs, database, sourceUid, name, { raised, value }) =>
      this.events.add({
        atMs,
        type: name,
        severity: raised ? 'WARNING' : 'INFO',
        fields: {
          bdb_uid: String(database.uid),
          bdb_name: database.name,
          state: String(raised),
          ...(sourceUid === null ? {} : { source_uid: sourceUid }),
          ...(value === null ? {} : { value }),
        },
      }),
    );
    this.statistics = new Statistics({
      clock: world.clock,
      databases: () => this.#state.databases.map(({ uid }) => uid),
      counters: (uid) => readCounters(this.shards(uid), this.#connections(uid)),
      sources: (uid) => this.#history(uid)?.sources ?? [],
      sampled: (atMs) => this.#judge(atMs),
    });
    this.shardStatistics = new Statistics({
      clock: world.clock,
      databases: () => this.#state.shards.map(({ uid }) => uid),
      counters: (uid) => readCounters([this.shard(uid) ?? []].flat(), { open: 0, received: 0 }),
      sources: () => [],
      sampled: () => {},
    });
    this.#takeNamesAway = world.network.addNames(nameSource(() => this));
  }

  get state(): ClusterState {
    return this.#state;
  }

  get zone(): Zone {
    return this.#zone;
  }

  submit(change: Change): ApplyOutcome {
    const before = this.#state;
    const outcome = apply(before, change);
    if (outcome.ok) this.actions.note(change, outcome.uid);
    if (!outcome.ok || outcome.state === before) return outcome;
    this.#state = outcome.state;
    this.#zone = zoneOf(outcome.state);
    this.events.note(this.world.clock.now(), change, outcome.uid, before, outcome.state);
    this.world.log.event('cluster-changed', { cluster: before.fqdn, kind: change.kind, uid: outcome.uid });
    this.#store?.note(outcome.state);
    this.#reconciler.wake();
    for (const listener of this.#listeners) listener();
    return outcome;
  }

  /** What submitting the change would come to. */
  dryRun(change: Change): ApplyOutcome {
    return apply(this.#state, change);
  }

  creation(wish: DatabaseWish): Change {
    const adminPassword = randomPassword(this.#random);
    return { kind: 'create-database', atMs: this.world.clock.now(), adminPassword, wish };
  }

  edit(uid: number, edit: DatabaseEdit): Change {
    return { kind: 'update-database', atMs: this.world.clock.now(), uid, edit };
  }

  regeneratePassword(uid: number): ApplyOutcome {
    const adminPassword = randomPassword(this.#random);
    return this.submit({ kind: 'regenerate-password', atMs: this.world.clock.now(), uid, adminPassword });
  }

  setAlerts(uid: number, edit: DatabaseAlertsEdit): Change {
    return { kind: 'update-alerts', atMs: this.world.clock.now(), uid, edit };
  }

  /** Closes the endpoints of a database, with every connection, or opens them again. */
  setTraffic(uid: number, stopped: boolean): ApplyOutcome {
    return this.submit({ kind: 'set-traffic', atMs: this.world.clock.now(), uid, stopped });
  }

  /** Empties a database; its keys' deletion is replicated like any other write. */
  flush(uid: number): Action {
    this.#empty(uid);
    const action = this.actions.begin('SMFlushBDB', uid);
    this.actions.move(action.uid, { status: 'completed', progress: 100 });
    return action;
  }

  /** One request of the default user, or of `admin` where there is none. Words are binary strings. */
  async ask(uid: number, words: readonly string[]): Promise<LocalOutcome> {
    const database = databaseByUid(this.#state, uid);
    const connection = this.#agents.map((agent) => agent.connectLocally(uid)).find((each) => each !== undefined);
    if (database === undefined || connection === undefined) {
      return { ok: false, why: 'unavailable', detail: `no endpoint of database ${uid} is open` };
    }
    const password = database.passwords[0];
    const own = password === undefined ? null : [Buffer.from(password, 'utf8').latin1Slice()];
    const login = database.settings.default_user ? own : ['admin', database.adminPassword];
    return askOnce(this.world.clock, connection, login, words);
  }

  deleteDatabase(uid: number): ApplyOutcome {
    return this.submit({ kind: 'delete-database', atMs: this.world.clock.now(), uid });
  }

  /** New connections show them; running ones live on. */
  replaceCertificates(certificates: readonly CertificateWish[]): ApplyOutcome {
    return this.submit({ kind: 'replace-certificates', atMs: this.world.clock.now(), certificates });
  }

  /** How long each of the cluster's certificates is still valid. */
  certificateExpiries(): readonly CertificateExpiry[] {
    return certificateExpiries(this.#state.certificates, this.world.clock.now());
  }

  deleteCertificate(name: string): ApplyOutcome {
    return this.submit({ kind: 'delete-certificate', atMs: this.world.clock.now(), name });
  }

  /** Ends the syncer of a destination as if its process had died; the reconciler starts another, which resumes. */
  async restartSyncer(uid: number): Promise<void> {
    for (const agent of this.#agents)
      await agent.carryOut({ kind: 'stop-syncer', nodeUid: agent.node.uid, databaseUid: uid });
    this.#reconciler.wake();
    await this.settled();
  }

  /** Everything that follows from the changes so far has been done, or has failed and is told in the state. */
  settled(): Promise<void> {
    return this.#reconciler.settled();
  }

  /** Starts what the state says; needed only where it says something before the first change. */
  start(): void {
    this.#reconciler.wake();
  }

  /** Resolves when every change so far would survive the end of the process, or could not be kept. */
  saved(): Promise<FileOutcome> {
    return this.#store?.saved() ?? Promise.resolve({ ok: true, value: null });
  }

  /** Called after each change; the returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The servers themselves, in the order of the slot map; for observing, not for changing. */
  shards(databaseUid: number): readonly Shard[] {
    return this.#agents
      .flatMap((agent) => agent.shardsOf(databaseUid))
      .toSorted((a, b) => a.index - b.index)
      .map(({ shard }) => shard);
  }

  /** One of them; undefined: it does not run. */
  shard(uid: number): Shard | undefined {
    return this.#agents.map((agent) => agent.shard(uid)).find((shard) => shard !== undefined);
  }

  /** Its sources as the syncer sees them. */
  sources(databaseUid: number): readonly SourceSpec[] {
    const database = databaseByUid(this.#state, databaseUid);
    return database === undefined ? [] : sourcesOf(() => this.#state, database);
  }

  sight(databaseUid: number): DatabaseSight {
    const { metrics } = this.statistics.reading(databaseUid);
    return {
      keys: metrics.no_of_keys,
      expiringKeys: metrics.no_of_expires,
      connections: metrics.conns,
      usedBytes: metrics.used_memory,
      requestsPerSecond: metrics.total_req,
      isReachable: this.#agents.some((agent) => agent.hasEndpoint(databaseUid)),
      inSync: this.#agents.some((agent) => agent.isInSync(databaseUid)),
      sync: this.#history(databaseUid),
    };
  }

  /** Of the nodes whose proxies serve the database now. */
  endpointConnections(databaseUid: number): readonly (ConnectionCounts & { readonly nodeUid: number })[] {
    return this.#agents
      .filter((agent) => agent.hasEndpoint(databaseUid))
      .map((agent) => ({
        nodeUid: agent.node.uid,
        open: agent.connectionsOf(databaseUid),
        received: agent.connectionsReceivedOf(databaseUid),
      }));
  }

  #empty(databaseUid: number): void {
    for (const agent of this.#agents) agent.flush(databaseUid);
  }

  #history(databaseUid: number): SyncHistory | undefined {
    return this.#agents.map((agent) => agent.syncHistory(databaseUid)).find((history) => history !== undefined);
  }

  #connections(databaseUid: number): ConnectionCounts {
    return {
      open: this.#agents.reduce((sum, agent) => sum + agent.connectionsOf(databaseUid), 0),
      received: this.#agents.reduce((sum, agent) => sum + agent.connectionsReceivedOf(databaseUid), 0),
    };
  }

  #judge(atMs: Milliseconds): void {
    const { databases } = this.#state;
    this.alerts.keep(new Set(databases.map(({ uid }) => uid)));
    for (const database of databases) {
      const { uid, memorySizeBytes } = database;
      const { metrics } = this.statistics.reading(uid);
      const busySeconds = metrics.main_thread_cpu_user;
      this.alerts.judge(atMs, database, {
        memoryPercent: memorySizeBytes === 0 ? 0 : (100 * metrics.used_memory) / memorySizeBytes,
        requestsPerSecond: metrics.total_req,
        latencyUs: metrics.total_req === 0 ? 0 : (1_000_000 * busySeconds) / metrics.total_req,
        actionSeconds: (atMs - (this.actions.running(uid)?.createdMs ?? atMs)) / 1_000,
        sources: this.#history(uid)?.sources ?? [],
      });
    }
  }

  async close(): Promise<void> {
    this.transfers.close();
    this.statistics.close();
    this.shardStatistics.close();
    await this.#reconciler.close();
    this.#takeNamesAway();
    await Promise.all(this.#agents.map((agent) => agent.close()));
    await this.#store?.close();
  }
}
