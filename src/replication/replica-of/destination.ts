/**
 * Where a Replica Of writes: one or several targets (the shards of a local database, or one external server) and the rules by
 * which keys are spread over them.
 *
 * Knows how far each source shard's stream has been applied: `applied` is called, in order, for points of a stream once every
 * target has executed what lay before them.
 *
 * Border: which source may write, and when the destination is cleared, is decided in `replica-of.ts`.
 */

import type { Network } from '../../world/world.ts';
import {
  FILLING,
  formatMark,
  GENERATION,
  LOADING,
  lowestMark,
  parseMark,
  SHARD_MARKS,
  SPOILED,
  type Mark,
} from './checkpoint.ts';
import { ofPart, type SourcePart } from './part-flush.ts';
import { routeUnit, type Routing } from './route-unit.ts';
import type { StagedChunk } from './staging.ts';
import type { FullSyncCause } from './status.ts';
import type { Unit } from './stream-units.ts';
import { Target, type TargetProblem, type TargetSpec } from './target.ts';

export interface DestinationSpec extends Routing {
  readonly specs: readonly TargetSpec[];
}

export interface DestinationEvents {
  /** All targets are open and their marks are read. */
  opened(): void;
  applied(point: Point): void;
  failed(problem: TargetProblem): void;
}

/** A place in a source shard's stream, waiting to be applied by all targets. */
export interface Point {
  readonly sourceShard: string;
  readonly offset: number;
  readonly arrivedMs: number;
  readonly bytes: number;
  /** True for the end of a snapshot. */
  readonly loaded: boolean;
  /** Which filling of the destination it belongs to: what an abandoned one still says does not count. */
  readonly epoch: number;
}

type Waiting = Point & { readonly batches: readonly number[] };

export type ApplyOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: 'cross-slot' | 'unsupported'; readonly detail: string };

export class Destination {
  readonly #spec: DestinationSpec;
  readonly #events: DestinationEvents;
  readonly #targets: Target[];
  readonly #points: Waiting[] = [];
  #opened = 0;
  /** Bytes of streams given and not yet applied. */
  outstandingBytes = 0;
  /** Writes taken, for the status. */
  writes = 0;

  /** `ownIds`: per target the connections that the engine has had there; kept by the engine from one attempt to the next. */
  constructor(spec: DestinationSpec, engine: string, ownIds: readonly Set<string>[], events: DestinationEvents) {
    this.#spec = spec;
    this.#events = events;
    this.#targets = spec.specs.map(
      (each, index) =>
        new Target(each, engine, ownIds[index]!, {
          opened: () => {
            this.#opened++;
            if (this.#opened === this.#targets.length) events.opened();
          },
          applied: () => this.#settle(),
          failed: (problem) => {
            this.close();
            events.failed(problem);
          },
        }),
    );
  }

