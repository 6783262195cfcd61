/**
 * One client of a shard: what it said last, what it is in the middle of, and the bytes on their way to it.
 *
 * Bytes come in by `receive` and go out by `ClientOutput`; a session knows no socket, so tests and replication links drive one
 * directly. Replies gather in one string and leave once per chunk received.
 */

import { ProtocolError, RequestDecoder } from '../../resp/request-decoder.ts';
import { encodeReply, Failure, type Protocol, type Push, type Reply } from '../../resp/reply.ts';
import type { Address, Connection } from '../../world/world.ts';
import type { Waiting } from './blocking.ts';
import type { Shard } from './shard.ts';
import type { SubscriptionKind } from './subscriptions.ts';
import { Transaction } from './transaction.ts';

/** `client`: anybody; `primary`: the link from this shard's primary, whose writes always pass and get no reply; `replica`: one that PSYNCs from here. */
export type SessionKind = 'client' | 'primary' | 'replica';

export interface ClientOutput {
  readonly local: Address;
  readonly remote: Address;
  /** Binary string. */
  write(bytes: string): void;
  /** Closes after what was written has left. */
  end(): void;
}

/** Replies gathered beyond this are sent before the request that makes them has ended. */
const GATHERED_BYTES_MAX = 1024 * 1024;

export class Session {
  readonly id: number;
  readonly shard: Shard;
  readonly output: ClientOutput;
  readonly decoder: RequestDecoder;
  readonly createdAtMs: number;
  kind: SessionKind = 'client';
  protocol: Protocol = 2;
  database = 0;
  authenticated: boolean;
  name = '';
  libraryName = '';
  libraryVersion = '';
  lastCommand = 'NULL';
  lastActiveMs: number;
  /** CLIENT REPLY. */
  replies: 'on' | 'off' | 'skip-next' | 'skip' = 'on';
  readonly transaction = new Transaction();
  readonly subscriptions: Record<SubscriptionKind, Set<string>> = { channel: new Set(), pattern: new Set(), shard: new Set() };
  /** The blocking command it waits in. */
  waiting: Waiting | null = null;
  /** Set by a command that takes the connection over (PSYNC): bytes go there from now on. */
  takenOver: ((rest: Buffer) => void) | null = null;
  /** The connection itself, for a command that takes it over. Null for sessions without one. */
  connection: Connection | null = null;
  closing = false;
  /** True while requests are being taken out of the decoder. */
  #processing = false;
  #out = '';

  constructor(shard: Shard, id: number, output: ClientOutput) {
    this.shard = shard;
    this.id = id;
    this.output = output;
    this.decoder = new RequestDecoder({
      bulkBytesMax: shard.config.get('proto-max-bulk-len'),
      inlineBytesMax: 64 * 1024,
      wordsMax: 1024 * 1024,
    });
    this.createdAtMs = shard.world.clock.now();
    this.lastActiveMs = this.createdAtMs;
    this.authenticated = shard.config.get('requirepass') === '';
    this.decoder.authenticated = this.authenticated;
  }

  get subscriptionCount(): number {
    return this.subscriptions.channel.size + this.subscriptions.pattern.size + this.subscriptions.shard.size;
  }

  get pendingBytes(): number {
    return this.#out.length;
  }

  /** The chunk is only lent. */
  receive(chunk: Buffer): void {
    this.decoder.push(chunk);
    this.process();
    this.decoder.release();
    this.flush();
  }

  /** Runs requests until there are none, the session must wait, or it was taken over. */
  process(): void {
    if (this.#processing) return;
    this.#processing = true;
    try {
      while (this.waiting === null && !this.closing && this.takenOver === null) {
        const words = this.decoder.next();
        if (words === null) break;
        this.shard.execute(this, words);
        if (this.#out.length > GATHERED_BYTES_MAX) this.flush();
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.reply(new Failure(`ERR Protocol error: ${error.message}`));
      this.close();
    } finally {
      this.#processing = false;
    }
    if (this.takenOver !== null) {
      const takeOver = this.takenOver;
      this.flush();
      takeOver(this.decoder.rest());
    }
  }

  /** Goes on after a wait, on a turn of its own. */
  continueSoon(): void {
    if (this.#processing) return;
    this.flush();
    if (this.decoder.bufferedBytes === 0) return;
    this.shard.world.clock.soon(() => {
      if (this.closing || this.waiting !== null) return;
      this.process();
      this.flush();
    });
  }

  reply(reply: Reply): void {
    if (this.kind === 'primary' && !this.shard.answersPrimary) return;
    if (this.replies !== 'on') {
      if (this.replies === 'skip') this.replies = 'on';
      else if (this.replies === 'skip-next') this.replies = 'skip';
      return;
    }
    this.#out += encodeReply(reply, this.protocol);
  }

  /** Sends something the client did not ask for just now. */
  push(message: Push): void {
    this.#out += encodeReply(message, this.protocol);
    if (!this.#processing) this.shard.flushLater(this);
  }

  /** Sends bytes as they are, past CLIENT REPLY. */
  sendRaw(bytes: string): void {
    this.#out += bytes;
    if (!this.#processing) this.flush();
  }

  flush(): void {
    if (this.#out === '') return;
    const out = this.#out;
    this.#out = '';
    this.output.write(out);
  }

  /** Answers what is pending, then closes. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    this.flush();
    this.output.end();
  }

  setAuthenticated(authenticated: boolean): void {
    this.authenticated = authenticated;
    this.decoder.authenticated = authenticated;
  }
}
