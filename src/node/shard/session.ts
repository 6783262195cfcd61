/**
 * One client of a shard: what it said last, what it is in the middle of, and the bytes on their way to it.
 *
 * Bytes come in by `receive` and go out by `ClientOutput`; a session knows no socket, so tests and replication links drive one
 * directly. Replies gather in one string and leave once per chunk received. Life: open, then closing (what is pending still
 * leaves, nothing more is read or run), then ended. Limits: `client-query-buffer-limit` on what waits to be run,
 * `client-output-buffer-limit` on what waits to be sent (to a replica: replication's affair). Requests of a client that does
 * not read their replies are kept and not run, from CONGESTED_BYTES on until it has read: else a few bytes in could become any
 * number of bytes waiting to go out. Redis runs them, and grows.
 */

import { ProtocolError, RequestDecoder } from '../../resp/request-decoder.ts';
import { encodeFailure, encodeReplyWithinLimit, type Protocol, type Push, type Reply } from '../../resp/reply.ts';
import type { User } from '../acl/user.ts';
import type { Connection } from '../../world/world.ts';
import type { Waiting } from './blocking.ts';
import { evictClients } from './client-eviction.ts';
import { ClientMemory } from './client-memory.ts';
import type { ClientOutput, SharedOutput } from './client-output.ts';
import { OutputWatch, REPLY_BUFFER_BYTES, UNAUTHENTICATED_LIMIT, type OutputLimit } from './output-limits.ts';
import type { Shard } from './shard.ts';
import type { Tracking } from './tracking.ts';
import { Transaction } from './transaction.ts';

/** `client`: anybody; `monitor`: one that looks on (MONITOR); `primary`: the link from this shard's primary, whose writes always pass and get no reply; `replica`: one that PSYNCs from here. */
export type SessionKind = 'client' | 'monitor' | 'primary' | 'replica';

/** The clock is looked at once for so many requests of one chunk: they take microseconds, and it counts milliseconds. */
const REQUESTS_PER_TICK = 64;
/** Replies gathered beyond this are sent before the request that makes them has ended. */
const GATHERED_BYTES_MAX = 1024 * 1024;
/** So many bytes of replies may wait for a client before its requests wait too; more where a limit of its class allows more. */
const CONGESTED_BYTES = 64 * 1024 * 1024;

export class Session {
  readonly id: number;
  readonly shard: Shard;
  readonly output: ClientOutput;
  readonly decoder: RequestDecoder;
  readonly createdAtMs: number;
  kind: SessionKind = 'client';
  /** What the connection speaks. */
  wireProtocol: Protocol = 2;
  /** What a script of it that runs gets its replies in (`redis.setresp`); null: none runs. */
  scriptProtocol: Protocol | null = null;
  database = 0;
  authenticated: boolean;
  /** The default user until AUTH. */
  user: User;
  name = '';
  libraryName = '';
  libraryVersion = '';
  lastCommand = 'NULL';
  lastActiveMs: number;
  /** CLIENT REPLY. */
  replies: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  /** CLIENT NO-EVICT: `maxmemory-clients` does not close it. */
  noEvict = false;
  /** CLIENT NO-TOUCH: its commands are no accesses, but for TOUCH. */
  noTouch = false;
  /** Requests of it that were refused, while queueing or while they ran. */
  refusals = 0;
  readonly transaction = new Transaction();
  readonly memory = new ClientMemory(this);
  readonly subscriptions = { channel: new Set<string>(), pattern: new Set<string>(), shard: new Set<string>() };
  /** CLIENT TRACKING; null: off. */
  tracking: Tracking | null = null;
  /** What it asks now comes from a script of it. */
  inScript = false;
  /** The blocking command it waits in. */
  waiting: Waiting | null = null;
  /** A request that waits for the end of CLIENT PAUSE. */
  #postponed: readonly string[] | null = null;
  /** It waits for that. */
  isPaused = false;
  /** Set by a command that takes the connection over (PSYNC): bytes go there from now on. */
  takenOver: ((rest: Buffer) => void) | null = null;
  /** The connection itself, for a command that takes it over. Null for sessions without one. */
  connection: Connection | null = null;
  /** Told when the connection has sent all it had; set by whoever writes to it directly (a replication stream). */
  drained: (() => void) | null = null;
  /** Sees the replies that a primary is not sent. */
  replySeen: ((reply: Reply) => void) | null = null;
  /** True while requests are being taken out of the decoder. */
  #processing = false;
  #state: 'open' | 'closing' | 'ended' = 'open';
  #out = '';
  /** Pushes that its own request caused: they follow the reply. */
  #pushes = '';
  /** What it waited for is being done: the reply comes before what is pushed meanwhile. */
  #isServed = false;
  /** Gathered for it and others, after `#out`. */
  #shared: SharedOutput | null = null;
  /** Answers that wait until what they tell of is on disk, in order. */
  readonly #withheld: { readonly place: number; readonly bytes: string }[] = [];
  readonly #watch = new OutputWatch();
  /** Too much waits to be sent: nothing is run until that has left. */
  #congested = false;
  /** What arrived while the session waits in a blocking command, or the shard stands still; the decoder gets it in one piece. */
  #unread: Buffer[] = [];
  #unreadBytes = 0;
  #chunkBytes = 0;

