/**
 * One server that is written into: a shard of a local database, or an external Redis.
 *
 * Writes gather in a batch; a batch travels as MULTI, the writes, the marks of how far each source shard has come, EXEC: data and
 * checkpoint in one atomic step. When it opens, it first ends connections that an earlier incarnation of the same engine left
 * behind (bytes of a killed process may still wait in the server's socket), and only then reads the marks: so nothing is
 * applied twice. [architecture: no write is lost or applied twice]
 *
 * When a batch is refused, those sent behind it may still be applied, with marks that cover the refused one. So the end waits
 * until all is answered; if something was applied that must not have been, the marks are replaced by `spoiled`: no new start can
 * take up the stream behind a write that is missing.
 *
 * Border: knows no sources and no routing. Limits: BATCH_*; what is in flight is bounded by the links that are paused.
 */

import type { Failure as FailureType } from '../../resp/reply.ts';
import { encodeRequest, Failure } from '../../resp/reply.ts';
import { RequestDecoder } from '../../resp/request-decoder.ts';
import type { ReaderReply } from '../../resp/reply-reader.ts';
import type { Address, ClientTls, Network } from '../../world/world.ts';
import { RequestConnection } from '../request-connection.ts';
import { SPOILED, type MarkStore } from './checkpoint.ts';
import { isPassing } from './stop-causes.ts';

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
  | { readonly kind: 'refused'; readonly request: string; readonly detail: string }
  /** Another engine has begun to write into this server since we did. */
  | { readonly kind: 'superseded'; readonly detail: string };

interface Refused {
  readonly request: string;
  readonly detail: string;
}

