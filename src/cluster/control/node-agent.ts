/**
 * What runs on one node of a cluster: shards, endpoints, syncers. Carries out the reconciler's steps and says what it has.
 *
 * Every step may come twice. A step that cannot be done (a port in use) is an outcome, tried again later. Border: decides nothing;
 * what should run is `plan.ts`, when is `reconciler.ts`. Limits: those of the state.
 */

import assert from 'node:assert';
import { serveShard, type RespServer } from '../../node/shard/resp-server.ts';
import { Shard } from '../../node/shard/shard.ts';
import { openEndpoint, type Endpoint } from '../../proxy/endpoint.ts';
import { automaticReplicaBuffer } from '../../replication/buffer-limits.ts';
import { persistenceOf } from '../../node/persistence/persistence.ts';
import { attachReplication } from '../../replication/replication.ts';
import type { Folder } from '../../world/files.ts';
import type { Connection, Network, Random, World } from '../../world/world.ts';
import type { Change } from '../state/change.ts';
import { databaseByUid, type ClusterState, type NodeRecord } from '../state/cluster-state.ts';
import type { Found, FoundEndpoint, FoundShard, Step } from '../state/plan.ts';
import type { ShardSettings } from '../state/shard-settings.ts';
import {
  addressOf,
  alertThresholdsOf,
  destinationOf,
  gradualLimitsOf,
  settingsReader,
  sourcesOf,
} from './database-routing.ts';
import { localConnection } from './local-connection.ts';
import { shardCommands } from './shard-commands.ts';
import { ShardStore } from './shard-store.ts';
import { Syncer, type SyncHistory } from './syncer.ts';
import { endpointTls } from './tls-policy.ts';

export type StepOutcome = { readonly ok: true } | { readonly ok: false; readonly detail: string };

export interface NodeAgentOptions {
  readonly world: World;
  /** Chance of this run of the cluster. */
  readonly random: Random;
  readonly node: NodeRecord;
  /** Where its shards keep their data; absent: nowhere. */
  readonly folder?: Folder;
  readonly state: () => ClusterState;
  /** Tells the control plane what happened by itself. */
  readonly tell: (change: Change) => void;
  /** Shards of all nodes of the cluster, to recognise a database that names itself as its source. */
  readonly runIds: (databaseUid: number) => readonly string[];
  /** Run ids of everything that fills a database by Replica Of, wherever in the cluster its syncer runs. */
  readonly origins: (databaseUid: number) => readonly string[];
}

interface RunningShard {
  found: FoundShard;
  readonly shard: Shard;
  readonly server: RespServer;
}

interface OpenEndpoint {
  found: FoundEndpoint;
  readonly endpoint: Endpoint;
}

const DONE: StepOutcome = { ok: true };

