/**
 * One connection to a source, seen from the replica: connect, handshake, snapshot, stream with exact offsets.
 *
 * The owner hears everything through `LinkHandler`, decides whether a full sync may begin (`accept`), holds data back
 * (`pause`, `resume`) and says what it has applied (`acknowledge`); only that is told to the source. A link lives once: the
 * owner makes another to try again. `closed` is called exactly once, except after the owner's own `close`.
 *
 * Border: the order of requests is `handshake.ts`, the bytes of a snapshot `transfer.ts`; MULTI, SELECT, PING and REPLCONF come
 * out as writes like others, for their owner to understand. Limits: `LinkLimits`.
 */

import { RdbError } from '../rdb/rdb-error.ts';
import { RdbReader, type RdbHandler } from '../rdb/reader.ts';
import { PieceError, PieceReader } from '../resp/compressed-pieces.ts';
import { canonicalBytes } from '../resp/canonical-bytes.ts';
import { DEFAULT_LIMITS, ProtocolError, RequestDecoder } from '../resp/request-decoder.ts';
import { encodeRequest } from '../resp/reply.ts';
import type { ClientTls, Connection, Network, Timer, World } from '../world/world.ts';
import { awaited, begin, next, type HandshakeMove, type HandshakeResult, type HandshakeState } from './handshake.ts';
import { acknowledgement } from './synced-offset.ts';
import { HandshakeReader, LineTooLong } from './handshake-reader.ts';
import { rdbOutcome, type LinkOutcome } from './link-outcome.ts';
import { Transfer, TransferError, transferFormat } from './transfer.ts';

export interface LinkLimits {
  /** For name resolution, TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** The source may be silent for so long while something is awaited [redis.conf repl-timeout]. */
  readonly silenceMsMax: number;
}

const LINK_LIMITS: LinkLimits = { connectTimeoutMs: 10_000, silenceMsMax: 60_000 };
/** How often the source is told where we are [redis replication.c replicationCron]. */
const ACK_PERIOD_MS = 1000;

export interface LinkSource {
  readonly host: string;
  readonly port: number;
  readonly username?: string | null;
  /** Without one, AUTH is not sent. */
  readonly password?: string | null;
  readonly tls?: ClientTls | null;
}

/** Entries and library code are valid only during the call, as RdbReader lends them. */
export interface LinkHandler extends RdbHandler {
  /** Everything will be sent, as of that offset. Nothing more is read until `accept`. */
  full(replicationId: string, offset: number): void;
  /** The stream goes on behind `resumeFrom.offset`, under that id. */
  continued(replicationId: string, offset: number): void;
  /** Bytes of the snapshot, when the source says it beforehand. */
  snapshotSize?(bytes: number): void;
  snapshotProgress?(bytes: number): void;
  /** Complete, checksum verified; the stream follows. */
  snapshotDone(): void;
  /** Raw bytes of the stream, before the writes in them; lent. */
  streamBytes?(bytes: Buffer): void;
  /** `endOffset` counts every byte up to the end of this request. */
  write(words: readonly string[], endOffset: number): void;
  /** All of what arrived in one go (so many bytes, as they are when no longer compressed) was handed over. */
  chunkDone?(bytes: number): void;
  /** Up to where the stream is in a log on the owner's disk; null: there is none. */
  syncedOffset?(): number | null;
  /** So many bytes came over the wire. */
  received?(wireBytes: number): void;
  closed(outcome: LinkOutcome): void;
}

export interface ReplicaLinkOptions {
  readonly world: World;
  /** The world's own unless said otherwise. */
  readonly network?: Network;
  readonly source: LinkSource;
  /** Requests sent after AUTH that must not be refused (a pin to one shard). */
  readonly preamble?: readonly (readonly string[])[];
  /** The request that makes the source send everything after its answer in compressed pieces. */
  readonly compression?: readonly string[] | null;
  /** What INFO of the source shows of us. */
  readonly announce?: { readonly port?: number; readonly host?: string };
  readonly resumeFrom: { readonly replicationId: string; readonly offset: number } | null;
  readonly takesOver?: boolean;
  readonly limits?: Partial<LinkLimits>;
  readonly handler: LinkHandler;
}

type Phase = 'new' | 'connecting' | 'handshake' | 'agreeing' | 'preparing' | 'transfer' | 'streaming' | 'closed';

/** Phases that may follow each. */
const MOVES: Readonly<Record<Phase, readonly Phase[]>> = {
  new: ['connecting', 'closed'],
  connecting: ['handshake', 'closed'],
  handshake: ['agreeing', 'streaming', 'closed'],
  agreeing: ['preparing', 'closed'],
  preparing: ['transfer', 'closed'],
  transfer: ['streaming', 'closed'],
  streaming: ['closed'],
  closed: [],
};

