/**
 * Which files an append log consists of: Redis's own manifest, so that each server finds the other's [redis aof.c]. Pure text.
 *
 * One base (a snapshot, or a log) and the logs that follow it, in order. Limits: `FILES_MAX`.
 */

const FILES_MAX = 10_000;

export interface LogFile {
  readonly name: string;
  /** Counts the bases, and the logs, of a folder. */
  readonly sequence: number;
}

export interface Manifest {
  readonly base: LogFile | null;
  /** In the order in which they are to be run. */
  readonly logs: readonly LogFile[];
}

export const NO_FILES: Manifest = { base: null, logs: [] };

type ManifestOutcome =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly detail: string };

export const manifestName = (appendFilename: string): string => `${appendFilename}.manifest`;
export const baseName = (appendFilename: string, sequence: number): string => `${appendFilename}.${sequence}.base.rdb`;
export const logName = (appendFilename: string, sequence: number): string => `${appendFilename}.${sequence}.incr.aof`;

export const formatManifest = ({ base, logs }: Manifest): string => {
  const lines = [
    ...(base === null ? [] : [`file ${base.name} seq ${base.sequence} type b`]),
    ...logs.map(({ name, sequence }) => `file ${name} seq ${sequence} type i`),
  ];
  return `${lines.join('\n')}\n`;
};

export const parseManifest = (text: string): ManifestOutcome => {
  let base: LogFile | null = null;
  const logs: LogFile[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const parts = /^file ("?)([^"\s/\\]+)\1 seq (\d{1,15}) type ([bih])\r?$/.exec(line);
    if (parts === null) return { ok: false, detail: `line ${index + 1} is not understood: ${line.slice(0, 100)}` };
    const file = { name: parts[2]!, sequence: Number(parts[3]) };
    // `h`: history, files that only wait to be removed
    if (parts[4] === 'b' && base !== null) return { ok: false, detail: `line ${index + 1} names a second base` };
    if (parts[4] === 'b') base = file;
    else if (parts[4] === 'i') logs.push(file);
    if (logs.length > FILES_MAX) return { ok: false, detail: `it names more than ${FILES_MAX} files` };
  }
  return { ok: true, manifest: { base, logs } };
};
