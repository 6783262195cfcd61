/**
 * One client of an endpoint: takes requests out of its bytes, carries their routes out, and puts the replies back in order.
 *
 * Most requests are passed on over shared connections without waiting. Those that take another way (blocking commands,
 * WATCH, subscriptions, pins) wait until everything before them is answered, and hold back what comes after, so that the
 * client sees what it would see on one server. Border: where a request goes is `route.ts`.
 * Limits: as many requests awaiting replies as the settings say; a client that does not take its replies is not read
 * (`INPUT_HELD_BYTES_MAX` of its requests are kept), and is cut off when too many messages or replies wait (`client-output.ts`).
 */

import { onBehalfOf } from '../node/commands/script-user.ts';
import { isOfBrowser, ProtocolError, RequestDecoder } from '../resp/request-decoder.ts';
import { Refusal, refuse } from '../resp/refusals.ts';
import { encodeFailure, encodeReply, encodeRequest, type Protocol } from '../resp/reply.ts';
import type { Address, Connection, Milliseconds, TlsFacts } from '../world/world.ts';
import { accountAfter, accountOnConnect, type Account } from './authentication.ts';
import { Brake, BRAKE, type BrakeReason } from './brake.ts';
import { ClientOutput } from './client-output.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { askAll, askAlone, passOn } from './dispatch.ts';
import type { Anchor } from './key-slots.ts';
import type { LocalClient, LocalCommand, ReplyMode } from './local-command.ts';
import { openPinned, Pin } from './pin.ts';
import { pinTarget, replicationTarget, type PinTarget } from './pin-target.ts';
import type { SessionStep } from './plan.ts';
import { relay } from './relay.ts';
import { ReplyQueue, type ReplySlot } from './reply-queue.ts';
import type { RouteContext } from './route-context.ts';
import { isForSubscribers, type Route, type Router } from './route.ts';
import { firstFailureOr, type FoldContext, type Scattered } from './scatter.ts';
import type { SessionEndpoint } from './session-endpoint.ts';
import type { SessionHost } from './session-host.ts';
import type { ShardConnection } from './shard-connection.ts';
import { Subscriber } from './subscriber.ts';
import { ClientTransaction, QUEUED_REPLY } from './transaction.ts';

/** Requests kept while the session may not take more; then the client is not read any more. */
const INPUT_HELD_BYTES_MAX = 1024 * 1024;

export class ClientSession implements LocalClient, SessionHost {
  readonly id: number;
  readonly local: Address;
  readonly remote: Address;
  readonly tls: TlsFacts | null;
  readonly connectedAtMs: Milliseconds;
  lastActiveMs: Milliseconds;
  lastCommand = 'NULL';
  account: Account | null;
  name = '';
  libraryName = '';
  libraryVersion = '';
  noTouch = false;
  replyMode: ReplyMode = 'on';
  protocol: Protocol = 2;
  settings: EndpointSettings;

  readonly #endpoint: SessionEndpoint;
  readonly #connection: Connection;
  readonly #decoder = new RequestDecoder();
  readonly #output: ClientOutput;
  readonly #replies: ReplyQueue;
  readonly #transaction: ClientTransaction;
  readonly #subscriber: Subscriber;
  /** Connections to shards that nobody else uses. */
  readonly #own = new Set<ShardConnection>();
  #router: Router;
  #pin: Pin | null = null;
  #relayed: Connection | null = null;
  /** A request that was taken out but must wait. */
  #deferred: string[] | null = null;
  readonly #brake = new Brake();
  #processing = false;
  #paused = false;
  #gone = false;
  /** The client has said all it had to say. */
  #hasEnded = false;
  #waitsForEvent = false;

