/**
 * Brings a shard's data back from its folder: a snapshot, then the logs behind it. Meanwhile the shard is `loading` and answers so.
 *
 * A folder with a manifest that names a log is restored from that, any other from the snapshot, or from a base that no log follows
 * where there is no snapshot; an empty one is a new shard. A log that ends in the middle of a unit is cut off there, since that is what a crash leaves; any other damage is refused with its
 * place, and nothing is changed. [redis server.c loadDataFromDisk]
 */

import { RdbReader } from '../../rdb/reader.ts';
import { RdbError } from '../../rdb/rdb-error.ts';
import type { FileOutcome, FileTrouble, Folder } from '../../world/files.ts';
import type { Shard } from '../shard/shard.ts';
import type { StreamPosition } from '../shard/upper-layers.ts';
import { Loading } from './loading.ts';
import { LogReader } from './log-reader.ts';
import { manifestName, parseManifest, type Manifest } from './manifest.ts';

const PART_BYTES = 256 * 1024;

export type RestoreOutcome =
  | {
      readonly ok: true;
      /** The append log it came from; null: from a snapshot, or nothing was there. */
      readonly manifest: Manifest | null;
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
}

export const restore = async (shard: Shard, places: RestorePlaces): Promise<RestoreOutcome> => {
  try {
    const found = await readManifest(places);
    if (!found.ok) return found;
    const manifest = found.value;
    if (manifest !== null && (manifest.logs.length > 0 || places.takesBase === true)) {
      return await restoreFromLog(shard, places, manifest);
    }
    const loaded = await loadSnapshotFile(shard, places.folder, places.snapshot);
    // A base alone was made without a log: later snapshots know more, but it is better than nothing
    if (!loaded.ok && loaded.why === 'missing' && manifest !== null)
      return await restoreFromLog(shard, places, manifest);
    if (!loaded.ok && loaded.why !== 'missing') return loaded;
    if (loaded.ok) tellRestored(shard, positionIn(loaded.value));
    return { ok: true, manifest: null, lostBytes: 0 };
  } finally {
    shard.loading = false;
  }
};

/** Null: there is no append log. */
const readManifest = async ({ logFolder, log }: RestorePlaces): Promise<FileOutcome<Manifest | null>> => {
  const read = await logFolder.read(manifestName(log));
  if (!read.ok) return read.why === 'missing' ? { ok: true, value: null } : read;
  const parsed = parseManifest(read.value.toString('latin1'));
  if (parsed.ok) return { ok: true, value: parsed.manifest };
  return { ok: false, why: 'failed', detail: `${logFolder.path}/${manifestName(log)}: ${parsed.detail}` };
};

const restoreFromLog = async (
  shard: Shard,
  { logFolder }: RestorePlaces,
  manifest: Manifest,
): Promise<RestoreOutcome> => {
  let position: StreamPosition | null = null;
  const logs = [...manifest.logs];
  if (manifest.base?.name.endsWith('.aof') === true) logs.unshift(manifest.base);
  else if (manifest.base !== null) {
    const loaded = await loadSnapshotFile(shard, logFolder, manifest.base.name);
    if (!loaded.ok) return loaded;
    position = positionIn(loaded.value);
  }
  const reader = new LogReader(shard);
  try {
    let lostBytes = 0;
    for (const [index, { name }] of logs.entries()) {
      const outcome = await reader.run(logFolder, name);
      if (!outcome.ok) return outcome;
      if (lostBytes > 0 && outcome.bytes > 0) {
        const detail = `${logFolder.path}/${logs[index - 1]!.name}: ends in the middle of a request, and ${name} goes on behind it`;
        return { ok: false, why: 'failed', detail };
      }
      if (outcome.bytes > outcome.wholeBytes) {
        lostBytes = outcome.bytes - outcome.wholeBytes;
        const cut = await logFolder.truncate(name, outcome.wholeBytes);
        if (!cut.ok) return cut;
      }
      if (outcome.units > 0 || outcome.position !== null) position = outcome.position;
    }
    tellRestored(shard, position);
    return { ok: true, manifest, lostBytes };
  } finally {
    reader.close();
  }
};

const tellRestored = (shard: Shard, position: StreamPosition | null): void => {
  for (const listener of shard.onRestored) listener(position);
};

/** What is done with the data of a dump: `install` puts them in place of a shard's, `merge` and `add` leave what else is there; `add` is refused where a key or library is there already. */
export type SnapshotUse = 'install' | 'merge' | 'add';

/** Reads a dump into a shard; gives its AUX fields. Nothing is changed unless the file is whole. */
export const loadSnapshotFile = async (
  shard: Shard,
  folder: Folder,
  name: string,
  use: SnapshotUse = 'install',
): Promise<FileOutcome<ReadonlyMap<string, string>>> => {
  const loading = new Loading(shard);
  const reader = new RdbReader({
    aux: (fact, value) => loading.aux(fact, value),
    functionLibrary: (code) => void loading.functions.push(code),
    entry: (entry) => loading.entry(entry),
  });
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

const positionIn = (facts: ReadonlyMap<string, string>): StreamPosition | null => {
  const replicationId = facts.get('repl-id') ?? '';
  const offset = facts.get('repl-offset') ?? '';
  if (!/^[0-9a-f]{40}$/.test(replicationId) || !/^\d{1,16}$/.test(offset)) return null;
  return { replicationId, offset: Number(offset), database: Number(facts.get('repl-stream-db') ?? 0) };
};

const damaged = ({ path }: Folder, name: string, detail: string): FileTrouble => ({
  ok: false,
  why: 'failed',
  detail: `${path}/${name}: ${detail}; put a copy back, or move it away to begin without data`,
});