  constructor(shard: Shard, id: number, output: ClientOutput) {
    this.shard = shard;
    this.id = id;
    this.output = output;
    this.decoder = new RequestDecoder(shard.decoderLimits);
    this.createdAtMs = shard.world.clock.now();
    this.lastActiveMs = this.createdAtMs;
    this.user = shard.permissions.users.defaultUser;
    this.authenticated = shard.permissions.users.isOpen;
    this.decoder.authenticated = this.authenticated;
    this.memory.count();
  }

  /** The form of replies to what runs now. */
  get protocol(): Protocol {
    return this.scriptProtocol ?? this.wireProtocol;
  }

  /** Channels and patterns: what holds a RESP2 client in subscriber mode, with those of shard channels. */
  get subscriptionCount(): number {
    return this.subscriptions.channel.size + this.subscriptions.pattern.size + this.subscriptions.shard.size;
  }

  get pendingBytes(): number {
    const own = this.#out.length + (this.#shared?.length ?? 0);
    return this.#withheld.reduce((sum, { bytes }) => sum + bytes.length, own);
  }

  /** Bytes received: all of what is being worked through, else those not yet run. */
  get queryBytes(): number {
    return this.#processing ? Math.max(this.#chunkBytes, this.unreadBytes) : this.unreadBytes;
  }

  /** Bytes received and not yet run. */
  get unreadBytes(): number {
    return this.decoder.bufferedBytes + this.#unreadBytes;
  }

  /** Bytes that the connection could not send yet. */
  get unsentBytes(): number {
    return this.connection?.unsentBytes ?? 0;
  }

