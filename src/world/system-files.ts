/**
 * Files of the real machine.
 *
 * A file is replaced by writing another one beside it, syncing that, renaming it and syncing the folder, so that even a machine that
 * loses power has the old one or the new one. Appending is synchronous, since nothing that a client has been answered may be
 * lost with the process; syncing is not, since it takes milliseconds.
 *
 * What processes that were killed half-way left beside a file is removed when the folder is locked, or first written to.
 *
 * A lock is a file with the id of its process and when that was started (where the system tells, so that an id used again is not
 * mistaken for its former owner). Limits: READ_BYTES_MAX.
 */
import assert from 'node:assert/strict';
import { closeSync, constants, fdatasync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DONE, done, nameTrouble, READ_BYTES_MAX, UNFINISHED } from './files.ts';
import type { AppendFile, FileFailure, FileLock, FileOutcome, Files, FileTrouble, Folder, NewFile } from './files.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** A lock whose owner is gone may be taken by somebody else while we look. */
const LOCK_ATTEMPTS_MAX = 20;

const FAILURES: Readonly<Record<string, FileFailure>> = {
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  EROFS: 'denied',
  ENAMETOOLONG: 'denied',
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'too-large',
  ENOTDIR: 'not-a-folder',
  EISDIR: 'not-a-folder',
};

const trouble = (path: string, error: unknown): FileTrouble => {
  const { code, message } = error as NodeJS.ErrnoException;
  return { ok: false, why: FAILURES[code ?? ''] ?? 'failed', detail: `${path}: ${code ?? message}` };
};

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Not `recursive` of mkdir: Node.js tries for ever where a folder that exists refuses new ones as ENOENT, as /proc does. */
const makeFolders = async (path: string): Promise<void> => {
  const attempt = async (): Promise<void> => {
    try {
      await mkdir(path, { mode: FOLDER_MODE });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  };
  try {
    await attempt();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await attempt();
  }
};

export class SystemFiles implements Files {
  folder(path: string): Folder {
    return new SystemFolder(resolve(path));
  }
}

/** What is beside a file, or a lock, while it is written: by which process, and the how-manieth of it. */
const LEFT_BY = /\.(\d+)(?:-(\d+))?\.new~$/;

/** Locks that this process holds, by path: two of its parts must not share one either. */
const held = new Set<string>();
let unfinishedCount = 0;
/** Files that this process is writing, by path. */
const unfinished = new Set<string>();
/** Folders that nothing is left in of processes that were killed before this one began. */
const swept = new Set<string>();

class SystemFolder implements Folder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  folder(name: string): Folder {
    assert(nameTrouble(this.path, name) === null, `a folder has a name, not ${name}`);
    return new SystemFolder(join(this.path, name));
  }

  make(): Promise<FileOutcome> {
    return this.#try('', async () => {
      await makeFolders(this.path);
      if (!(await stat(this.path)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
      return null;
    });
  }

  list(): Promise<FileOutcome<readonly string[]>> {
    return this.#try('', async () =>
      (await readdir(this.path)).filter((name) => !name.endsWith(UNFINISHED)).toSorted(),
    );
  }

  size(name: string): Promise<FileOutcome<number>> {
    return this.#try(name, async (path) => {
      const facts = await stat(path);
      if (!facts.isFile()) throw Object.assign(new Error(), { code: 'EISDIR' });
      return facts.size;
    });
  }

  async read(name: string): Promise<FileOutcome<Buffer>> {
    const size = await this.size(name);
    if (!size.ok) return size;
    if (size.value > READ_BYTES_MAX) {
      const detail = `${join(this.path, name)}: ${size.value} bytes, more than ${READ_BYTES_MAX}`;
      return { ok: false, why: 'too-large', detail };
    }
    return this.#try(name, (path) => readFile(path));
  }

  readPart(name: string, offset: number, bytesMax: number): Promise<FileOutcome<Buffer>> {
    return this.#try(name, async (path) => {
      const handle = await open(path, 'r');
      try {
        const buffer = Buffer.allocUnsafe(bytesMax);
        let length = 0;
        while (length < bytesMax) {
          const { bytesRead } = await handle.read(buffer, length, bytesMax - length, offset + length);
          if (bytesRead === 0) break;
          length += bytesRead;
        }
        return buffer.subarray(0, length);
      } finally {
        await handle.close();
      }
    });
  }

  async replace(name: string, bytes: Uint8Array): Promise<FileOutcome> {
    const created = await this.create(name);
    if (!created.ok) return created;
    const written = await created.value.write(bytes);
    if (!written.ok) {
      await created.value.abandon();
      return written;
    }
    const committed = await created.value.commit();
    return committed.ok ? DONE : committed;
  }

  create(name: string): Promise<FileOutcome<NewFile>> {
    return this.#try(name, async (path) => {
      if (!swept.has(this.path)) await sweep(this.path);
      const besides = join(this.path, `${name}.${process.pid}-${unfinishedCount++}${UNFINISHED}`);
      unfinished.add(besides);
      try {
        return new SystemNewFile(this.path, path, besides, await open(besides, 'w', FILE_MODE));
      } catch (error) {
        unfinished.delete(besides);
        throw error;
      }
    });
  }

  append(name: string): Promise<FileOutcome<AppendFile>> {
    return this.#try(name, async (path) => {
      const isNew = !(await this.size(name)).ok;
      const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND, FILE_MODE);
      if (isNew) await syncFolder(this.path);
      return new SystemAppendFile(path, file);
    });
  }

  truncate(name: string, bytes: number): Promise<FileOutcome> {
    return this.#try(name, async (path) => {
      await truncate(path, bytes);
      const handle = await open(path, 'r+');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
      return null;
    });
  }

  remove(name: string): Promise<FileOutcome> {
    return this.#try(name, async (path) => {
      try {
        await unlink(path);
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null;
        throw error;
      }
      await syncFolder(this.path);
      return null;
    });
  }

  removeAll(): Promise<FileOutcome> {
    return this.#try('', async () => {
      await rm(this.path, { recursive: true, force: true });
      return null;
    });
  }

  async lock(name: string): Promise<FileOutcome<FileLock>> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return wrong;
    const path = join(this.path, name);
    if (held.has(path)) return { ok: false, why: 'in-use', detail: `${path} is held by this process already` };
    held.add(path);
    const taken = await this.#try(name, () => takeLock(path));
    if (!taken.ok || taken.value !== null) held.delete(path);
    if (!taken.ok) return taken;
    if (taken.value !== null) return { ok: false, why: 'in-use', detail: `${path} is held by process ${taken.value}` };
    await sweep(this.path);
    const release = async (): Promise<void> => {
      if (held.delete(path)) await unlink(path).catch(() => undefined);
    };
    return done({ release });
  }

  async #try<T>(name: string, act: (path: string) => Promise<T>): Promise<FileOutcome<T>> {
    const wrong = name === '' ? null : nameTrouble(this.path, name);
    if (wrong !== null) return wrong;
    const path = name === '' ? this.path : join(this.path, name);
    try {
      return done(await act(path));
    } catch (error) {
      return trouble(path, error);
    }
  }
}

