/**
 * The disk of a simulated world: in memory, in virtual time, with crashes.
 *
 * A crash of a folder is what a power failure is to the machine that uses it: what was replaced or flushed is there, of what was
 * appended after the last flush a random beginning, and everybody who had the folder before can do nothing any more
 * (`crashed`). Whoever starts again asks for the folder anew. A lock ends with its owner.
 *
 * Limits: READ_BYTES_MAX; `fill` makes the disk refuse writes, `failFlushes` makes it fail to keep them.
 */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { DONE, done, nameTrouble, READ_BYTES_MAX, UNFINISHED } from './files.ts';
import type { AppendFile, FileFailure, FileLock, FileOutcome, Files, FileTrouble, Folder, NewFile } from './files.ts';
import type { SimQueue } from './sim-queue.ts';
import type { SimTrace } from './sim-trace.ts';
import type { Milliseconds, Random } from './world.ts';

/** What an operation takes, and a flush besides, at most. */
const OPERATION_MS = 0.2;
const FLUSH_MS = 3;
const BYTES_PER_MS = 500_000;

class SimFile {
  /** Longer than what it holds, so that appending does not copy each time. */
  #space: Buffer;
  #length: number;
  /** So many of its bytes survive a crash. */
  durable: number;
  /** A flush has failed: what it was to bring to the disk is forgotten there, whatever later ones say. [fsync(2)] */
  isForgotten = false;

  /** The bytes are given away. */
  constructor(bytes: Buffer) {
    this.#space = bytes;
    this.#length = bytes.length;
    this.durable = bytes.length;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#space.subarray(0, this.#length);
  }

  append(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#space.length) {
      const larger = Buffer.alloc(2 * length);
      this.#space.copy(larger, 0, 0, this.#length);
      this.#space = larger;
    }
    bytes.copy(this.#space, this.#length);
    this.#length = length;
  }

  cut(length: number): void {
    this.#length = Math.min(length, this.#length);
    this.durable = this.#length;
  }
}

export interface SimFilesOptions {
  readonly queue: SimQueue;
  readonly random: Random;
  readonly trace: SimTrace;
}

export class SimFiles implements Files {
  readonly #options: SimFilesOptions;
  readonly files = new Map<string, SimFile>();
  readonly folders = new Set<string>(['/']);
  readonly locks = new Map<string, object>();
  readonly #crashes: { readonly path: string; readonly at: number }[] = [];
  readonly #full = new Set<string>();
  readonly #failing = new Set<string>();
  #moment = 0;

  constructor(options: SimFilesOptions) {
    this.#options = options;
  }

