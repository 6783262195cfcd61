/**
 * The folders that the shards of one node keep their data in, `shard-<uid>` each.
 *
 * A database without persistence has an empty shard after every start, as in the product; so has a shard that the state does not
 * know: a folder that a crash left behind is removed before its number can be given out again. [RS objects/bdb: data_persistence]
 */

import { attachPersistence, type Persistence } from '../../node/persistence/persistence.ts';
import type { Shard } from '../../node/shard/shard.ts';
import { saveMarks } from '../../replication/replica-of/marks.ts';
import { DONE, type FileOutcome, type Folder } from '../../world/files.ts';

const PREFIX = 'shard-';

export class ShardStore {
  readonly #folder: Folder;
  /** Uids of the shards that the state gives this node. */
  readonly #known: () => readonly number[];
  #tidied: Promise<FileOutcome> | null = null;

  constructor(folder: Folder, known: () => readonly number[]) {
    this.#folder = folder;
    this.#known = known;
  }

  /** Gives a shard its folder: it is `loading` until `begin`. */
  attach(shard: Shard, uid: number): Persistence {
    saveMarks(shard);
    return attachPersistence(shard, this.#folderOf(uid));
  }

  /** Loads what the shard had, if its database keeps data; resolves when it has. */
  async begin(persistence: Persistence, uid: number): Promise<FileOutcome> {
    const { config } = persistence.shard;
    const tidied = await (this.#tidied ??= this.#tidy());
    if (!tidied.ok) {
      this.#tidied = null;
      return tidied;
    }
    if (config.get('save') === '' && !config.get('appendonly')) {
      const emptied = await this.remove(uid);
      if (!emptied.ok) return emptied;
    }
    const started = await persistence.start();
    if (!started.ok) return started;
    if (started.lostBytes > 0) {
      const { log } = persistence.shard.world;
      log.event('log-cut-off', { shard: uid, lostBytes: started.lostBytes });
    }
    return DONE;
  }

  remove(uid: number): Promise<FileOutcome> {
    return this.#folderOf(uid).removeAll();
  }

  #folderOf(uid: number): Folder {
    return this.#folder.folder(`${PREFIX}${uid}`);
  }

  async #tidy(): Promise<FileOutcome> {
    const listed = await this.#folder.list();
    if (!listed.ok) return listed.why === 'missing' ? DONE : listed;
    const known = new Set(this.#known().map((uid) => `${PREFIX}${uid}`));
    for (const name of listed.value) {
      if (!name.startsWith(PREFIX) || known.has(name)) continue;
      const removed = await this.#folder.folder(name).removeAll();
      if (!removed.ok) return removed;
    }
    return DONE;
  }
}