const AWAITED: Readonly<Record<Exclude<Phase, 'handshake' | 'transfer'>, string>> = {
  new: 'a connection',
  connecting: 'a connection',
  agreeing: 'our own consent to a full sync',
  preparing: 'the source to prepare its snapshot',
  streaming: 'the replication stream',
  closed: 'nothing',
};

export class ReplicaLink {
  readonly #options: ReplicaLinkOptions;
  readonly #limits: LinkLimits;
  readonly #handler: LinkHandler;
  readonly #lines = new HandshakeReader();
  #phase: Phase = 'new';
  #connection: Connection | null = null;
  #handshake: HandshakeState | null = null;
  #transfer: Transfer | null = null;
  #decoder: RequestDecoder | null = null;
  #paused = false;
  #processing = false;
  #wake: Timer | null = null;
  /** Bytes that arrived and wait for `accept` or `resume`. */
  #held: Buffer[] = [];
  /** Not null once everything arrives compressed; holds what waits as it came. */
  #pieces: PieceReader | null = null;
  #compressedFromNow = false;
  /** Offset at which the decoder began to count. */
  #baseOffset = 0;
  #offset = 0;
  #acknowledged = 0;
  /** The source asked for an acknowledgement of at least this. */
  #ackWanted: number | null = null;
  #heardAt = 0;
  #ticks: Timer | null = null;

  constructor(options: ReplicaLinkOptions) {
    this.#options = options;
    this.#limits = { ...LINK_LIMITS, ...options.limits };
    this.#handler = options.handler;
  }

  /** End of the latest write handed over. */
  get offset(): number {
    return this.#offset;
  }

  /** What the link waits for, for people. */
  get waitingFor(): string {
    const phase = this.#phase;
    if (phase === 'handshake') return `handshake: ${this.#handshake === null ? 'nothing' : awaited(this.#handshake)}`;
    if (phase === 'transfer') return `the snapshot (${this.#transfer?.receivedBytes ?? 0} bytes so far)`;
    return AWAITED[phase];
  }

