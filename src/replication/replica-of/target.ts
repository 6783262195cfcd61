/**
 * One server that is written into: a shard of a local database, or an external Redis.
 *
 * Writes gather in a batch; a batch travels as MULTI, the writes, the marks of how far each source shard has come, EXEC: data and
 * checkpoint in one atomic step. When it opens, it first ends connections that an earlier incarnation of the same engine left
 * behind (bytes of a killed process may still wait in the server's socket), and only then reads the marks: so nothing is
 * applied twice. [architecture: no write is lost or applied twice]
 *
 * Border: knows no sources and no routing. Limits: BATCH_*; what is in flight is bounded by the links that are paused.
 */

import type { Failure as FailureType } from '../../resp/reply.ts';
import { encodeRequest, Failure } from '../../resp/reply.ts';
import { RequestDecoder } from '../../resp/request-decoder.ts';
import type { ReaderReply } from '../../resp/reply-reader.ts';
import type { Address, ClientTls, Network } from '../../world/world.ts';
import { RequestConnection } from '../request-connection.ts';
import type { MarkStore } from './checkpoint.ts';

/** A batch leaves when it has this many writes or bytes, or when the input pauses. */
const BATCH_WRITES_MAX = 512;
const BATCH_BYTES_MAX = 256 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** A target that has not answered for so long is taken for lost: its connection may have been cut without a word. */
const SILENCE_MS_MAX = 15_000;

export interface TargetSpec {
  readonly address: Address;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: ClientTls | null;
  /** Requests that choose the shard behind an endpoint; each must be answered without an error. */
  readonly preamble: readonly (readonly string[])[];
  readonly marks: MarkStore;
}

export type TargetProblem =
  /** May heal by itself: try again. */
  | { readonly kind: 'connection'; readonly detail: string }
  /** The server refused a write or our credentials. */
  | { readonly kind: 'refused'; readonly request: string; readonly detail: string };

export interface TargetEvents {
  opened(marks: ReadonlyMap<string, string>): void;
  /** Everything given before the matching `flush` number has been applied. */
  applied(batch: number): void;
  /** Called once; the target is of no use afterwards. */
  failed(problem: TargetProblem): void;
}

export class Target {
  readonly spec: TargetSpec;
  readonly #engine: string;
  readonly #events: TargetEvents;
  #connection: RequestConnection | null = null;
  #ended = false;
  #isOpen = false;
  /** Last progress seen by `check`, and when; null when nothing was awaited. */
  #seenApplied = 0;
  #seenAt: number | null = null;
  /** Marks as of the last batch put together. */
  readonly #marks = new Map<string, string>();
  #bytes = '';
  #writes = 0;
  #names: string[] = [];
  #touchedMarks = new Map<string, string>();
  #selected = 0;
  /** Number of the batch being gathered, and of the last one applied. */
  batch = 1;
  applied = 0;
  /** True when it held no key as it was opened. */
  wasEmpty = false;

  constructor(spec: TargetSpec, engine: string, events: TargetEvents) {
    this.spec = spec;
    this.#engine = engine;
    this.#events = events;
  }

