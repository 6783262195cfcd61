/**
 * One shard of a source: its link, where in its stream we are, and the snapshot being staged. One connection per source shard.
 *
 * Border: after a failure it tells its owner when the next attempt is due; whether a full sync may go ahead, and when data is let into the destination, is
 * decided by its owner (`replica-of.ts`). The reading position only ever stands at the end of a unit.
 */

import type { RdbEntry } from '../../rdb/rdb-entry.ts';
import { connectTroubleText } from './connect-trouble.ts';
import type { Network, Random, Timer, World } from '../../world/world.ts';
import type { LinkOutcome } from '../link-outcome.ts';
import { ReplicaLink } from '../link.ts';
import { backoffMs } from './backoff.ts';
import { BrokenTransfers, isEndedBySource } from './broken-transfers.ts';
import type { Mark } from './checkpoint.ts';
import type { SourcePart } from './part-flush.ts';
import type { SourceSpec } from './source.ts';
import { askSourceOffset } from './source-offset.ts';
import { Staging } from './staging.ts';
import { StreamTrouble, UnitReader, type Unit } from './stream-units.ts';

/**
 * `down`: no link, another attempt is due. `waiting`: its turn to send everything has not come. `connecting`: on the way. `transferring`: a snapshot arrives. `staged`: it is complete
 * and verified, waiting to be let in. `loading`: it goes into the destination. `streaming`: live.
 */
export type ShardState = 'down' | 'waiting' | 'connecting' | 'transferring' | 'staged' | 'loading' | 'streaming';

export interface SourceShardEvents {
  /** The source insists on a full sync. True: take it. False: the owner closes or restarts this shard. */
  offered(shard: SourceShard): boolean;
  continued(shard: SourceShard): void;
  /** The stream has been read up to where the source was when it began to flow. */
  caughtUp(shard: SourceShard): void;
  entry(shard: SourceShard, entry: RdbEntry): void;
  library(shard: SourceShard, code: string): void;
  staged(shard: SourceShard): void;
  unit(shard: SourceShard, unit: Unit): void;
  /** So many bytes came over the wire. */
  received(shard: SourceShard, wireBytes: number): void;
  /** All of what has arrived in one go was handed over. */
  pause(shard: SourceShard, bytes: number): void;
  down(shard: SourceShard, outcome: LinkOutcome): 'retry' | 'stay-down';
  /** The pause after a failure is over: another attempt, from there or from the beginning. */
  due(shard: SourceShard, resume: Mark | null): void;
}

export class SourceShard {
  readonly id: string;
  readonly source: SourceSpec;
  readonly part: SourcePart | null;
  state: ShardState = 'down';
  /** Position up to which units were handed over; null before any. */
  position: Mark | null = null;
  /** What the owner wants to resume from at the next attempt; null asks for everything. */
  resume: Mark | null = null;
  staging = new Staging();
  snapshotBytes = 0;
  /** As the source said it; 0: it did not. */
  snapshotBytesTotal = 0;
  /** Keys of the snapshot, as it says where each database begins, and those that have arrived. */
  snapshotKeysTotal = 0;
  snapshotKeys = 0;
  /** How the latest link ended: it was not yet caught up, and the source ended it. */
  isTransferBroken = false;
  readonly #broken = new BrokenTransfers();
  attempts = 0;
  lastError = '';
  /** False while the stream flows and what the source had written before is still on its way. */
  isCaughtUp = false;
  /** Offset from which on it is caught up; null: not known. */
  #goal: number | null = null;
  readonly #preamble: readonly (readonly string[])[];
  readonly #compression: readonly string[] | null;
  readonly #world: World;
  readonly #network: Network;
  readonly #random: Random;
  readonly #events: SourceShardEvents;
  #units = new UnitReader(0);
  #link: ReplicaLink | null = null;
  #timer: Timer | null = null;
  #closed = false;
  #isEndedBySource = false;

  constructor(options: {
    source: SourceSpec;
    index: number;
    /** True behind an endpoint of ours with several shards: the shard must be chosen. */
    pin: boolean;
    /** What it holds of a sharded source; null: everything. */
    part: SourcePart | null;
    world: World;
    network: Network;
    events: SourceShardEvents;
  }) {
    this.source = options.source;
    this.part = options.part;
    this.id = `${options.source.key}/${options.index}`;
    const pin = ['ANTIPODE', 'PIN', String(options.index)];
    const { compression = 0 } = options.source;
    this.#preamble = options.pin ? [pin] : [];
    this.#compression = compression === 0 ? null : [...pin, 'COMPRESS', String(compression)];
    this.#world = options.world;
    this.#network = options.network;
    this.#random = options.world.random.fork(`source-shard ${this.id}`);
    this.#events = options.events;
  }

  /** A shard that is sending everything, or is about to. */
  get isFilling(): boolean {
    return this.state === 'transferring' || (this.state === 'connecting' && this.resume === null);
  }

  /** Gives up what it has; until `start` it does nothing. */
  wait(): void {
    this.#reset(null);
    this.#link = null;
    this.state = 'waiting';
  }