  get closing(): boolean {
    return this.#state !== 'open';
  }

  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** The chunk is only lent. */
  receive(chunk: Buffer): void {
    if (this.closing) return;
    const { stats, memory, world } = this.shard;
    const startedAt = world.clock.elapsed();
    const { commands } = stats;
    // What was kept goes first, though the wait may be over
    if (!this.#mayRun || this.#unreadBytes > 0) this.#keepUnread(chunk);
    else {
      this.#chunkBytes = this.decoder.bufferedBytes + chunk.length;
      if (this.#isTooMuch(this.#chunkBytes)) return;
      this.decoder.push(chunk);
      if (memory.clientBytes + chunk.length >= memory.clientBytesMax && !this.#mayStay()) return;
      this.process();
      this.decoder.release();
    }
    if (this.shard.tracking.count > 0) this.shard.tracking.sendTold();
    this.flush();
    this.memory.count();
    if (memory.clientBytes > memory.clientBytesMax) this.shard.endTurnSoon();
    this.#watchInput();
    const ms = world.clock.elapsed() - startedAt;
    stats.busyMs += ms;
    this.shard.turns.requestsEnded(ms, stats.commands - commands);
  }

  /** False while it waits for a key, for the end of a pause, for the shard to answer again, or for the client to read. */
  get #mayRun(): boolean {
    return (
      this.waiting === null &&
      !this.isPaused &&
      !this.#congested &&
      !this.shard.held &&
      this.shard.longScript?.isSilent !== true
    );
  }

  /** Runs requests until there are none, the session must wait, or it was taken over. */
  process(): void {
    if (this.#processing) return;
    this.#processing = true;
    this.#takeShared();
    let requests = 0;
    try {
      const words = this.#postponed;
      if (words !== null && this.#mayRun) {
        this.#postponed = null;
        this.shard.tick();
        this.shard.execute(this, words);
      }
      while (this.#mayRun && this.#state === 'open' && this.takenOver === null) {
        const words = this.decoder.next();
        if (words === null) break;
        if (requests++ % REQUESTS_PER_TICK === 0) this.shard.tick();
        this.shard.execute(this, words);
        if (this.#pushes !== '') this.#appendPushes();
        if (this.#out.length > GATHERED_BYTES_MAX) this.flush();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refuseAndClose(`ERR Protocol error: ${error.message}`);
    } finally {
      this.#processing = false;
    }
    if (this.#state === 'closing') this.#end();
    else if (this.takenOver !== null) {
      this.flush();
      this.takenOver(this.decoder.rest());
    }
  }

  /** Keeps a request until `goOn`, and with it what follows. */
  postpone(words: readonly string[]): void {
    this.#postponed = words;
    this.isPaused = true;
  }

  goOn(): void {
    this.isPaused = false;
    this.continueSoon();
  }

  /** Goes on after a wait, on a turn of its own. */
  continueSoon(): void {
    if (this.#processing) return;
    this.flush();
    if (this.unreadBytes === 0 && this.#postponed === null) return;
    this.shard.world.clock.soon(() => {
      if (this.closing || !this.#mayRun) return;
      if (this.#unreadBytes > 0) {
        this.decoder.push(Buffer.concat(this.#unread));
        this.#unread = [];
        this.#unreadBytes = 0;
      }
      this.process();
      this.decoder.release();
      this.flush();
    });
  }

  /** The connection has sent all it had. */
  outputDrained(): void {
    this.drained?.();
    if (!this.#congested) return;
    this.#congested = false;
    this.continueSoon();
  }

  reply(reply: Reply): void {
    if (this.kind === 'primary') {
      this.replySeen?.(reply);
      return;
    }
    if (this.replies === 'skip-next') this.replies = 'skip'; // the request that asked for it, or the EXEC around it, is answered
    else if (this.replies !== 'on') {
      if (this.replies === 'skip') this.replies = 'on';
      return;
    }
    this.#append(encodeReplyWithinLimit(reply, this.protocol));
  }

  /** Sends something the client did not ask for just now. */
  push(message: Push): void {
    this.pushEncoded(encodeReplyWithinLimit(message, this.wireProtocol));
  }

  /** The same for what was encoded before, for several of one protocol. */
  pushEncoded(bytes: string): void {
    if (this.closing) return;
    if (this.#processing || this.#isServed) this.#pushes += bytes;
    else {
      this.#append(bytes);
      this.shard.flushLater(this);
    }
  }

  /** Pushes what is gathered for others too, with what will be added; false: what it is pushed now must wait for its reply. */
  share(output: SharedOutput): boolean {
    if (this.closing) return true;
    if (this.#processing || this.#isServed) return false;
    this.#takeShared();
    this.#shared = output;
    this.shard.flushLater(this);
    return true;
  }

  #takeShared(): void {
    const shared = this.#shared;
    if (shared === null) return;
    this.#shared = null;
    this.#append(shared.take());
  }

  /** What it waited for begins, or has ended, to be done. */
  served(isServed: boolean): void {
    this.#takeShared();
    this.#isServed = isServed;
  }

  /** What was pushed before its request began to run stands before the reply. */
  pushesFirst(): void {
    if (this.#pushes !== '') this.#appendPushes();
  }

  /** What was pushed before its reply was there. */
  sendPushes(): void {
    if (this.#pushes === '' || this.#processing) return;
    this.#appendPushes();
    this.shard.flushLater(this);
  }

  /** Sends bytes as they are, past CLIENT REPLY. */
  sendRaw(bytes: string): void {
    this.#append(bytes);
    if (!this.#processing) this.flush();
  }

  flush(): void {
    if (!this.shard.held) this.#send();
  }

  /** What tells of nothing that is not on disk by now leaves; false: some still waits. */
  gatePassed(passed: number): boolean {
    while (this.#withheld.length > 0 && this.#withheld[0]!.place <= passed) {
      if (this.#state !== 'ended') this.output.write(this.#withheld.shift()!.bytes);
      else this.#withheld.length = 0;
    }
    if (this.#withheld.length > 0) return false;
    if (this.#state === 'closing' && !this.#processing) this.#end();
    return true;
  }

  #send(): void {
    this.#takeShared();
    if (this.#out === '' || this.#state === 'ended') return;
    const out = this.#out;
    this.#out = '';
    // What is beyond the hard limit before it could be sent is not sent [redis networking.c closeClientOnOutputBufferLimitReached]
    const { hardBytes } = this.#outputLimit;
    if (
      hardBytes > 0 &&
      out.length > REPLY_BUFFER_BYTES &&
      this.kind !== 'replica' &&
      out.length + this.unsentBytes >= hardBytes
    ) {
      this.#cutOff(out.length + this.unsentBytes);
      return;
    }
    const gate = this.kind === 'replica' ? null : this.shard.answerGate;
    if (gate !== null) {
      const place = gate.place(this);
      if (place > gate.passed || this.#withheld.length > 0) {
        this.#withheld.push({ place, bytes: out });
        return;
      }
    }
    this.output.write(out);
    this.#watchOutput();
  }

  /** Answers what is pending (inside a request: its own reply too), then closes. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    if (!this.#processing) this.#end();
  }

  /** Closes without waiting for a client that does not read, or for a disk. */
  kill(): void {
    const mustWait = (): boolean => this.unsentBytes > 0 || this.#withheld.length > 0;
    if (!mustWait()) this.close();
    if (this.#state === 'ended' || !mustWait()) return;
    this.shard.closeSession(this);
    if (this.connection === null) this.output.end();
    else this.connection.destroy();
  }

  /** The connection is gone: nothing more is run or sent. */
  gone(): void {
    this.#state = 'ended';
    this.#out = '';
    this.#shared = null;
    this.#unread = [];
    this.#unreadBytes = 0;
  }

  setAuthenticated(authenticated: boolean): void {
    this.authenticated = authenticated;
    this.decoder.authenticated = authenticated;
  }

  /** Once per tick of the shard: a soft limit is also passed by standing still. */
  checkOutput(): void {
    if (this.#state !== 'ended') this.#watchOutput();
  }

  #end(): void {
    this.#send();
    if (this.#withheld.length > 0) return; // `gatePassed` comes again
    this.#state = 'ended';
    this.output.end();
    this.shard.closeSession(this); // it is no client any more, though its connection may take a while to end
  }

  #append(bytes: string): void {
    if (this.#state === 'ended') return;
    this.#takeShared();
    // Two long replies may each fit in a string, and not together
    if (this.#out.length > 0 && this.#out.length + bytes.length > GATHERED_BYTES_MAX) this.flush();
    this.#out += bytes;
  }

  #appendPushes(): void {
    const pushes = this.#pushes;
    this.#pushes = '';
    this.#append(pushes);
  }

  #keepUnread(chunk: Buffer): void {
    this.#unread.push(Buffer.from(chunk));
    this.#unreadBytes += chunk.length;
    const limit = this.shard.decoderLimits.requestBytesMax;
    if (this.#unreadBytes > limit)
      this.#refuseAndClose(`ERR Protocol error: more than ${limit} bytes of unread requests`);
  }

  #refuseAndClose(text: string): void {
    if (this.replies === 'on' && this.kind !== 'primary') this.#append(encodeFailure(text));
    this.close();
  }

  /** Who takes most goes when all take too much; what waits to be run may only be so much. */
  #watchInput(): void {
    const { memory } = this.shard;
    if (memory.clientBytes >= memory.clientBytesMax) this.shard.endTurnSoon();
    this.#isTooMuch(this.unreadBytes);
  }

  /** With what has just come clients may take too much, before any of it is run. [redis server.c processCommand] */
  #mayStay(): boolean {
    this.memory.count();
    evictClients(this.shard);
    return !this.closing;
  }

  /** So much of requests may be there at once, with what a transaction keeps; else the connection ends. */
  #isTooMuch(receivedBytes: number): boolean {
    const { shard } = this;
    const bytes = receivedBytes + this.transaction.queuedBytes;
    if (bytes <= shard.queryBytesMax || this.kind === 'primary' || this.closing) return false;
    shard.stats.queryLimitDisconnections++;
    shard.world.log.event('client-query-limit', { client: this.id, bytes });
    this.kill();
    return true;
  }

  #watchOutput(): void {
    if (this.kind === 'replica') return; // watched where its stream waits: replication/attachment.ts
    const { unsentBytes } = this;
    const limit = this.#outputLimit;
    // Only `outputDrained` ends it, since it also goes on with what was kept
    if (unsentBytes > Math.max(CONGESTED_BYTES, limit.hardBytes, limit.softBytes)) this.#congested = true;
    if (this.#watch.exceeds(limit, unsentBytes, this.shard.now)) this.#cutOff(unsentBytes);
  }

  get #outputLimit(): OutputLimit {
    const { outputLimits, permissions } = this.shard;
    if (!this.authenticated && !permissions.users.isOpen) return UNAUTHENTICATED_LIMIT;
    return outputLimits[this.subscriptionCount > 0 ? 'pubsub' : 'normal'];
  }

  /** A reply of so many bytes at least is more than may wait for the client: it is cut off, and nothing of that reply need be made. */
  isCutOffBy(bytes: number): boolean {
    const { hardBytes } = this.#outputLimit;
    if (hardBytes === 0 || bytes < hardBytes || this.kind !== 'client') return false;
    this.replies = 'off';
    this.#cutOff(bytes);
    return true;
  }

  #cutOff(unsentBytes: number): void {
    this.shard.stats.outputLimitDisconnections++;
    this.shard.world.log.event('client-output-limit', { client: this.id, unsentBytes });
    this.kill();
  }
}
