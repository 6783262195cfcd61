/**
 * The files of an append log as the manifest on disk lists them. What a new base replaces stays listed, as history, until it has been
 * removed, so that a process which ends in between leaves nothing that nobody removes. [redis aof.c aofDelHistoryFiles]
 */

import type { FileOutcome, Folder } from '../../world/files.ts';
import { filesOf, formatManifest, manifestName, NO_FILES, type LogFile, type Manifest } from './manifest.ts';

interface LogPlace {
  readonly logFolder: Folder;
  /** `appendfilename` */
  readonly log: string;
}

export class ListedFiles {
  /** What is on disk and would be restored from. */
  now: Manifest = NO_FILES;
  readonly #place: () => LogPlace;

  /** `place`: where they are now. */
  constructor(place: () => LogPlace) {
    this.#place = place;
  }

  /** A log behind those there are. */
  add(log: LogFile): Promise<FileOutcome> {
    return this.#list({ ...this.now, logs: [...this.now.logs, log] });
  }

  /** A base, and what follows it, in the place of all there is. */
  replace(base: LogFile, logs: readonly LogFile[]): Promise<FileOutcome> {
    const isKept = ({ name }: LogFile): boolean => [base, ...logs].some((file) => file.name === name);
    const history = [...filesOf(this.now), ...this.now.history].filter((file) => !isKept(file));
    return this.#list({ base, logs, history });
  }

  async removeHistory(): Promise<void> {
    const { history } = this.now;
    if (history.length === 0) return;
    for (const { name } of history) await this.#place().logFolder.remove(name);
    await this.#list({ ...this.now, history: [] });
  }

  async #list(manifest: Manifest): Promise<FileOutcome> {
    const { logFolder, log } = this.#place();
    const outcome = await logFolder.replace(manifestName(log), Buffer.from(formatManifest(manifest), 'latin1'));
    if (outcome.ok) this.now = manifest;
    return outcome;
  }
}
