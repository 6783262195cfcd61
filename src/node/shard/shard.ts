/**
 * A shard: a Redis server without its socket. Holds the databases, the sessions and the command table, and runs commands.
 *
 * Border: bytes come from `resp-server.ts`; replication (PSYNC, REPLICAOF) joins from above through the command table, the write
 * log, `role` and the hooks below; nothing here knows it. One thread, one command at a time, one frozen moment per command.
 */

import type { Random, World } from '../../world/world.ts';
import { Failure, QUEUED, type Reply } from '../../resp/reply.ts';
import { Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import type { CommandTable } from '../commands/table.ts';
import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { Keyspace, type ExpiryPolicy, type KeyspaceOwner } from '../keyspace/keyspace.ts';
import { SnapshotWalk, type SnapshotSink } from '../keyspace/snapshot.ts';
import { Blocking, type Waiting } from './blocking.ts';
import { check } from './checks.ts';
import { Config, encodingLimits } from './config.ts';
import { BLOCKED, CommandContext } from './context.ts';
import { expireCycle } from './expire-cycle.ts';
import { Session, type ClientOutput } from './session.ts';
import { Subscriptions } from './subscriptions.ts';
import { Watchers } from './watchers.ts';
import { WriteLog } from './write-log.ts';

export interface ShardOptions {
  readonly world: World;
  readonly commands: CommandTable;
  /** Parameters as CONFIG SET takes them. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface ShardStats {
  startedAtMs: number;
  commands: number;
  connections: number;
  rejectedConnections: number;
  expired: number;
  netInputBytes: number;
  netOutputBytes: number;
}

export class Shard implements KeyspaceOwner {
  readonly world: World;
  readonly random: Random;
  readonly commands: CommandTable;
  readonly config: Config;
  readonly keyspaces: readonly Keyspace[];
  readonly writeLog = new WriteLog();
  readonly blocking: Blocking;
  readonly subscriptions = new Subscriptions();
  readonly watchers = new Watchers();
  readonly sessions = new Map<number, Session>();
  /** 40 hex digits, new for each start. */
  readonly runId: string;
  readonly stats: ShardStats;
  /** Set by replication. */
  role: 'primary' | 'replica' = 'primary';
  linkUp = false;
  loading = false;
  /** A primary gets no replies, except to REPLCONF GETACK, for which replication lifts this for one command. */
  answersPrimary = false;
  /** Told by replication when to hold the active expiry cycle back; DEBUG SET-ACTIVE-EXPIRE. */
  activeExpiry = true;
  /** What happens to keys whose time has come, for ordinary sessions. */
  expiryPolicy: ExpiryPolicy = 'delete';
  /** Called when a session ends, so that upper layers forget it. */
  readonly onSessionClosed: ((session: Session) => void)[] = [];
  /** Extra lines of INFO from upper layers: section to its fields. */
  readonly infoSections = new Map<string, () => readonly (readonly [string, string | number])[]>();
  /** Facts that replicas and snapshots must carry besides the keys (AUX fields): name to value, from upper layers. */
  readonly snapshotFacts: (() => readonly (readonly [string, string])[])[] = [];

  // KeyspaceOwner
  now: number;
  expiry: ExpiryPolicy = 'delete';
  readonly limits: EncodingLimits;
  dirty = 0;
  hits = 0;
  misses = 0;
  beforeChange: ((keyspace: Keyspace, key: string) => void) | null = null;

  readonly #context: CommandContext;
  readonly #walks = new Set<SnapshotWalk>();
  readonly #unflushed = new Set<Session>();
  #nextSessionId = 1;
  /** Depth of running commands: EXEC runs others, the unit ends with the outermost. */
  #depth = 0;
  #closed = false;

  constructor(options: ShardOptions) {
    this.world = options.world;
    this.random = options.world.random.fork('shard');
    this.commands = options.commands;
    this.config = new Config(options.config);
    this.limits = encodingLimits(this.config);
    this.config.onChange(() => Object.assign(this.limits, encodingLimits(this.config)));
    this.runId = this.random.bytes(20).toString('hex');
    this.now = this.world.clock.now();
    this.keyspaces = Array.from({ length: this.config.get('databases') }, (_, index) => new Keyspace(index, this));
    this.blocking = new Blocking(this);
    this.#context = new CommandContext(this);
    this.stats = {
      startedAtMs: this.now,
      commands: 0,
      connections: 0,
      rejectedConnections: 0,
      expired: 0,
      netInputBytes: 0,
      netOutputBytes: 0,
    };
    this.#cron();
  }

  /** Ends every session and timer; the shard is not usable afterwards. */
  close(): void {
    this.#closed = true;
    for (const walk of this.#walks) walk.release();
    for (const session of this.sessions.values()) session.close();
  }

  openSession(output: ClientOutput): Session {
    const session = new Session(this, this.#nextSessionId++, output);
    this.sessions.set(session.id, session);
    this.stats.connections++;
    return session;
  }

  closeSession(session: Session): void {
    if (!this.sessions.delete(session.id)) return;
    session.closing = true;
    this.blocking.forget(session);
    this.subscriptions.removeAll(session);
    this.watchers.unwatch(session);
    this.#unflushed.delete(session);
    for (const listener of this.onSessionClosed) listener(session);
  }

  /** Runs one request of a session and answers it. */
  execute(session: Session, words: readonly string[]): void {
    this.stats.commands++;
    this.now = this.world.clock.now();
    session.lastActiveMs = this.now;
    let command: Command;
    try {
      command = this.commands.resolve(words);
      const refusal = check(this, session, command, words);
      if (refusal !== undefined) throw refusal;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#reject(session, error);
      return;
    }
    session.lastCommand = command.fullName;
    if (session.transaction.queue !== null && !RUNS_INSIDE_MULTI.has(command.name)) {
      session.transaction.queue.push({ command, words });
      session.reply(QUEUED);
      return;
    }
    const reply = this.call(session, command, words, true);
    if (reply === BLOCKED) this.blocking.wait(session, command, words, this.#context.blockRequest!);
    else session.reply(reply);
    this.endUnit();
  }

  /** Runs a command without checks; EXEC and scripts call it for each of theirs. The caller ends the unit. */
  call(session: Session, command: Command, words: readonly string[], mayBlock: boolean): Reply {
    const context = this.#depth === 0 ? this.#context : new CommandContext(this);
    context.session = session;
    context.command = command;
    context.words = words;
    context.now = this.now;
    context.mayBlock = mayBlock;
    context.replicated = null;
    context.blockRequest = null;
    this.expiry = session.kind === 'primary' ? 'ignore' : this.expiryPolicy;
    const { database } = session;
    const before = this.dirty;
    this.#depth++;
    let reply: Reply;
    try {
      reply = command.quick?.(context, words) ?? command.run(context, words);
    } catch (error) {
      if (error instanceof Refusal) reply = new Failure(error.message);
      else if (error instanceof RangeError && error.message.includes('string length')) {
        // A JavaScript string ends at 512 MiB less a few bytes: a limit of ours, said plainly.
        reply = new Failure('ERR reply exceeds the largest string this server can hold (512 MiB)');
      } else throw error;
    } finally {
      this.#depth--;
    }
    const replicated = context.replicated as (readonly string[])[] | null; // the command may have set it
    if (replicated !== null) {
      for (const each of replicated) this.writeLog.append(database, each);
    } else if (this.dirty !== before && command.isWrite) this.writeLog.append(database, words);
    return reply;
  }

  /** Runs a waiting command again because a key it waits for changed. */
  runAgain(session: Session, waiting: Waiting): Reply {
    const { database } = session;
    session.database = waiting.database;
    const reply = this.call(session, waiting.command, waiting.words, true);
    session.database = database;
    this.writeLog.commit();
    return reply;
  }

  /** The outermost command has ended: its writes go out, sessions that waited for its keys are served. */
  endUnit(): void {
    if (this.#depth > 0) return;
    this.writeLog.commit();
    if (this.blocking.pending) this.blocking.serve();
    if (this.#unflushed.size > 0) {
      for (const session of this.#unflushed) session.flush();
      this.#unflushed.clear();
    }
  }

  /** Does something to the data outside any command (expiry cycle, loading), as a unit of its own. */
  unit(change: () => void): void {
    this.now = this.world.clock.now();
    this.expiry = this.expiryPolicy;
    change();
    this.endUnit();
  }

  flushLater(session: Session): void {
    this.#unflushed.add(session);
    if (this.#depth === 0) {
      this.world.clock.soon(() => {
        if (this.#unflushed.delete(session)) session.flush();
      });
    }
  }

  /** Begins a point-in-time walk over all databases. The caller steps it and releases it. */
  startSnapshot(sink: SnapshotSink): { step(keysAtMost: number): boolean; release(): void; readonly walk: SnapshotWalk } {
    const walk = new SnapshotWalk(this.keyspaces, sink);
    this.#walks.add(walk);
    this.beforeChange = (keyspace, key) => {
      for (const each of this.#walks) each.beforeChange(keyspace, key);
    };
    const release = (): void => {
      walk.release();
      this.#walks.delete(walk);
      if (this.#walks.size === 0) this.beforeChange = null;
    };
    return {
      walk,
      release,
      step: (keysAtMost) => {
        const done = walk.step(keysAtMost);
        if (done) release();
        return done;
      },
    };
  }

  // KeyspaceOwner

  changed(keyspace: Keyspace, key: string): void {
    if (this.watchers.count > 0) this.watchers.changed(keyspace.index, key);
    if (this.blocking.count > 0) this.blocking.changed(keyspace, key);
  }

  expired(keyspace: Keyspace, key: string): void {
    this.stats.expired++;
    this.writeLog.append(keyspace.index, ['DEL', key]);
  }

  #reject(session: Session, refusal: Refusal): void {
    if (session.transaction.queue !== null) session.transaction.aborted = true;
    session.reply(new Failure(refusal.message));
  }

  #cron(): void {
    if (this.#closed) return;
    if (this.activeExpiry && this.expiryPolicy === 'delete') expireCycle(this);
    this.world.clock.after(1000 / this.config.get('hz'), () => this.#cron());
  }
}

/** Everything else is queued between MULTI and EXEC [redis server.c processCommand]. */
const RUNS_INSIDE_MULTI: ReadonlySet<string> = new Set(['EXEC', 'DISCARD', 'MULTI', 'WATCH', 'QUIT', 'RESET']);

