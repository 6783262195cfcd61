/**
 * Client side caching: which session has read which keys and is to be told when they change, once; or, in broadcasting mode,
 * which sessions want to hear of every change below a prefix. [redis tracking.c]
 *
 * A key is a name, whatever the database. What a request's own session is told follows the reply; what is broadcast leaves in one
 * message at the end of a turn of the event loop. Limit: `tracking-table-max-keys`; beyond it the keys read longest ago are
 * told as changed (Redis takes some by chance).
 */

import { Push, type Reply } from '../../resp/reply.ts';
import type { Command } from '../commands/command.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

export type TrackingMode = 'default' | 'optin' | 'optout' | 'bcast';

/** What CLIENT TRACKING ON has said. */
export interface Tracking {
  readonly mode: TrackingMode;
  /** Its own changes are not told. */
  readonly noLoop: boolean;
  /** The session that is told instead; 0: itself. */
  readonly redirect: number;
  /** Broadcasting: below which it hears of changes. */
  readonly prefixes: ReadonlySet<string>;
  /** CLIENT CACHING has been said for the next request. */
  isCachingGiven: boolean;
  /** The session to be told instead is gone. */
  isBroken: boolean;
}

interface Broadcast {
  readonly sessions: Set<Session>;
  /** Keys changed in this turn, with the session that changed each last. */
  keys: Map<string, Session | null>;
}

/** Where a session that speaks RESP2 and listens hears of it. */
const CHANNEL = '__redis__:invalidate';

export class TrackingTable {
  readonly #shard: Shard;
  /** To the ids of the sessions that have read the key. */
  readonly #readers = new Map<string, Set<number>>();
  readonly #broadcasts = new Map<string, Broadcast>();
  /** Who was told since that was sent. */
  readonly #told = new Set<Session>();
  #hasNews = false;
  /** Sessions that track. */
  count = 0;
  /** Pairs of key and reader. */
  items = 0;

  constructor(shard: Shard) {
    this.#shard = shard;
  }

  get keys(): number {
    return this.#readers.size;
  }

  get prefixes(): number {
    return this.#broadcasts.size;
  }

  /** Prefixes given now come to those given before. */
  begin(session: Session, options: Omit<Tracking, 'isCachingGiven' | 'isBroken'>): void {
    if (session.tracking === null) this.count++;
    const prefixes = new Set([...(session.tracking?.prefixes ?? []), ...options.prefixes]);
    const isCachingGiven = session.tracking?.isCachingGiven === true;
    session.tracking = { ...options, prefixes, isCachingGiven, isBroken: false };
    for (const prefix of prefixes) {
      const broadcast = this.#broadcasts.get(prefix);
      if (broadcast === undefined) this.#broadcasts.set(prefix, { sessions: new Set([session]), keys: new Map() });
      else broadcast.sessions.add(session);
    }
  }

  end(session: Session): void {
    const { tracking } = session;
    if (tracking === null) return;
    session.tracking = null;
    this.count--;
    for (const prefix of tracking.prefixes) {
      const { sessions } = this.#broadcasts.get(prefix)!;
      sessions.delete(session);
      if (sessions.size === 0) this.#broadcasts.delete(prefix);
    }
    if (this.count === 0) this.#forgetReaders();
  }

  /** A session that tracks has run a request that reads; a script's reads are those of the commands it calls. */
  hasRead({ id, tracking }: Session, command: Command, words: readonly string[]): void {
    if (tracking === null || tracking.mode === 'bcast' || command.group === 'scripting') return;
    if (tracking.mode === 'optin' ? !tracking.isCachingGiven : tracking.mode === 'optout' && tracking.isCachingGiven)
      return;
    for (const at of command.keyPositions(words)) {
      const key = words[at]!;
      let readers = this.#readers.get(key);
      if (readers === undefined) this.#readers.set(key, (readers = new Set()));
      if (!readers.has(id)) this.items++;
      readers.add(id);
    }
    this.limit();
  }

  /** Its next request begins: what CLIENT CACHING said was for the one that ended, known or not, or for the transaction. */
  requestEnded({ tracking, transaction }: Session, command: Command | undefined): void {
    if (tracking !== null && transaction.queue === null && command?.fullName.startsWith('client|') !== true)
      tracking.isCachingGiven = false;
  }

  changed(key: string): void {
    const by = this.#shard.runningSession;
    for (const [prefix, broadcast] of this.#broadcasts) {
      if (!key.startsWith(prefix)) continue;
      broadcast.keys.set(key, by);
      if (!this.#hasNews) this.#shard.endTurnSoon();
      this.#hasNews = true;
    }
    this.#tellReaders(key, by);
  }

  /** Everything may be gone. */
  flushed(): void {
    for (const session of this.#shard.sessions.values()) {
      if (session.tracking !== null) this.#tell(session, session.tracking, null);
    }
    this.#forgetReaders();
  }

  /** Whoever wrote may be answered now: who keeps what it wrote is told first. [redis server.c beforeSleep] */
  sendTold(): void {
    this.#broadcast();
    for (const session of this.#told) session.flush();
    this.#told.clear();
  }

  /** Says what changed in this turn to those who hear of everything. */
  #broadcast(): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    for (const broadcast of this.#broadcasts.values()) {
      const { keys, sessions } = broadcast;
      if (keys.size === 0) continue;
      broadcast.keys = new Map();
      const all = [...keys.keys()].sort();
      for (const session of sessions) {
        const { tracking } = session;
        if (tracking === null) continue;
        const told = tracking.noLoop ? all.filter((key) => keys.get(key) !== session) : all;
        if (told.length > 0) this.#tell(session, tracking, told);
      }
    }
  }

  /** Forgets keys, and says so, until there are no more than the limit allows. */
  limit(): void {
    const keysMax = this.#shard.config.get('tracking-table-max-keys');
    if (keysMax === 0 || this.#readers.size <= keysMax) return;
    for (const key of this.#readers.keys()) {
      if (this.#readers.size <= keysMax) return;
      this.#tellReaders(key, null);
    }
  }

  #forgetReaders(): void {
    this.#readers.clear();
    this.items = 0;
  }

  /** They have to read it again to hear of it again. */
  #tellReaders(key: string, by: Session | null): void {
    const readers = this.#readers.get(key);
    if (readers === undefined) return;
    this.#readers.delete(key);
    this.items -= readers.size;
    for (const id of readers) {
      const session = this.#shard.sessions.get(id);
      const tracking = session?.tracking ?? null;
      // It may have gone, or changed its mind since it read the key
      if (session === undefined || tracking === null || tracking.mode === 'bcast') continue;
      if (!tracking.noLoop || session !== by) this.#tell(session, tracking, [key]);
    }
  }

  /** RESP2 knows no pushes: only a session that listens can be told, and only for another. */
  #tell(session: Session, tracking: Tracking, keys: readonly string[] | null): void {
    const isRedirected = tracking.redirect !== 0;
    const target = isRedirected ? this.#shard.sessions.get(tracking.redirect) : session;
    const isGone = target === undefined || (target !== session && target.closing);
    const what: Reply = keys;
    if (isGone) {
      tracking.isBroken = true;
      if (session.wireProtocol === 3) session.push(new Push(['tracking-redir-broken', tracking.redirect]));
      return;
    }
    if (target.wireProtocol === 3) target.push(new Push(['invalidate', what]));
    else if (isRedirected && target.subscriptionCount > 0) target.push(new Push(['message', CHANNEL, what]));
    this.#told.add(target);
  }
}
