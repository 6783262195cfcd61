/**
 * One connection from an endpoint to a shard: requests out in a pipeline, each reply to whoever asked, in order.
 *
 * Bytes of requests gather in one string and leave once per turn; replies are framed, not decoded, and lent to their taker
 * for the length of the call. Requests sent before the connection is made wait for it; when it is lost, or cannot be made,
 * every taker hears `lost`. Border: which connection serves whom is `shard-pool.ts`; reconnecting too.
 * Limits: `CONNECT_TIMEOUT_MS`, `GATHERED_BYTES_MAX`, `pipelineMax` requests and one more of each sender; a sender looks at `congested` and waits for `whenDrained`.
 */

import assert from 'node:assert';
import { ReplyFramer, ReplyProtocolError } from '../resp/reply-framer.ts';
import { encodeRequest, type Protocol } from '../resp/reply.ts';
import type { Connection, Network } from '../world/world.ts';
import type { ShardTarget } from './endpoint-settings.ts';
import type { Flushable, Turn } from './turn.ts';

/** A shard is near: one that does not answer for this long is as good as down. */
const CONNECT_TIMEOUT_MS = 1000;
/** Requests gathered beyond this are written before the turn ends. */
const GATHERED_BYTES_MAX = 1024 * 1024;
/** Bytes that may wait for a connection still being made before senders are held back. */
const UNCONNECTED_BYTES_MAX = 4 * 1024 * 1024;
const COMPACT_AFTER = 1024;
const MINUS = 45;

export interface ReplyTaker {
  /** The bytes are only lent. */
  take(bytes: Buffer): void;
  /** No reply will come; `failure` is the error to tell the client. */
  lost(failure: string): void;
}

export interface ShardConnectionOptions {
  readonly network: Network;
  readonly turn: Turn;
  readonly target: ShardTarget;
  readonly protocol: Protocol;
  /** Requests that may wait for their replies before senders are held back. */
  readonly pipelineMax: () => number;
  /** Called once, after the takers heard `lost`. `wasReady`: it had been in use. */
  readonly closed: (wasReady: boolean) => void;
}

/** Who a dedicated connection serves. */
export interface ConnectionOwner {
  /** Sees each reply before the takers; true: it answers no request and is dealt with. Without it, pushes are dropped. */
  outOfBand?(bytes: Buffer, isPush: boolean): boolean;
  /** Called once, after the takers heard `lost`; not when the owner closed it. */
  closed(): void;
}

export class ShardConnection implements Flushable {
  readonly target: ShardTarget;
  readonly protocol: Protocol;
  readonly #options: ShardConnectionOptions;
  readonly #framer = new ReplyFramer();
  #connection: Connection | null = null;
  #takers: ReplyTaker[] = [];
  #head = 0;
  #out = '';
  #marked = false;
  #congested = false;
  #closed = false;
  #ready = false;
  #retired = false;
  #owner: ConnectionOwner | null = null;
  #waiters: (() => void)[] = [];

