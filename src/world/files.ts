/**
 * Files, as the world offers them: folders, whole files replaced in one step, and logs that grow at their end.
 *
 * What survives the end of a process or of the machine: `replace` and a committed `NewFile` whole or not at all, once their outcome is
 * there; of an `AppendFile` everything up to the last `flush` whose outcome is there, and of what was written after it any
 * beginning. Nothing here throws for what the disk does: every failure is an outcome that names the place.
 *
 * Border: types and what both worlds share; `system-files.ts` and `sim-files.ts` keep the contract in
 * `test/support/world-contract-files.ts`. Limits: `READ_BYTES_MAX` for a file read at once.
 */

export type FileFailure =
  | 'missing' // no such file or folder
  | 'in-use' // locked by a process that lives
  | 'denied' // no permission, or a name that is none
  | 'full' // no space left
  | 'too-large' // beyond a limit of ours
  | 'not-a-folder' // a file stands where a folder is needed, or the other way round
  | 'crashed' // the simulated machine of this folder's user has crashed
  | 'failed'; // anything else the system says

export interface FileTrouble {
  readonly ok: false;
  readonly why: FileFailure;
  /** With the path. */
  readonly detail: string;
}

export type FileOutcome<T = null> = { readonly ok: true; readonly value: T } | FileTrouble;

export interface Files {
  /** Relative paths are seen from where the process was started. */
  folder(path: string): Folder;
}

/** Names are of this folder alone: no separators, no `..`. */
export interface Folder {
  /** Absolute. */
  readonly path: string;
  folder(name: string): Folder;
  /** With its parents, for its owner alone; one that is there is left as it is. */
  make(): Promise<FileOutcome>;
  /** Sorted; without what unfinished writes have left behind. */
  list(): Promise<FileOutcome<readonly string[]>>;
  size(name: string): Promise<FileOutcome<number>>;
  /** At most READ_BYTES_MAX. */
  read(name: string): Promise<FileOutcome<Buffer>>;
  /** Up to so many bytes from there on; fewer only at the end of the file. */
  readPart(name: string, offset: number, bytesMax: number): Promise<FileOutcome<Buffer>>;
  /** Whole and durable, or as it was. */
  replace(name: string, bytes: Uint8Array): Promise<FileOutcome>;
  /** A file that takes its name, and the place of what had it, only by `commit`. */
  create(name: string): Promise<FileOutcome<NewFile>>;
  /** Opens at its end; makes it when it is not there. */
  append(name: string): Promise<FileOutcome<AppendFile>>;
  /** Cuts a file off behind so many bytes; durable. */
  truncate(name: string, bytes: number): Promise<FileOutcome>;
  /** A file that is not there counts as removed. */
  remove(name: string): Promise<FileOutcome>;
  /** The folder itself with everything in it. */
  removeAll(): Promise<FileOutcome>;
  /** Holds the name until released or the process ends: another live process is refused, as `in-use`, with who has it. */
  lock(name: string): Promise<FileOutcome<FileLock>>;
}

export interface FileLock {
  release(): Promise<void>;
}

export interface NewFile {
  /** In order; the chunk is not kept. */
  write(chunk: Uint8Array): Promise<FileOutcome>;
  /** Durable under its name; the bytes it has. */
  commit(): Promise<FileOutcome<number>>;
  abandon(): Promise<void>;
}

export interface AppendFile {
  /** Of the file as this process has made it. */
  readonly bytes: number;
  /** A string is binary. At once and in order: what was written survives the end of the process, not of the machine. */
  write(bytes: string | Uint8Array): FileOutcome;
  /** What was written before is durable when the outcome is there. */
  flush(): Promise<FileOutcome>;
  close(): Promise<void>;
}

export const READ_BYTES_MAX = 256 * 1024 * 1024;
/** Ends the name of a file that is still being written. */
export const UNFINISHED = '.new~';

/** Null: a name for a file or folder; otherwise what is wrong with it. */
export const nameTrouble = (folder: string, name: string): FileTrouble | null =>
  name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name) && !name.endsWith(UNFINISHED)
    ? null
    : { ok: false, why: 'denied', detail: `${JSON.stringify(name)} is no name for a file in ${folder}` };

export const done = <T>(value: T): FileOutcome<T> => ({ ok: true, value });
export const DONE: FileOutcome = { ok: true, value: null };