  folder(path: string): Folder {
    return new SimFolder(this, resolve('/', path), this.#moment++);
  }

  /** The machine that has this folder loses power. */
  crash(path: string): void {
    const at = resolve('/', path);
    this.#crashes.push({ path: at, at: this.#moment++ });
    for (const [name, file] of this.files) {
      if (!isBelow(name, at)) continue;
      file.cut(this.#options.random.integer(file.durable, file.length));
    }
    for (const name of this.locks.keys()) if (isBelow(name, at)) this.locks.delete(name);
    this.#options.trace.addEvent(this.#options.queue.elapsed(), 'disk-crash', { path: at });
  }

  /** From now on nothing more can be written below that folder, until `free`. */
  fill(path: string): void {
    this.#full.add(resolve('/', path));
  }

  free(path: string): void {
    this.#full.delete(resolve('/', path));
  }

  /** From now on flushes below that folder fail, until `mendFlushes`; what is in a file by then is not kept by a later one either. */
  failFlushes(path: string): void {
    this.#failing.add(resolve('/', path));
  }

  mendFlushes(path: string): void {
    this.#failing.delete(resolve('/', path));
  }

  failsToFlush(path: string): boolean {
    return [...this.#failing].some((each) => isBelow(path, each));
  }

  isFull(path: string): boolean {
    return [...this.#full].some((each) => isBelow(path, each));
  }

  isDead(path: string, born: number): boolean {
    return this.#crashes.some((crash) => crash.at > born && isBelow(path, crash.path));
  }

  /** Does something when its time has come, unless the machine has crashed meanwhile. */
  later<T>(
    user: { readonly path: string; readonly born: number },
    bytes: number,
    flushes: boolean,
    act: () => FileOutcome<T>,
  ): Promise<FileOutcome<T>> {
    const { queue, random } = this.#options;
    const delayMs: Milliseconds =
      OPERATION_MS * random.unit() + bytes / BYTES_PER_MS + (flushes ? FLUSH_MS * random.unit() : 0);
    return new Promise((settle) => {
      queue.after(delayMs, () => settle(this.isDead(user.path, user.born) ? crashed(user.path) : act()));
    });
  }
}

const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);
const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const trouble = (why: FileFailure, path: string): FileTrouble => ({ ok: false, why, detail: `${path}: ${why}` });
const crashed = (path: string): FileTrouble => trouble('crashed', path);

class SimFolder implements Folder {
  readonly path: string;
  /** Crashes before this moment do not concern it. */
  readonly born: number;
  readonly #disk: SimFiles;

  constructor(disk: SimFiles, path: string, born: number) {
    this.#disk = disk;
    this.path = path;
    this.born = born;
  }

  folder(name: string): Folder {
    assert(nameTrouble(this.path, name) === null, `a folder has a name, not ${name}`);
    return new SimFolder(this.#disk, this.#at(name), this.born);
  }

  make(): Promise<FileOutcome> {
    return this.#disk.later(this, 0, true, () => {
      for (let path = this.path; path !== '/'; path = parentOf(path)) {
        if (this.#disk.files.has(path)) return trouble('not-a-folder', path);
      }
      for (let path = this.path; path !== '/'; path = parentOf(path)) this.#disk.folders.add(path);
      return DONE;
    });
  }

  list(): Promise<FileOutcome<readonly string[]>> {
    return this.#disk.later(this, 0, false, () => {
      if (!this.#disk.folders.has(this.path)) return trouble('missing', this.path);
      const paths = [...this.#disk.files.keys(), ...this.#disk.folders];
      const here = paths.filter((path) => path !== '/' && parentOf(path) === this.path);
      const names = here.map((path) => path.slice(path.lastIndexOf('/') + 1));
      return done(names.filter((name) => !name.endsWith(UNFINISHED)).toSorted());
    });
  }

  size(name: string): Promise<FileOutcome<number>> {
    return this.#with(name, 0, (file) => done(file.length));
  }

  read(name: string): Promise<FileOutcome<Buffer>> {
    return this.#with(name, 0, ({ bytes }, path) =>
      bytes.length > READ_BYTES_MAX ? trouble('too-large', path) : done(Buffer.from(bytes)),
    );
  }

  readPart(name: string, offset: number, bytesMax: number): Promise<FileOutcome<Buffer>> {
    return this.#with(name, bytesMax, ({ bytes }) => done(Buffer.from(bytes.subarray(offset, offset + bytesMax))));
  }

  async replace(name: string, bytes: Uint8Array): Promise<FileOutcome> {
    return this.#put(name, Buffer.from(bytes));
  }

  async create(name: string): Promise<FileOutcome<NewFile>> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return wrong;
    return this.#disk.later(this, 0, false, () =>
      this.#disk.folders.has(this.path)
        ? done(new SimNewFile(this, this.#disk, (bytes) => this.#put(name, bytes)))
        : trouble('missing', this.path),
    );
  }

  async append(name: string): Promise<FileOutcome<AppendFile>> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return wrong;
    return this.#disk.later(this, 0, true, () => {
      if (!this.#disk.folders.has(this.path)) return trouble('missing', this.path);
      const path = this.#at(name);
      if (this.#disk.folders.has(path)) return trouble('not-a-folder', path);
      let file = this.#disk.files.get(path);
      if (file === undefined) this.#disk.files.set(path, (file = new SimFile(Buffer.alloc(0))));
      return done(new SimAppendFile(this.#disk, path, this.born, file));
    });
  }

  truncate(name: string, bytes: number): Promise<FileOutcome> {
    return this.#with(name, 0, (file) => {
      file.cut(bytes);
      return DONE;
    });
  }

  async remove(name: string): Promise<FileOutcome> {
    const removed = await this.#with(name, 0, (_file, path) => {
      this.#disk.files.delete(path);
      return DONE;
    });
    return !removed.ok && removed.why === 'missing' ? DONE : removed;
  }

  removeAll(): Promise<FileOutcome> {
    return this.#disk.later(this, 0, true, () => {
      for (const path of this.#disk.files.keys()) if (isBelow(path, this.path)) this.#disk.files.delete(path);
      for (const path of this.#disk.folders) {
        if (path !== '/' && isBelow(path, this.path)) this.#disk.folders.delete(path);
      }
      return DONE;
    });
  }

  async lock(name: string): Promise<FileOutcome<FileLock>> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return wrong;
    const path = this.#at(name);
    return this.#disk.later(this, 0, true, () => {
      if (!this.#disk.folders.has(this.path)) return trouble('missing', this.path);
      const { locks } = this.#disk;
      if (locks.has(path)) return { ok: false, why: 'in-use', detail: `${path} is held by a process of this world` };
      const owner = {};
      locks.set(path, owner);
      const release = (): Promise<void> => {
        if (locks.get(path) === owner) locks.delete(path);
        return Promise.resolve();
      };
      return done({ release });
    });
  }

  #at(name: string): string {
    return this.path === '/' ? `/${name}` : `${this.path}/${name}`;
  }

  #put(name: string, bytes: Buffer): Promise<FileOutcome> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return Promise.resolve(wrong);
    return this.#disk.later(this, bytes.length, true, () => {
      const path = this.#at(name);
      if (!this.#disk.folders.has(this.path)) return trouble('missing', this.path);
      if (this.#disk.folders.has(path)) return trouble('not-a-folder', path);
      if (this.#disk.isFull(path)) return trouble('full', path);
      if (this.#disk.failsToFlush(path)) return trouble('failed', path);
      this.#disk.files.set(path, new SimFile(bytes));
      return DONE;
    });
  }

  #with<T>(name: string, bytes: number, act: (file: SimFile, path: string) => FileOutcome<T>): Promise<FileOutcome<T>> {
    const wrong = nameTrouble(this.path, name);
    if (wrong !== null) return Promise.resolve(wrong);
    return this.#disk.later(this, bytes, false, () => {
      const path = this.#at(name);
      const file = this.#disk.files.get(path);
      if (file !== undefined) return act(file, path);
      return trouble(this.#disk.folders.has(path) ? 'not-a-folder' : 'missing', path);
    });
  }
}

