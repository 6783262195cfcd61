/**
 * What a shard keeps on disk, in a folder of its own: snapshots (`save`, SAVE, BGSAVE) and an append log of effects (`appendonly`), in
 * Redis's own files, so that each server can go on with the other's.
 *
 * With a log, no answer leaves before what it tells of has been written to the file, and under `appendfsync always` synced. A rewrite
 * makes a snapshot as the new base and lets the log go on in a new file at the very same moment. While the disk refuses, writes are
 * refused (MISCONF) and what was written is tried again each second.
 *
 * Border: restoring is `restore.ts`; what upper layers keep beside the keys comes through hooks of the shard. Limits: TICK_MS,
 * RETRY_MS; the folder is locked by its owner (`--data`).
 */

import { DONE, type AppendFile, type FileOutcome, type FileTrouble, type Folder } from '../../world/files.ts';
import type { Timer } from '../../world/world.ts';
import { refuse } from '../../resp/refusals.ts';
import type { Session } from '../shard/session.ts';
import type { Shard } from '../shard/shard.ts';
import type { AnswerGate } from '../shard/upper-layers.ts';
import { AppendLog } from './append-log.ts';
import { persistenceFields } from './facts.ts';
import { LogTrouble, type LogStep } from './log-trouble.ts';
import { ListedFiles } from './listed-files.ts';
import { nextFiles, NO_FILES } from './manifest.ts';
import { reloadLog } from './reload.ts';
import { loadSnapshotFile, restore, type RestoreOutcome, type SnapshotUse } from './restore.ts';
import { savePoints, snapshotIsDue } from './save-points.ts';
import { Scheduled } from './scheduled.ts';
import { SnapshotFile } from './snapshot-file.ts';

const TICK_MS = 1_000;
/** After a snapshot that failed [redis server.h CONFIG_BGSAVE_RETRY_DELAY]. */
const RETRY_MS = 5_000;

export class Persistence implements AnswerGate {
  readonly shard: Shard;
  readonly #folder: Folder;
  #state: 'new' | 'restoring' | 'running' | 'closed' = 'new';
  #timer: Timer | null = null;
  #log: AppendLog | null = null;
  #unsubscribe: (() => void) | null = null;
  #writeOutLater = false;
  readonly #listed = new ListedFiles(() => this.#places);
  /** Counts what makes a rewrite in progress worthless. */
  #epoch = 0;
  /** An answer may be waiting. */
  #holds = false;
  baseBytes = 0;
  #saving: SnapshotFile | null = null;
  #rewriting: SnapshotFile | null = null;
  #rewriteWork: Promise<FileOutcome> | null = null;
  readonly logTrouble: LogTrouble;
  snapshotTrouble: FileTrouble | null = null;
  #failedMs = -Infinity;
  /** Those that succeeded. */
  readonly counts = { saves: 0, rewrites: 0 };
  rewriteTrouble: FileTrouble | null = null;
  savedMs: number;
  readonly scheduled = new Scheduled(this);
  #dirtyAtSave = 0;

