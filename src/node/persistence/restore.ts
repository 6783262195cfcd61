/**
 * Brings a shard's data back from its folder: a snapshot, then the logs behind it. Meanwhile the caller has it `loading`.
 *
 * A folder with a manifest that names a log is restored from that, any other from the snapshot, or from a base that no log follows
 * where there is no snapshot; an empty one is a new shard. A log that ends in the middle of a unit is cut off there, since that is what
 * a crash leaves, unless `aof-load-truncated` is off; any other damage is refused with its place, and nothing is changed.
 * [redis server.c loadDataFromDisk]
 */

import { RdbError } from '../../rdb/rdb-error.ts';
import type { FileOutcome, FileTrouble, Folder } from '../../world/files.ts';
import type { Shard } from '../shard/shard.ts';
import type { StreamPosition } from '../shard/upper-layers.ts';
import { positionIn } from './facts.ts';
import { Loading, readerInto, type ExpiredKey } from './loading.ts';
import { LogReader } from './log-reader.ts';
import { isOfRequests, manifestName, parseManifest, type Manifest } from './manifest.ts';

const PART_BYTES = 256 * 1024;

export type RestoreOutcome =
  | {
      readonly ok: true;
      /** The append log it came from; null: from a snapshot, or nothing was there. */
      readonly manifest: Manifest | null;
      /** The file of an older server that it came from; not needed any more once there is a log of ours. */
      readonly oldLog: string | null;
      /** What was cut off the end of the log. */
      readonly lostBytes: number;
    }
  | FileTrouble;

export interface RestorePlaces {
  readonly folder: Folder;
  readonly snapshot: string;
  readonly logFolder: Folder;
  readonly log: string;
  /** A base that no log follows counts before the snapshot: DEBUG LOADAOF. */
  readonly takesBase?: boolean;
  /** A log as servers before 7.0 kept it counts, where there is no other: `appendonly yes` at the start. */
  readonly takesOldLog?: boolean;
  /** Keys of a snapshot whose time has come are not loaded, and their deletion is told to whoever goes on with the history of that snapshot. [redis rdb.c RDBFLAGS_FEED_REPL] */
  readonly dropsExpired?: boolean;
}

export const restore = async (shard: Shard, places: RestorePlaces): Promise<RestoreOutcome> => {
  const found = await readManifest(places);
  if (!found.ok) return found;
  const manifest = found.value;
  if (places.takesOldLog === true) {
    const old = await oldLog(places, manifest);
    if (!old.ok) return old;
    if (old.value !== null) {
      const restored = await restoreFromLog(shard, places.folder, old.value);
      return restored.ok ? { ...restored, manifest: null, oldLog: places.log } : restored;
    }
  }
  const isLog = manifest !== null && (manifest.logs.length > 0 || manifest.base?.name === places.log);
  if (manifest !== null && (isLog || places.takesBase === true)) {
    return await restoreFromLog(shard, places.logFolder, manifest);
  }
  const expired: ExpiredKey[] | null = places.dropsExpired === true ? [] : null;
  const loaded = await loadSnapshotFile(shard, places.folder, places.snapshot, 'install', expired);
  // A base alone was made without a log: later snapshots know more, but it is better than nothing
  if (!loaded.ok && loaded.why === 'missing' && manifest !== null)
    return await restoreFromLog(shard, places.logFolder, manifest);
  if (!loaded.ok && loaded.why !== 'missing') return loaded;
  if (loaded.ok) {
    tellRestored(shard, positionIn(loaded.value));
    tellExpired(shard, expired ?? []);
  }
  return { ok: true, manifest: null, oldLog: null, lostBytes: 0 };
};

/** Null: there is no append log. */
const readManifest = async ({ logFolder, log }: RestorePlaces): Promise<FileOutcome<Manifest | null>> => {
  const read = await logFolder.read(manifestName(log));
  if (!read.ok) return read.why === 'missing' ? { ok: true, value: null } : read;
  const parsed = parseManifest(read.value.toString('latin1'));
  if (parsed.ok) return { ok: true, value: parsed.manifest };
  return { ok: false, why: 'failed', detail: `${logFolder.path}/${manifestName(log)}: ${parsed.detail}` };
};

/**
 * The one file that servers before 7.0 kept as their log, beside the snapshot; also where a 7.0 that was to take it over got no further
 * than its manifest. Null: there is none. [redis aof.c aofUpgradePrepare]
 */
