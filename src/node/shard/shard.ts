/**
 * A shard: a Redis server without its socket. Holds the databases, the sessions and the command table, and runs commands.
 *
 * Border: bytes come from `resp-server.ts`; replication (PSYNC, REPLICAOF) joins from above through the command table, the write
 * log, `role` and the hooks below; nothing here knows it. One thread, one command at a time, one frozen moment per command.
 */

import type { Address, Random, World } from '../../world/world.ts';
import { QUEUED, type Reply } from '../../resp/reply.ts';
import { DEFAULT_LIMITS, isOfBrowser, ProtocolError, type DecoderLimits } from '../../resp/request-decoder.ts';
import { Refusal } from '../../resp/refusals.ts';
import type { Command } from '../commands/command.ts';
import type { CommandTable } from '../commands/table.ts';
import { AccessRecord } from '../keyspace/access.ts';
import type { EncodingLimits } from '../keyspace/encoding-limits.ts';
import { setDictSeed } from '../keyspace/dict.ts';
import { Keyspace, type ExpiryPolicy, type KeyspaceOwner } from '../keyspace/keyspace.ts';
import type { MemoryCount } from '../keyspace/memory.ts';
import type { Value } from '../keyspace/value.ts';
import { ScriptCache } from '../scripting/cache.ts';
import { Libraries } from '../scripting/libraries.ts';
import type { LongScript } from '../scripting/long-script.ts';
import { ShardRandom } from '../scripting/random.ts';
import { applyConfig } from './apply-config.ts';
import { Blocking, type Waiting } from './blocking.ts';
import { callTimed } from './call-timed.ts';
import { check } from './checks.ts';
import { evictClients } from './client-eviction.ts';
import type { ClientOutput } from './client-output.ts';
import type { Ending } from './ending.ts';
import { Config, encodingLimits } from './config.ts';
import { BLOCKED, CommandContext } from './context.ts';
import { Eviction } from './eviction.ts';
import { ShardMemory } from './memory.ts';
import type { OutputLimits } from './output-limits.ts';
import { Permissions } from './permissions.ts';
import { Rate } from './rate.ts';
import { Session } from './session.ts';
import { CommandStats } from './command-stats.ts';
import { LatencyMonitor } from './latency.ts';
import { LazyFreed } from './lazy-freed.ts';
import { Monitors } from './monitors.ts';
import { Pause } from './pause.ts';
import { startTicking } from './every-tick.ts';
import { failureOf } from './failure-of.ts';
import { Slowlog } from './slowlog.ts';
import { reject } from './reject.ts';
import { SnapshotWalks } from './snapshot-walks.ts';
import { Standstill } from './standstill.ts';
import { Notifications } from './notifications.ts';
import { NO_STATS, type ShardStats } from './stats.ts';
import { Subscriptions } from './subscriptions.ts';
import {
  NO_REPLICAS,
  type AnswerGate,
  type LoadedSnapshot,
  type Replicas,
  type StreamPosition,
  type SyncedLog,
} from './upper-layers.ts';
import { TrackingTable } from './tracking.ts';
import { Turns } from './turns.ts';
import { Watchers } from './watchers.ts';
import { WriteLog } from './write-log.ts';

export interface ShardOptions {
  readonly world: World;
  readonly commands: CommandTable;
  /** Parameters as CONFIG SET takes them. */
  readonly config?: Readonly<Record<string, string>>;
}

