/**
 * How other verbs find the running sandbox: a small file with its process id, the addresses of its APIs and the credentials, readable by
 * its owner alone.
 *
 * It lies in $ANTIPODE_HOME, otherwise in a directory of the user's under the system's temporary one. `antipode up` writes it when
 * ready and removes it at its end; a file whose process is gone is stale and counts for nothing.
 */

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { AnsweredNames } from '../sandbox/outside-names.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { CliFailure } from './verb.ts';

export interface RuntimeCluster {
  readonly name: string;
  readonly api: string;
  readonly username: string;
  readonly password: string;
  /** PEM that the API must show. */
  readonly certificate: string;
}

export interface RuntimeFacts {
  readonly pid: number;
  readonly clusters: readonly RuntimeCluster[];
  /** Where their names are answered; empty until the services have started. */
  readonly names: readonly AnsweredNames[];
}

export interface RuntimeFile {
  /** Where the names are answered now. */
  tellNames(names: readonly AnsweredNames[]): void;
  /** Removes the file; so does the end of the process, however it comes (but for SIGKILL). */
  forget(): void;
}

const directory = (): string =>
  process.env['ANTIPODE_HOME'] ?? join(tmpdir(), `antipode-${process.getuid?.() ?? userInfo().username}`);
const file = (): string => join(directory(), 'sandbox.json');

export const writeRuntimeFile = (sandbox: Sandbox): RuntimeFile => {
  let names: readonly AnsweredNames[] = [];
  mkdirSync(directory(), { recursive: true, mode: 0o700 });
  checkOwner();
  rmSync(file(), { force: true }); // an old file would keep its own mode
  const write = (): void => writeFileSync(file(), JSON.stringify(factsOf(sandbox, names)), { mode: 0o600 });
  write();
  // A replaced certificate must be trusted by whoever asks next.
  const stops = sandbox.clusters.map(({ control }) => {
    let { certificate } = control.state.certificates.api;
    return control.onChange(() => {
      if (control.state.certificates.api.certificate === certificate) return;
      ({ certificate } = control.state.certificates.api);
      write();
    });
  });
  const forget = (): void => {
    for (const stop of stops) stop();
    process.off('exit', forget);
    if (readIfWhole()?.pid === process.pid) rmSync(file(), { force: true });
  };
  process.on('exit', forget);
  const tellNames = (answered: readonly AnsweredNames[]): void => {
    if (JSON.stringify(answered) === JSON.stringify(names)) return;
    names = answered;
    write();
  };
  return { tellNames, forget };
};

const factsOf = (sandbox: Sandbox, names: readonly AnsweredNames[]): RuntimeFacts => ({
  pid: process.pid,
  names,
  clusters: sandbox.clusters.map(({ name, apiUrl, username, password, control }) => ({
    name,
    api: apiUrl ?? '',
    username,
    password,
    certificate: control.state.certificates.api.certificate,
  })),
});

/** Of another process that is alive; whether it is still a sandbox only its API can say. */
export const otherSandbox = (): RuntimeFacts | null => {
  const facts = readIfWhole();
  return facts !== null && facts.pid !== process.pid && isAlive(facts.pid) ? facts : null;
};

/** The sandbox that runs now, for those to whom none is no failure. */
export const sandboxIfRunning = (): RuntimeFacts | null => {
  const facts = readIfWhole();
  return facts !== null && isAlive(facts.pid) ? facts : null;
};

/** Of the cluster that a name belongs to, the innermost of several; undefined: of none. */
export const answeredBy = ({ names }: RuntimeFacts, hostname: string): AnsweredNames | undefined => {
  const name = canonicalName(hostname);
  return names
    .filter(({ cluster }) => name === cluster || name.endsWith(`.${cluster}`))
    .toSorted((one, other) => other.cluster.length - one.cluster.length)[0];
};

/** As names are compared: in lower case, without the final dot. */
export const canonicalName = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, '');

/** The sandbox that runs now. */
export const findSandbox = (): RuntimeFacts => {
  const facts = read();
  if (facts === null) throw new CliFailure(`no sandbox is running (looked for ${file()}); start one: antipode up`);
  if (!isAlive(facts.pid)) {
    rmSync(file(), { force: true });
    throw new CliFailure(`no sandbox is running: process ${facts.pid} of ${file()} has ended; start one: antipode up`);
  }
  return facts;
};

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** A damaged file counts for nothing to somebody who is about to write it anew. */
const readIfWhole = (): RuntimeFacts | null => {
  try {
    return read();
  } catch {
    return null;
  }
};

const read = (): RuntimeFacts | null => {
  let text: string;
  try {
    checkOwner();
    text = readFileSync(file(), 'utf8');
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    return null;
  }
  try {
    // A file of an older program has no names.
    return { names: [] as const, ...(JSON.parse(text) as Omit<RuntimeFacts, 'names'> & Partial<RuntimeFacts>) };
  } catch {
    throw new CliFailure(`${file()} is damaged; remove it and start the sandbox again`);
  }
};

/** Somebody else's directory of that name would be believed otherwise. */
const checkOwner = (): void => {
  const own = process.getuid?.();
  if (own !== undefined && statSync(directory()).uid !== own) {
    throw new CliFailure(`${directory()} belongs to another user; set ANTIPODE_HOME to a directory of your own`);
  }
};