  open(network: Network): void {
    void network.connect(this.spec.address, { tls: this.spec.tls, timeoutMs: CONNECT_TIMEOUT_MS }).then((outcome) => {
      if (this.#ended) {
        if (outcome.ok) outcome.connection.destroy();
        return;
      }
      if (!outcome.ok) {
        this.#fail({ kind: 'connection', detail: `${outcome.why}: ${outcome.detail}` });
        return;
      }
      this.#connection = new RequestConnection(outcome.connection, {
        closed: (reason) =>
          this.#fail({ kind: 'connection', detail: `connection to the destination closed (${reason})` }),
      });
      this.#greet(this.#connection);
    });
  }

  /** Last known marks, as of everything given so far. */
  get marks(): ReadonlyMap<string, string> {
    return this.#marks;
  }

  write(database: number, words: readonly string[]): void {
    if (database !== this.#selected) {
      this.#add(['SELECT', String(database)]);
      this.#selected = database;
    }
    this.#add(words);
    const name = words[0]!.toUpperCase();
    // A flush of the database that holds the checkpoint takes it along: it is written anew in the same step.
    if (this.spec.marks.flushedWithData && (name === 'FLUSHALL' || (name === 'FLUSHDB' && database === 0))) {
      for (const [mark, text] of this.#marks) this.#touchedMarks.set(mark, text);
    }
  }

  /** Sets a mark in the batch being gathered. */
  mark(name: string, text: string): void {
    this.#marks.set(name, text);
    this.#touchedMarks.set(name, text);
  }

  /** Empties the target and forgets its marks, in one step with the marks set next. */
  clear(): void {
    this.#marks.clear();
    this.#touchedMarks.clear();
    this.#add(['FLUSHALL']);
    this.#add(this.spec.marks.reset);
  }

  get wantsFlush(): boolean {
    return this.#writes >= BATCH_WRITES_MAX || this.#bytes.length >= BATCH_BYTES_MAX;
  }

  /** Sends the batch; returns its number. Nothing gathered: the number of the last one. */
  flush(): number {
    if (this.#writes === 0 && this.#touchedMarks.size === 0) return this.batch - 1;
    if (this.#touchedMarks.size > 0) {
      if (this.#selected !== 0 && this.spec.marks.flushedWithData) {
        this.#add(['SELECT', '0']);
        this.#selected = 0;
      }
      this.#add(this.spec.marks.set(this.#touchedMarks));
    }
    const batch = this.batch++;
    const names = this.#names;
    // MULTI, the queued requests, EXEC: only EXEC's array tells what happened, but a request refused while queueing names the cause.
    let refused: { request: string; detail: string } | null = null;
    const count = names.length;
    this.#connection?.send(`*1\r\n$5\r\nMULTI\r\n${this.#bytes}*1\r\n$4\r\nEXEC\r\n`, count + 2, (reply, index) => {
      if (index <= count) {
        if (reply instanceof Failure && refused === null)
          refused = { request: names[index - 1] ?? 'MULTI', detail: reply.text };
        return;
      }
      if (refused !== null) this.#fail({ kind: 'refused', ...refused });
      else this.#executed(batch, names, reply);
    });
    this.#bytes = '';
    this.#writes = 0;
    this.#names = [];
    this.#touchedMarks = new Map();
    return batch;
  }

  /**
   * Sends requests of a snapshot: many, not atomic (the mark `loading` guards them), already encoded and beginning with their
   * own SELECT. Returns the batch number.
   */
  sendSnapshot(bytes: Buffer, count: number, lastDatabase: number): number {
    this.flush();
    const batch = this.batch++;
    this.#selected = lastDatabase;
    this.#connection?.send(bytes, count, (reply, index) => {
      if (reply instanceof Failure)
        this.#fail({ kind: 'refused', request: requestAt(bytes, index), detail: reply.text });
      else if (index === count - 1 && !this.#ended) {
        this.applied = batch;
        this.#events.applied(batch);
      }
    });
    return batch;
  }

  /** Called now and then: finds out that the target no longer answers. */
  check(now: number): void {
    const waits = this.#connection !== null && (!this.#isOpen || this.applied < this.batch - 1);
    if (!waits || this.applied !== this.#seenApplied || this.#seenAt === null) {
      this.#seenApplied = this.applied;
      this.#seenAt = waits ? now : null;
    } else if (now - this.#seenAt > SILENCE_MS_MAX) {
      this.#fail({ kind: 'connection', detail: `no answer from the destination for ${SILENCE_MS_MAX} ms` });
    }
  }

  close(): void {
    this.#ended = true;
    this.#connection?.close();
  }

  #add(words: readonly string[]): void {
    this.#bytes += encodeRequest(words);
    this.#names.push(words[1] === undefined ? words[0]! : `${words[0]} ${words[1].slice(0, 64)}`);
    this.#writes++;
  }

  #executed(batch: number, names: readonly string[], reply: ReaderReply): void {
    if (this.#ended) return;
    if (!Array.isArray(reply)) {
      this.#fail({
        kind: 'refused',
        request: 'EXEC',
        detail: reply instanceof Failure ? reply.text : 'EXEC was not answered by an array',
      });
      return;
    }
    for (let i = 0; i < reply.length; i++) {
      const each = reply[i];
      if (each instanceof Failure) {
        this.#fail({ kind: 'refused', request: names[i] ?? '?', detail: each.text });
        return;
      }
    }
    this.applied = batch;
    this.#events.applied(batch);
  }

  #greet(connection: RequestConnection): void {
    const { username, password, preamble, marks } = this.spec;
    const name = `antipode-syncer:${this.#engine}`;
    const required: (readonly string[])[] = [];
    if (password !== null) required.push(username === null ? ['AUTH', password] : ['AUTH', username, password]);
    required.push(...preamble, ['CLIENT', 'SETNAME', name]);
    for (const words of required) {
      connection.ask(words, (reply) => {
        if (reply instanceof Failure) this.#refused(words[0]!, reply);
      });
    }
    connection.ask(['CLIENT', 'ID'], (id) => {
      connection.ask(['CLIENT', 'LIST'], (list) => {
        // Refused (a managed service may): then there is no fence, and a killed process's last bytes could still arrive.
        const stale = typeof list === 'string' ? staleClients(list, name, typeof id === 'number' ? id : -1) : [];
        for (const each of stale) connection.ask(['CLIENT', 'KILL', 'ID', each], () => undefined);
        // Not told means: assume that there is something to protect.
        connection.ask(['INFO', 'keyspace'], (reply) => {
          this.wasEmpty = typeof reply === 'string' && reply.includes('# Keyspace') && !/^db\d+:/m.test(reply);
        });
        connection.ask(marks.read, (reply) => {
          if (this.#ended) return;
          if (reply instanceof Failure) {
            this.#refused(marks.read.join(' '), reply);
            return;
          }
          const flat = Array.isArray(reply) ? reply : [];
          for (let i = 0; i + 1 < flat.length; i += 2) this.#marks.set(flat[i] as string, flat[i + 1] as string);
          this.#isOpen = true;
          this.#events.opened(this.#marks);
        });
      });
    });
  }

  #refused(request: string, reply: FailureType): void {
    if (/^(LOADING|MASTERDOWN|BUSY|TRYAGAIN|CLUSTERDOWN)/.test(reply.text))
      this.#fail({ kind: 'connection', detail: reply.text });
    else this.#fail({ kind: 'refused', request, detail: reply.text });
  }

  #fail(problem: TargetProblem): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection?.close();
    this.#events.failed(problem);
  }
}

/** The request at an index of encoded ones, for a message. */
function requestAt(bytes: Buffer, index: number): string {
  const decoder = new RequestDecoder();
  decoder.push(bytes);
  let words = decoder.next();
  for (let i = 0; i < index && words !== null; i++) words = decoder.next();
  return words === null ? '?' : `${words[0]} ${(words[1] ?? '').slice(0, 64)}`;
}

/** Ids of other connections with our name, from CLIENT LIST. */
function staleClients(list: string, name: string, ownId: number): string[] {
  const ids: string[] = [];
  for (const line of list.split('\n')) {
    const id = /^id=(\d+) /.exec(line)?.[1];
    if (id !== undefined && Number(id) !== ownId && line.includes(` name=${name} `)) ids.push(id);
  }
  return ids;
}