const NAME_PREFIX = 'antipode-syncer:';

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
  /** Ids of the connections that this engine has had to this server, over all its attempts. */
  readonly #ownIds: Set<string>;
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
  /** Last batch of which everything was answered. */
  #answered = 0;
  /** What was refused first. From then on nothing more is sent. */
  #refusal: Refused | null = null;
  #isSpoiled = false;
  /** True when it held no key as it was opened. */
  wasEmpty = false;

  constructor(spec: TargetSpec, engine: string, ownIds: Set<string>, events: TargetEvents) {
    this.spec = spec;
    this.#ownIds = ownIds;
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
        closed: (reason) => this.#lost(`connection to the destination closed (${reason})`),
      });
      this.#greet(this.#connection);
    });
  }

  /** Last known marks, as of everything given so far. */
  get marks(): ReadonlyMap<string, string> {
    return this.#marks;
  }

  write(database: number, words: readonly string[]): void {
    const name = words[0]!.toUpperCase();
    const swaps = name === 'SWAPDB' && words.includes('0');
    // The database that holds the checkpoint is emptied, or gets another number: the checkpoint is written anew in the same step.
    if (this.spec.marks.flushedWithData && (swaps || name === 'FLUSHALL' || (name === 'FLUSHDB' && database === 0))) {
      if (swaps) this.#addAt(0, this.spec.marks.reset);
      for (const [mark, text] of this.#marks) this.#touchedMarks.set(mark, text);
    }
    this.#addAt(database, words);
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
    if (this.#refusal !== null || (this.#writes === 0 && this.#touchedMarks.size === 0)) return this.batch - 1;
    if (this.#touchedMarks.size > 0) this.#addMarks(this.spec.marks.set(this.#touchedMarks));
    const batch = this.batch++;
    const names = this.#names;
    // MULTI, the queued requests, EXEC: only EXEC's array tells what happened, but a request refused while queueing names the cause.
    let refused: Refused | null = null;
    const count = names.length;
    this.#connection?.send(`*1\r\n$5\r\nMULTI\r\n${this.#bytes}*1\r\n$4\r\nEXEC\r\n`, count + 2, (reply, index) => {
      if (index <= count) {
        if (reply instanceof Failure && refused === null)
          refused = { request: names[index - 1] ?? 'MULTI', detail: reply.text };
        return;
      }
      const isExecuted = Array.isArray(reply);
      this.#answer(batch, refused ?? refusalIn(reply, names), isExecuted);
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
    if (this.#refusal !== null) return this.batch - 1;
    const batch = this.batch++;
    this.#selected = lastDatabase;
    this.#connection?.send(bytes, count, (reply, index) => {
      if (reply instanceof Failure) this.#refusal ??= { request: requestAt(bytes, index), detail: reply.text };
      // Not spoiled by what else is in it: it is guarded by its own mark
      if (index === count - 1) this.#answer(batch, null, false);
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
      this.#lost(`no answer from the destination for ${SILENCE_MS_MAX} ms`);
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

  #addAt(database: number, words: readonly string[]): void {
    if (database !== this.#selected) this.#add(['SELECT', String(database)]);
    this.#selected = database;
    this.#add(words);
  }

  #addMarks(words: readonly string[]): void {
    if (this.spec.marks.flushedWithData) this.#addAt(0, words);
    else this.#add(words);
  }

  #answer(batch: number, refusal: Refused | null, isExecuted: boolean): void {
    if (this.#ended) return;
    this.#answered = batch;
    this.#refusal ??= refusal;
    if (this.#refusal === null) {
      this.applied = batch;
      this.#events.applied(batch);
      return;
    }
    // Its marks stand, and a write before them does not.
    if (isExecuted) this.#isSpoiled = true;
    if (this.#answered < this.batch - 1) return;
    if (this.#isSpoiled) this.#spoil(this.#refusal);
    else this.#refused(this.#refusal);
  }

  #spoil({ request, detail }: Refused): void {
    const { marks } = this.spec;
    const after = { request, detail: `${detail}; later writes had been applied: a new start copies everything` };
    const ask = (words: readonly string[], then: () => void): void => this.#connection?.ask(words, then);
    if (marks.flushedWithData) ask(['SELECT', '0'], ignore);
    ask(marks.reset, ignore);
    // A full server may refuse this one; without any marks everything is copied as well.
    ask(marks.set(new Map([[SPOILED, `${request}: ${detail}`]])), () => this.#refused(after));
  }

  #greet(connection: RequestConnection): void {
    const { username, password, preamble, marks } = this.spec;
    const name = `${NAME_PREFIX}${this.#engine}`;
    const required: (readonly string[])[] = [];
    if (password !== null) required.push(username === null ? ['AUTH', password] : ['AUTH', username, password]);
    required.push(...preamble, ['CLIENT', 'SETNAME', name]);
    for (const words of required) {
      connection.ask(words, (reply) => {
        if (reply instanceof Failure) this.#refused({ request: words[0]!, detail: reply.text });
      });
    }
    connection.ask(['CLIENT', 'ID'], (id) => {
      connection.ask(['CLIENT', 'LIST'], (list) => {
        // Refused (a managed service may): then there is no fence, and a killed process's last bytes could still arrive.
        const ownId = typeof id === 'number' ? String(id) : null;
        const stale = typeof list === 'string' && ownId !== null ? staleClients(list, ownId) : [];
        const newer = this.#ownIds.size === 0 ? undefined : stale.find((each) => !this.#ownIds.has(each));
        if (newer !== undefined) {
          const who = 'another replication has begun to write into this destination';
          this.#fail({ kind: 'superseded', detail: `${who} (its connection there has the id ${newer})` });
          return;
        }
        if (ownId !== null) this.#ownIds.add(ownId);
        for (const each of stale) connection.ask(['CLIENT', 'KILL', 'ID', each], ignore);
        // Not told means: assume that there is something to protect.
        connection.ask(['INFO', 'keyspace'], (reply) => {
          this.wasEmpty = typeof reply === 'string' && reply.includes('# Keyspace') && !/^db\d+:/m.test(reply);
        });
        connection.ask(marks.read, (reply) => {
          if (this.#ended) return;
          if (reply instanceof Failure) {
            this.#refused({ request: marks.read.join(' '), detail: reply.text });
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

  #refused({ request, detail }: Refused): void {
    this.#fail(isPassing(detail) ? { kind: 'connection', detail } : { kind: 'refused', request, detail });
  }

  #lost(detail: string): void {
    if (this.#refusal === null) this.#fail({ kind: 'connection', detail });
    else this.#refused(this.#refusal);
  }

  #fail(problem: TargetProblem): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection?.close();
    this.#events.failed(problem);
  }
}

const ignore = (): void => undefined;

/** The request at an index of encoded ones, for a message. */
function requestAt(bytes: Buffer, index: number): string {
  const decoder = new RequestDecoder();
  decoder.push(bytes);
  let words = decoder.next();
  for (let i = 0; i < index && words !== null; i++) words = decoder.next();
  return words === null ? '?' : `${words[0]} ${(words[1] ?? '').slice(0, 64)}`;
}

/** What EXEC's reply says was refused; null: nothing. */
function refusalIn(reply: ReaderReply, names: readonly string[]): Refused | null {
  if (reply instanceof Failure) return { request: 'EXEC', detail: reply.text.replace(DISCARDED, '') };
  if (!Array.isArray(reply)) return { request: 'EXEC', detail: 'EXEC was not answered by an array' };
  const at = reply.findIndex((each) => each instanceof Failure);
  return at < 0 ? null : { request: names[at] ?? '?', detail: (reply[at] as FailureType).text };
}

/** Before the cause, when EXEC itself is what is refused [redis multi.c execCommandAbort]. */
const DISCARDED = /^EXECABORT Transaction discarded because of: /;

/** Ids of other connections that write as engines do, from CLIENT LIST. */
function staleClients(list: string, ownId: string): string[] {
  const ids: string[] = [];
  for (const line of list.split('\n')) {
    const id = /^id=(\d+) /.exec(line)?.[1];
    if (id !== undefined && id !== ownId && line.includes(` name=${NAME_PREFIX}`)) ids.push(id);
  }
  return ids;
}
