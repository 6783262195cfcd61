/**
 * Replica Of: one destination, up to 32 sources, each of one or more shards.
 *
 * It decides. A destination that was never filled for this configuration, or whose filling was interrupted, is *gathering*: every
 * source sends everything, the snapshots are staged, and when all reachable sources are complete the destination is flushed and
 * filled in one go. From then on it is *running*: streams flow, links come and go, each resumes from the lowest mark the targets
 * hold. A source that cannot resume sends all sources back to gathering, because a destination is flushed as a whole.
 * [RS replica-of: the destination is flushed; a full sync concerns all sources]
 *
 * Border: the wire is in `link.ts`, one source shard in `source-shard.ts`, whose turn it is in `turns.ts`, writing and marks in
 * `destination.ts`. Whoever owns
 * this object keeps `replica_sync`; here `stopped` is final and told once. Limits: those of
 * `reading-window.ts` and `ledger.ts`.
 */

import assert from 'node:assert';
import type { Network, Timer, World } from '../../world/world.ts';
import type { LinkOutcome } from '../link-outcome.ts';
import { reopenMs } from './backoff.ts';
import type { Mark } from './checkpoint.ts';
import { Destination, type DestinationSpec, type Point } from './destination.ts';
import type { SourceSpec } from './source.ts';
import { place, SourceFinder } from './source-finder.ts';
import { SnapshotLoader } from './snapshot-loader.ts';
import type { AlertThresholds } from './alerts.ts';
import { Ledger } from './ledger.ts';
import {
  isGathered,
  Lags,
  newSourceState,
  sourceProgress,
  statusOf,
  updateAlerts,
  type SourceProgress,
  type SourceState,
} from './progress.ts';
import type { SourcePart } from './part-flush.ts';
import { ReadingWindow } from './reading-window.ts';
import { outcomeText, SourceShard } from './source-shard.ts';
import { stageEntry } from './snapshot-requests.ts';
import { STAGED_BYTES_MAX } from './staging.ts';
import { moveSource, STOP_EVENTS, type FullSyncCause, type FullSyncEntry, type StopCause } from './status.ts';
import { stopCauseOf, stopOfTarget } from './stop-causes.ts';
import type { TargetProblem } from './target.ts';
import type { Topology } from './topology.ts';
import { ALL_AT_ONCE, Turns, type GradualLimits } from './turns.ts';

/** Marks of idle targets are brought up, and sources acknowledged, this often. */
const HEARTBEAT_MS = 1_000;

export interface ReplicaOfOptions {
  readonly world: World;
  /** Seen from the node that runs the syncer. */
  readonly network: Network;
  /** Names this engine to its targets; the same after a restart. */
  readonly engine: string;
  readonly sources: readonly SourceSpec[];
  readonly destination: DestinationSpec;
  /** Names this configuration: another one starts from scratch. */
  readonly generation: string;
  /** Start from scratch even though the marks would allow to resume. */
  readonly fresh?: FullSyncCause;
  /** Run ids of the destination's servers: a source with one of them is the destination itself. */
  readonly destinationRunIds?: () => readonly string[];
  /** How much may be sent at once when everything is sent; absent: all of it. */
  readonly gradual?: GradualLimits;
  /** Read whenever alerts are looked at; absent: no alert about lag, and one as soon as a source is out of reach. */
  readonly alertThresholds?: () => AlertThresholds;
  readonly events?: Partial<ReplicaOfEvents>;
}

export interface ReplicaOfEvents {
  /** Any change of a status, error or progress worth showing. */
  changed(): void;
  stopped(cause: StopCause, detail: string, source: string | null): void;
  fullSync(entry: FullSyncEntry): void;
}

