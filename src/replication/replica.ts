/**
 * A shard that follows a primary: REPLICAOF host port [redis replication.c replicationSetMaster].
 *
 * One link after another, each asking to go on where the last one ended. The stream is run in a session of its own; up to the
 * end of the latest whole unit (a request, or MULTI … EXEC) it is applied, acknowledged and handed on to this shard's own
 * replicas byte for byte. A request that this shard refuses would make it differ from its primary in silence, so it ends the
 * following, by name, until somebody acts; so does a source that no repetition can mend. A replica that clients may write to differs
 * anyway: there it is passed over, as in Redis, and the log says so.
 *
 * Border: bytes and offsets of one connection are `link.ts`, a dump on its way in `loading.ts`. Limits: RETRY_MS_MAX.
 */

import { failureIn, shownRequest } from '../resp/reply.ts';
import { ProtocolError } from '../resp/request-decoder.ts';
import { needsEngine, scriptEngineReady } from '../node/scripting/engine.ts';
import type { Session } from '../node/shard/session.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { Address, Network, Timer } from '../world/world.ts';
import type { Feed } from './feed.ts';
import { ReplicaLink } from './link.ts';
import { SyncedOffset } from './synced-offset.ts';
import { worthRetrying, type LinkOutcome } from './link-outcome.ts';
import { Loading } from '../node/persistence/loading.ts';

const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5000;
const CONNECT_MS_MAX = 10_000;
/** How often a shard that stands still looks whether it may go on. */
const HELD_POLL_MS = 20;

/** `waiting`: for the next attempt. `stopped`: for a person. The others as ROLE names them. */
export type ReplicaState = 'connecting' | 'syncing' | 'connected' | 'waiting' | 'stopped';

const MOVES: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = {
  waiting: ['connecting', 'stopped'],
  connecting: ['syncing', 'connected', 'waiting', 'stopped'],
  syncing: ['connected', 'waiting', 'stopped'],
  connected: ['waiting', 'stopped'],
  stopped: [],
};

/** The source answered, but not as one that takes over. */
const REFUSED: ReadonlySet<LinkOutcome['why']> = new Set(['source-refused', 'psync-not-supported', 'protocol']);

/** What the rest of this shard's replication does for it. */
export interface ReplicaOwner {
  readonly shard: Shard;
  readonly feed: Feed;
  readonly network: Network;
  readonly announce: { readonly port: number; readonly host?: string };
  /** The shard's data are now those of the dump. */
  installed(loading: Loading): void;
  /** Sub-replicas must learn that the history has another name. */
  historyChanged(): void;
  /** The source, which was to become a primary, goes on from here, or will not (`refused`). */
  tookOver(refused: boolean): void;
}

export class Replica {
  readonly source: Address;
  readonly #owner: ReplicaOwner;
  #state: ReplicaState = 'waiting';
  #link: ReplicaLink | null = null;
  #session: Session | null = null;
  /** Where the history stands in which a dump is being loaded. */
  #pending: { readonly replicationId: string; readonly offset: number } | null = null;
  #loading: Loading | null = null;
  #timer: Timer | null = null;
  #retryMs = RETRY_MS_MIN;
  #outcome: LinkOutcome | { readonly why: 'refused-write'; readonly detail: string } | null = null;
  /** Database selected in the stream, kept from one link to the next. */
  #database: number;
  #applied: number;
  readonly #synced = new SyncedOffset();
  /** Bytes of the stream that came and were not handed on yet. */
  #raw: Buffer[] = [];
  #refusal: string | null = null;
  #downSinceMs: number;
  #upSinceMs = 0;
  #heardMs = 0;
  #snapshotBytes = 0;
  #snapshotBytesTotal = 0;
  #ended = false;
  /** The source is to become a primary, and has not said that it does. */
  #takesOver: boolean;