class SystemNewFile implements NewFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #besides: string;
  readonly #handle: FileHandle;
  #bytes = 0;
  #isOpen = true;

  constructor(folder: string, path: string, besides: string, handle: FileHandle) {
    this.#folder = folder;
    this.#path = path;
    this.#besides = besides;
    this.#handle = handle;
  }

  async write(chunk: Uint8Array): Promise<FileOutcome> {
    try {
      for (let at = 0; at < chunk.length;) {
        const { bytesWritten } = await this.#handle.write(chunk, at, chunk.length - at);
        at += bytesWritten;
      }
      this.#bytes += chunk.length;
      return DONE;
    } catch (error) {
      return trouble(this.#path, error);
    }
  }

  async commit(): Promise<FileOutcome<number>> {
    try {
      await this.#handle.sync();
      await this.#close();
      await rename(this.#besides, this.#path);
      unfinished.delete(this.#besides);
      await syncFolder(this.#folder);
      return done(this.#bytes);
    } catch (error) {
      await this.abandon();
      return trouble(this.#path, error);
    }
  }

  async abandon(): Promise<void> {
    await this.#close().catch(() => undefined);
    await unlink(this.#besides).catch(() => undefined);
    unfinished.delete(this.#besides);
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#handle.close();
  }
}

class SystemAppendFile implements AppendFile {
  readonly #path: string;
  #file: number | null;
  #bytes: number;

  constructor(path: string, file: number) {
    this.#path = path;
    this.#file = file;
    this.#bytes = fstatSync(file).size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A write that failed half-way is taken back, so that it can be tried again. */
  write(bytes: string | Uint8Array): FileOutcome {
    const file = this.#file;
    if (file === null) return { ok: false, why: 'failed', detail: `${this.#path}: closed` };
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    try {
      for (let at = 0; at < buffer.length;) at += writeSync(file, buffer, at, buffer.length - at);
      this.#bytes += buffer.length;
      return DONE;
    } catch (error) {
      try {
        ftruncateSync(file, this.#bytes);
      } catch {
        // What is left is the beginning of a write, which readers of such files know how to cut off
      }
      return trouble(this.#path, error);
    }
  }

  flush(): Promise<FileOutcome> {
    const file = this.#file;
    if (file === null) return Promise.resolve({ ok: false, why: 'failed', detail: `${this.#path}: closed` });
    return new Promise((resolve) => {
      fdatasync(file, (error) => resolve(error === null ? DONE : trouble(this.#path, error)));
    });
  }

  async close(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    await this.flush();
    this.#file = null;
    closeSync(file);
  }
}

/** Removes what processes that live no more were writing there; nobody needs that it succeeds. */
const sweep = async (folder: string): Promise<void> => {
  swept.add(folder);
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid, count] = LEFT_BY.exec(name) ?? [];
    const path = join(folder, name);
    if (pid === undefined || unfinished.has(path)) continue;
    // An earlier process may have had our id: in a container each has the same
    const isDead = Number(pid) === process.pid ? count !== undefined : !isAlive(Number(pid));
    if (isDead) await unlink(path).catch(() => undefined);
  }
};

const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/**
 * Null: it is ours. Otherwise the process that has it. A lock has its text from the first moment, since it is written beside its name
 * and then linked to it: an empty one would look as if its process had gone. One whose process is gone is replaced by whoever holds a
 * second lock for that, so that of many who find it one gets it.
 */
const takeLock = async (path: string): Promise<number | null> => {
  const own = `${path}.${process.pid}${UNFINISHED}`;
  const text = `${process.pid} ${startOf(process.pid) ?? ''}\n`;
  const takeover = `${path}${UNFINISHED}`;
  try {
    for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt++) {
      await writeFile(own, text, { mode: FILE_MODE });
      if (await isLinked(own, path, text)) return null;
      const owner = ownerIn(await lockText(path));
      if (owner !== null) return owner;
      if (await isLinked(own, takeover, text)) {
        try {
          // One that has been let go meanwhile may be anybody's next
          if (!(await isThere(path))) continue;
          const successor = ownerIn(await lockText(path));
          if (successor !== null) return successor;
          await rename(own, path);
          return null;
        } finally {
          await unlink(takeover);
        }
      }
      const taking = await lockText(takeover);
      const successor = ownerIn(taking);
      if (successor !== null) return successor;
      if (taking !== '') await unlink(takeover).catch(() => undefined); // of one that was killed in between
    }
  } finally {
    await unlink(own).catch(() => undefined);
  }
  throw Object.assign(new Error(), { code: 'EAGAIN' });
};

/** False: the name is taken. */
const isLinked = async (own: string, path: string, text: string): Promise<boolean> => {
  try {
    await link(own, path).catch(async (error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw error;
      await writeFile(path, text, { flag: 'wx', mode: FILE_MODE }); // a file system without links
    });
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Empty: there is none. */
const lockText = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');

/** The live process that holds a lock; null: none does. */
const ownerIn = (text: string): number | null => {
  const [, pid, start] = /^(\d+) (\d*)\n$/.exec(text) ?? [];
  if (pid === undefined || Number(pid) === process.pid || !isAlive(Number(pid))) return null;
  const startNow = startOf(Number(pid));
  return start === '' || startNow === null || startNow === start ? Number(pid) : null;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false;
  }
  return startOf(pid) !== ENDED;
};

/** Killed, and not yet collected by its parent: it still has its id. */
const ENDED = 'ended';

/** When a process began, in a clock of the system's own; ENDED: it is a zombie; null where the system does not tell. */
const startOf = (pid: number): string | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything; the state is the first field behind it, the start the twentieth.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? ENDED : (fields[19] ?? null);
  } catch {
    return null;
  }
};