  open(network: Network): void {
    for (const target of this.#targets) target.open(network);
  }

  /** Finds targets that no longer answer. */
  check(now: number): void {
    for (const target of this.#targets) target.check(now);
  }

  close(): void {
    for (const target of this.#targets) target.close();
  }

  /** Which configuration the targets were last cleared for; null when they differ or were never. */
  get generation(): string | null {
    const all = this.#targets.map((target) => target.marks.get(GENERATION));
    return all.every((each) => each !== undefined && each === all[0]) ? all[0]! : null;
  }

  /** True when no target held a key as it was opened. */
  get isEmpty(): boolean {
    return this.#targets.every((target) => target.wasEmpty);
  }

  /** True when a snapshot began to load and its end was not recorded everywhere, or not all targets were flushed for it. */
  get interrupted(): boolean {
    const fillings = this.#targets.map((target) => target.marks.get(FILLING));
    return (
      fillings.some((each) => each !== fillings[0]) ||
      this.#targets.some((target) => [...target.marks.values()].includes(LOADING))
    );
  }

  /** What a target refused, when it applied later writes nevertheless; null: nothing of the kind. */
  get spoiled(): string | null {
    return this.#targets.map((target) => target.marks.get(SPOILED)).find((each) => each !== undefined) ?? null;
  }

  /** Why it must be filled anew for this configuration; null: it can go on from its marks. */
  reasonToFill(generation: string): { readonly cause: FullSyncCause; readonly detail: string } | null {
    const { spoiled } = this;
    if (spoiled !== null) return { cause: 'refused-write', detail: spoiled };
    if (this.generation === null) return { cause: 'no-offset', detail: '' };
    if (this.generation !== generation) return { cause: 'config-changed', detail: '' };
    if (this.interrupted) return { cause: 'interrupted', detail: 'the destination holds an unfinished snapshot' };
    return null;
  }

  /** Where a source shard's stream resumes; null when it must be read from the beginning. */
  resumePoint(sourceShard: string): Mark | null {
    return lowestMark(this.#targets.map((target) => parseMark(target.marks.get(sourceShard))));
  }

  /** Flushes all targets and records the configuration they are now for. */
  clear(generation: string): void {
    const fillings = this.#targets.map((target) => Number(target.marks.get(FILLING) ?? 0));
    for (const target of this.#targets) {
      target.clear();
      target.mark(GENERATION, generation);
      target.mark(FILLING, String(Math.max(...fillings) + 1));
      target.flush();
    }
  }

  /** A source shard's snapshot begins to arrive. */
  beginLoading(sourceShard: string): void {
    for (const target of this.#targets) {
      target.mark(sourceShard, LOADING);
      target.flush();
    }
  }

  /** Target of a snapshot's key; null when no hashing rule matches. */
  targetOf(key: string): number | null {
    return this.#targets.length === 1 ? 0 : this.#spec.targetOf(key);
  }

  get databases(): number {
    return this.#spec.databases;
  }

  send(chunk: StagedChunk): void {
    this.writes += chunk.count;
    this.#targets[chunk.target]!.sendSnapshot(chunk.bytes, chunk.count, chunk.database);
  }

  endLoading(sourceShard: string, mark: Mark, arrivedMs: number, epoch: number): void {
    for (const target of this.#targets) target.mark(sourceShard, formatMark(mark));
    this.point({ sourceShard, offset: mark.offset, arrivedMs, bytes: 0, loaded: true, epoch });
  }

  /** Applies one unit of a stream; each target skips what its own mark says it has. `part`: what the source shard holds; null: all. */
  apply(sourceShard: string, replicationId: string, given: Unit, part: SourcePart | null): ApplyOutcome {
    if (given.writes.length === 0) return OK;
    const isScoped = part !== null && this.#spec.specs.every(({ marks }) => marks === SHARD_MARKS);
    const unit = isScoped ? { ...given, writes: given.writes.map((write) => ofPart(write, part)) } : given;
    const routed = routeUnit(unit, this.#spec);
    if (!routed.ok) return routed;
    for (const [index, writes] of routed.parts) {
      const target = this.#targets[index]!;
      const mark = parseMark(target.marks.get(sourceShard));
      if (mark !== null && mark.offset >= unit.endOffset) continue;
      for (const write of writes) target.write(write.database, write.words);
      this.writes += writes.length;
      target.mark(sourceShard, formatMark({ replicationId, offset: unit.endOffset, database: unit.database }));
      if (target.wantsFlush) target.flush();
    }
    return OK;
  }

  /** Brings marks of targets that had nothing to write up to here, so that a resume need not go further back. */
  advance(sourceShard: string, mark: Mark): void {
    const text = formatMark(mark);
    for (const target of this.#targets) {
      const known = parseMark(target.marks.get(sourceShard));
      if (known === null || known.offset > mark.offset || target.marks.get(sourceShard) === text) continue;
      target.mark(sourceShard, text);
      target.flush();
    }
  }

  /** Sends what has gathered and remembers a point to be told when it has been applied. */
  point(point: Point): void {
    const batches = this.#targets.map((target) => target.flush());
    this.outstandingBytes += point.bytes;
    this.#points.push({ ...point, batches });
    this.#settle();
  }

  #settle(): void {
    for (;;) {
      const point = this.#points[0];
      if (point === undefined || !this.#targets.every((target, i) => target.applied >= point.batches[i]!)) return;
      this.#points.shift();
      this.outstandingBytes -= point.bytes;
      this.#events.applied(point);
    }
  }
}

const OK: ApplyOutcome = { ok: true };
