/**
 * The log of a shard's effects on disk, in Redis's own format: requests, SELECT where the database changes, lines that begin with `#`
 * for remarks [redis aof.c]. It is written before answers leave and synced as `appendfsync` says.
 *
 * With `aof-timestamp-enabled` a remark `#TS:<seconds>` stands before the first write of a second. A remark `#REPL <id> <offset> <database>` says where in its replication history the shard is behind the unit above it; a place that
 * is not the last thing in the log is worth nothing. What could not be written stays here and is tried again. Where a sync failed the
 * system may have forgotten what was to be synced, and a later success says nothing of it: such a log is lost until another file follows a new base.
 *
 * Border: which file, and when it begins anew, is `persistence.ts`; reading is `log-reader.ts`. Limits: GATHERED_BYTES_MAX.
 */

import assert from 'node:assert';
import { encodeRequest, giveRequest } from '../../resp/reply.ts';
import { DONE, type AppendFile, type FileOutcome, type FileTrouble } from '../../world/files.ts';
import type { Shard } from '../shard/shard.ts';
import type { StreamPosition } from '../shard/upper-layers.ts';
import { isMulti, type WriteListener } from '../shard/write-log.ts';

/** More than this does not wait for the end of the turn; a longer word is not put together with others. */
const GATHERED_BYTES_MAX = 256 * 1024;
export const POSITION_REMARK = '#REPL';

export const positionLine = ({ replicationId, offset, database }: StreamPosition): string =>
  `${POSITION_REMARK} ${replicationId} ${offset} ${database}\r\n`;

export class AppendLog implements WriteListener {
  readonly hearsNotes = true;
  readonly #shard: Shard;
  #file: AppendFile;
  /** Waits for the file in use to be whole on disk: what stands in a later file must never outlive what came before it. */
  #next: AppendFile | null = null;
  #database: number | null = null;
  #gathered = '';
  /** Longer pieces, before what is gathered. */
  #pieces: string[] = [];
  #positionWritten = '';
  /** Of the latest remark of the time. */
  #second = 0;
  /** Counts what was brought to the files; each may be waited for. */
  #written = 0;
  #synced = 0;
  #syncing: Promise<FileOutcome> | null = null;
  /** Of the file in use: a sync of it has failed. */
  #lost: FileTrouble | null = null;

  constructor(shard: Shard, file: AppendFile) {
    this.#shard = shard;
    this.#file = file;
  }

  /** Of the file in use. */
  get bytes(): number {
    return this.#file.bytes;
  }

  /** So much longer than the base before it that both should begin anew. [redis server.c serverCron, auto-aof-rewrite] */
  hasGrown(baseBytes: number): boolean {
    const { config } = this.#shard;
    const percentage = config.get('auto-aof-rewrite-percentage');
    if (percentage === 0 || this.bytes + baseBytes < config.get('auto-aof-rewrite-min-size')) return false;
    return this.bytes >= (Math.max(1, baseBytes) * percentage) / 100;
  }

  get written(): number {
    return this.#written;
  }

  get synced(): number {
    return this.#synced;
  }

  /** The number that all of what was given so far will have when it is written. */
  get place(): number {
    return this.hasGathered ? this.#written + 1 : this.#written;
  }

  get hasGathered(): boolean {
    return this.#gathered !== '' || this.#pieces.length > 0;
  }

  /** A file waits to be the one in use. */
  get isSwitching(): boolean {
    return this.#next !== null;
  }

  /** What was written may never be on disk. */
  get isLost(): boolean {
    return this.#lost !== null;
  }