export class Shard implements KeyspaceOwner {
  readonly world: World;
  readonly random: Random;
  readonly commands: CommandTable;
  readonly config: Config;
  readonly keyspaces: readonly Keyspace[];
  readonly writeLog = new WriteLog();
  readonly blocking: Blocking;
  readonly pause: Pause;
  readonly subscriptions = new Subscriptions();
  readonly notifications = new Notifications(this.subscriptions);
  readonly memory = new ShardMemory();
  readonly eviction: Eviction;
  readonly watchers = new Watchers();
  readonly tracking = new TrackingTable(this);
  readonly monitors = new Monitors(this);
  readonly scripts = new ScriptCache();
  readonly scriptRandom = new ShardRandom();
  readonly libraries: Libraries;
  /** The one that everything else waits for; null: none takes so long. */
  longScript: LongScript | null = null;
  readonly permissions: Permissions;
  readonly slowlog: Slowlog;
  readonly snapshots = new SnapshotWalks(this);
  readonly commandStats = new CommandStats();
  readonly latency = new LatencyMonitor();
  readonly sessions = new Map<number, Session>();
  /** 40 hex digits, new for each start. */
  readonly runId: string;
  readonly stats: ShardStats;
  readonly turns = new Turns();
  readonly lazyFreed: LazyFreed;
  /** Per second, lately; bytes of input and output. */
  readonly rates = { commands: new Rate(), input: new Rate(), output: new Rate() };
  /** Where it listens; null until it does. */
  address: Address | null = null;
  /** The redis.conf that it was started with, absolute; null: none. */
  configFile: string | null = null;
  /** Set by replication. */
  role: 'primary' | 'replica' = 'primary';
  linkUp = false;
  loading = false;
  /** Told by replication when to hold the active expiry cycle back; DEBUG SET-ACTIVE-EXPIRE. */
  activeExpiry = true;
  /** What happens to keys whose time has come, for ordinary sessions. */
  expiryPolicy: ExpiryPolicy = 'delete';
  /** Called when a session ends, so that upper layers forget it. */
  readonly onSessionClosed: ((session: Session) => void)[] = [];
  /** Called when the shard ends, before its sessions do, so that upper layers end their timers and links. */
  readonly onClosed: (() => void)[] = [];
  /** Extra lines of INFO from upper layers: section to its fields. */
  readonly infoSections = new Map<string, () => readonly (readonly [string, string | number])[]>();
  /** Facts that replicas and snapshots must carry besides the keys (AUX fields): name to value, from upper layers. */
  readonly snapshotFacts: (() => readonly (readonly [string, string])[])[] = [];
  /** Facts that only snapshots on disk carry. */
  readonly savedFacts: (() => readonly (readonly [string, string])[])[] = [];
  /** Called when data have been loaded from disk, before what was logged behind them is run again. */
  readonly onLoaded: ((loaded: LoadedSnapshot) => void)[] = [];
  /** Called at the end of a restoration, with where in its replication history the shard then is; null: unknown. */
  readonly onRestored: ((position: StreamPosition | null) => void)[] = [];
  /** Called when all data have been replaced by others, outside any write. */
  readonly onReplaced: (() => void)[] = [];
  /** Where in its replication history the data are that units ended so far have made; null: in none, or not known just now. */
  streamPosition: (isAtRest: boolean) => StreamPosition | null = () => null;
  /** Holds answers back until what they tell of is on disk; null: nothing does. */
  answerGate: AnswerGate | null = null;
  /** Null: there is no log on disk. */
  syncedLog: SyncedLog | null = null;
  /** Called when more of the log is synced, or there is none any more. */
  readonly onSynced: (() => void)[] = [];
  forgetReplicationId: () => void = () => undefined;
  /** Scripts may call what they otherwise may not. */
  scriptsCallAll = false;
  /** Of the process that the shard is; null: it belongs to others. */
  ending: Ending | null = null;
  /** DEBUG PAUSE-CRON: nothing happens by itself. */
  isCronPaused = false;
  /** Why no write is taken at the moment, apart from the request itself; null: nothing hinders. */
  writesHindered: Refusal | null = null;
  /** As a primary it writes only with so many replicas that are not behind; 0: with none. */
  replicasMin = 0;
  /** Told by replication. */
  replicas: Replicas = NO_REPLICAS;

  // KeyspaceOwner
  now: number;
  expiry: ExpiryPolicy = 'delete';
  readonly limits: EncodingLimits;
  readonly keyMemory: MemoryCount = this.memory.keys;
  readonly access: AccessRecord;
  recordsAccess = true;
  /** Shared by all sessions' decoders. */
  readonly decoderLimits: DecoderLimits = { ...DEFAULT_LIMITS };
  outputLimits!: OutputLimits;
  queryBytesMax!: number;
  dirty = 0;
  hits = 0;
  misses = 0;
  beforeChange: ((keyspace: Keyspace, key: string) => void) | null = null;
  expiryGiven: ((keyspace: Keyspace, key: string) => void) | null = null;