class SimNewFile implements NewFile {
  readonly #folder: SimFolder;
  readonly #disk: SimFiles;
  readonly #put: (bytes: Buffer) => Promise<FileOutcome>;
  readonly #chunks: Buffer[] = [];

  constructor(folder: SimFolder, disk: SimFiles, put: (bytes: Buffer) => Promise<FileOutcome>) {
    this.#folder = folder;
    this.#disk = disk;
    this.#put = put;
  }

  write(chunk: Uint8Array): Promise<FileOutcome> {
    const copy = Buffer.from(chunk);
    return this.#disk.later(this.#folder, chunk.length, false, () => {
      if (this.#disk.isFull(this.#folder.path)) return trouble('full', this.#folder.path);
      this.#chunks.push(copy);
      return DONE;
    });
  }

  async commit(): Promise<FileOutcome<number>> {
    const bytes = Buffer.concat(this.#chunks);
    const put = await this.#put(bytes);
    return put.ok ? done(bytes.length) : put;
  }

  abandon(): Promise<void> {
    this.#chunks.length = 0;
    return Promise.resolve();
  }
}

class SimAppendFile implements AppendFile {
  readonly path: string;
  readonly born: number;
  readonly #disk: SimFiles;
  readonly #file: SimFile;
  #isOpen = true;

  constructor(disk: SimFiles, path: string, born: number, file: SimFile) {
    this.#disk = disk;
    this.path = path;
    this.born = born;
    this.#file = file;
  }

  get bytes(): number {
    return this.#file.length;
  }

  write(bytes: string | Uint8Array): FileOutcome {
    if (!this.#isOpen) return { ok: false, why: 'failed', detail: `${this.path}: closed` };
    if (this.#disk.isDead(this.path, this.born)) return crashed(this.path);
    if (this.#disk.isFull(this.path)) return trouble('full', this.path);
    this.#file.append(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
    return DONE;
  }

  flush(): Promise<FileOutcome> {
    const bytes = this.#file.length;
    return this.#disk.later(this, 0, true, () => {
      if (this.#disk.failsToFlush(this.path)) {
        this.#file.isForgotten = true;
        return trouble('failed', this.path);
      }
      if (this.#file.isForgotten) return DONE;
      this.#file.durable = Math.max(this.#file.durable, Math.min(bytes, this.#file.length));
      return DONE;
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    await this.flush();
    this.#isOpen = false;
  }
}