  constructor(owner: ReplicaOwner, source: Address, takesOver = false) {
    this.#owner = owner;
    this.#takesOver = takesOver;
    this.source = source;
    this.#database = owner.feed.selectedDatabase;
    this.#applied = owner.feed.offset;
    this.#downSinceMs = owner.shard.world.clock.now();
    this.#connect();
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Why the latest link ended; null before any did. */
  get outcome(): { readonly why: string; readonly detail: string } | null {
    return this.#outcome;
  }

  /** Up to where the stream has been applied. */
  get offset(): number {
    return this.#applied;
  }

  /** Up to where it has arrived: more than applied inside a MULTI, and while the shard writes nothing. */
  get readOffset(): number {
    if (this.#state !== 'connected') return this.#applied;
    return this.#raw.reduce((sum, bytes) => sum + bytes.length, this.#owner.feed.offset);
  }

  get database(): number {
    return this.#session?.database ?? this.#database;
  }

  get downSinceMs(): number {
    return this.#downSinceMs;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  get snapshot(): { readonly receivedBytes: number; readonly totalBytes: number } {
    return { receivedBytes: this.#snapshotBytes, totalBytes: this.#snapshotBytesTotal };
  }

  /** Follows no more. What was applied stays. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#disconnect();
  }

  #connect(): void {
    const { shard, feed, network, announce } = this.#owner;
    this.#move('connecting');
    const silenceMsMax = shard.config.get('repl-timeout') * 1000;
    const username = shard.config.get('masteruser');
    const password = shard.config.get('masterauth');
    const link: ReplicaLink = new ReplicaLink({
      world: shard.world,
      network,
      source: {
        ...this.source,
        username: username === '' ? null : username,
        password: password === '' ? null : password,
      },
      announce,
      takesOver: this.#takesOver,
      resumeFrom: feed.mode === 'idle' ? null : { replicationId: feed.replicationId, offset: this.#applied },
      limits: { silenceMsMax, connectTimeoutMs: Math.min(CONNECT_MS_MAX, silenceMsMax) },
      handler: {
        full: (replicationId, offset) => this.#full(link, replicationId, offset),
        continued: (replicationId, offset) => this.#continued(replicationId, offset),
        snapshotSize: (bytes) => (this.#snapshotBytesTotal = bytes),
        snapshotProgress: (bytes) => (this.#snapshotBytes = bytes),
        aux: (name, value) => this.#loading?.aux(name, value),
        functionLibrary: (code) => void this.#loading?.functions.push(code),
        entry: (entry) => this.#loading?.entry(entry),
        snapshotDone: () => this.#installed(link),
        streamBytes: (bytes) => this.#arrived(link, bytes),
        write: (words, endOffset) => this.#write(words, endOffset),
        chunkDone: () => this.#chunkDone(link),
        syncedOffset: () => this.#syncedOffset(),
        closed: (outcome) => this.#lost(outcome),
      },
    });
    this.#link = link;
    link.open();
  }

  #full(link: ReplicaLink, replicationId: string, offset: number): void {
    const { shard, feed } = this.#owner;
    this.#move('syncing');
    this.#tookOver(false);
    this.#pending = { replicationId, offset };
    this.#snapshotBytes = 0;
    this.#snapshotBytesTotal = 0;
    this.#loading?.discard();
    this.#loading = new Loading(shard);
    const because =
      feed.mode === 'idle' ? 'no-offset' : replicationId === feed.replicationId ? 'backlog-lost' : 'replid-changed';
    shard.world.log.event('full-sync', { source: this.#place, because, offset });
    link.accept();
  }

  #installed(link: ReplicaLink): void {
    const { replicationId, offset } = this.#pending!;
    const loading = this.#loading!;
    this.#loading = null;
    loading.install();
    this.#owner.historyChanged();
    this.#owner.feed.follow(replicationId, offset);
    this.#owner.installed(loading);
    this.#database = loading.streamDatabase;
    this.#owner.shard.world.log.event('full-sync-done', { source: this.#place, offset });
    this.#online(offset);
    link.acknowledge(offset);
  }

  #continued(replicationId: string, offset: number): void {
    const { shard, feed } = this.#owner;
    if (replicationId !== feed.replicationId) {
      feed.rename(replicationId);
      this.#owner.historyChanged();
    }
    shard.world.log.event('partial-sync', { source: this.#place, offset });
    this.#online(offset);
  }

  #online(offset: number): void {
    const { shard } = this.#owner;
    this.#move('connected');
    this.#tookOver(false);
    this.#applied = offset;
    this.#raw = [];
    this.#retryMs = RETRY_MS_MIN;
    this.#upSinceMs = shard.world.clock.now();
    this.#outcome = null;
    const session = shard.openSession({
      local: shard.address ?? { host: '', port: 0 },
      remote: this.source,
      write: () => undefined,
      end: () => this.#killed(session),
    });
    session.kind = 'primary';
    session.setAuthenticated(true);
    session.database = this.#database;
    session.replySeen = (reply) => (this.#refusal ??= failureIn(reply));
    this.#session = session;
    shard.linkUp = true;
  }

  #arrived(link: ReplicaLink, bytes: Buffer): void {
    this.#raw.push(Buffer.from(bytes));
    this.#waitWhileHeld(link);
  }

  /** A shard that stands still runs nothing, whoever says it; under CLIENT PAUSE nothing is written. */
  #waitWhileHeld(link: ReplicaLink): void {
    const { shard } = this.#owner;
    if (!shard.held && shard.pause.kind === null && shard.longScript === null) {
      link.resume();
      return;
    }
    link.pause();
    shard.world.clock.after(HELD_POLL_MS, () => {
      if (this.#link === link) this.#waitWhileHeld(link);
    });
  }

  #write(words: readonly string[], endOffset: number): void {
    const session = this.#session;
    if (session === null) return;
    const name = words[0]!;
    if (needsEngine(name)) {
      this.#writeWithEngine(words, endOffset);
      return;
    }
    if (name !== 'PING' && name !== 'REPLCONF') {
      try {
        this.#owner.shard.tick();
        this.#owner.shard.execute(session, words);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#refusal = error.message;
      }
      if (this.#refusal !== null) {
        const detail = `${shownRequest(words)} was refused here: ${this.#refusal}`;
        if (this.#owner.shard.config.get('replica-read-only')) {
          this.#stopped({ why: 'refused-write', detail });
          return;
        }
        this.#refusal = null;
        this.#owner.shard.world.log.event('write-passed-over', { source: this.#place, detail });
      }
    }
    if (session.transaction.queue === null) this.#applied = endOffset;
  }

  /** A primary of before 5.0 sends scripts themselves: what comes behind the first one waits with it. */
  #writeWithEngine(words: readonly string[], endOffset: number): void {
    const link = this.#link;
    link?.pause();
    void scriptEngineReady().then(() => {
      if (link === null || this.#link !== link) return;
      this.#write(words, endOffset);
      if (this.#link === link) this.#waitWhileHeld(link);
    });
  }

  #chunkDone(link: ReplicaLink): void {
    this.#heardMs = this.#owner.shard.world.clock.now();
    if (this.#session === null) return;
    this.#handOn();
    this.#synced.applied(this.#owner.shard.syncedLog, this.#applied);
    link.acknowledge(this.#applied);
  }

  /** Of a log that is new since the last write, a rewrite has put everything applied so far on disk. */
  #syncedOffset(): number | null {
    const { syncedLog } = this.#owner.shard;
    this.#synced.applied(syncedLog, this.#applied);
    return this.#synced.read(syncedLog);
  }

  /** Gives the bytes of what was applied to this shard's own backlog and replicas. */
  #handOn(): void {
    const { feed } = this.#owner;
    let count = this.#applied - feed.offset;
    while (count > 0) {
      const bytes = this.#raw[0]!;
      const part = count >= bytes.length ? bytes : bytes.subarray(0, count);
      if (part === bytes) this.#raw.shift();
      else this.#raw[0] = bytes.subarray(count);
      count -= part.length;
      feed.relay(part);
    }
  }

  #killed(session: Session): void {
    if (this.#session !== session || this.#ended) return;
    this.#lost({
      why: 'cut',
      reason: 'local',
      waitingFor: 'the replication stream',
      detail: 'the session of the primary was ended',
    });
  }

