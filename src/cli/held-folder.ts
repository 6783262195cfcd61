/**
 * A folder that this process holds from the first time it writes there, until it lets go: before that it leaves nothing behind, and
 * any number of processes may look. A write while another process holds it is refused as `in-use`. For data whose folder nobody
 * named, where redis-server would write in the current one.
 *
 * Border: reading asks for nothing; folders inside are held with the outermost one.
 */

import { DONE, type FileLock, type FileOutcome, type Folder } from '../world/files.ts';

export class HeldFolder implements Folder {
  readonly #folder: Folder;
  readonly #hold: () => Promise<FileOutcome>;

  private constructor(folder: Folder, hold: () => Promise<FileOutcome>) {
    this.#folder = folder;
    this.#hold = hold;
  }

  /** `lock`: releases what was taken, and counts as released when nothing was. */
  static of(folder: Folder, lockName: string): { readonly folder: Folder; readonly lock: FileLock } {
    let held: Promise<FileOutcome<FileLock>> | null = null;
    const hold = async (): Promise<FileOutcome> => {
      const trying = (held ??= folder.lock(lockName));
      const outcome = await trying;
      if (outcome.ok) return DONE;
      if (held === trying) held = null; // whoever has it may let go
      return outcome;
    };
    const release = async (): Promise<void> => {
      const outcome = await held;
      held = null;
      if (outcome?.ok === true) await outcome.value.release();
    };
    return { folder: new HeldFolder(folder, hold), lock: { release } };
  }

  get path(): string {
    return this.#folder.path;
  }

  folder(name: string): Folder {
    return new HeldFolder(this.#folder.folder(name), this.#hold);
  }

  async list(): ReturnType<Folder['list']> {
    return this.#folder.list();
  }

  async size(name: string): ReturnType<Folder['size']> {
    return this.#folder.size(name);
  }

  async read(name: string): ReturnType<Folder['read']> {
    return this.#folder.read(name);
  }

  async readPart(name: string, offset: number, bytesMax: number): ReturnType<Folder['readPart']> {
    return this.#folder.readPart(name, offset, bytesMax);
  }

  async make(): ReturnType<Folder['make']> {
    return this.#held((folder) => folder.make());
  }

  async replace(name: string, bytes: Uint8Array): ReturnType<Folder['replace']> {
    return this.#held((folder) => folder.replace(name, bytes));
  }

  async create(name: string): ReturnType<Folder['create']> {
    return this.#held((folder) => folder.create(name));
  }

  async append(name: string): ReturnType<Folder['append']> {
    return this.#held((folder) => folder.append(name));
  }

  async truncate(name: string, bytes: number): ReturnType<Folder['truncate']> {
    return this.#held((folder) => folder.truncate(name, bytes));
  }

  async remove(name: string): ReturnType<Folder['remove']> {
    return this.#held((folder) => folder.remove(name));
  }

  async removeAll(): ReturnType<Folder['removeAll']> {
    return this.#held((folder) => folder.removeAll());
  }

  /** One of the caller's own. */
  async lock(name: string): ReturnType<Folder['lock']> {
    return this.#folder.lock(name);
  }

  async #held<T>(work: (folder: Folder) => Promise<FileOutcome<T>>): Promise<FileOutcome<T>> {
    const outcome = await this.#hold();
    return outcome.ok ? work(this.#folder) : outcome;
  }
}