  constructor(options: ShardConnectionOptions) {
    this.#options = options;
    this.target = options.target;
    this.protocol = options.protocol;
    void this.#connect();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** More waits to be sent than is comfortable: hold back until `whenDrained`. */
  get congested(): boolean {
    return this.#congested || this.outstanding >= this.#options.pipelineMax();
  }

  get outstanding(): number {
    return this.#takers.length - this.#head;
  }

  /** Sends one encoded request whose one reply goes to `taker`. */
  send(request: string, taker: ReplyTaker): void {
    this.#takers.push(taker);
    this.sendUnanswered(request);
  }

  /** One more reply will come to what was sent last. */
  await(taker: ReplyTaker): void {
    this.#takers.push(taker);
  }

  /** Sends bytes to which no reply is awaited (it comes out of band). */
  sendUnanswered(bytes: string): void {
    assert(!this.#closed, 'nothing is sent on a closed connection');
    this.#out += bytes;
    if (!this.#marked) {
      this.#marked = true;
      this.#options.turn.mark(this);
    }
    if (this.#out.length > GATHERED_BYTES_MAX) this.#write();
  }

  /** Calls back once what waits has left and few enough replies are awaited, or the connection is closed. */
  whenDrained(then: () => void): void {
    this.#waiters.push(then);
  }

  /** For a connection that changes hands. */
  setOwner(owner: ConnectionOwner | null): void {
    this.#owner = owner;
  }

  flush(): void {
    this.#marked = false;
    this.#write();
  }

  /** Closes as soon as the last awaited reply is there. */
  retire(): void {
    this.#retired = true;
    if (this.outstanding === 0) this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#owner = null;
    this.#connection?.destroy();
    this.#end('ERR the connection to the shard was closed');
  }

  /** Gives the connection itself away, for passing bytes on: nothing may be awaited. */
  takeOver(): Connection {
    assert(this.#connection !== null && !this.#closed && this.outstanding === 0, 'an idle connection is taken over');
    this.#write();
    this.#closed = true;
    this.#owner = null;
    this.#options.closed(true);
    return this.#connection;
  }

  async #connect(): Promise<void> {
    const { network, target, protocol } = this.#options;
    const outcome = await network.connect(target.address, { timeoutMs: CONNECT_TIMEOUT_MS });
    if (this.#closed) {
      if (outcome.ok) {
        outcome.connection.handle({ data() {}, closed() {} });
        outcome.connection.destroy();
      }
      return;
    }
    if (outcome.ok) {
      this.#connection = outcome.connection;
      this.#handshake(target.password, protocol);
      outcome.connection.handle({
        data: (chunk) => this.#data(chunk),
        drained: () => this.#drained(),
        closed: (reason) => {
          this.#end(
            `ERR the connection to shard ${target.index} was lost (${reason}): the command may or may not have run`,
          );
        },
      });
      this.#congested = false;
      this.#write();
      this.#wake();
    } else this.#end(`ERR shard ${target.index} is not reachable: ${outcome.why}`);
  }

  /** What a shard wants to hear first goes ahead of the requests that waited. */
  #handshake(password: string | null, protocol: Protocol): void {
    let hello = '';
    const takers: ReplyTaker[] = [];
    const accept = (last: boolean): ReplyTaker => ({
      take: (bytes) => {
        if (bytes[0] === MINUS) {
          const detail = bytes.latin1Slice(1, bytes.length - 2);
          this.#connection?.destroy();
          this.#end(`ERR shard ${this.target.index} refused the proxy: ${detail}`);
        } else if (last) this.#ready = true;
      },
      lost() {},
    });
    if (password !== null) {
      hello += encodeRequest(['AUTH', Buffer.from(password, 'utf8').latin1Slice()]);
      takers.push(accept(protocol === 2));
    }
    if (protocol === 3) {
      hello += encodeRequest(['HELLO', '3']);
      takers.push(accept(true));
    }
    if (takers.length === 0) this.#ready = true;
    this.#takers = [...takers, ...this.#takers.slice(this.#head)];
    this.#head = 0;
    this.#out = hello + this.#out;
  }

  #data(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      this.#framer.push(chunk, this.#reply);
    } catch (error) {
      if (!(error instanceof ReplyProtocolError)) throw error;
      this.#connection?.destroy();
      this.#end(`ERR shard ${this.target.index} broke the protocol: ${error.message}`);
    }
  }

  readonly #reply = (bytes: Buffer, isPush: boolean): void => {
    if (this.#closed) return;
    if (this.#owner?.outOfBand?.(bytes, isPush)) return;
    if (isPush) return;
    const taker = this.#takers[this.#head];
    if (taker === undefined) throw new ReplyProtocolError('a reply to no request');
    this.#head++;
    if (this.#head === this.#takers.length) {
      this.#takers.length = 0;
      this.#head = 0;
    } else if (this.#head > COMPACT_AFTER) {
      this.#takers.splice(0, this.#head);
      this.#head = 0;
    }
    taker.take(bytes);
    if (this.#waiters.length > 0 && !this.#congested && this.outstanding <= this.#options.pipelineMax() / 2)
      this.#wake();
    if (this.#retired && this.outstanding === 0) this.close();
  };

  #write(): void {
    if (this.#closed || this.#out === '') return;
    if (this.#connection === null) {
      this.#congested = this.#out.length > UNCONNECTED_BYTES_MAX;
      return;
    }
    const out = this.#out;
    this.#out = '';
    if (!this.#connection.write(out)) this.#congested = true;
  }

  #drained(): void {
    this.#congested = false;
    if (!this.congested) this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  #end(failure: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#congested = false;
    this.#out = '';
    const takers = this.#takers.slice(this.#head);
    this.#takers = [];
    this.#head = 0;
    for (const taker of takers) taker.lost(failure);
    this.#options.closed(this.#ready);
    this.#owner?.closed();
    this.#wake();
  }
}
