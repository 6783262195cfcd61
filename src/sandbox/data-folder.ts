/**
 * The folder that a sandbox keeps everything in (`--data`): who has it, which clusters live there and where, and a folder for each.
 *
 * It holds `sandbox.json` (places of the clusters, how often they were started), `lock`, and `clusters/<name>/` with a cluster's state
 * and the data of its shards. What the folder holds wins over a configuration, which only describes a new one. `isReady` is
 * false until a new sandbox stands whole: nobody has been promised anything before, so what a start that was cut off has left is
 * begun anew.
 *
 * Border: a cluster's state is `cluster/control/state-store.ts`, its data `node/persistence`. A folder that is in use, damaged, newer
 * than this program, or not one of ours is refused and left as it is.
 */

import { loadState } from '../cluster/control/state-store.ts';
import type { ClusterState } from '../cluster/state/cluster-state.ts';
import type { FileLock, FileOutcome, Folder } from '../world/files.ts';
import type { World } from '../world/world.ts';
import type { Places } from './addresses.ts';
import { SandboxError } from './options.ts';

const MANIFEST = 'sandbox.json';
const LOCK = 'lock';
const CLUSTERS = 'clusters';
const FORMAT = 'antipode-sandbox';
const SCHEMA = 1;

interface Manifest {
  readonly format: typeof FORMAT;
  readonly schema: number;
  readonly isReady: boolean;
  /** How often it has been started, this time included. */
  readonly starts: number;
  /** Names, in the order of the places. */
  readonly clusters: readonly string[];
  readonly places: Places;
}

/** What an earlier sandbox left: where its clusters are, and their states in the same order. */
interface Restored {
  readonly places: Places;
  readonly states: readonly ClusterState[];
}

export class DataFolder {
  readonly path: string;
  readonly restored: Restored | null;
  /** Counts from 1. */
  readonly starts: number;
  readonly #folder: Folder;
  readonly #lock: FileLock;

  /** For `openDataFolder`. */
  constructor(folder: Folder, lock: FileLock, restored: Restored | null, starts: number) {
    this.path = folder.path;
    this.restored = restored;
    this.starts = starts;
    this.#folder = folder;
    this.#lock = lock;
  }

  cluster(name: string): Folder {
    return this.#folder.folder(CLUSTERS).folder(name);
  }

  /** Says where the clusters are; with `isReady` that all of it stands and may be relied on. */
  async note(clusters: readonly string[], places: Places, isReady: boolean): Promise<void> {
    const manifest: Manifest = { format: FORMAT, schema: SCHEMA, isReady, starts: this.starts, clusters, places };
    must(await this.#folder.replace(MANIFEST, Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`)), this.path);
  }

  close(): Promise<void> {
    return this.#lock.release();
  }
}

/** Throws a SandboxError that says what is wrong with the folder and what to do. */
export const openDataFolder = async (world: World, path: string): Promise<DataFolder> => {
  const folder = world.files.folder(path);
  must(await folder.make(), folder.path);
  const lock = await folder.lock(LOCK);
  if (!lock.ok && lock.why === 'in-use') {
    throw new SandboxError(
      `the data folder ${folder.path} is in use: ${lock.detail}; end that sandbox (antipode down), or choose another folder with --data`,
    );
  }
  const held = must(lock, folder.path);
  try {
    return await opened(folder, held);
  } catch (error) {
    await held.release();
    throw error;
  }
};

const opened = async (folder: Folder, lock: FileLock): Promise<DataFolder> => {
  const manifest = await readManifest(folder);
  const starts = (manifest?.starts ?? 0) + 1;
  if (manifest?.isReady !== true) {
    must(await folder.folder(CLUSTERS).removeAll(), folder.path);
    return new DataFolder(folder, lock, null, starts);
  }
  const { clusters, places } = manifest;
  const states: ClusterState[] = [];
  for (const name of clusters) {
    const loaded = await loadState(folder.folder(CLUSTERS).folder(name));
    if (loaded === null) throw unusable(folder, `the state of cluster ${name} is missing`);
    if (!loaded.ok) throw unusable(folder, loaded.detail);
    states.push(loaded.state);
  }
  const data = new DataFolder(folder, lock, { places, states }, starts);
  await data.note(clusters, places, true);
  return data;
};

/** Null: a new folder. */
const readManifest = async (folder: Folder): Promise<Manifest | null> => {
  const read = await folder.read(MANIFEST);
  if (!read.ok) {
    if (read.why !== 'missing') throw unusable(folder, read.detail);
    const strangers = must(await folder.list(), folder.path).filter((name) => name !== LOCK);
    if (strangers.length === 0) return null;
    throw new SandboxError(
      `${folder.path} is not empty (${strangers[0]}) and no data folder of antipode's: give --data a new or empty folder`,
    );
  }
  let manifest: Manifest;
  try {
    manifest = JSON.parse(read.value.toString('utf8')) as Manifest;
  } catch (error) {
    throw unusable(folder, `${MANIFEST}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (manifest.format !== FORMAT) throw unusable(folder, `${MANIFEST} does not describe a sandbox`);
  if (!(manifest.schema <= SCHEMA)) {
    const known = `schema ${String(manifest.schema)}; this one knows up to ${SCHEMA}`;
    throw unusable(folder, `${MANIFEST} was written by a newer version (${known})`);
  }
  return manifest;
};

const unusable = (folder: Folder, cause: string): SandboxError =>
  new SandboxError(
    `the data folder ${folder.path} cannot be used: ${cause}. It has been left as it is: put a copy back, use the version that wrote it, ` +
      'or start with another folder',
  );

const must = <T>(outcome: FileOutcome<T>, path: string): T => {
  if (outcome.ok) return outcome.value;
  throw new SandboxError(
    `the data folder ${path} cannot be used (${outcome.why}): ${outcome.detail}; choose another folder with --data`,
  );
};