const oldLog = async (
  { folder, logFolder, log }: RestorePlaces,
  manifest: Manifest | null,
): Promise<FileOutcome<Manifest | null>> => {
  const none = { ok: true, value: null } as const;
  if (manifest !== null && (manifest.base?.name !== log || manifest.logs.length > 0)) return none;
  if (manifest !== null && (await logFolder.size(log)).ok) return none;
  const size = await folder.size(log);
  if (size.ok) return { ok: true, value: { base: { name: log, sequence: 1 }, logs: [], history: [] } };
  return size.why === 'missing' ? none : size;
};

const restoreFromLog = async (shard: Shard, folder: Folder, manifest: Manifest): Promise<RestoreOutcome> => {
  let position: StreamPosition | null = null;
  const logs = [...manifest.logs];
  const { base } = manifest;
  if (base !== null && !isOfRequests(base.name)) {
    const loaded = await loadSnapshotFile(shard, folder, base.name);
    if (!loaded.ok) return ofManifest(folder, base.name, loaded);
    position = positionIn(loaded.value);
  } else if (base !== null) logs.unshift(base);
  const reader = new LogReader(shard);
  let end: { readonly name: string; readonly wholeBytes: number; readonly lostBytes: number } | null = null;
  try {
    for (const { name } of logs) {
      const outcome = await reader.run(folder, name);
      if (!outcome.ok) return ofManifest(folder, name, outcome);
      const { bytes, wholeBytes } = outcome;
      // A log behind the one that was cut off by a crash has nothing in it yet
      if (end !== null && (bytes > 0 || end.name === base?.name))
        return endsEarly(folder, end.name, `${name} follows it`);
      if (bytes > wholeBytes) end = { name, wholeBytes, lostBytes: bytes - wholeBytes };
      if (outcome.units > 0 || outcome.position !== null) position = outcome.position;
    }
  } finally {
    reader.close();
  }
  if (end !== null) {
    if (!shard.config.get('aof-load-truncated')) return endsEarly(folder, end.name, 'aof-load-truncated is no');
    const cut = await folder.truncate(end.name, end.wholeBytes);
    if (!cut.ok) return cut;
  }
  tellRestored(shard, position);
  return { ok: true, manifest, oldLog: null, lostBytes: end?.lostBytes ?? 0 };
};

const ofManifest = ({ path }: Folder, name: string, trouble: FileTrouble): FileTrouble =>
  trouble.why === 'missing'
    ? { ...trouble, detail: `the log consists of ${path}/${name} too, as its manifest says: No such file or directory` }
    : trouble;

const endsEarly = ({ path }: Folder, name: string, why: string): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `Unexpected end of file reading the append only file ${path}/${name}: it ends in the middle of a write, and ${why}`,
});

const tellRestored = (shard: Shard, position: StreamPosition | null): void => {
  for (const listener of shard.onRestored) listener(position);
};

/** Only now is there a stream in which replicas of before may hear of it. */
const tellExpired = (shard: Shard, expired: readonly ExpiredKey[]): void => {
  const word = shard.config.get('lazyfree-lazy-expire') ? 'UNLINK' : 'DEL';
  for (const { database, key } of expired) {
    shard.writeLog.append(database, [word, key]);
    shard.writeLog.commit();
  }
};

/** What is done with the data of a dump: `install` puts them in place of a shard's, `merge` and `add` leave what else is there; `add` is refused where a key or library is there already. */
export type SnapshotUse = 'install' | 'merge' | 'add';

/** Reads a dump into a shard; gives its AUX fields. Nothing is changed unless the file is whole. `expired` takes the keys whose time has come; null: they are loaded. */
export const loadSnapshotFile = async (
  shard: Shard,
  folder: Folder,
  name: string,
  use: SnapshotUse = 'install',
  expired: ExpiredKey[] | null = null,
): Promise<FileOutcome<ReadonlyMap<string, string>>> => {
  const loading = new Loading(shard, expired);
  const reader = readerInto(loading);
  try {
    for (let offset = 0; !reader.done;) {
      const part = await folder.readPart(name, offset, PART_BYTES);
      if (!part.ok) return part;
      if (part.value.length === 0) return damaged(folder, name, `it ends at byte ${offset}, before its end mark`);
      offset += part.value.length;
      reader.push(part.value);
    }
    if (use === 'install') loading.install();
    else if (loading.merge(use === 'merge') === 'refused') {
      return { ok: false, why: 'failed', detail: 'it holds keys or libraries that are here already' };
    }
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    return damaged(folder, name, error.message);
  } finally {
    loading.discard();
  }
  for (const listener of shard.onLoaded) listener({ facts: loading.facts });
  return { ok: true, value: loading.facts };
};

const damaged = ({ path }: Folder, name: string, detail: string): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `${path}/${name}: ${detail}; put a copy back, or move it away to begin without data`,
});
