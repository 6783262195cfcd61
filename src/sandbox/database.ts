/**
 * A database of a running sandbox, for scripts: where it is, how to reach it, and whether it is in sync.
 *
 * It names the database; the facts are read from its cluster each time. Border: changes go through `cluster.ts`.
 */

import type { Redis, RedisOptions } from 'ioredis';
import type { ControlPlane } from '../cluster/control/control-plane.ts';
import {
  databaseByUid,
  databaseHost,
  shardsOf,
  sourceUrlOf,
  type DatabaseRecord,
  type DatabaseStatus as LifeStatus,
  type TlsMode,
} from '../cluster/state/cluster-state.ts';
import { endpointNodes } from '../cluster/state/placement.ts';
import type { SourceProgress } from '../replication/replica-of/progress.ts';
import type { FullSyncEntry, ReplicaSync } from '../replication/replica-of/status.ts';
import type { Milliseconds } from '../world/world.ts';
import { eventually } from './eventually.ts';

/** Of ioredis; its reply mapping stays the usual one. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>;

const IN_SYNC_TIMEOUT_MS = 30_000;

export interface DatabaseStatus {
  readonly name: string;
  readonly status: LifeStatus;
  /** What keeps it from becoming active; empty: nothing. */
  readonly trouble: string;
  readonly keys: number;
  readonly shards: number;
  readonly replicaSync: ReplicaSync;
  /** Why the system stopped Replica Of; empty: it did not. */
  readonly stopped: string;
  readonly sources: readonly SourceProgress[];
  readonly fullSyncs: number;
  readonly partialSyncs: number;
  /** Every full sync and its cause, the latest last. */
  readonly ledger: readonly FullSyncEntry[];
}

/** What a handle needs of the sandbox it belongs to. */
export interface DatabaseSurroundings {
  readonly control: ControlPlane;
  /** How far the source database at this host and port is, shard by shard; undefined: it is not of this sandbox. */
  readonly positionsAt: (host: string, port: number) => readonly number[] | undefined;
  /** Ends clients when the sandbox ends. */
  readonly remember: (client: Redis) => void;
}

export class SandboxDatabase {
  readonly uid: number;
  readonly #surroundings: DatabaseSurroundings;

  constructor(uid: number, surroundings: DatabaseSurroundings) {
    this.uid = uid;
    this.#surroundings = surroundings;
  }

  get name(): string {
    return this.#record.name;
  }

  /** `redis-<port>.<cluster>:<port>` */
  get endpoint(): string {
    const { control } = this.#surroundings;
    return `${databaseHost(control.state, this.#record)}:${this.port}`;
  }

  /** The address that the endpoint's name stands for; of several, the first. */
  get host(): string {
    return this.hosts[0]!;
  }

  /** The addresses of all nodes whose proxies serve it. */
  get hosts(): readonly string[] {
    return endpointNodes(this.#surroundings.control.state, this.#record).map((node) => node.address);
  }

  get port(): number {
    return this.#record.port;
  }

  get shards(): number {
    return shardsOf(this.#surroundings.control.state, this.uid).length;
  }

  get tlsMode(): TlsMode {
    return this.#record.tlsMode;
  }

  /** What a destination elsewhere is configured with; it holds the internal password. */
  sourceUrl(): string {
    return sourceUrlOf(this.#surroundings.control.state, this.#record);
  }

  status(): DatabaseStatus {
    const { control } = this.#surroundings;
    const { name, status, trouble, shardsCount, replica } = this.#record;
    const { keys, sync } = control.sight(this.uid);
    return {
      name,
      status,
      trouble,
      keys,
      shards: shardsCount,
      replicaSync: replica.sync,
      stopped: replica.stopped?.detail ?? '',
      sources: sync?.sources ?? [],
      fullSyncs: sync?.fullSyncs ?? 0,
      partialSyncs: sync?.partialSyncs ?? 0,
      ledger: sync?.ledger ?? [],
    };
  }

  /**
   * Resolves when everything that its sources held at the moment of the call is here (of sources outside the sandbox: everything that
   * they have sent). Rejects when Replica Of is off or stopped, and when time is up.
   */
  async inSync(options: { readonly timeoutMs?: Milliseconds } = {}): Promise<void> {
    const { control } = this.#surroundings;
    const timeoutMs = options.timeoutMs ?? IN_SYNC_TIMEOUT_MS;
    const wanted = this.#sourcePositions();
    const isOver = (): boolean => this.#record.replica.sync !== 'enabled';
    const isThere = (): boolean => control.sight(this.uid).inSync && this.#hasApplied(wanted);
    await eventually(control.world.clock, () => isOver() || isThere(), timeoutMs);
    if (!isOver() && isThere()) return;
    const { replicaSync, stopped, sources } = this.status();
    const seen = sources.map(
      (source) =>
        `${source.status}, ${source.lagBytes} bytes behind${source.lastError === '' ? '' : `, ${source.lastError}`}`,
    );
    const state =
      replicaSync === 'enabled'
        ? `after ${timeoutMs} ms: ${seen.join('; ')}`
        : `replica_sync is "${replicaSync}" ${stopped}`;
    throw new Error(`database "${this.name}" of ${control.state.fqdn} is not in sync: ${state.trim()}`);
  }

  /** An ioredis, connected by address with the database's own password and TLS. It ends with the sandbox. */
  async client(options: ClientOptions = {}): Promise<Redis> {
    const { control, remember } = this.#surroundings;
    const { passwords, tlsMode } = this.#record;
    const { proxy, syncer } = control.state.certificates;
    const { Redis } = await import('ioredis');
    const password = passwords[0];
    const servername = databaseHost(control.state, this.#record);
    const tls = { ca: proxy.certificate, servername, cert: syncer.certificate, key: syncer.key };
    const access: ClientOptions = {
      host: this.host,
      port: this.port,
      ...(password === undefined ? {} : { password }),
      ...(tlsMode === 'enabled' ? { tls } : {}),
      ...options,
    };
    const client = new Redis(access);
    remember(client);
    return client;
  }

  get #record(): DatabaseRecord {
    const record = databaseByUid(this.#surroundings.control.state, this.uid);
    if (record === undefined)
      throw new Error(`database ${this.uid} of ${this.#surroundings.control.state.fqdn} has been deleted`);
    return record;
  }

  /** By source uid, for sources of the same sandbox. */
  #sourcePositions(): ReadonlyMap<string, readonly number[]> {
    const { control, positionsAt } = this.#surroundings;
    const positions = new Map<string, readonly number[]>();
    for (const { key, url } of control.sources(this.uid)) {
      const at = positionsAt(url.host, url.port);
      if (at !== undefined) positions.set(key, at);
    }
    return positions;
  }

  #hasApplied(wanted: ReadonlyMap<string, readonly number[]>): boolean {
    const sources = this.#surroundings.control.sight(this.uid).sync?.sources ?? [];
    return sources.every((source) => {
      const positions = wanted.get(source.key) ?? [];
      const hasReceived = positions.every((offset, index) => (source.shards[index]?.offset ?? -1) >= offset);
      return hasReceived && source.lagBytes === 0;
    });
  }
}