  /** Connects and asks to go on from `resume`, or for everything. */
  start(resume: Mark | null): void {
    this.#reset(resume);
    this.isCaughtUp = false;
    this.state = 'connecting';
    this.attempts++;
    const { url, tls } = this.source;
    const link: ReplicaLink = new ReplicaLink({
      world: this.#world,
      network: this.#network,
      source: { host: url.host, port: url.port, username: url.username, password: url.password, tls },
      preamble: this.#compression === null ? this.#preamble : [],
      compression: this.#compression,
      announce: {},
      resumeFrom: resume === null ? null : { replicationId: resume.replicationId, offset: resume.offset },
      handler: {
        full: (replicationId, offset) => {
          this.position = { replicationId, offset, database: 0 };
          this.state = 'transferring';
          if (!this.#events.offered(this)) return;
          link.accept();
        },
        continued: (replicationId, offset) => {
          // The id may be a new one (the source's primary changed); the offset is where we asked to go on.
          this.position = { replicationId, offset, database: resume?.database ?? 0 };
          this.#units = new UnitReader(resume?.database ?? 0);
          this.state = 'streaming';
          this.attempts = 0;
          this.lastError = '';
          this.#catchUp();
          this.#events.continued(this);
        },
        snapshotSize: (total) => (this.snapshotBytesTotal = total),
        snapshotProgress: (received) => (this.snapshotBytes = received),
        resize: (_database, keys) => (this.snapshotKeysTotal += keys),
        entry: (entry) => {
          this.snapshotKeys++;
          this.#events.entry(this, entry);
        },
        functionLibrary: (code) => this.#events.library(this, code),
        aux: (name, value) => {
          if (name === 'repl-stream-db' && this.position !== null)
            this.position = { ...this.position, database: Number(value) };
        },
        snapshotDone: () => {
          this.#units = new UnitReader(this.position?.database ?? 0);
          this.staging.seal();
          this.state = 'staged';
          link.pause();
          this.#events.staged(this);
        },
        write: (words, endOffset) => {
          let unit: Unit | null;
          try {
            unit = this.#units.push(words, endOffset);
          } catch (error) {
            if (!(error instanceof StreamTrouble)) throw error;
            this.#down(link, { why: error.why, detail: error.message });
            return;
          }
          if (unit === null || this.position === null) return;
          this.position = {
            replicationId: this.position.replicationId,
            offset: unit.endOffset,
            database: unit.database,
          };
          this.#events.unit(this, unit);
          if (this.#goal !== null) this.#lookAtGoal();
        },
        received: (wireBytes) => this.#events.received(this, wireBytes),
        chunkDone: (bytes) => this.#events.pause(this, bytes),
        closed: (outcome) => this.#down(link, outcome),
      },
    });
    this.#link = link;
    link.open();
  }

  /** The snapshot is in the destination: the stream flows. */
  stream(): void {
    this.state = 'streaming';
    this.attempts = 0;
    this.lastError = '';
    this.#link?.resume();
    this.#catchUp();
  }

  /** Finds out up to where the stream must be read to have everything that there is now. */
  #catchUp(): void {
    const link = this.#link;
    this.isCaughtUp = false;
    this.#goal = null;
    askSourceOffset(
      {
        network: this.#network,
        after: (ms, then) => this.#world.clock.after(ms, then),
        url: this.source.url,
        tls: this.source.tls,
        preamble: this.#preamble,
        replicationId: this.position!.replicationId,
      },
      (offset) => {
        if (this.#link !== link || this.state !== 'streaming') return;
        this.#goal = offset ?? 0;
        this.#lookAtGoal();
      },
    );
  }

  #lookAtGoal(): void {
    if (this.#goal === null || this.position === null || this.position.offset < this.#goal) return;
    this.#goal = null;
    this.isCaughtUp = true;
    this.#events.caughtUp(this);
  }

  hold(): void {
    this.#link?.pause();
  }

  release(): void {
    if (this.state === 'streaming' || this.state === 'transferring') this.#link?.resume();
  }

  /** Everything up to here has been applied by the destination: the source may be told. */
  acknowledge(offset: number): void {
    this.#link?.acknowledge(offset);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#link?.close();
    this.#link = null;
    this.state = 'down';
  }

  #down(link: ReplicaLink, outcome: LinkOutcome): void {
    if (this.#link !== link || this.#closed) return;
    this.#link = null;
    link.close();
    const before = this.state;
    this.state = 'down';
    this.staging = new Staging();
    this.#isEndedBySource = isEndedBySource(outcome);
    this.isTransferBroken = this.#isEndedBySource && before !== 'connecting' && !this.isCaughtUp;
    this.isCaughtUp = false;
    this.lastError = outcomeText(outcome);
    if (this.isTransferBroken) this.#noteBroken();
    if (this.#events.down(this, outcome) !== 'retry' || this.#closed || this.#link !== null) return;
    const resume = before === 'streaming' ? this.position : this.resume;
    this.#timer?.cancel();
    this.#timer = this.#world.clock.after(backoffMs(this.attempts - 1, this.#random), () =>
      this.#events.due(this, resume),
    );
  }

  /** The stream that the source ended cannot be gone on with, everything starts over: what to say of it. */
  noteLost(): string {
    if (this.#isEndedBySource) this.#noteBroken();
    return this.lastError;
  }

  #noteBroken(): void {
    this.#broken.note(this.#world.clock.now());
    this.lastError = [this.lastError, this.#broken.advice].filter(Boolean).join('; ');
  }

  #reset(resume: Mark | null): void {
    this.#timer?.cancel();
    this.#link?.close();
    this.resume = resume;
    this.#goal = null;
    this.staging = new Staging();
    this.snapshotBytes = 0;
    this.snapshotBytesTotal = 0;
    this.snapshotKeys = 0;
    this.snapshotKeysTotal = 0;
  }
}

export const outcomeText = (outcome: LinkOutcome): string =>
  outcome.why === 'connect'
    ? connectTroubleText(outcome.failure, outcome.detail, false)
    : 'detail' in outcome && outcome.detail !== ''
      ? `${outcome.why}: ${outcome.detail}`
      : outcome.why;
