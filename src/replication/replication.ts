/**
 * All replication of one shard: its stream, its replicas, and the primary it follows, if any. Found by `replicationOf(shard)`.
 *
 * Border: commands are `commands.ts`, INFO and ROLE `facts.ts`. A shard that was attached to nothing costs nothing: the stream is
 * encoded only once a replica has asked for it.
 */

import assert from 'node:assert';
import { refusalText } from '../resp/refusals.ts';
import type { OutputLimit } from '../node/shard/output-limits.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { StreamPosition } from '../node/shard/upper-layers.ts';
import type { Address, Network } from '../world/world.ts';
import { replicationFields, statsFields } from './facts.ts';
import { Failover } from './failover.ts';
import { Feed } from './feed.ts';
import type { Loading } from '../node/persistence/loading.ts';
import { OwnExpiries } from './own-expiries.ts';
import { Primary } from './primary.ts';
import { Replica, type ReplicaOwner } from './replica.ts';
import { Waits } from './waits.ts';

export interface ReplicationOptions {
  /** Where links to a primary originate; the world's network unless said otherwise. */
  readonly network?: Network;
  /** Host and port that a primary shows of this shard; where it listens unless said otherwise. */
  readonly announceHost?: string;
  readonly announcePort?: number;
  /**
   * What may wait for a replica as long as `client-output-buffer-limit` says nothing of replicas (0 0 0); absent: then anything.
   * Asked once a second for each replica.
   */
  readonly replicaBuffer?: () => OutputLimit;
}

export class Replication implements ReplicaOwner {
  readonly shard: Shard;
  readonly feed: Feed;
  readonly primary: Primary;
  readonly waits: Waits;
  readonly failover: Failover;
  readonly ownExpiries: OwnExpiries;
  readonly #network: Network;
  /** Called with the AUX fields of a dump whose data the shard has taken over. */
  readonly onInstalled: ((facts: ReadonlyMap<string, string>) => void)[] = [];
  readonly #options: ReplicationOptions;
  #replica: Replica | null = null;
  /** Where the data stood that this shard started with; null: unknown, or it has gone on as a primary and then followed somebody. */
  #restored: StreamPosition | null = null;