  constructor(endpoint: SessionEndpoint, connection: Connection, id: number) {
    this.#endpoint = endpoint;
    this.#connection = connection;
    ({ local: this.local, remote: this.remote, tls: this.tls } = connection);
    this.id = id;
    this.connectedAtMs = this.lastActiveMs = endpoint.clock.now();
    this.settings = endpoint.settings();
    this.#router = endpoint.router(this.settings.commands);
    this.account = accountOnConnect(this.settings);
    this.#decoder.authenticated = this.account !== null;
    const full = (): void => this.#brake.pull(BRAKE.outputFull);
    this.#output = new ClientOutput(connection, endpoint.turn, full, () => this.destroy());
    this.#replies = new ReplyQueue(
      (bytes) => this.#output.send(bytes),
      () => this.#advanced(),
    );
    this.#transaction = new ClientTransaction(this);
    this.#subscriber = new Subscriber(this);
    connection.handle({
      data: (chunk) => this.#data(chunk),
      drained: () => this.#resume(BRAKE.outputFull),
      ended: () => this.#inputEnded(),
      closed: () => this.#letGo(),
    });
  }

  // What local commands see

  get queued(): number {
    return this.#transaction.queued;
  }

  get watched(): number {
    return this.#transaction.watched;
  }

  get subscriptions(): { channels: number; patterns: number; shardChannels: number } {
    const { channels, patterns, shardChannels } = (this.#pin ?? this.#subscriber).names;
    return { channels: channels.size, patterns: patterns.size, shardChannels: shardChannels.size };
  }

  get isAdmin(): boolean {
    return this.account?.isAdmin === true;
  }

  now(): Milliseconds {
    return this.#endpoint.clock.now();
  }

  peers(): Iterable<LocalClient> {
    return this.#endpoint.sessions;
  }

  setProtocol(protocol: Protocol): boolean {
    if (protocol === this.protocol) return true;
    if (this.#pin !== null || this.#subscriber.isActive || this.#transaction.isWatching) return false;
    this.protocol = protocol;
    return true;
  }

  disconnect(): void {
    if (this.#relayed !== null) this.destroy();
    else this.#endWhenAnswered();
  }

  /** Cuts the client off now. */
  destroy(): void {
    this.#connection.destroy();
    this.#relayed?.destroy();
    this.#letGo();
  }

  // What transaction, subscriber and pin ask

  hold(until: 'answered' | 'event' = 'answered'): void {
    this.#waitsForEvent = until === 'event';
    this.#brake.pull(BRAKE.held);
  }

  release(): void {
    this.#waitsForEvent = false;
    this.#resume(BRAKE.held);
  }

  openSlot(): ReplySlot {
    return this.#replies.open(this.#isSilent());
  }

  put(bytes: string): void {
    this.#replies.put(bytes, this.#isSilent());
  }

  sendOutOfBand(bytes: Buffer): void {
    this.#readSettings();
    if (this.#brake.has(BRAKE.ending)) return;
    this.#output.send(bytes.latin1Slice(), 'messages');
  }

  shardOf(anchor: Anchor | null): number {
    return anchor === null ? 0 : this.settings.slotMap.shardOf(anchor.slot);
  }

  shared(shard: number): ShardConnection | string {
    const connection = this.#endpoint.pool.shared(this.settings.shards[shard]!, shard, this.protocol);
    if (typeof connection !== 'string' && connection.congested) this.#waitFor(connection);
    return connection;
  }

  dedicated(shard: number): ShardConnection | string {
    const connection = this.#endpoint.pool.dedicated(this.settings.shards[shard]!, shard, this.protocol);
    for (const each of this.#own) if (each.isClosed) this.#own.delete(each);
    if (typeof connection !== 'string') this.#own.add(connection);
    return connection;
  }

  giveBack(connection: ShardConnection): void {
    this.#own.delete(connection);
    this.#endpoint.pool.giveBack(connection);
  }

  soon(then: () => void): void {
    this.#endpoint.clock.soon(() => {
      if (!this.#gone) then();
    });
  }

  foldContext(): FoldContext {
    return {
      unit: this.#endpoint.random.unit(),
      connectedClients: this.#endpoint.sessions.size,
      totalConnections: this.#endpoint.totalConnections,
    };
  }

  // Bytes in

  #data(chunk: Buffer): void {
    if (this.#gone) return;
    this.lastActiveMs = this.#endpoint.clock.now();
    this.#decoder.push(chunk);
    this.#process();
    if (this.#relayed === null) this.#decoder.release();
    if (this.#brake.isOn && this.#decoder.bufferedBytes > INPUT_HELD_BYTES_MAX) {
      this.#paused = true;
      this.#connection.pause();
    }
  }

  /** Takes requests out until there are none or something must be waited for. */
  #process(): void {
    if (this.#processing || this.#gone) return;
    this.#processing = true;
    this.#readSettings();
    try {
      while (!this.#brake.isOn) {
        const words = this.#deferred ?? this.#decoder.next();
        if (words === null) {
          if (this.#hasEnded) this.#endWhenAnswered();
          break;
        }
        this.#deferred = null;
        this.#handle(words);
        if (this.#replies.outstanding >= this.settings.clientPipelineMax) this.#brake.pull(BRAKE.pipelineFull);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#replies.put(encodeFailure(`ERR Protocol error: ${error.message}`), false);
      this.#endWhenAnswered();
    } finally {
      this.#processing = false;
    }
  }

  /** A user that is no more, or may not hear any more what it listens to, is let go; a transaction under other rules is none. */
  #readSettings(): void {
    const settings = this.#endpoint.settings();
    if (settings === this.settings) return;
    this.settings = settings;
    this.#router = this.#endpoint.router(settings.commands);
    const { account } = this;
    this.account = account === null ? accountOnConnect(settings) : accountAfter(account, settings);
    this.#decoder.authenticated = this.account !== null;
    const permissions = this.account?.permissions ?? null;
    if (permissions?.text !== account?.permissions?.text && this.#transaction.isOpen) this.#transaction.abort();
    const mayHear = permissions === null || (this.#pin ?? this.#subscriber).names.areAllowedTo(permissions);
    if ((account !== null && this.account === null) || !mayHear) this.#endWhenAnswered();
  }

  #resume(reason: BrakeReason): void {
    if (!this.#brake.release(reason) || this.#gone) return;
    this.#process();
    if (this.#paused && !this.#brake.isOn) {
      this.#paused = false;
      this.#connection.resume();
    }
  }

  #waitFor(connection: ShardConnection): void {
    if (this.#brake.has(BRAKE.shardFull)) return;
    this.#brake.pull(BRAKE.shardFull);
    connection.whenDrained(() => this.#resume(BRAKE.shardFull));
  }

  // Requests

  #handle(words: string[]): void {
    try {
      if (this.#pin !== null) this.#handlePinned(this.#pin, words);
      else if (this.#transaction.isOpen) this.#handleQueued(words);
      else this.#carryOut(this.#router.route(words, this.#context()), words);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (isOfBrowser(words)) this.#endWhenAnswered();
      else this.put(encodeFailure(error.message));
    }
  }

  #onBehalf(words: readonly string[]): readonly string[] {
    return onBehalfOf(this.account?.permissions ?? null, words);
  }

  #context(): RouteContext {
    return { settings: this.settings, account: this.account };
  }

  #carryOut(route: Route, words: string[]): void {
    if (route.to === 'refuse') throw route.refusal;
    this.lastCommand = words[0]!.toLowerCase();
    if (this.#subscriber.isActive && this.protocol === 2 && !isForSubscribers(route)) {
      throw refuse('SUBSCRIBED_ONLY', words[0]!);
    }
    switch (route.to) {
      case 'shard':
        if (route.blocking) this.#wait({ parts: [{ shard: route.shard, words }], fold: firstFailureOr }, words);
        else passOn(this, route.shard, this.#onBehalf(words));
        return;
      case 'shards':
        if (route.blocking) this.#wait(route.scattered, words);
        else askAll(this, route.scattered);
        return;
      case 'proxy':
        this.#answer(route.command, words);
        return;
      case 'session':
        this.#step(route.step, words);
    }
  }

  /** For something that may never come: not for a client that is only there for the replies it is owed. */
  #wait(scattered: Scattered, words: string[]): void {
    if (this.#mustWait(words)) return;
    if (this.#hasEnded) this.destroy();
    else askAlone(this, scattered);
  }

  #answer(command: LocalCommand, words: readonly string[]): void {
    const reply = encodeReply(command.run(this, words), this.protocol);
    this.#decoder.authenticated = this.account !== null;
    if (command.name !== 'CLIENT REPLY') this.put(reply);
    else if (reply !== '') this.#replies.put(reply, false);
  }

  #handleQueued(words: string[]): void {
    const transaction = this.#transaction;
    const route = this.#router.routeQueued(words, this.#context(), transaction.anchor);
    try {
      switch (route.to) {
        case 'refuse':
          throw route.refusal;
        case 'queue':
          transaction.queue(this.#onBehalf(words), route.anchor);
          this.put(QUEUED_REPLY);
          return;
        case 'session':
          break;
      }
    } catch (error) {
      transaction.abort();
      throw error;
    }
    this.#step(route.step, words);
  }

  #step(step: SessionStep, words: string[]): void {
    const transaction = this.#transaction;
    switch (step) {
      case 'MULTI':
        transaction.begin();
        this.put('+OK\r\n');
        return;
      case 'EXEC':
        if (!transaction.isWatching || !this.#mustWait(words)) transaction.exec();
        return;
      case 'DISCARD':
        transaction.discard();
        this.put('+OK\r\n');
        return;
      case 'WATCH': {
        if (transaction.isOpen) throw refuse('WATCH_INSIDE_MULTI');
        const found = this.#router.routeWatch(words, this.settings, transaction.anchor);
        if (found instanceof Refusal) throw found;
        if (!this.#mustWait(words)) transaction.watch(words, found.anchor);
        return;
      }
      case 'UNWATCH':
        transaction.unwatch();
        this.put('+OK\r\n');
        return;
      case 'QUIT':
        this.put('+OK\r\n');
        this.#endWhenAnswered();
        return;
      case 'ANTIPODE PIN': {
        const target = pinTarget(words, this);
        if (!this.#mustWait(words)) this.#pinTo(target, null);
        return;
      }
      case 'REPLICATION': {
        const target = replicationTarget(words, this, this.#pin?.shard ?? null);
        if (!this.#mustWait(words)) this.#pinTo(target, words);
        return;
      }
      default:
        if (!this.#mustWait(words)) this.#subscriber.handle(step, words);
    }
  }

  /** True: something before it is not answered yet; the request is kept and comes again. */
  #mustWait(words: string[]): boolean {
    if (this.#replies.outstanding === 0) return false;
    this.#deferred = words;
    this.#brake.pull(BRAKE.untilAnswered);
    return true;
  }

  // Pins

  /** `first`: the request that asked for it by being one for the shard; null: ANTIPODE PIN, which is answered here. */
  #pinTo({ shard, level }: PinTarget, first: string[] | null): void {
    this.#transaction.close();
    this.#subscriber.close();
    this.#pin?.close();
    this.#pin = null;
    const slot = this.openSlot();
    this.hold();
    openPinned(this, shard, slot, (connection) => {
      slot.fill(first === null ? '+OK\r\n' : '');
      if (!this.isAdmin) {
        this.#pin = new Pin(this, shard, connection);
        this.release();
        return;
      }
      if (this.#hasEnded) return this.destroy();
      this.#output.flush();
      this.#output.close();
      const carrier = connection.takeOver();
      this.#own.delete(connection);
      this.#relayed = carrier;
      if (first !== null) carrier.write(encodeRequest(first));
      const rest = this.#decoder.rest();
      if (rest.length > 0) carrier.write(rest);
      const { clock } = this.#endpoint;
      relay({ clock, client: this.#connection, shard: carrier, level, closed: () => this.#letGo() });
      if (this.#paused) this.#connection.resume();
    });
  }

  #handlePinned(pin: Pin, words: string[]): void {
    if (pin.congested !== null) this.#waitFor(pin.congested);
    const route = this.#router.routePinned(words, this.#context(), pin.shard);
    if (route === null) pin.forward(this.#onBehalf(words));
    else if (route.to === 'refuse') pin.refuse(route.refusal);
    else if (route.to === 'proxy') this.#answer(route.command, words);
    else this.#step(route.step, words);
  }

  // Replies

  #isSilent(): boolean {
    if (this.replyMode === 'on') return false;
    if (this.replyMode === 'skip') this.replyMode = 'on';
    return true;
  }

  #advanced(): void {
    const { outstanding } = this.#replies;
    if (!this.#brake.isOn) return;
    if (this.#brake.has(BRAKE.pipelineFull) && outstanding <= this.settings.clientPipelineMax / 2)
      this.#resume(BRAKE.pipelineFull);
    if (outstanding > 0) return;
    this.#resume(BRAKE.untilAnswered);
    if (this.#brake.has(BRAKE.ending)) this.#endWhenAnswered();
  }

  #endWhenAnswered(): void {
    this.#brake.pull(BRAKE.ending);
    if (this.#replies.outstanding === 0) this.#output.end();
  }

  /** What was asked is answered. Who waits for what may never come is not waited for: it would take what nobody reads. */
  #inputEnded(): void {
    const waits = this.#waitsForEvent || this.#subscriber.isActive || this.#pin !== null;
    if (waits || this.#relayed !== null) this.destroy();
    else {
      this.#hasEnded = true;
      this.#advanced();
      if (!this.#brake.isOn) this.#process();
    }
  }

  #letGo(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#output.close();
    this.#transaction.close();
    this.#subscriber.close();
    this.#pin?.close();
    for (const connection of this.#own) connection.close();
    this.#endpoint.forget(this);
  }
}