export class ReplicaOf {
  /** Times the destination was filled anew, whatever the number of shards. */
  fullSyncs = 0;
  /** Times a source shard's stream went on where it had been. */
  partialSyncs = 0;
  stopped: { readonly cause: StopCause; readonly detail: string } | null = null;
  readonly #options: ReplicaOfOptions;
  readonly #world: World;
  readonly #sources: SourceState[];
  readonly #lags = new Lags();
  readonly #ledger: Ledger;
  readonly #finder: SourceFinder;
  readonly #turns: Turns;
  #destination: Destination | null = null;
  #destinationError = '';
  #phase: 'opening' | 'gathering' | 'running' = 'opening';
  /** Why the present gathering began. */
  #cause: { cause: FullSyncCause; source: string | null; detail: string };
  readonly #loads: SnapshotLoader;
  /** Sources whose snapshots belong to the latest full sync: a source that joins later is one of its own. */
  #round = new Set<string>();
  readonly #window = new ReadingWindow();
  readonly #ownIds: readonly Set<string>[];
  #heartbeat: Timer | null = null;
  #reopen: Timer | null = null;
  #reopenAttempts = 0;
  #forced: boolean;
  /** The destination had no keys when it was opened, and nothing has been written since but what is being loaded. */
  #isEmpty = false;
  #epoch = 0;
  #closed = false;

  constructor(options: ReplicaOfOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#loads = new SnapshotLoader(options.world.clock);
    this.#forced = options.fresh !== undefined;
    this.#cause = { cause: options.fresh ?? 'no-offset', source: null, detail: '' };
    this.#ownIds = options.destination.specs.map(() => new Set<string>());
    this.#sources = options.sources.map((spec) => newSourceState(spec, this.#world.clock.now()));
    this.#ledger = new Ledger(options.world.log, options.events?.fullSync);
    const { world, network, destinationRunIds: ownRunIds = () => [] } = options;
    this.#finder = new SourceFinder(
      { world, network, ownRunIds, sources: this.#sources },
      {
        found: (source, topology) => this.#found(source, topology),
        failed: (source) => {
          source.failedOnce = true;
          this.#commitWhenReady();
          this.#refresh();
        },
        hopeless: (source, cause, detail) => this.#stop(cause, detail, source.spec.key),
      },
    );
    this.#turns = new Turns(options.gradual ?? ALL_AT_ONCE);
  }

  start(): void {
    this.#open();
    this.#beat();
  }

  /** Ends all connections. What was applied stays applied; a later start resumes. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat?.cancel();
    this.#reopen?.cancel();
    this.#finder.close();
    this.#dropSources();
    this.#destination?.close();
  }

  /** Everything each source has sent up to now has been applied. */
  get inSync(): boolean {
    return this.#sources.length > 0 && this.#sources.every((source) => source.status === 'in-sync');
  }

  get writes(): number {
    return this.#destination?.writes ?? 0;
  }

  get ledger(): readonly FullSyncEntry[] {
    return this.#ledger.entries;
  }

  /** Run ids of everything that the destination is filled from. */
  get origins(): readonly string[] {
    return this.#finder.origins;
  }

  get progress(): readonly SourceProgress[] {
    const now = this.#world.clock.now();
    return this.#sources.map((source) => sourceProgress(source, this.#lags, now, this.#destinationError));
  }

  // Destination

