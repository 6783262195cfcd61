/**
 * A small Redis client over the world's network, for programs and scenarios: the same on real sockets and in a simulation.
 *
 * It logs in, asks and hands replies on, in order; a connection that ends rejects what is still awaited with `ConnectionLost`.
 * Border: no reconnecting; words and replies are binary strings. Limits: REPLY_TIMEOUT_MS of silence while something is awaited.
 */

import { encodeRequest, Failure } from '../resp/reply.ts';
import type { ReaderReply } from '../resp/reply-reader.ts';
import type { ClientTls, ConnectFailure, Connection, Milliseconds, Timer, World } from '../world/world.ts';
import type { SourceUrl } from './replica-of/source-url.ts';
import { RequestConnection } from './request-connection.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const REPLY_TIMEOUT_MS = 60_000;

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** An error reply, where the caller wanted a value. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export type ClientOutcome =
  | { readonly ok: true; readonly client: RequestClient }
  | { readonly ok: false; readonly why: ConnectFailure | 'authentication'; readonly detail: string };

export interface ClientOptions {
  readonly tls?: ClientTls | null;
  readonly timeoutMs?: Milliseconds;
}

/** Connects and logs in with what the URL holds. */
export async function openClient(world: World, url: SourceUrl, options: ClientOptions = {}): Promise<ClientOutcome> {
  const { tls = null, timeoutMs = CONNECT_TIMEOUT_MS } = options;
  const dialled = await world.network.connect({ host: url.host, port: url.port }, { tls, timeoutMs });
  if (!dialled.ok) return dialled;
  const client = new RequestClient(world, dialled.connection);
  const greeting =
    url.password === null ? ['PING'] : ['AUTH', ...(url.username === null ? [] : [url.username]), url.password];
  try {
    const reply = await client.ask(greeting);
    // A server without a password says so; the password is then simply not needed.
    if (!(reply instanceof Failure) || reply.text.includes('without any password configured'))
      return { ok: true, client };
    client.close();
    if (/^(NOAUTH|WRONGPASS|NOPERM)|AUTH/.test(reply.text))
      return { ok: false, why: 'authentication', detail: reply.text };
    return { ok: false, why: 'refused', detail: reply.text };
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    return { ok: false, why: 'reset', detail: error.message };
  }
}

interface Awaiting {
  readonly resolve: (replies: ReaderReply[]) => void;
  readonly reject: (error: Error) => void;
}

export class RequestClient {
  readonly #world: World;
  readonly #connection: RequestConnection;
  readonly #awaiting = new Set<Awaiting>();
  #answered = 0;
  #silence: Timer | null = null;
  #lost: ConnectionLost | null = null;

  constructor(world: World, connection: Connection) {
    this.#world = world;
    this.#connection = new RequestConnection(connection, {
      closed: (reason) => this.#lose(`the connection closed (${reason})`),
    });
  }

  /** The reply to one request; rejects with `ReplyError` when it is an error. */
  async call(...words: readonly string[]): Promise<ReaderReply> {
    const reply = await this.ask(words);
    if (reply instanceof Failure) throw new ReplyError(reply.text);
    return reply;
  }

  /** The reply to one request, errors as values. */
  async ask(words: readonly string[]): Promise<ReaderReply> {
    return (await this.pipeline([words]))[0]!;
  }

  /** Replies in the order of the requests, errors as values. */
  pipeline(requests: readonly (readonly string[])[]): Promise<ReaderReply[]> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const awaiting = { resolve, reject };
      const replies: ReaderReply[] = [];
      this.#awaiting.add(awaiting);
      this.#silence ??= this.#watch();
      this.#connection.send(requests.map(encodeRequest).join(''), requests.length, (reply) => {
        this.#answered++;
        replies.push(reply);
        if (replies.length < requests.length) return;
        this.#awaiting.delete(awaiting);
        resolve(replies);
      });
    });
  }

  close(): void {
    this.#silence?.cancel();
    this.#connection.close();
    this.#lose('the client has been closed');
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #watch(): Timer {
    const before = this.#answered;
    return this.#world.clock.after(REPLY_TIMEOUT_MS, () => {
      this.#silence = null;
      if (this.#awaiting.size === 0) return;
      if (this.#answered === before) {
        this.#connection.close();
        this.#lose(`no reply for ${REPLY_TIMEOUT_MS} ms`);
      } else this.#silence = this.#watch();
    });
  }

  #lose(why: string): void {
    this.#silence?.cancel();
    this.#lost ??= new ConnectionLost(why);
    for (const { reject } of this.#awaiting) reject(this.#lost);
    this.#awaiting.clear();
  }
}