  write(database: number, words: readonly string[]): void {
    if (this.#shard.config.get('aof-timestamp-enabled')) this.#noteTime();
    if (database !== this.#database && !isMulti(words)) {
      this.#database = database;
      this.#gather(encodeRequest(['SELECT', String(database)]));
    }
    giveRequest(words, GATHERED_BYTES_MAX, this.#gather);
  }

  /** So that the log can be cut off at a moment, by redis-check-aof. [redis aof.c genAofTimestampAnnotationIfNeeded] */
  #noteTime(): void {
    const second = Math.floor(this.#shard.world.clock.now() / 1000);
    if (second <= this.#second) return;
    this.#second = second;
    this.#gather(`#TS:${second}\r\n`);
  }

  /** Brings everything to the file, with the place it leads to, when that is known and another one. */
  writeOut(isAtRest: boolean): FileOutcome {
    if (this.#next !== null) return DONE;
    const position = this.#shard.streamPosition(isAtRest);
    const line = position === null ? '' : positionLine(position);
    if (!this.hasGathered && (line === '' || line === this.#positionWritten)) return DONE;
    if (line !== '') this.#gather(line);
    if (this.#gathered !== '') this.#pieces.push(this.#gathered);
    this.#gathered = '';
    const { clock } = this.#shard.world;
    const startedAt = clock.elapsed();
    const outcome = this.#writePieces();
    this.#shard.turns.logMs += clock.elapsed() - startedAt;
    if (!outcome.ok) return outcome;
    this.#positionWritten = line;
    this.#written++;
    return DONE;
  }

  #writePieces(): FileOutcome {
    for (let piece = this.#pieces[0]; piece !== undefined; piece = this.#pieces[0]) {
      const outcome = this.#file.write(piece);
      if (!outcome.ok) return outcome;
      this.#pieces.shift();
    }
    return DONE;
  }

  /** Resolves when everything written by now is synced, or could not be. */
  async sync(): Promise<FileOutcome> {
    const { written } = this;
    while (this.#synced < written) {
      this.#syncing ??= this.#syncOnce().finally(() => (this.#syncing = null));
      const outcome = await this.#syncing;
      if (!outcome.ok) return outcome;
    }
    return DONE;
  }

  /** Goes on in another file, at the end of a unit, as soon as all before is on disk. The caller has written out. */
  switchTo(file: AppendFile): void {
    assert(this.#next === null && !this.hasGathered, 'a log changes files with nothing left to write');
    this.#next = file;
    this.#database = null;
    this.#second = 0;
    this.#positionWritten = '';
  }

  /** Ends a change of files; needed after `switchTo`, again if it did not succeed. */
  async finishSwitch(): Promise<FileOutcome> {
    const next = this.#next;
    if (next === null) return DONE;
    const outcome = await this.sync();
    if (!outcome.ok || this.#next !== next) return outcome;
    await this.#takeNext(next);
    return outcome;
  }

  /** A base holds all there was before the change of files, and is on disk: the file before it matters no more. */
  async endSwitch(): Promise<void> {
    if (this.#next === null) return;
    this.#synced = this.#written;
    this.#lost = null;
    await this.#takeNext(this.#next);
  }

  /** There is to be no change of files: it goes on in the one in use, which `finishSwitch` could not leave. */
  async cancelSwitch(): Promise<void> {
    const next = this.#next;
    this.#next = null;
    await next?.close();
  }

  async #takeNext(next: AppendFile): Promise<void> {
    const before = this.#file;
    this.#file = next;
    this.#next = null;
    await before.close();
  }

  /** Resolves when everything is on disk, or cannot be. */
  async finish(): Promise<FileOutcome> {
    await this.finishSwitch();
    const outcome = this.writeOut(true);
    return outcome.ok ? this.sync() : outcome;
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#next?.close();
  }

  async #syncOnce(): Promise<FileOutcome> {
    if (this.#lost !== null) return this.#lost;
    const written = this.#written;
    const file = this.#file;
    const outcome = await file.flush();
    if (file !== this.#file) return DONE; // a base has taken its place
    if (!outcome.ok) this.#lost = outcome;
    if (outcome.ok) this.#synced = Math.max(this.#synced, written);
    return outcome;
  }

  readonly #gather = (bytes: string): void => {
    if (this.#gathered.length + bytes.length > GATHERED_BYTES_MAX && this.#gathered !== '') {
      this.#pieces.push(this.#gathered);
      this.#gathered = '';
    }
    this.#gathered += bytes;
  };
}
