/**
 * Keeps a cluster's state on disk. Every version is on its way there as soon as it is made; whoever must not speak before it is
 * there (the REST API, the library) waits for `saved`. Versions that come while one is being written go out together: only the
 * newest is written.
 *
 * A write that fails is tried again after `RETRY_MS`, for ever; those who wait are told of the failure at once.
 */

import type { FileOutcome, Folder } from '../../world/files.ts';
import type { Timer, World } from '../../world/world.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { decodeState, encodeState, type StateFileOutcome } from './state-file.ts';

const STATE_FILE = 'state.json';
const RETRY_MS = 1_000;

/** Null: nothing has been kept there. */
export const loadState = async (folder: Folder): Promise<StateFileOutcome | null> => {
  const read = await folder.read(STATE_FILE);
  if (!read.ok) return read.why === 'missing' ? null : { ok: false, detail: read.detail };
  const decoded = decodeState(read.value);
  return decoded.ok ? decoded : { ok: false, detail: `${folder.path}/${STATE_FILE}: ${decoded.detail}` };
};

interface Waiter {
  readonly version: number;
  settle(outcome: FileOutcome): void;
}

export class StateStore {
  readonly #world: World;
  readonly #folder: Folder;
  #latest: ClusterState;
  /** Version that is on disk; -1: none. */
  #savedVersion = -1;
  #isWriting = false;
  #isClosed = false;
  #retry: Timer | null = null;
  #waiters: Waiter[] = [];

  constructor(world: World, folder: Folder, state: ClusterState) {
    this.#world = world;
    this.#folder = folder;
    this.#latest = state;
    void this.#write();
  }

  /** There is a new version. */
  note(state: ClusterState): void {
    this.#latest = state;
    void this.#write();
  }

  /** Resolves when everything noted so far is on disk, or could not be brought there. */
  saved(): Promise<FileOutcome> {
    const { version } = this.#latest;
    if (version === this.#savedVersion) return Promise.resolve({ ok: true, value: null });
    const saved = new Promise<FileOutcome>((settle) => void this.#waiters.push({ version, settle }));
    void this.#write();
    return saved;
  }

  /** Writes what is still to be written, once. */
  async close(): Promise<FileOutcome> {
    this.#isClosed = true;
    this.#retry?.cancel();
    return this.saved();
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#retry?.cancel();
    while (this.#latest.version !== this.#savedVersion) {
      const state = this.#latest;
      const outcome = await this.#replace(state);
      if (outcome.ok) this.#savedVersion = state.version;
      this.#tell(state.version, outcome);
      if (outcome.ok) continue;
      this.#world.log.event('state-not-saved', { cluster: state.fqdn, detail: outcome.detail });
      if (!this.#isClosed) this.#retry = this.#world.clock.after(RETRY_MS, () => void this.#write());
      break;
    }
    this.#isWriting = false;
  }

  async #replace(state: ClusterState): Promise<FileOutcome> {
    const made = await this.#folder.make();
    return made.ok ? this.#folder.replace(STATE_FILE, encodeState(state)) : made;
  }

  /** A failure concerns everybody who waits: what they wait for is newer still. */
  #tell(version: number, outcome: FileOutcome): void {
    const waiters = this.#waiters;
    this.#waiters = outcome.ok ? waiters.filter((each) => each.version > version) : [];
    for (const each of waiters) if (!this.#waiters.includes(each)) each.settle(outcome);
  }
}