  get #closed(): boolean {
    return this.#phase === 'closed';
  }

  open(): void {
    const { world, network = world.network, source } = this.#options;
    this.#move('connecting');
    const to = { host: source.host, port: source.port };
    void network.connect(to, { tls: source.tls ?? null, timeoutMs: this.#limits.connectTimeoutMs }).then((outcome) => {
      if (this.#closed) {
        if (outcome.ok) outcome.connection.destroy();
      } else if (outcome.ok) this.#connected(outcome.connection);
      else this.#end({ why: 'connect', failure: outcome.why, detail: `${to.host}:${to.port}: ${outcome.detail}` });
    });
  }

  /** Lets the full sync that `full` spoke of begin. */
  accept(): void {
    this.#move('preparing');
    this.#continueSoon();
  }

  /** No call to the handler but `closed` until `resume`; inside a snapshot the entries of one chunk may still come. */
  pause(): void {
    if (this.#closed || this.#paused) return;
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    if (this.#closed || !this.#paused) return;
    this.#paused = false;
    this.#continueSoon();
  }

  /** Everything up to that offset has been applied. */
  acknowledge(offset: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, offset);
    if (this.#ackWanted !== null && this.#acknowledged >= this.#ackWanted) this.#sendAck();
  }

  /** Ends the link; the handler is not called any more. */
  close(): void {
    if (this.#closed) return;
    this.#move('closed');
    this.#ticks?.cancel();
    this.#wake?.cancel();
    this.#held = [];
    this.#connection?.destroy();
  }

  #connected(connection: Connection): void {
    const { source, preamble = [], compression = null, announce = {}, resumeFrom } = this.#options;
    this.#connection = connection;
    this.#move('handshake');
    this.#heard();
    connection.handle({
      data: (chunk) => this.#arrived(chunk),
      closed: (reason) => {
        if (this.#closed) return;
        const { waitingFor } = this;
        this.#end({ why: 'cut', reason, waitingFor, detail: `${reason} while waiting for ${waitingFor}` });
      },
    });
    if (this.#paused) connection.pause();
    this.#say(
      begin({
        username: source.username ?? null,
        password: source.password ?? null,
        preamble,
        compression,
        announcePort: announce.port ?? null,
        announceHost: announce.host ?? null,
        resumeFrom,
        takesOver: this.#options.takesOver ?? false,
      }),
    );
    this.#tick();
  }

  #arrived(chunk: Buffer): void {
    if (this.#closed) return;
    this.#heard();
    this.#handler.received?.(chunk.length);
    if (this.#pieces !== null) {
      this.#pieces.push(chunk);
      this.#inflate(this.#pieces);
      return;
    }
    if (this.#waits || this.#processing || this.#held.length > 0) this.#held.push(Buffer.from(chunk));
    else this.#process(chunk);
    if (!this.#closed) this.#handler.chunkDone?.(chunk.length);
    if (this.#pieces !== null) this.#inflate(this.#pieces);
  }

  /** Piece by piece, as long as the owner takes them: what waits stays compressed. */
  #inflate(pieces: PieceReader): void {
    while (!this.#waits && !this.#processing && this.#held.length === 0 && !this.#closed) {
      let piece: Buffer | null;
      try {
        piece = pieces.next();
      } catch (error) {
        this.#end(outcomeOf(error));
        return;
      }
      if (piece === null) return;
      this.#process(piece);
      if (!this.#closed) this.#handler.chunkDone?.(piece.length);
    }
  }

  /** The owner holds data back, or has not yet agreed to a full sync. */
  get #waits(): boolean {
    return this.#paused || this.#phase === 'agreeing';
  }

  #process(chunk: Buffer): void {
    this.#processing = true;
    try {
      let at = 0;
      while (at < chunk.length && !this.#closed) {
        if (this.#waits) {
          this.#held.unshift(Buffer.from(chunk.subarray(at)));
          break;
        }
        at = this.#take(chunk, at);
        if (this.#compressedFromNow) {
          // The reply that turned compression on ended within this chunk: the rest is compressed
          this.#compressedFromNow = false;
          this.#pieces = new PieceReader();
          this.#pieces.push(chunk.subarray(at));
          break;
        }
      }
    } catch (error) {
      this.#end(outcomeOf(error));
    } finally {
      this.#processing = false;
    }
    if (this.#waits) this.#connection?.pause();
  }

  /** Hands bytes to whoever reads in this phase; gives the position behind those taken. */
  #take(chunk: Buffer, at: number): number {
    if (this.#phase === 'transfer') return this.#receive(this.#transfer!, chunk, at);
    if (this.#phase === 'streaming') {
      const bytes = chunk.subarray(at);
      this.#handler.streamBytes?.(bytes);
      this.#decoder!.push(bytes);
      this.#decode(this.#decoder!);
      return chunk.length;
    }
    const handshaking = this.#phase === 'handshake';
    const line = this.#lines.read(chunk, at, handshaking);
    if (line !== null && line !== '') {
      if (handshaking) this.#say(next(this.#handshake!, line));
      else this.#announced(line);
    }
    return this.#lines.consumed;
  }

  #say(move: HandshakeMove): void {
    this.#compressedFromNow = this.#handshake?.step === 'compression' && move.state.step !== 'done';
    this.#handshake = move.state;
    if (move.send !== null) this.#connection!.write(encodeRequest(move.send));
    if (move.state.step === 'done') this.#agreed(move.state.result);
  }

  #agreed(result: HandshakeResult): void {
    switch (result.kind) {
      case 'failed':
        this.#end(result.failure);
        return;
      case 'full':
        this.#move('agreeing');
        this.#baseOffset = result.offset;
        this.#handler.full(result.replicationId, result.offset);
        return;
      case 'continued': {
        const resumeFrom = this.#options.resumeFrom!;
        this.#baseOffset = resumeFrom.offset;
        this.#stream();
        this.#acknowledged = resumeFrom.offset;
        this.#handler.continued(result.replicationId ?? resumeFrom.replicationId, resumeFrom.offset);
        this.#sendAck();
      }
    }
  }

  #announced(line: string): void {
    const format = transferFormat(line);
    if (format === null) {
      const refusal = line.startsWith('-');
      this.#end(
        refusal
          ? { why: 'source-refused', detail: line.slice(1), transient: true }
          : { why: 'protocol', detail: `no snapshot but ${JSON.stringify(line.slice(0, 120))}` },
      );
      return;
    }
    const handler = this.#handler;
    // A link closed by its owner in the middle of a chunk says nothing of the rest
    const reader = new RdbReader({
      header: (magic, version) => void (this.#closed || handler.header?.(magic, version)),
      aux: (name, value) => void (this.#closed || handler.aux?.(name, value)),
      resize: (database, keys, expires) => void (this.#closed || handler.resize?.(database, keys, expires)),
      functionLibrary: (code) => void (this.#closed || handler.functionLibrary?.(code)),
      entry: (entry) => void (this.#closed || handler.entry(entry)),
    });
    this.#transfer = new Transfer(format, reader);
    this.#move('transfer');
    if (format.kind === 'sized') handler.snapshotSize?.(format.bytes);
  }

  #receive(transfer: Transfer, chunk: Buffer, at: number): number {
    const position = transfer.push(chunk, at);
    if (this.#closed) return position;
    this.#handler.snapshotProgress?.(transfer.receivedBytes);
    if (transfer.done && !this.#closed) {
      this.#stream();
      this.#handler.snapshotDone();
      // A source that sent an end mark begins the stream only when it hears from us
      this.#sendAck();
    }
    return position;
  }

  #stream(): void {
    this.#move('streaming');
    this.#transfer = null;
    this.#offset = this.#baseOffset;
    this.#decoder = new RequestDecoder(DEFAULT_LIMITS);
  }

  #decode(decoder: RequestDecoder): void {
    while (!this.#waits && !this.#closed) {
      const startOffset = this.#offset;
      const words = decoder.next();
      if (words === null) break;
      this.#offset = this.#baseOffset + decoder.consumedBytes;
      if (this.#offset - startOffset < canonicalBytes(words)) throw new ProtocolError(desync(words));
      const isGetAck =
        words.length > 1 && words[0]!.toUpperCase() === 'REPLCONF' && words[1]!.toUpperCase() === 'GETACK';
      if (isGetAck) this.#ackWanted = startOffset;
      this.#handler.write(words, this.#offset);
      if (isGetAck) this.acknowledge(this.#acknowledged);
    }
    decoder.release();
  }

  /** Goes on with what is held, on a turn of its own; only then is the connection read again. */
  #continueSoon(): void {
    if (this.#wake !== null) return;
    this.#wake = this.#options.world.clock.soon(() => {
      this.#wake = null;
      if (this.#waits || this.#closed) return;
      this.#heard();
      if (this.#decoder !== null && this.#decoder.bufferedBytes > 0) {
        this.#processing = true;
        try {
          this.#decode(this.#decoder);
        } catch (error) {
          this.#end(outcomeOf(error));
        } finally {
          this.#processing = false;
        }
      }
      while (this.#held.length > 0 && !this.#waits && !this.#closed) this.#process(this.#held.shift()!);
      if (this.#pieces !== null) this.#inflate(this.#pieces);
      if (this.#closed) return;
      if (!this.#waits) this.#connection?.resume();
      this.#handler.chunkDone?.(0);
    });
  }

  #heard(): void {
    this.#heardAt = this.#options.world.clock.elapsed();
  }

  #tick(): void {
    this.#ticks = this.#options.world.clock.after(ACK_PERIOD_MS, () => {
      if (this.#closed) return;
      const silentMs = this.#options.world.clock.elapsed() - this.#heardAt;
      if (!this.#waits && silentMs > this.#limits.silenceMsMax) {
        const { waitingFor } = this;
        this.#end({
          why: 'timeout',
          waitingFor,
          detail: `silence for ${this.#limits.silenceMsMax} ms while waiting for ${waitingFor}`,
        });
        return;
      }
      if (this.#phase === 'streaming') this.#sendAck();
      // An empty line keeps a source from giving up on a replica that is busy [redis replicationSendNewlineToMaster]
      else if (this.#phase !== 'handshake') this.#connection?.write('\n');
      this.#tick();
    });
  }

  #sendAck(): void {
    if (this.#phase !== 'streaming') return;
    this.#ackWanted = null;
    this.#connection?.write(acknowledgement(this.#acknowledged, this.#handler.syncedOffset?.() ?? null));
  }

  #end(outcome: LinkOutcome): void {
    if (this.#closed) return;
    this.close();
    this.#handler.closed(outcome);
  }

  #move(to: Phase): void {
    if (!MOVES[this.#phase].includes(to)) throw new Error(`a link that is ${this.#phase} cannot become ${to}`);
    this.#phase = to;
  }
}

function outcomeOf(error: unknown): LinkOutcome {
  if (error instanceof RdbError) return rdbOutcome(error);
  if (
    error instanceof ProtocolError ||
    error instanceof TransferError ||
    error instanceof LineTooLong ||
    error instanceof PieceError
  ) {
    return { why: 'protocol', detail: error.message };
  }
  throw error;
}

const desync = (words: readonly string[]): string =>
  words[0]!.startsWith('-')
    ? `the source sent an error in its stream: ${words.join(' ').slice(1, 120)}`
    : `not a replication stream: ${JSON.stringify(words.join(' ').slice(0, 120))}`;