  #open(): void {
    this.#phase = 'opening';
    const destination: Destination = new Destination(this.#options.destination, this.#options.engine, this.#ownIds, {
      opened: () => this.#opened(destination),
      applied: (point) => this.#applied(point),
      failed: (problem) => this.#destinationFailed(destination, problem),
    });
    this.#destination = destination;
    destination.open(this.#options.network);
  }

  #opened(destination: Destination): void {
    this.#destinationError = '';
    this.#reopenAttempts = 0;
    const reason = destination.reasonToFill(this.#options.generation);
    this.#phase = this.#forced || reason !== null ? 'gathering' : 'running';
    if (!this.#forced && reason !== null) this.#cause = { ...reason, source: null };
    this.#isEmpty = destination.isEmpty;
    for (const source of this.#sources) {
      source.failedOnce = false;
      this.#finder.find(source);
    }
  }

  #destinationFailed(destination: Destination, problem: TargetProblem): void {
    if (this.#closed || this.#destination !== destination) return;
    this.#destination = null;
    if (problem.kind !== 'connection') {
      this.#stop(...stopOfTarget(problem), null);
      return;
    }
    this.#destinationError = `destination: ${problem.detail}`;
    this.#dropSources();
    this.#reopen = this.#world.clock.after(reopenMs(this.#reopenAttempts++), () => this.#open());
    this.#refresh();
  }

  // Sources

  #dropSources(): void {
    for (const source of this.#sources) {
      source.timer?.cancel();
      for (const shard of source.shards ?? []) shard.close();
      source.shards = null;
    }
    this.#turns.clear();
    this.#finder.forget();
    this.#abandon();
    this.#refresh();
  }

  /** Forgets what is on its way: it no longer counts. */
  #abandon(): void {
    this.#epoch++;
    this.#finder.checkAgain();
    this.#loads.clear();
    this.#window.clear();
    this.#lags.clear();
  }

  #found(source: SourceState, { shards, hashingRules: rules }: Topology): void {
    const destination = this.#destination;
    assert(destination !== null, 'sources are looked for while there is a destination');
    source.shards = shards.map(({ index, ranges }) => {
      const part = shards.length > 1 && rules !== null ? { rules, ranges } : null;
      return this.#makeShard(source, index, part);
    });
    for (const shard of source.shards)
      this.#begin(shard, this.#phase === 'gathering' ? null : destination.resumePoint(shard.id));
    this.#refresh();
  }

  /** From there, or, when its turn comes, from the beginning. */
  #begin(shard: SourceShard, resume: Mark | null): void {
    if (resume !== null) shard.start(resume);
    else {
      this.#turns.wait(shard);
      this.#turns.give(this.#allShards());
    }
  }

  #makeShard(source: SourceState, index: number, part: SourcePart | null): SourceShard {
    return new SourceShard({
      source: source.spec,
      index,
      pin: part !== null,
      part,
      world: this.#world,
      network: this.#options.network,
      events: {
        offered: (shard) => this.#offered(source, shard),
        continued: (shard) => {
          this.partialSyncs++;
          this.#world.log.event('partial-sync', { shard: shard.id, offset: shard.position?.offset });
          source.lastError = '';
          this.#refresh();
        },
        caughtUp: () => this.#refresh(),
        entry: (shard, entry) => {
          if (this.#destination === null) return;
          const problem = stageEntry(entry, this.#destination, shard.staging);
          if (problem !== null) this.#stop(problem.cause, problem.detail, source.spec.key);
        },
        library: (shard, code) => {
          for (let target = 0; target < this.#options.destination.targets; target++) {
            shard.staging.add(target, 0, ['FUNCTION', 'LOAD', 'REPLACE', code]);
          }
        },
        staged: () => {
          this.#commitWhenReady();
          this.#refresh();
        },
        unit: (shard, unit) => {
          const outcome = this.#destination?.apply(shard.id, shard.position!.replicationId, unit, shard.part);
          if (outcome !== undefined && !outcome.ok) this.#stop(outcome.why, outcome.detail, source.spec.key);
        },
        received: (_shard, wireBytes) => (source.ingressBytes += wireBytes),
        pause: (shard, bytes) => {
          source.ingressBytesDecompressed += bytes;
          this.#chunkDone(source, shard, bytes);
        },
        down: (shard, outcome) => this.#shardDown(source, shard, outcome),
        due: (shard, resume) => this.#begin(shard, resume),
      },
    });
  }

  /** A source will send everything. May it? */
  #offered(source: SourceState, shard: SourceShard): boolean {
    if (this.#phase === 'running' && shard.resume !== null) {
      const known = shard.resume;
      source.lastError = shard.noteLost();
      const cause = known.replicationId === shard.position?.replicationId ? 'backlog-lost' : 'replid-changed';
      const is = `wanted ${known.replicationId}:${known.offset}, the source is at ${shard.position?.replicationId}:${shard.position?.offset}`;
      const detail = shard.lastError === '' ? is : `${is}; before that: ${shard.lastError}`;
      shard.resume = null;
      this.#regather(cause, source, shard, detail);
    }
    this.#world.log.event('full-sync-offered', { shard: shard.id, offset: shard.position?.offset });
    this.#refresh();
    return true;
  }

  /** All sources start over, except the shard whose offer stands. */
  #regather(cause: FullSyncCause, culprit: SourceState, standing: SourceShard, detail: string): void {
    this.#phase = 'gathering';
    this.#isEmpty = false;
    this.#cause = { cause, source: culprit.spec.key, detail };
    this.#abandon();
    for (const source of this.#sources) {
      source.failedOnce = false;
      for (const shard of source.shards ?? []) if (shard !== standing) this.#turns.wait(shard);
    }
    this.#turns.give(this.#allShards());
  }

  #shardDown(source: SourceState, shard: SourceShard, outcome: LinkOutcome): 'retry' | 'stay-down' {
    this.#loads.delete(shard);
    this.#window.delete(shard);
    source.lastError = shard.lastError;
    source.failedOnce = true;
    this.#world.log.event('link-down', {
      shard: shard.id,
      why: outcome.why,
      detail: 'detail' in outcome ? outcome.detail : '',
    });
    const stop = stopCauseOf(outcome);
    if (stop !== null) {
      this.#stop(stop, `source ${place(source.spec)}: ${outcomeText(outcome)}`, source.spec.key);
      return 'stay-down';
    }
    if (shard.isTransferBroken) this.#record('transfer-broken', shard, shard.lastError);
    const mark = this.#phase === 'running' ? this.#destination?.resumePoint(shard.id) : undefined;
    // The end of its snapshot is on its way into the destination: the stream goes on behind it.
    if (mark !== null && mark !== undefined) shard.resume ??= mark;
    else if (mark === null && this.#destination?.interrupted) {
      // Its snapshot was on its way into the destination: only a new start is safe.
      this.#regather('interrupted', source, shard, `the snapshot of ${shard.id} broke off`);
      shard.resume = null;
    }
    this.#commitWhenReady();
    this.#refresh();
    return 'retry';
  }

  // Letting snapshots in

  #commitWhenReady(): void {
    const destination = this.#destination;
    if (destination === null || this.stopped !== null) return;
    const shards = this.#allShards();
    const staged = shards.filter((shard) => shard.state === 'staged' && !this.#loads.has(shard));
    // Nothing can be harmed in an empty destination, and everything can no longer be kept: both are passed on as they arrive.
    const asked = this.#sources.every((source) => source.shards !== null || source.failedOnce);
    const passOn =
      (this.#isEmpty && asked) || shards.reduce((sum, shard) => sum + shard.staging.bytes, 0) > STAGED_BYTES_MAX;
    const arriving = passOn ? shards.filter((shard) => shard.state === 'transferring' && !this.#loads.has(shard)) : [];
    if (this.#phase === 'gathering') {
      if (arriving.length === 0 && (!isGathered(this.#sources) || staged.length === 0)) return;
      // Two that begin to fill each other at the same moment learn of it only now, before either has done harm
      if (!this.#finder.isChecked) {
        this.#finder.check(this.#sources, () => this.#commitWhenReady());
        return;
      }
      this.#forced = false;
      this.#phase = 'running';
      this.fullSyncs++;
      this.#round = new Set(shards.filter((shard) => shard.state !== 'down').map((shard) => shard.source.key));
      destination.clear(this.#options.generation);
    }
    for (const shard of [...staged, ...arriving]) this.#load(destination, shard);
    this.#loads.pump(destination, this.#epoch);
  }

  #load(destination: Destination, shard: SourceShard): void {
    this.#loads.begin(destination, shard);
    if (!this.#round.has(shard.source.key)) {
      this.#round.add(shard.source.key);
      this.fullSyncs++;
    }
    const own = this.#cause.source === null || this.#cause.source === shard.source.key;
    const cause = own ? this.#cause.cause : 'other-source';
    this.#record(cause, shard, this.#cause.detail);
  }

  // The live stream

  #chunkDone(source: SourceState, shard: SourceShard, bytes: number): void {
    const destination = this.#destination;
    if (destination === null || shard.position === null) return;
    if (shard.state === 'transferring') {
      if (this.#loads.has(shard)) {
        // What is held back must be on its way, or nothing would ever let it go on: a value may be larger than all that is kept.
        if (this.#window.isPassingFull(shard)) shard.staging.seal();
        this.#loads.pump(destination, this.#epoch);
        if (this.#window.isPassingFull(shard)) this.#window.hold(shard);
      } else this.#commitWhenReady();
      return;
    }
    if (shard.state !== 'streaming') return;
    const now = this.#world.clock.now();
    source.lastUpdateMs = now;
    const { offset } = shard.position;
    const point: Point = { sourceShard: shard.id, offset, arrivedMs: now, bytes, loaded: false, epoch: this.#epoch };
    this.#lags.sent(point);
    destination.point(point);
    if (this.#window.isFull(destination.outstandingBytes)) this.#window.hold(shard);
  }

  #applied(point: Point): void {
    const destination = this.#destination;
    if (destination === null) return;
    this.#window.release(destination.outstandingBytes);
    if (point.epoch !== this.#epoch) return;
    if (point.sourceShard === '') {
      this.#loads.applied();
      this.#loads.pump(destination, this.#epoch);
      return;
    }
    this.#lags.applied(point, this.#world.clock.now());
    const shard = this.#allShards().find((each) => each.id === point.sourceShard);
    shard?.acknowledge(point.offset);
    if (!point.loaded || shard?.state !== 'loading') return;
    shard.stream();
    this.#isEmpty = false;
    this.#world.log.event('snapshot-applied', { shard: shard.id, offset: point.offset });
    this.#refresh();
  }

  #beat(): void {
    this.#heartbeat = this.#world.clock.after(HEARTBEAT_MS, () => {
      this.#destination?.check(this.#world.clock.elapsed());
      this.#updateAlerts();
      for (const shard of this.#allShards()) {
        if (shard.state === 'streaming' && shard.position !== null && this.#phase === 'running') {
          this.#destination?.advance(shard.id, shard.position);
        }
      }
      this.#beat();
    });
  }

  // Status

  #stop(cause: StopCause, detail: string, source: string | null): void {
    if (this.stopped !== null || this.#closed) return;
    this.stopped = { cause, detail };
    for (const each of this.#sources) if (source === null || each.spec.key === source) each.lastError = detail;
    this.#world.log.event('replica-of-stopped', { cause, detail });
    this.close();
    this.#updateAlerts();
    this.#options.events?.stopped?.(cause, detail, source);
    this.#options.events?.changed?.();
  }

  #updateAlerts(): void {
    const isBroken = this.stopped !== null && STOP_EVENTS[this.stopped.cause] === undefined;
    const thresholds = this.#options.alertThresholds?.();
    for (const source of this.#sources) updateAlerts(source, this.#lags, this.#world.clock.now(), thresholds, isBroken);
  }

  #refresh(): void {
    this.#turns.give(this.#allShards());
    for (const source of this.#sources) {
      const wanted = statusOf(source.shards);
      // The graph has no way from out-of-sync to in-sync but through syncing.
      if (source.status === 'out-of-sync' && wanted === 'in-sync') source.status = moveSource(source.status, 'syncing');
      source.status = moveSource(source.status, wanted);
      if (wanted === 'out-of-sync') source.unreachableSinceMs ??= this.#world.clock.now();
      else source.unreachableSinceMs = null;
    }
    this.#options.events?.changed?.();
  }

  #record(cause: FullSyncCause, shard: SourceShard, detail: string): void {
    this.#ledger.add({ atMs: this.#world.clock.now(), cause, source: shard.id, detail });
  }

  #allShards(): SourceShard[] {
    return this.#sources.flatMap((source) => source.shards ?? []);
  }
}