  readonly #context: CommandContext;
  readonly #unflushed = new Set<Session>();
  readonly #standstill: Standstill;
  #nextSessionId = 1;
  /** Depth of running commands: EXEC runs others, the unit ends with the outermost. */
  #depth = 0;
  readonly #stopTicking: () => void;
  #isTurnEnding = false;
  /** The command about to run has begun before, and waited. */
  #isRetry = false;

  constructor(options: ShardOptions) {
    this.world = options.world;
    // Named by a draw of its own: a world has many shards, and equal forks would give them equal replication ids
    this.runId = options.world.random.bytes(20).toString('hex');
    this.random = options.world.random.fork(`shard ${this.runId}`);
    this.commands = options.commands;
    this.access = new AccessRecord(this.random.fork('access'));
    this.eviction = new Eviction(this);
    this.config = new Config(options.config);
    this.limits = encodingLimits(this.config);
    this.lazyFreed = new LazyFreed(this.limits);
    this.permissions = new Permissions(this);
    this.libraries = new Libraries(this.world.log, this.scriptRandom);
    this.commandStats.onTooManyErrors = (codes) => {
      this.world.log.event('too-many-error-codes', { codes: codes.join(', ') });
      this.lazyFreed.table(codes.length);
    };
    this.memory.addPart('lua_caches', () => this.scripts.bytes);
    this.memory.addPart('functions_caches', () => this.libraries.bytes);
    this.slowlog = new Slowlog(this.world.clock);
    applyConfig(this);
    this.config.onChange((name) => {
      applyConfig(this);
      if (name === 'requirepass') this.permissions.passwordChanged();
      if (name === 'maxmemory') this.eviction.soon();
    });
    this.now = this.world.clock.now();
    // Of the world's chance: unknown to clients on a real machine, the same again in a simulated one
    setDictSeed(this.random.fork('dictionaries').integer(-(2 ** 31), 2 ** 31 - 1));
    this.keyspaces = Array.from({ length: this.config.get('databases') }, (_, index) => new Keyspace(index, this));
    this.blocking = new Blocking(this);
    this.pause = new Pause(this);
    this.#context = new CommandContext(this);
    this.#standstill = new Standstill(this.world.clock, () => {
      for (const session of this.sessions.values()) session.continueSoon();
    });
    this.stats = { ...NO_STATS, startedAtMs: this.now };
    this.#stopTicking = startTicking(this);
  }

  /** Ends every session and timer; the shard is not usable afterwards. */
  close(): void {
    this.#stopTicking();
    this.#standstill.cancel();
    this.pause.cancel();
    this.longScript?.close();
    for (const listener of this.onClosed) listener();
    this.snapshots.releaseAll();
    this.scripts.clear();
    this.libraries.close();
    for (const session of this.sessions.values()) {
      session.close();
      this.closeSession(session);
    }
  }

  openSession(output: ClientOutput): Session {
    const session = new Session(this, this.#nextSessionId++, output);
    this.sessions.set(session.id, session);
    this.stats.connections++;
    return session;
  }

  closeSession(session: Session): void {
    if (!this.sessions.delete(session.id)) return;
    session.gone();
    this.letGo(session);
    this.#unflushed.delete(session);
    session.memory.uncount();
    for (const listener of this.onSessionClosed) listener(session);
  }

  /** Answers nobody for a while: nothing is run and nothing leaves, of this shard alone. */
  hold(milliseconds: number): void {
    this.slowlog.held(milliseconds);
    this.#standstill.extend(milliseconds);
  }

  /** While clients wait nothing is deleted by itself [redis db.c expireIfNeeded]. */
  get expiryNow(): ExpiryPolicy {
    return this.pause.kind !== null && this.expiryPolicy === 'delete' ? 'hide' : this.expiryPolicy;
  }

  /** Whose request runs; null: none does. */
  get runningSession(): Session | null {
    return this.#depth > 0 ? this.#context.session : null;
  }

  get held(): boolean {
    return this.#standstill.holds;
  }

  /** A session that says goodbye gets nothing more: an element popped for it would be lost. */
  letGo(session: Session): void {
    this.blocking.forget(session);
    this.pause.forget(session);
    this.subscriptions.removeAll(session);
    this.watchers.unwatch(session);
    this.tracking.end(session);
    this.monitors.remove(session);
  }

  /** Outside MULTI again, nothing watched. */
  endTransaction(session: Session): void {
    session.transaction.end();
    this.watchers.unwatch(session);
  }

  /** Looks at the clock: whoever runs requests does so before the first and now and then among many. */
  tick(): void {
    this.now = this.world.clock.now();
  }

  /** Runs one request of a session and answers it, at the time of the last `tick`. */
  execute(session: Session, words: readonly string[]): void {
    this.stats.commands++;
    session.lastActiveMs = this.now;
    let command: Command | undefined;
    this.eviction.refusing = false;
    try {
      command = this.commands.resolve(words);
      session.lastCommand = command.fullName;
      const refusal = check(this, session, command, words);
      if (refusal !== undefined) throw refusal;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (command === undefined && isOfBrowser(words)) session.close();
      else reject(this, session, command, words, error);
      if (session.tracking !== null) this.tracking.requestEnded(session, command);
      return;
    }
    if (session.tracking !== null) session.pushesFirst(); // of evicted keys
    if (this.pause.kind !== null && this.pause.postpones(session, command, words)) {
      this.stats.commands--; // it counts when it runs
      return;
    }
    if (session.transaction.queue !== null && !RUNS_INSIDE_MULTI.has(command.name)) {
      session.transaction.add({ command, words });
      if (session.transaction.queuedBytes > this.decoderLimits.requestBytesMax) {
        throw new ProtocolError(`transaction longer than ${this.decoderLimits.requestBytesMax} bytes`);
      }
      session.reply(QUEUED);
      return;
    }
    const reply = this.call(session, command, words, true);
    if (reply === BLOCKED) this.blocking.wait(session, command, words, this.#context.blockRequest!);
    else session.reply(reply);
    if (session.tracking !== null) this.tracking.requestEnded(session, command);
    this.endUnit();
  }

  /** Runs a command without checks; EXEC and scripts call it for each of theirs. The caller ends the unit. */
  call(session: Session, command: Command, words: readonly string[], mayBlock: boolean): Reply {
    if (command.isRead) this.stats.reads++;
    else if (command.isWrite) this.stats.writes++;
    const context = this.#depth === 0 ? this.#context : new CommandContext(this);
    context.session = session;
    context.command = command;
    context.words = words;
    context.now = this.now;
    context.mayBlock = mayBlock;
    context.replicated = null;
    context.blockRequest = null;
    context.isRetry = this.#isRetry;
    this.#isRetry = false;
    this.recordsAccess = !session.noTouch || command.name === 'TOUCH';
    this.expiry = session.kind === 'primary' ? 'ignore' : this.expiryNow;
    const { database } = session;
    const { slowlog, commandStats } = this;
    const stat = commandStats.of(command);
    let isSampled = !slowlog.timesAll && commandStats.isTimed(stat);
    let startedAtMs = slowlog.timesAll || isSampled ? slowlog.moment() : UNTIMED;
    const errors = commandStats.errors;
    const before = this.dirty;
    if (this.notifications.isOn) this.notifications.begin(this.keyspaces[database]!, command, words);
    this.#depth++;
    let reply: Reply;
    try {
      const quick = command.quick?.(context, words); // null is a reply
      if (quick === undefined) {
        isSampled = false;
        if (startedAtMs === UNTIMED) startedAtMs = slowlog.moment();
        reply = command.run(context, words);
      } else reply = quick;
    } catch (error) {
      session.refusals++;
      reply = failureOf(error);
    } finally {
      this.#depth--;
    }
    if (reply !== BLOCKED) commandStats.answered(stat, reply, errors); // else it counts when it is served
    if (reply !== BLOCKED && startedAtMs !== UNTIMED) {
      callTimed(this, session, command, words, slowlog.moment() - startedAtMs, isSampled);
    }
    if (this.monitors.isOn && !context.isRetry) this.monitors.ran(session, command, words);
    if (session.tracking !== null && command.isRead) this.tracking.hasRead(session, command, words);
    if (this.keyMemory.pending) this.keyMemory.settle();
    if (this.notifications.isOn) this.notifications.end(this.keyspaces[database]!, command, words);
    const replicated = context.replicated as (readonly string[])[] | null; // the command may have set it
    if (replicated !== null) {
      for (const each of replicated) this.writeLog.append(database, each);
    } else if (this.dirty !== before && command.isWrite) this.writeLog.append(database, words);
    if (this.#depth === 0 && command.flags.has('touches_arbitrary_keys')) this.writeLog.commitEach();
    return reply;
  }

  /** Runs a waiting command again because a key it waits for changed. */
  runAgain(session: Session, waiting: Waiting): Reply {
    this.#isRetry = true;
    session.served(true);
    const reply = this.call(session, waiting.command, waiting.words, true);
    session.served(false);
    if (this.longScript === null) this.writeLog.commit();
    return reply;
  }

  /** Does what a script asks for behind its first part: within its client's request, at that one's moment. */
  within(session: Session, momentMs: number, ask: () => void): void {
    const { now } = this;
    this.now = momentMs;
    this.#context.session = session;
    session.served(true);
    this.#depth++;
    ask();
    this.#depth--;
    session.served(false);
    this.now = now;
  }

  /** The outermost command has ended: its writes go out, sessions that waited for its keys are served. */
  endUnit(): void {
    if (this.#depth > 0 || this.longScript !== null) return;
    this.writeLog.commit();
    if (!this.blocking.pending) return;
    if (this.held) this.now = this.#standstill.untilMs;
    this.blocking.serve();
  }

  /** Does something to the data outside any command (expiry cycle, loading), as a unit of its own. */
  unit(change: () => void): void {
    this.now = this.world.clock.now();
    this.expiry = this.expiryNow;
    change();
    this.endUnit();
  }

  /** What requests led to at other clients leaves when all that have come in this turn have run: in one piece for each client. */
  flushLater(session: Session): void {
    this.endTurnSoon();
    this.#unflushed.add(session);
  }

  endTurnSoon(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    this.world.clock.soon(() => this.endTurn());
  }

  /** As when everything that has come in this turn has run. */
  endTurn(): void {
    this.#isTurnEnding = false;
    this.tracking.sendTold();
    for (const each of this.#unflushed) each.flush();
    evictClients(this, this.#unflushed);
    this.#unflushed.clear();
  }

  // KeyspaceOwner

  changed(keyspace: Keyspace, key: string): void {
    if (this.watchers.count > 0) this.watchers.changed(keyspace.index, key, keyspace.values.has(key));
    if (this.blocking.count > 0) this.blocking.changed(keyspace, key);
    if (this.tracking.count > 0) this.tracking.changed(key);
    if (this.notifications.isOn) this.notifications.touched(keyspace, key);
  }

  missed(keyspace: Keyspace, key: string): void {
    this.misses++;
    if (this.notifications.isOn) this.notifications.missed(keyspace, key);
  }

  // What goes by itself everybody is told, also while a script keeps its own writes from them

  expired(keyspace: Keyspace, key: string, value: Value): void {
    this.stats.expired++;
    if (this.config.get('lazyfree-lazy-expire')) this.lazyFreed.value(value);
    if (this.notifications.isOn) this.notifications.expired(keyspace, key);
    this.writeLog.append(keyspace.index, [this.config.get('lazyfree-lazy-expire') ? 'UNLINK' : 'DEL', key], 'all');
  }

  fieldsExpired(keyspace: Keyspace, key: string, fields: readonly string[], isLast: boolean): void {
    this.stats.expiredFields += fields.length;
    if (this.notifications.isOn) this.notifications.fieldsExpired(keyspace, key, isLast);
    for (const field of fields) this.writeLog.append(keyspace.index, ['HDEL', key, field], 'all');
  }

  evicted(keyspace: Keyspace, key: string, value: Value): void {
    this.stats.evicted++;
    if (this.config.get('lazyfree-lazy-eviction')) this.lazyFreed.value(value);
    if (this.notifications.isOn) this.notifications.evicted(keyspace, key);
    this.writeLog.append(keyspace.index, [this.config.get('lazyfree-lazy-eviction') ? 'UNLINK' : 'DEL', key], 'all');
  }
}

/** Instead of the moment a request began. */
const UNTIMED = -1;

/** Everything else is queued between MULTI and EXEC [redis server.c processCommand]. */
const RUNS_INSIDE_MULTI: ReadonlySet<string> = new Set(['EXEC', 'DISCARD', 'MULTI', 'WATCH', 'QUIT', 'RESET']);