  /** For `attachPersistence`. */
  constructor(shard: Shard, folder: Folder) {
    this.shard = shard;
    this.#folder = folder;
    this.savedMs = shard.world.clock.now();
    this.logTrouble = new LogTrouble(shard);
    shard.loading = true; // until `start` has ended
    shard.onReplaced.push(() => void this.#dataReplaced());
    shard.config.onChange((name) => {
      if (name === 'appendonly' && this.#state === 'running') void this.#followSetting();
      if (name === 'stop-writes-on-bgsave-error') this.#judge();
    });
    shard.infoSections.set('persistence', () => persistenceFields(this));
  }

  get isSaving(): boolean {
    return this.#saving !== null;
  }

  get isRewriting(): boolean {
    return this.#rewriteWork !== null;
  }

  get hasLog(): boolean {
    return this.#log !== null;
  }

  get logBytes(): number {
    return this.#log?.bytes ?? 0;
  }

  get changesSinceSave(): number {
    return this.shard.dirty - this.#dirtyAtSave;
  }

  /** Loads what the folder holds, then keeps what happens from now on. Once. `isPrimary`: it follows nobody, so that keys expire while it loads. */
  start(isPrimary = false): Promise<RestoreOutcome> {
    this.#state = 'restoring';
    return this.#start(isPrimary).finally(() => (this.shard.loading = false)); // not before there is a log for what is written
  }

  async #start(dropsExpired: boolean): Promise<RestoreOutcome> {
    const outcome = await restore(this.shard, { ...this.#places, dropsExpired });
    if (!outcome.ok || this.#isClosed) return outcome;
    this.#state = 'running';
    this.#dirtyAtSave = this.shard.dirty;
    this.#listed.now = outcome.manifest ?? NO_FILES;
    const { base } = this.#listed.now;
    const size = base && (await this.#logFolder.size(base.name));
    if (size?.ok === true) this.baseBytes = size.value;
    const begun = await this.#followSetting();
    if (!begun.ok) return begun;
    if (this.#log !== null) await this.#listed.removeHistory();
    if (outcome.oldLog !== null) await this.#folder.remove(outcome.oldLog);
    this.#tickLater();
    return outcome;
  }

  /** A snapshot of this moment; the one that is being made already counts. Where somebody waits for it, who is told of a failure, it hinders no writes. */
  async save(isAwaited = false): Promise<FileOutcome> {
    if (this.#saving !== null) {
      const finished = await this.#saving.finished;
      return finished.ok ? DONE : finished;
    }
    const dirty = { before: 0 };
    const saving = new SnapshotFile({
      shard: this.shard,
      folder: this.#folder,
      name: this.#snapshotName,
      begun: () => (dirty.before = this.shard.dirty),
    });
    this.#saving = saving;
    const outcome = await saving.finished;
    this.#saving = null;
    if (outcome.ok || !isAwaited) this.snapshotTrouble = this.#failure('snapshot-not-saved', outcome);
    this.#judge();
    this.scheduled.next();
    if (!outcome.ok) return outcome;
    this.savedMs = this.shard.world.clock.now();
    this.#dirtyAtSave = dirty.before;
    this.counts.saves++;
    this.shard.world.log.event('snapshot-saved', { bytes: outcome.value });
    return DONE;
  }

  /** All data are gone: the snapshot on disk, where there is to be one, says so at once. [redis db.c flushAllDataAndResetRDB] */
  async saveAnew(): Promise<FileOutcome> {
    this.#saving?.cancel();
    await this.#saving?.finished;
    return this.save(true);
  }

  get savesItself(): boolean {
    return this.#state === 'running' && this.#savePoints.length > 0;
  }

  /** What the snapshot on disk holds takes the place of all data, or comes to them. */
  async reloadSnapshot(use: SnapshotUse): Promise<FileOutcome> {
    const loaded = await loadSnapshotFile(this.shard, this.#folder, this.#snapshotName, use);
    return loaded.ok ? DONE : loaded;
  }

  /** What the append log leads to takes the place of the same data; meanwhile nobody is answered. */
  async reloadLog(): Promise<FileOutcome> {
    const log = this.#log;
    if (log === null && this.#listed.now.base === null) return failed('there is no append log');
    await log?.finishSwitch();
    const written = log === null ? DONE : this.#writeOut(log, true);
    return written.ok ? reloadLog(this.shard, { ...this.#places, takesBase: true }) : written;
  }

  /** Begins the append log anew with a snapshot of this moment as its base; one that is being made already counts. */
  rewrite(): Promise<FileOutcome> {
    const epoch = this.#epoch;
    this.#rewriteWork ??= this.#rewrite().then((outcome) => {
      // To be given up is no failure
      if (this.#epoch === epoch) this.rewriteTrouble = this.#failure('log-not-rewritten', outcome);
      this.#rewriteWork = null;
      this.scheduled.next();
      return outcome;
    });
    return this.#rewriteWork;
  }

  /** Ends everything; saves as configured, or as told. The shard must not be written to any more. */
  async close(how: 'as-configured' | 'save' | 'nosave'): Promise<FileOutcome> {
    const wasRunning = this.#state === 'running';
    this.#state = 'closed';
    this.scheduled.forget();
    this.#timer?.cancel();
    if (how !== 'nosave') this.shard.longScript?.giveUp();
    this.#rewriting?.cancel();
    await this.#rewriteWork;
    let outcome: FileOutcome = DONE;
    if (wasRunning && this.#log !== null) outcome = await this.#log.finish();
    const isToBeSaved = how === 'save' || (how === 'as-configured' && this.#savePoints.length > 0);
    if (outcome.ok && wasRunning && isToBeSaved) outcome = await this.saveAnew();
    else this.#saving?.cancel();
    if (!outcome.ok) this.#tell('not-saved', outcome);
    await this.#stopLog();
    return outcome;
  }

  place(session: Session): number {
    const log = this.#log;
    if (log === null) return 0;
    this.#writeOut(log, false);
    if (this.#isSyncedAlways) void this.#sync(log);
    // It tells of no write: reads, refusals and INFO need no room on the disk
    if (this.logTrouble.isKnown && !this.logTrouble.concerns(session)) return this.passed;
    if (log.place > this.passed) this.#holds = true;
    return log.place;
  }

  get passed(): number {
    if (this.#log === null) return Infinity;
    return this.#isSyncedAlways ? this.#log.synced : this.#log.written;
  }

  get #isSyncedAlways(): boolean {
    return this.shard.config.get('appendfsync') === 'always';
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  get #snapshotName(): string {
    return this.shard.config.get('dbfilename');
  }

  get #logFolder(): Folder {
    return this.#folder.folder(this.shard.config.get('appenddirname'));
  }

  get #places() {
    return {
      folder: this.#folder,
      snapshot: this.#snapshotName,
      logFolder: this.#logFolder,
      log: this.shard.config.get('appendfilename'),
      takesOldLog: this.shard.config.get('appendonly'),
    };
  }

  get #savePoints() {
    return savePoints(this.shard.config.get('save')) ?? [];
  }

  /** Begins or ends the append log, as `appendonly` now says. */
  async #followSetting(): Promise<FileOutcome> {
    const isWanted = this.shard.config.get('appendonly');
    if (isWanted === (this.#log !== null)) return DONE;
    if (isWanted) {
      const last = this.#listed.now.logs.at(-1);
      if (last === undefined) return this.#beginLog();
      const opened = await this.#logFolder.append(last.name);
      if (!opened.ok) return opened;
      this.shard.syncedLog = this.#useLog(new AppendLog(this.shard, opened.value));
      return DONE;
    }
    // The snapshot takes the log's place before that goes.
    const saved = await this.save();
    if (!saved.ok || this.shard.config.get('appendonly')) return saved;
    this.#giveUpRewriting();
    await this.#stopLog();
    await this.#rewriteWork;
    this.#listed.now = NO_FILES;
    const removed = await this.#logFolder.removeAll();
    return removed.ok ? this.#followSetting() : removed; // it may be wanted again meanwhile
  }

  /** What is being made already may be a base alone, and nobody may want a log any more when it is there. */
  async #beginLog(): Promise<FileOutcome> {
    const outcome = await this.rewrite();
    const isWanted = this.shard.config.get('appendonly');
    if (this.#isClosed || isWanted === (this.#log !== null) || (isWanted && !outcome.ok)) return outcome;
    return this.#followSetting();
  }

  /** Where there is no log it makes a base alone, which DEBUG LOADAOF reads, and which counts where there is no snapshot. */
  async #rewrite(): Promise<FileOutcome> {
    const epoch = this.#epoch;
    await this.#log?.finishSwitch();
    const made = await this.#logFolder.make();
    if (!made.ok) return made;
    const { config } = this.shard;
    const isLogged = this.#log !== null || config.get('appendonly');
    const [base, next] = nextFiles(this.#listed.now, config.get('appendfilename'), config.get('aof-use-rdb-preamble'));
    // What a process that died has left there was never listed, and must not be gone on with
    const removed = await this.#logFolder.remove(next.name);
    if (!removed.ok) return removed;
    const opened = isLogged ? await this.#logFolder.append(next.name) : null;
    if (opened?.ok === false) return opened;
    if (this.#log !== null) {
      // Empty so far, and to be read behind those there are, should nothing come of the snapshot
      const listed = await this.#listed.add(next);
      if (!listed.ok) return listed;
    }
    if (this.#isClosed || this.#epoch !== epoch) {
      await opened?.value.close();
      return failed(`${this.#folder.path}: given up`);
    }
    const rewriting: SnapshotFile = new SnapshotFile({
      shard: this.shard,
      folder: this.#logFolder,
      name: base.name,
      isBase: true,
      begun: () => opened && this.#changeLog(rewriting, opened.value),
    });
    this.#rewriting = rewriting;
    const outcome = await rewriting.finished;
    this.#rewriting = null;
    const listed = outcome.ok ? await this.#listed.replace(base, opened === null ? [] : [next]) : outcome;
    if (!outcome.ok || !listed.ok) {
      if (this.#log?.isLost === true) await this.#log.cancelSwitch();
      return listed;
    }
    const log = this.#log;
    if (log?.isSwitching === true) {
      void log.endSwitch();
      this.#noteLog('sync', DONE);
      this.#writeOutSoon(log);
    }
    this.shard.syncedLog = this.#log; // a new one is worth something from now on
    for (const listener of this.shard.onSynced) listener();
    this.baseBytes = outcome.value;
    await this.#listed.removeHistory();
    this.counts.rewrites++;
    this.shard.world.log.event('log-rewritten', { bytes: outcome.value });
    return DONE;
  }

  #useLog(log: AppendLog): AppendLog {
    this.#log = log;
    this.#unsubscribe = this.shard.writeLog.subscribe({
      hearsNotes: true,
      write: (database, words) => {
        log.write(database, words);
        this.#writeOutSoon(log);
      },
    });
    this.shard.answerGate = this;
    return log;
  }

  /** At the moment of a rewrite's snapshot. */
  #changeLog(rewriting: SnapshotFile, file: AppendFile): void {
    const log = this.#log;
    if (log === null) {
      this.#useLog(new AppendLog(this.shard, file));
      return;
    }
    const written = this.#writeOut(log, true);
    if (!written.ok || log.hasGathered) {
      rewriting.cancel();
      return;
    }
    log.switchTo(file);
    void this.#finishSwitch(log);
  }

  async #finishSwitch(log: AppendLog): Promise<void> {
    const { isSwitching } = log;
    const outcome = await log.finishSwitch();
    if (isSwitching) this.#noteLog('sync', outcome);
    if (!outcome.ok || this.#log !== log) return;
    this.#writeOut(log, true);
    this.#openGate();
  }

  async #stopLog(): Promise<void> {
    const log = this.#log;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#log = null;
    this.shard.syncedLog = null;
    for (const listener of this.shard.onSynced) listener();
    this.logTrouble.end();
    this.#judge();
    this.#openGate();
    this.shard.answerGate = null;
    await log?.close();
  }

  /** The log speaks of data that are no more: what is on disk stays as it was until a new base is whole. */
  async #dataReplaced(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#dirtyAtSave = Math.min(this.#dirtyAtSave, this.shard.dirty - 1);
    if (!this.shard.config.get('appendonly')) return;
    this.#giveUpRewriting();
    void this.#stopLog();
    await this.#rewriteWork;
    if (!this.#isClosed) await this.rewrite();
  }

  #giveUpRewriting(): void {
    this.#epoch++;
    this.#rewriting?.cancel();
  }

  /** Tells of it, and lets the next attempt wait; null: it is none, or nobody cares any more. */
  #failure(event: string, outcome: FileOutcome<number> | FileOutcome): FileTrouble | null {
    if (outcome.ok || this.#isClosed) return null;
    this.#failedMs = this.shard.world.clock.now();
    this.#tell(event, outcome);
    return outcome;
  }

  #noteLog(step: LogStep, outcome: FileOutcome): void {
    if (this.logTrouble.note(step, outcome) && !outcome.ok) this.#tell('log-not-written', outcome);
    this.#judge();
  }

  #judge(): void {
    const isStrict = this.shard.config.get('stop-writes-on-bgsave-error');
    const ofSnapshot = isStrict && this.snapshotTrouble !== null ? refuse('MISCONF') : null;
    this.shard.writesHindered = this.logTrouble.refusal ?? ofSnapshot;
  }

  #writeOutSoon(log: AppendLog): void {
    if (this.#writeOutLater) return;
    this.#writeOutLater = true;
    this.shard.world.clock.soon(() => {
      this.#writeOutLater = false;
      if (this.#log !== log || this.#isClosed) return;
      this.#writeOut(log, true);
      this.#openGate();
    });
  }

  #writeOut(log: AppendLog, isAtRest: boolean): FileOutcome {
    const outcome = log.writeOut(isAtRest);
    if (!outcome.ok || this.logTrouble.now !== null) this.#noteLog('write', outcome);
    return outcome;
  }

  async #sync(log: AppendLog): Promise<void> {
    const outcome = await log.sync();
    if (this.#log !== log) return;
    if (!outcome.ok || this.logTrouble.now !== null) this.#noteLog('sync', outcome);
    this.#openGate();
    for (const listener of this.shard.onSynced) listener();
  }

  #openGate(): void {
    if (!this.#holds) return;
    this.#holds = false;
    const { passed } = this;
    for (const session of this.shard.sessions.values()) if (!session.gatePassed(passed)) this.#holds = true;
  }

  #tickLater(): void {
    this.#timer = this.shard.world.clock.after(TICK_MS, () => {
      this.#tick();
      if (!this.#isClosed) this.#tickLater();
    });
  }

  #tick(): void {
    const now = this.shard.world.clock.now();
    const mayTry = now - this.#failedMs >= RETRY_MS;
    const log = this.#log;
    if (log !== null) {
      void this.#finishSwitch(log);
      this.#writeOut(log, true);
      if (this.shard.config.get('appendfsync') !== 'no') void this.#sync(log);
      if (mayTry && !this.isRewriting && (log.isLost || log.hasGrown(this.baseBytes))) void this.rewrite();
    } else if (mayTry && !this.isRewriting && this.shard.config.get('appendonly')) void this.#followSetting();
    if (this.isSaving || !mayTry) return;
    const isDue = snapshotIsDue(this.#savePoints, this.changesSinceSave, now - this.savedMs);
    if (isDue || this.snapshotTrouble !== null) void this.save();
  }

  #tell(event: string, { why, detail }: FileTrouble): void {
    this.shard.world.log.event(event, { folder: this.#folder.path, why, detail });
  }
}

const failed = (detail: string): FileTrouble => ({ ok: false, why: 'failed', detail });

const attached = new WeakMap<Shard, Persistence>();

/** Gives a shard a folder to keep its data in; once, before `start`. */
export const attachPersistence = (shard: Shard, folder: Folder): Persistence => {
  const persistence = new Persistence(shard, folder);
  attached.set(shard, persistence);
  return persistence;
};

/** Undefined: it keeps nothing. */
export const persistenceOf = (shard: Shard): Persistence | undefined => attached.get(shard);