  #tookOver(refused: boolean): void {
    if (!this.#takesOver) return;
    this.#takesOver = false;
    this.#owner.tookOver(refused);
  }

  #lost(outcome: LinkOutcome): void {
    if (this.#takesOver && REFUSED.has(outcome.why)) {
      this.#tookOver(true);
      return;
    }
    if (!worthRetrying(outcome)) {
      this.#stopped(outcome);
      return;
    }
    const { shard } = this.#owner;
    // At once, as Redis: the backlog of the source runs on. Not again and again, though
    const wasUp = this.#state === 'connected' && shard.world.clock.now() - this.#upSinceMs >= RETRY_MS_MIN;
    const retryMs = wasUp ? 0 : this.#retryMs;
    this.#disconnect();
    this.#outcome = outcome;
    this.#move('waiting');
    shard.world.log.event('replica-link-down', {
      source: this.#place,
      why: outcome.why,
      detail: outcome.detail,
      retryMs,
    });
    this.#timer = shard.world.clock.after(retryMs, () => this.#connect());
    if (retryMs === this.#retryMs) this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
  }

  #stopped(outcome: LinkOutcome | { readonly why: 'refused-write'; readonly detail: string }): void {
    this.#disconnect();
    this.#outcome = outcome;
    this.#move('stopped');
    this.#owner.shard.world.log.event('replica-stopped', {
      source: this.#place,
      why: outcome.why,
      detail: outcome.detail,
    });
  }

  #disconnect(): void {
    const { shard } = this.#owner;
    const session = this.#session;
    this.#session = null;
    this.#link?.close();
    this.#link = null;
    this.#loading?.discard();
    this.#loading = null;
    this.#refusal = null;
    if (session === null) return;
    this.#handOn();
    this.#database = session.database;
    shard.closeSession(session);
    shard.linkUp = false;
    this.#downSinceMs = shard.world.clock.now();
  }

  get #place(): string {
    return `${this.source.host}:${this.source.port}`;
  }

  #move(to: ReplicaState): void {
    if (!MOVES[this.#state].includes(to)) throw new Error(`a replica that is ${this.#state} does not become ${to}`);
    this.#state = to;
  }
}
