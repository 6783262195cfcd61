/**
 * One replica at the serving side: its snapshot, the writes that wait behind it, the stream, what it acknowledged.
 *
 * Stages: `preparing` (a sized snapshot is gathered first), `sending`, `confirming` (a marked snapshot is out: a stock replica
 * looks for the mark at the end of what it has read, so nothing may follow it before its first ACK), `online`. Redis's own
 * names for them are `stateName`. [redis replication.c, SLAVE_STATE_*]
 *
 * Limits: `client-output-buffer-limit slave` (never less than the backlog) over what waits here and in the connection;
 * SIZED_SNAPSHOT_BYTES_MAX for a snapshot whose length must be said first; `repl-timeout` of silence.
 */

import assert from 'node:assert';
import { OutputWatch, type OutputLimit } from '../node/shard/output-limits.ts';
import type { Session } from '../node/shard/session.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { Connection } from '../world/world.ts';
import type { FeedReceiver } from './feed.ts';
import { SnapshotStream } from '../node/persistence/snapshot-stream.ts';

const SIZED_SNAPSHOT_BYTES_MAX = 1024 ** 3;
const MARK_BYTES = 20;

/** What a replica says of itself before it asks for the stream. */
export interface ReplicaFacts {
  listeningPort: number;
  announcedHost: string | null;
  eof: boolean;
  psync2: boolean;
  /** It wants a snapshot and no stream (redis-cli --rdb). */
  rdbOnly: boolean;
  /** What is to be in its snapshot (redis-cli --functions-rdb wants functions alone). */
  wantsKeys: boolean;
  wantsFunctions: boolean;
}

export const newReplicaFacts = (): ReplicaFacts => ({
  listeningPort: 0,
  announcedHost: null,
  eof: false,
  psync2: false,
  rdbOnly: false,
  wantsKeys: true,
  wantsFunctions: true,
});

export type AttachmentStage = 'preparing' | 'sending' | 'confirming' | 'online';
export type DropReason = 'output-buffer-limit' | 'timeout' | 'snapshot-too-large' | 'history-changed';

const MOVES: Readonly<Record<AttachmentStage, readonly AttachmentStage[]>> = {
  preparing: ['sending'],
  sending: ['confirming', 'online'],
  confirming: ['online'],
  online: [],
};

const STATE_NAMES = {
  preparing: 'wait_bgsave',
  sending: 'send_bulk',
  confirming: 'send_bulk',
  online: 'online',
} as const;

export interface AttachmentOptions {
  readonly shard: Shard;
  readonly session: Session;
  readonly facts: ReplicaFacts;
  /** SYNC instead of PSYNC: such a replica never acknowledges. */
  readonly legacy: boolean;
  readonly replicaBuffer: (() => OutputLimit) | null;
  /** It must go: called once. */
  drop(attachment: Attachment, reason: DropReason): void;
}

export class Attachment implements FeedReceiver {
  readonly session: Session;
  readonly facts: ReplicaFacts;
  readonly legacy: boolean;
  ackOffset = 0;
  /** Up to where it has the stream in a log on its disk. */
  syncedOffset = 0;
  readonly #shard: Shard;
  readonly #connection: Connection;
  readonly #replicaBuffer: (() => OutputLimit) | null;
  /** What may wait here where the configuration says nothing, as of the latest tick. */
  #automaticLimit: OutputLimit | null;
  readonly #drop: (reason: DropReason) => void;
  readonly #watch = new OutputWatch();
  #stage: AttachmentStage = 'preparing';
  #snapshot: SnapshotStream | null = null;
  /** The snapshot ends with a mark (no length was said before it). */
  #marked = false;
  #snapshotComplete = false;
  /** Chunks of a snapshot that leave as the connection takes them. */
  #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  /** Writes since the snapshot, until it may have them. Shared with the other replicas. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #dropped = false;
  /** Last sign of life: an ACK, an empty line, or that it takes bytes. */
  #aliveAtMs: number;
  #consumedBytes = 0;

  constructor(options: AttachmentOptions) {
    const { shard, session } = options;
    assert(session.connection !== null, 'a replica has a connection');
    this.session = session;
    this.facts = options.facts;
    this.legacy = options.legacy;
    this.#replicaBuffer = options.replicaBuffer;
    this.#automaticLimit = options.replicaBuffer?.() ?? null;
    this.#shard = shard;
    this.#connection = session.connection;
    this.#aliveAtMs = shard.world.clock.now();
    this.#drop = (reason) => {
      if (this.#dropped) return;
      this.#dropped = true;
      options.drop(this, reason);
    };
  }

  get stage(): AttachmentStage {
    return this.#stage;
  }

  /** Bytes of the stream that wait for it. */
  get unsentBytes(): number {
    return this.#waitingBytes + this.#connection.unsentBytes;
  }

