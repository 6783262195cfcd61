/**
 * Which files an append log consists of: Redis's own manifest, so that each server finds the other's [redis aof.c]. Pure text.
 *
 * One base (a snapshot, or a log) and the logs that follow it, in order. A manifest that Redis would refuse is refused, in words that are
 * looked for in logs. Limits: `FILES_MAX`, `LINE_BYTES_MAX`.
 */

import { quoted } from '../../resp/quoted.ts';
import { splitWords } from '../acl/words.ts';

const FILES_MAX = 10_000;
const LINE_BYTES_MAX = 1024;

export interface LogFile {
  readonly name: string;
  /** Counts the bases, and the logs, of a folder. */
  readonly sequence: number;
}

export interface Manifest {
  readonly base: LogFile | null;
  /** In the order in which they are to be run. */
  readonly logs: readonly LogFile[];
  /** Was replaced, and waits to be removed. */
  readonly history: readonly LogFile[];
}

export const NO_FILES: Manifest = { base: null, logs: [], history: [] };

type ManifestOutcome =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly detail: string };

export const manifestName = (appendFilename: string): string => `${appendFilename}.manifest`;

/** A base that is a log itself, and no dump. */
export const isOfRequests = (baseName: string): boolean => !baseName.endsWith('.rdb');

/** The base and the log that begin anew, each counted by itself. */
export const nextFiles = (
  { base, logs }: Manifest,
  appendFilename: string,
  isDump: boolean,
): readonly [base: LogFile, log: LogFile] => {
  const [ofBase, ofLog] = [base, logs.at(-1)].map((file) => (file?.sequence ?? 0) + 1) as [number, number];
  return [
    { name: `${appendFilename}.${ofBase}.base.${isDump ? 'rdb' : 'aof'}`, sequence: ofBase },
    { name: `${appendFilename}.${ofLog}.incr.aof`, sequence: ofLog },
  ];
};

/** What a restore reads. */
export const filesOf = ({ base, logs }: Manifest): readonly LogFile[] => (base === null ? logs : [base, ...logs]);

export const formatManifest = ({ base, logs, history }: Manifest): string => {
  const lines = [
    ...(base === null ? [] : [lineOf('b', base)]),
    ...history.map((file) => lineOf('h', file)),
    ...logs.map((file) => lineOf('i', file)),
  ];
  return `${lines.join('\n')}\n`;
};

const lineOf = (type: 'b' | 'h' | 'i', { name, sequence }: LogFile): string =>
  `file ${shown(name)} seq ${sequence} type ${type}`;

/** [redis sds.c sdsneedsrepr] */
const shown = (name: string): string => (/[^!-~]|["'\\]/.test(name) ? quoted(name) : name);

export const parseManifest = (text: string): ManifestOutcome => {
  if (text === '') return { ok: false, detail: 'Found an empty AOF manifest' };
  let base: LogFile | null = null;
  const logs: LogFile[] = [];
  const history: LogFile[] = [];
  const lines = text.split('\n');
  const rest = lines.pop();
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#')) continue;
    const refused = (why: string) =>
      ({ ok: false, detail: `${why}, in line ${index + 1}: ${quoted(line.slice(0, 100))}` }) as const;
    if (line.length >= LINE_BYTES_MAX) return refused('The AOF manifest file contains too long line');
    const parsed = parseLine(line);
    if (parsed === null) return refused('Invalid AOF manifest file format');
    const { file, type } = parsed;
    if (type === 'b') {
      if (base !== null) return refused('Found duplicate base file information');
      base = file;
    } else if (type === 'i') {
      if (file.sequence <= (logs.at(-1)?.sequence ?? 0)) return refused('Found a non-monotonic sequence number');
      logs.push(file);
    } else if (type === 'h') history.push(file);
    else return refused('Unknown AOF file type');
    if (logs.length > FILES_MAX) return refused(`The AOF manifest file names more than ${FILES_MAX} files`);
  }
  // Redis says the same of one that does not end
  if (rest !== '')
    return { ok: false, detail: `The AOF manifest file contains too long line: ${quoted(rest!.slice(0, 100))}` };
  return { ok: true, manifest: { base, logs, history: history.filter((file) => !isNamed(file, base, logs)) } };
};

/** What is read is never removed, whatever else a manifest says. */
const isNamed = ({ name }: LogFile, base: LogFile | null, logs: readonly LogFile[]): boolean =>
  base?.name === name || logs.some((log) => log.name === name);

/** Pairs of a word and what it says; words of later versions are passed over. Null: it is none of a manifest. */
const parseLine = (line: string): { readonly file: LogFile; readonly type: string } | null => {
  const words = splitWords(line);
  if (words === null || words.length < 6 || words.length % 2 !== 0) return null;
  const said = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) said.set(words[at]!.toLowerCase(), words[at + 1]!);
  const [name, sequence, type] = ['file', 'seq', 'type'].map((word) => said.get(word));
  if (name === undefined || name === '' || /[/\\]/.test(name)) return null;
  if (!/^\d{1,15}$/.test(sequence ?? '') || Number(sequence) === 0 || type === undefined || type === '') return null;
  return { file: { name, sequence: Number(sequence) }, type };
};