export class NodeAgent {
  readonly node: NodeRecord;
  readonly #options: NodeAgentOptions;
  readonly #network: Network;
  readonly #random: Random;
  readonly #store: ShardStore | null;
  readonly #shards = new Map<number, RunningShard>();
  readonly #endpoints = new Map<number, OpenEndpoint>();
  readonly #syncers = new Map<number, Syncer>();
  /** What ended syncers have left, by database. */
  readonly #histories = new Map<number, SyncHistory>();

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    this.node = options.node;
    const mine = () =>
      options
        .state()
        .shards.filter(({ nodeUid }) => nodeUid === options.node.uid)
        .map(({ uid }) => uid);
    this.#store = options.folder === undefined ? null : new ShardStore(options.folder, mine);
    this.#network = options.world.network.from(options.node.address);
    this.#random = options.random.fork(`node ${options.state().fqdn}/${options.node.uid}`);
  }

  get found(): Found {
    return {
      shards: [...this.#shards.values()].map(({ found }) => found),
      endpoints: [...this.#endpoints.values()].map(({ found }) => found),
      syncers: [...this.#syncers].map(([databaseUid, { generation }]) => ({
        databaseUid,
        nodeUid: this.node.uid,
        generation,
      })),
    };
  }

  /** In no particular order; for observing, not for changing. */
  shardsOf(databaseUid: number): readonly { readonly index: number; readonly shard: Shard }[] {
    return [...this.#shards.values()]
      .filter(({ found }) => found.databaseUid === databaseUid)
      .map(({ found, shard }) => ({ index: found.index, shard }));
  }

  shard(uid: number): Shard | undefined {
    return this.#shards.get(uid)?.shard;
  }

  /** Clients that ever connected to the endpoint that is open. */
  connectionsReceivedOf(databaseUid: number): number {
    return this.#endpoints.get(databaseUid)?.endpoint.totalConnections ?? 0;
  }

  hasEndpoint(databaseUid: number): boolean {
    return this.#endpoints.has(databaseUid);
  }

  /** A connection to the database's endpoint from inside the process; undefined: none is open here. */
  connectLocally(databaseUid: number): Connection | undefined {
    const open = this.#endpoints.get(databaseUid);
    if (open === undefined) return undefined;
    const { clock } = this.#options.world;
    const here = { host: this.node.address, port: 0 };
    const [client, server] = localConnection(clock, here, open.endpoint.address);
    open.endpoint.accept(server);
    return client;
  }

  /** Empties the shards of a database, as FLUSHALL at each of them. */
  flush(databaseUid: number): void {
    const nobody = { host: this.node.address, port: 0 };
    for (const { shard } of this.shardsOf(databaseUid)) {
      const session = shard.openSession({ local: nobody, remote: nobody, write() {}, end() {} });
      session.setAuthenticated(true);
      shard.longScript?.giveUp();
      shard.tick();
      shard.execute(session, ['FLUSHALL']);
      shard.closeSession(session);
    }
  }

  connectionsOf(databaseUid: number): number {
    return this.#endpoints.get(databaseUid)?.endpoint.connections ?? 0;
  }

  syncHistory(databaseUid: number): SyncHistory | undefined {
    return this.#syncers.get(databaseUid)?.history ?? this.#histories.get(databaseUid);
  }

  /** Run ids of what a syncer here fills the database from. */
  originsOf(databaseUid: number): readonly string[] {
    return this.#syncers.get(databaseUid)?.origins ?? [];
  }

  isInSync(databaseUid: number): boolean {
    return this.#syncers.get(databaseUid)?.inSync ?? false;
  }

  async carryOut(step: Step): Promise<StepOutcome> {
    assert(step.nodeUid === this.node.uid, 'a step is for one node');
    switch (step.kind) {
      case 'start-shard':
        return this.#startShard(step.shard);
      case 'stop-shard': {
        const stopped = await this.#stopShard(step.uid, 'nosave');
        if (!stopped.ok || this.#store === null) return stopped;
        return this.#store.remove(step.uid); // it belongs to no database any more
      }
      case 'set-expiry': {
        const running = this.#shards.get(step.uid);
        if (running === undefined) return DONE;
        running.shard.expiryPolicy = step.expiry;
        running.found = { ...running.found, expiry: step.expiry };
        return DONE;
      }
      case 'configure-shard':
        return this.#configureShard(step.uid, step.settings);
      case 'open-endpoint':
        return this.#openEndpoint(step.endpoint);
      case 'close-endpoint': {
        const open = this.#endpoints.get(step.databaseUid);
        this.#endpoints.delete(step.databaseUid);
        await open?.endpoint.close();
        return DONE;
      }
      case 'cut-admin': {
        const open = this.#endpoints.get(step.databaseUid);
        if (open === undefined) return DONE;
        open.endpoint.cutAdmin();
        open.found = { ...open.found, adminPasswordEpoch: step.adminPasswordEpoch };
        return DONE;
      }
      case 'start-syncer':
        return this.#startSyncer(step);
      case 'stop-syncer': {
        const syncer = this.#syncers.get(step.databaseUid);
        if (syncer === undefined) return DONE;
        this.#histories.set(step.databaseUid, syncer.history);
        this.#syncers.delete(step.databaseUid);
        syncer.close();
        return DONE;
      }
    }
  }

  async close(): Promise<void> {
    for (const syncer of this.#syncers.values()) syncer.close();
    this.#syncers.clear();
    const endpoints = [...this.#endpoints.values()];
    this.#endpoints.clear();
    await Promise.all(endpoints.map(({ endpoint }) => endpoint.close()));
    await Promise.all([...this.#shards.keys()].map((uid) => this.#stopShard(uid, 'as-configured')));
  }

  async #startShard(found: FoundShard): Promise<StepOutcome> {
    if (this.#shards.has(found.uid)) return DONE;
    const state = this.#options.state();
    const shard = new Shard({
      world: this.#ownWorld(`shard ${found.uid}`),
      commands: shardCommands,
      config: {
        ...Object.fromEntries(found.settings),
        requirepass: state.internalPassword,
        databases: '1',
        port: String(found.port),
      },
    });
    shard.expiryPolicy = found.expiry;
    attachReplication(shard, {
      network: this.#network,
      replicaBuffer: () => automaticReplicaBuffer(shard.memory.keys.bytes),
    });
    const persistence = this.#store?.attach(shard, found.uid);
    const at = addressOf(state, found.nodeUid, found.port);
    const serving = await serveShard(shard, this.#network, at);
    if (!serving.ok) {
      shard.close();
      return {
        ok: false,
        detail: `shard ${found.uid} cannot listen on ${at.host}:${at.port} (${serving.why}): ${serving.detail}`,
      };
    }
    const begun = persistence === undefined ? DONE : await this.#store!.begin(persistence, found.uid);
    if (!begun.ok) {
      await serving.server.close();
      shard.close();
      return { ok: false, detail: `shard ${found.uid} cannot load its data: ${begun.detail}` };
    }
    this.#shards.set(found.uid, { found, shard, server: serving.server });
    return DONE;
  }

  #configureShard(uid: number, settings: ShardSettings): StepOutcome {
    const running = this.#shards.get(uid);
    if (running === undefined) return DONE;
    const outcome = running.shard.config.set(settings);
    if (!outcome.ok) {
      const value = new Map(settings).get(outcome.name);
      return { ok: false, detail: `shard ${uid} refuses ${outcome.name} '${value}': ${outcome.detail ?? 'unknown'}` };
    }
    const told = new Map([...running.found.settings, ...settings]);
    running.found = { ...running.found, settings: [...told] };
    return DONE;
  }

  async #stopShard(uid: number, how: 'as-configured' | 'nosave'): Promise<StepOutcome> {
    const running = this.#shards.get(uid);
    if (running === undefined) return DONE;
    this.#shards.delete(uid);
    this.#histories.delete(running.found.databaseUid);
    await running.server.close();
    await persistenceOf(running.shard)?.close(how);
    running.shard.close();
    return DONE;
  }

  async #openEndpoint(found: FoundEndpoint): Promise<StepOutcome> {
    if (this.#endpoints.has(found.databaseUid)) return DONE;
    const { state } = this.#options;
    const at = addressOf(state(), found.nodeUid, found.port);
    const opened = await openEndpoint({
      world: this.#ownWorld(`endpoint ${found.databaseUid}`),
      network: this.#network,
      at,
      settings: settingsReader(state, found.databaseUid, () => this.#options.origins(found.databaseUid)),
      tls: () => endpointTls(state(), found.databaseUid),
    });
    if (!opened.ok) {
      return {
        ok: false,
        detail: `the endpoint cannot listen on ${at.host}:${at.port} (${opened.why}): ${opened.detail}`,
      };
    }
    this.#endpoints.set(found.databaseUid, { found, endpoint: opened.endpoint });
    return DONE;
  }

  #startSyncer(step: Extract<Step, { readonly kind: 'start-syncer' }>): StepOutcome {
    const { databaseUid: uid, syncer, fresh } = step;
    const { state, tell, runIds } = this.#options;
    const database = databaseByUid(state(), uid);
    if (this.#syncers.has(uid) || database === undefined) return DONE;
    const { generation } = database.replica;
    const options = {
      world: this.#ownWorld(`syncer ${uid}`),
      network: this.#network,
      engine: `${state().fqdn}/${uid}`,
      sources: sourcesOf(state, database),
      destination: destinationOf(state(), database),
      generation: syncer.generation,
      ...(fresh === null ? {} : { fresh }),
      destinationRunIds: () => runIds(uid),
      gradual: gradualLimitsOf(database),
      alertThresholds: () => alertThresholdsOf(databaseByUid(state(), uid) ?? database),
      events: {
        stopped: (cause, detail) => tell({ kind: 'replica-stopped', uid, generation, cause, detail }),
        fullSync: ({ cause }) => tell({ kind: 'full-sync-begun', uid, generation, cause }),
      },
    } satisfies ConstructorParameters<typeof Syncer>[0];
    this.#syncers.set(uid, new Syncer(options, this.#histories.get(uid)));
    return DONE;
  }

  /** Chance of its own, new at each start: two servers never share a run id. */
  #ownWorld(name: string): World {
    const { clock, network, files, log, threads } = this.#options.world;
    return {
      clock,
      network,
      files,
      log,
      threads,
      random: this.#random.fork(`${name} ${this.#random.bytes(8).toString('hex')}`),
    };
  }
}