  constructor(shard: Shard, options: ReplicationOptions) {
    const { clock } = shard.world;
    this.shard = shard;
    this.#options = options;
    this.#network = options.network ?? shard.world.network;
    this.feed = new Feed({
      clock,
      random: shard.random.fork('replication'),
      writeLog: shard.writeLog,
      backlogBytes: () => shard.config.get('repl-backlog-size'),
    });
    this.primary = new Primary({
      shard,
      feed: this.feed,
      streamDatabase: () => this.#replica?.database ?? this.feed.selectedDatabase,
      functions: () => shard.libraries.codes,
      isFailingOver: () => this.failover.state !== 'no-failover',
      replicaBuffer: options.replicaBuffer ?? null,
    });
    shard.forgetReplicationId = () => this.feed.forget();
    this.waits = new Waits(shard, this.feed, this.primary);
    this.failover = new Failover(this);
    this.ownExpiries = new OwnExpiries(shard);
    shard.config.onChange((name) => {
      if (name === 'repl-backlog-size') this.feed.resizeBacklog();
    });
    this.#keepOnDisk();
    const { primary, feed } = this;
    shard.replicas = {
      get count() {
        return primary.attachments.size;
      },
      within: (lagMsMax) => primary.heardWithin(lagMsMax),
      lagging: () => primary.lagging(feed.offset),
      ask: () => primary.requestAcks(),
      awaitsData: () => this.#replica?.state === 'syncing',
    };
    shard.memory.addPart('replication_backlog', () => this.feed.backlog?.heldBytes ?? 0);
    shard.memory.addPart('clients_slaves', () => this.primary.unsentBytes);
    shard.infoSections.set('replication', () => replicationFields(this));
    shard.infoSections.set('stats', () => statsFields(this));
    shard.onClosed.push(() => this.#close());
  }

  /** Null on a primary. */
  get replica(): Replica | null {
    return this.#replica;
  }

  /** Where it dials from is asked anew for each connection. [redis replication.c connectWithMaster] */
  get network(): Network {
    const host = this.shard.config.get('bind-source-addr');
    return host === '' ? this.#network : this.#network.from(host);
  }

  get announce(): { readonly port: number; readonly host?: string } {
    const { announceHost, announcePort } = this.#options;
    const port = announcePort ?? this.shard.address?.port ?? this.shard.config.get('port');
    return { port, ...(announceHost === undefined ? {} : { host: announceHost }) };
  }

  /** Follows that server from now on. The data stay until its own have arrived. `takesOver`: it is to stop being a replica. */
  follow(source: Address, takesOver = false): void {
    const { shard } = this;
    const wasPrimary = this.#replica === null;
    this.#replica?.end();
    if (wasPrimary) {
      this.#unblockAll();
      const at = this.#restored;
      if (at !== null && at.offset === this.feed.offset) this.feed.resume(at.replicationId, at.offset, at.database);
      else this.feed.hold();
      this.#restored = null;
    }
    shard.role = 'replica';
    shard.expiryPolicy = 'hide';
    this.ownExpiries.begin();
    shard.linkUp = false;
    this.#replica = new Replica(this, source, takesOver);
    shard.config.note('replicaof', `${source.host} ${source.port}`);
    shard.world.log.event('replica-of', { source: `${source.host}:${source.port}` });
  }

  /** Follows nobody from now on: what was applied goes on as a history of its own. */
  promote(): void {
    if (this.#replica === null) return;
    const { shard } = this;
    this.#replica.end();
    this.#replica = null;
    shard.config.note('replicaof', '');
    shard.role = 'primary';
    shard.expiryPolicy = 'delete';
    this.ownExpiries.end();
    shard.linkUp = false;
    this.historyChanged();
    this.feed.promote();
    shard.world.log.event('promoted', { replicationId: this.feed.replicationId, offset: this.feed.offset });
  }

  installed(loading: Loading): void {
    for (const listener of this.onInstalled) listener(loading.facts);
  }

  tookOver(refused: boolean): void {
    if (refused) this.failover.abort('Failover target rejected psync request');
    else this.failover.ended();
  }

  historyChanged(): void {
    this.primary.disconnectAll();
  }

  /** The place in the stream is saved, and comes back, with the data. */
  #keepOnDisk(): void {
    const { shard, feed } = this;
    shard.streamPosition = (isAtRest) => this.#position(isAtRest);
    shard.savedFacts.push(() => {
      const position = this.#position(true);
      if (position === null) return [];
      const { replicationId, offset, database } = position;
      return [
        ['repl-stream-db', String(database)],
        ['repl-id', replicationId],
        ['repl-offset', String(offset)],
      ];
    });
    shard.onRestored.push((position) => {
      this.#restored = position;
      if (position !== null) feed.restore(position.replicationId, position.offset);
    });
  }

  #position(isAtRest: boolean): StreamPosition | null {
    const { feed } = this;
    if (feed.mode === 'idle') return null;
    // Between two requests of a chunk the data are ahead of what has been handed on.
    if (this.#replica !== null && (!isAtRest || this.#replica.offset !== feed.offset)) return null;
    const database = this.#replica?.database ?? feed.selectedDatabase;
    return { replicationId: feed.replicationId, offset: feed.offset, database };
  }

  /** What clients wait for may never happen on a replica [redis blocked.c disconnectAllBlockedClients]. */
  #unblockAll(): void {
    for (const session of this.shard.sessions.values()) {
      if (session.waiting === null || session === this.shard.longScript?.session) continue;
      this.shard.blocking.fail(session, refusalText('UNBLOCKED_BY_ROLE'));
      session.close();
    }
  }

  #close(): void {
    this.failover.close();
    this.ownExpiries.end();
    this.#replica?.end();
    this.primary.close();
    this.waits.close();
  }
}

const attached = new WeakMap<Shard, Replication>();

/** Gives a shard its replication; once. */
export function attachReplication(shard: Shard, options: ReplicationOptions = {}): Replication {
  assert(!attached.has(shard), 'a shard has one replication');
  const replication = new Replication(shard, options);
  attached.set(shard, replication);
  return replication;
}

export const replicationOf = (shard: Shard): Replication => attached.get(shard) ?? attachReplication(shard);
