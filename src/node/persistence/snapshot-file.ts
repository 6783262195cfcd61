/**
 * A snapshot of a shard as a file: point in time, made in slices, durable whole or not there at all.
 *
 * Border: what is in it is `snapshot-stream.ts`. Limits: the walk waits while WAITING_BYTES_MAX wait for the disk.
 */

import { DONE, type FileOutcome, type Folder, type NewFile } from '../../world/files.ts';
import type { LongScript } from '../scripting/long-script.ts';
import type { Shard } from '../shard/shard.ts';
import { isOfRequests } from './manifest.ts';
import { SnapshotStream } from './snapshot-stream.ts';

const WAITING_BYTES_MAX = 1024 * 1024;

export interface SnapshotFileOptions {
  readonly shard: Shard;
  readonly folder: Folder;
  readonly name: string;
  /** It begins an append log, of requests where its name says so. */
  readonly isBase?: boolean;
  /** Only data, for other servers: nothing that speaks of this shard's own history. */
  readonly isPortable?: boolean;
  /** Called at the moment of the snapshot, between two units. */
  readonly begun?: () => void;
}

export class SnapshotFile {
  /** The bytes of the file, or why there is none. */
  readonly finished: Promise<FileOutcome<number>>;
  readonly #options: SnapshotFileOptions;
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #state: 'running' | 'complete' | 'cancelled' = 'running';
  #stream: SnapshotStream | null = null;
  /** Something has changed. */
  #wake: () => void = () => undefined;

  constructor(options: SnapshotFileOptions) {
    this.#options = options;
    this.finished = this.#run();
  }

  /** Nothing comes of it. */
  cancel(): void {
    if (this.#state !== 'running') return;
    this.#state = 'cancelled';
    this.#stream?.cancel();
    this.#wake();
  }

  async #run(): Promise<FileOutcome<number>> {
    const { folder, name, begun } = this.#options;
    const made = await folder.make();
    if (!made.ok) return made;
    const created = await folder.create(name);
    if (!created.ok) return created;
    const { shard } = this.#options;
    while (this.#isRunning && shard.longScript !== null) await this.#rest(shard.longScript);
    if (this.#isRunning) {
      begun?.();
      this.#stream = this.#begin();
    }
    const written = await this.#writeTo(created.value);
    if (written.ok) return created.value.commit();
    this.#stream?.cancel();
    await created.value.abandon();
    return written;
  }

  /** Half a unit belongs into no snapshot. */
  async #rest(script: LongScript): Promise<void> {
    const cancelled = new Promise<void>((resolve) => (this.#wake = resolve));
    await Promise.race([script.ended(), cancelled]);
  }

  #begin(): SnapshotStream {
    const { shard, name, isBase = false, isPortable = false } = this.#options;
    const own = isPortable ? [] : shard.savedFacts.flatMap((each) => [...each()]);
    return new SnapshotStream({
      shard,
      facts: isBase ? [['aof-base', '1'], ...own] : own,
      asRequests: isBase && isOfRequests(name),
      functions: shard.libraries.codes,
      emit: (chunk) => {
        this.#chunks.push(chunk);
        this.#waitingBytes += chunk.length;
        this.#wake();
        return this.#waitingBytes <= WAITING_BYTES_MAX;
      },
      done: () => {
        this.#state = 'complete';
        this.#wake();
      },
    });
  }

  async #writeTo(file: NewFile): Promise<FileOutcome> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (this.#isCancelled) return { ok: false, why: 'failed', detail: 'the snapshot was given up' };
      if (chunk === undefined) {
        if (!this.#isRunning) return DONE;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const outcome = await file.write(chunk);
      if (!outcome.ok) return outcome;
      this.#waitingBytes -= chunk.length;
      if (this.#waitingBytes <= WAITING_BYTES_MAX) this.#stream?.resume();
    }
  }

  get #isRunning(): boolean {
    return this.#state === 'running';
  }

  get #isCancelled(): boolean {
    return this.#state === 'cancelled';
  }
}
