/**
 * The replication stream of one shard: its bytes, their offsets and the history they belong to.
 *
 * `idle`: nobody ever asked, nothing is encoded or counted. `own`: the shard is a primary and its write log is encoded here.
 * `relayed`: the shard is a replica and hands on its primary's bytes unchanged, so that offsets mean the same further down
 * [redis replication.c replicationFeedStreamFromMasterStream]. Writes of one turn of the event loop leave together: one
 * buffer, copied once into the backlog and lent to every receiver.
 *
 * Border: who receives, and whether it keeps up, is `primary.ts`. Limits: the backlog's size; GATHERED_BYTES_MAX.
 */

import type { Clock, Random } from '../world/world.ts';
import { giveRequest } from '../resp/reply.ts';
import { isMulti, type WriteListener, type WriteLog } from '../node/shard/write-log.ts';
import { Backlog } from './backlog.ts';

/** More than this does not wait for the end of the turn. */
const GATHERED_BYTES_MAX = 64 * 1024;
/** A longer word is not put together with others: the result could exceed the longest string there is. */
const GATHERED_WORD_MAX = 64 * 1024;
const REPLICATION_ID_BYTES = 20;
export const NO_REPLICATION_ID = '0'.repeat(2 * REPLICATION_ID_BYTES);
const NO_OFFSET = -1;

export interface FeedReceiver {
  /** The buffer is shared: keep it, send it, do not change it. */
  receive(bytes: Buffer): void;
}

export interface FeedOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly writeLog: WriteLog;
  readonly backlogBytes: () => number;
}

export class Feed implements WriteListener {
  readonly receivers = new Set<FeedReceiver>();
  readonly #options: FeedOptions;
  #mode: 'idle' | 'own' | 'relayed' = 'idle';
  #replicationId: string;
  #secondId = NO_REPLICATION_ID;
  /** First offset that does not belong to the second id's history. */
  #secondOffset = NO_OFFSET;
  #offset = 0;
  #backlog: Backlog | null = null;
  #unsubscribe: (() => void) | null = null;
  /** Database of the latest write; null makes the next one say it again. */
  #selected: number | null = null;
  #gathered = '';
  #flushing = false;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#replicationId = this.#newId();
  }

  get mode(): 'idle' | 'own' | 'relayed' {
    return this.#mode;
  }

  get replicationId(): string {
    return this.#replicationId;
  }

  get secondId(): string {
    return this.#secondId;
  }

  get secondOffset(): number {
    return this.#secondOffset;
  }

  /** Bytes of the stream so far, gathered ones included. */
  get offset(): number {
    return this.#offset;
  }

  /** Null while idle. */
  get backlog(): Backlog | null {
    return this.#backlog;
  }

  /** Database the stream has selected, for whoever continues it. */
  get selectedDatabase(): number {
    return this.#selected ?? 0;
  }

  /** A primary begins to keep its history; what it wrote before belongs to none, hence a new id [redis createReplicationBacklog]. */
  begin(): void {
    if (this.#mode !== 'idle') return;
    this.#forgetHistory();
    this.#backlog = new Backlog(this.#options.backlogBytes(), this.#offset);
    this.#own();
  }

  /** A primary without replicas stops keeping its history. */
  end(): void {
    this.flush();
    this.#stopOwn();
    this.#mode = 'idle';
    this.#backlog = null;
    this.#forgetHistory();
  }

  /** The shard became a replica: its own writes are over, its history stays for those who continue it. */
  hold(): void {
    if (this.#mode !== 'own') return;
    this.flush();
    this.#stopOwn();
    this.#mode = 'relayed';
  }

  /** The shard's data was replaced by its primary's, up to this point of that history. */
  follow(replicationId: string, offset: number): void {
    this.hold();
    this.#mode = 'relayed';
    this.#replicationId = replicationId;
    this.#secondId = NO_REPLICATION_ID;
    this.#secondOffset = NO_OFFSET;
    this.#offset = offset;
    this.#backlog = new Backlog(this.#options.backlogBytes(), offset);
  }

  /**
   * A primary that starts again with its data as of that place: what came before is known by its old name, what comes has a new one,
   * since what the data may have lost meanwhile must not be taken for it [redis server.c loadDataFromDisk].
   */
  restore(replicationId: string, offset: number): void {
    if (this.#mode !== 'idle') return;
    this.#replicationId = this.#newId();
    this.#secondId = replicationId;
    this.#secondOffset = offset + 1;
    this.#offset = offset;
    this.#backlog = new Backlog(this.#options.backlogBytes(), offset);
    this.#own();
  }

  /** As `follow`, of a replica that starts again with its data as of that place. */
  resume(replicationId: string, offset: number, database: number): void {
    this.follow(replicationId, offset);
    this.#selected = database;
  }

  /** The primary goes on under another id: what came before stays known by the old one. */
  rename(replicationId: string): void {
    this.#secondId = this.#replicationId;
    this.#secondOffset = this.#offset + 1;
    this.#replicationId = replicationId;
  }

  /** The shard became a primary and goes on with the history it relayed, under an id of its own [redis shiftReplicationId]. */
  promote(): void {
    if (this.#mode !== 'relayed') return;
    this.rename(this.#newId());
    this.#own();
  }

  /** Nobody can continue the history so far. */
  forget(): void {
    this.#forgetHistory();
  }

  /** Makes the next write name its database: a new replica does not know which one is selected. */
  selectAgain(): void {
    this.#selected = null;
  }

  resizeBacklog(): void {
    this.#backlog?.resize(this.#options.backlogBytes());
  }

  write(database: number, words: readonly string[]): void {
    // Outside of the transaction it would be a unit of its own [redis server.c propagatePendingCommands]
    if (database !== this.#selected && !isMulti(words)) {
      this.#selected = database;
      this.append(['SELECT', String(database)]);
    }
    this.append(words);
  }

  /** Adds a request that belongs to no database (PING, REPLCONF GETACK). */
  append(words: readonly string[]): void {
    giveRequest(words, GATHERED_WORD_MAX, this.#gather);
  }

  /** Hands on bytes of the primary's stream. The buffer now belongs to the feed. */
  relay(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#send(bytes);
  }

  /** Sends what was gathered. */
  flush(): void {
    if (this.#gathered === '') return;
    const bytes = this.#gathered;
    this.#gathered = '';
    if (this.receivers.size === 0) this.#backlog?.append(bytes);
    else this.#send(Buffer.from(bytes, 'latin1'));
  }

  readonly #gather = (bytes: string): void => {
    this.#offset += bytes.length;
    if (bytes.length > GATHERED_BYTES_MAX) this.flush();
    this.#gathered += bytes;
    if (this.#gathered.length > GATHERED_BYTES_MAX) this.flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      this.#options.clock.soon(() => {
        this.#flushing = false;
        this.flush();
      });
    }
  };

  #send(bytes: Buffer): void {
    this.#backlog?.append(bytes);
    for (const receiver of this.receivers) receiver.receive(bytes);
  }

  #own(): void {
    this.#mode = 'own';
    this.#selected = null;
    this.#unsubscribe = this.#options.writeLog.subscribe(this);
  }

  #stopOwn(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  #forgetHistory(): void {
    this.#replicationId = this.#newId();
    this.#secondId = NO_REPLICATION_ID;
    this.#secondOffset = NO_OFFSET;
  }

  #newId(): string {
    return this.#options.random.bytes(REPLICATION_ID_BYTES).toString('hex');
  }
}