  get stateName(): 'wait_bgsave' | 'send_bulk' | 'online' {
    return STATE_NAMES[this.#stage];
  }

  get host(): string {
    return this.facts.announcedHost ?? this.#connection.remote.host;
  }

  /** Whole seconds since it last acknowledged. */
  get lagSeconds(): number {
    return this.#stage === 'online' ? Math.floor((this.#shard.world.clock.now() - this.#aliveAtMs) / 1000) : 0;
  }

  /** Sends a dump of this moment, then whatever `receive` is given from now on. */
  sendSnapshot(facts: readonly (readonly [string, string])[], functions: readonly string[], marked: boolean): void {
    const mark = marked ? this.#shard.random.bytes(MARK_BYTES).toString('hex') : null;
    this.#marked = marked;
    if (mark !== null) {
      this.#move('sending');
      this.#write(`$EOF:${mark}\r\n`);
    }
    this.#snapshot = new SnapshotStream({
      shard: this.#shard,
      facts,
      functions: this.facts.wantsFunctions ? functions : [],
      isKeyless: !this.facts.wantsKeys,
      emit: (chunk) => this.#emit(chunk, mark === null),
      done: () => this.#snapshotDone(mark),
    });
  }

  /** Sends a part of the history at once; the stream follows. */
  resume(bytes: Buffer): void {
    this.#move('sending');
    this.#move('online');
    if (bytes.length > 0) this.#write(bytes);
  }

  receive(bytes: Buffer): void {
    if (this.#dropped || this.facts.rdbOnly) return;
    if (this.#stage === 'online') this.#write(bytes);
    else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    this.#watchOutput();
  }

  /** `syncedOffset`: null when it does not say. */
  acknowledged(offset: number, syncedOffset: number | null): void {
    this.syncedOffset = Math.max(this.syncedOffset, syncedOffset ?? 0);
    this.#aliveAtMs = this.#shard.world.clock.now();
    this.ackOffset = Math.max(this.ackOffset, offset);
    if (this.#stage === 'confirming') this.#goOnline();
  }

  /** The connection can take more. */
  drained(): void {
    this.#aliveAtMs = Math.max(this.#aliveAtMs, this.#shard.world.clock.now());
    if (this.#stage === 'sending') this.#pump();
  }

  /** Once per second. */
  tick(): void {
    const { clock } = this.#shard.world;
    this.#automaticLimit = this.#replicaBuffer?.() ?? null;
    if (this.session.decoder.consumedBytes !== this.#consumedBytes) {
      // An empty line makes no request, so it is only seen here
      this.#consumedBytes = this.session.decoder.consumedBytes;
      if (this.#stage !== 'online') this.#aliveAtMs = clock.now();
    }
    if (this.#stage === 'preparing') {
      this.#aliveAtMs = clock.now();
      this.#write('\n');
    }
    const silentMs = clock.now() - this.#aliveAtMs;
    if (!this.legacy && silentMs > this.#shard.config.get('repl-timeout') * 1000) this.#drop('timeout');
    else this.#watchOutput();
  }

  /** It is gone. */
  release(): void {
    this.#dropped = true;
    this.#snapshot?.cancel();
    this.#outgoing = [];
    this.#waiting = [];
  }

  #emit(chunk: Buffer, gathers: boolean): boolean {
    this.#outgoing.push(chunk);
    this.#outgoingBytes += chunk.length;
    if (!gathers) return this.#pump();
    if (this.#outgoingBytes > SIZED_SNAPSHOT_BYTES_MAX) this.#drop('snapshot-too-large');
    return true;
  }

  #snapshotDone(mark: string | null): void {
    this.#snapshotComplete = true;
    if (mark === null) {
      this.#move('sending');
      this.#outgoing.unshift(Buffer.from(`$${this.#outgoingBytes}\r\n`));
    } else this.#outgoing.push(Buffer.from(mark));
    this.#pump();
  }

  /** Sends what there is of the snapshot; true when all of it is out and more is welcome. */
  #pump(): boolean {
    while (this.#outgoing.length > 0) {
      const chunk = this.#outgoing.shift()!;
      this.#outgoingBytes = Math.max(0, this.#outgoingBytes - chunk.length);
      if (!this.#write(chunk)) return false;
    }
    if (!this.#snapshotComplete) this.#snapshot?.resume();
    else if (this.#stage === 'sending') this.#snapshotSent();
    return true;
  }

  #snapshotSent(): void {
    if (this.facts.rdbOnly) this.session.close();
    // A replica that was sent a length knows where the stream begins
    else if (this.#marked) this.#move('confirming');
    else this.#goOnline();
  }

  #goOnline(): void {
    this.#move('online');
    this.#aliveAtMs = this.#shard.world.clock.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const bytes of waiting) this.#write(bytes);
  }

  #write(bytes: string | Buffer): boolean {
    this.#shard.stats.netOutputBytes += bytes.length;
    return this.#connection.write(bytes);
  }

  #watchOutput(): void {
    const configured = this.#shard.outputLimits.slave;
    const isSet = configured.hardBytes > 0 || configured.softBytes > 0;
    const limit = isSet ? configured : (this.#automaticLimit ?? configured);
    const hardBytes =
      limit.hardBytes === 0 ? 0 : Math.max(limit.hardBytes, this.#shard.config.get('repl-backlog-size'));
    if (this.#watch.exceeds({ ...limit, hardBytes }, this.unsentBytes, this.#shard.world.clock.now()))
      this.#drop('output-buffer-limit');
  }

  #move(to: AttachmentStage): void {
    assert(MOVES[this.#stage].includes(to), `a replica that is ${this.#stage} does not become ${to}`);
    this.#stage = to;
  }
}
