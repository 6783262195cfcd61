/**
 * `antipode up`: starts a sandbox and stays until it is told to end. Prints what there is and how to reach it; with --json one
 * document on one line, once everything is in sync.
 */

import type { Command } from 'commander';
import type { Sandbox, SandboxConfig } from '../sandbox/sandbox.ts';
import type { ConfigPath } from '../sandbox/options.ts';
import type { OutsideNames } from '../sandbox/outside-names.ts';
import type { RuntimeFacts, RuntimeFile } from './runtime-file.ts';
import { CliFailure, goOnUnread, printJson, printLine } from './verb.ts';

/** A banner that can say "in sync" is worth this wait; a longer synchronisation is shown as it goes. */
const BANNER_WAIT_MS = 500;
const PROGRESS_EVERY_MS = 1_000;
/** What is left open when everything was closed would keep the process; it does not wait for longer than this. */
const EXIT_GRACE_MS = 2_000;
const EXIT_INTERRUPTED = 130;

interface UpOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
}

export const up = (program: Command): void => {
  program
    .command('up')
    .description(
      'start a sandbox and stay; without a config: clusters east.local and west.local, and a database replicated between them',
    )
    .option('-c, --config <file>', 'YAML file that describes the clusters')
    .option(
      '-d, --data <folder>',
      'keep everything in that folder, and start with what it holds; the config describes only a new one',
    )
    .option('--json', 'print one JSON document, on one line, when everything is ready and in sync')
    .action(run);
};

const run = async (options: UpOptions): Promise<void> => {
  goOnUnread();
  let asked = false;
  const ending = new Promise<void>((resolve) => {
    const end = (): void => {
      if (asked) process.exit(EXIT_INTERRUPTED);
      asked = true;
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
  const { config, problemAt } = await configuration(options.config);
  const { SandboxError, startSandbox } = await import('../sandbox/sandbox.ts');
  let sandbox: Sandbox;
  try {
    sandbox = await startSandbox({ ...config, ...(options.data === undefined ? {} : { data: options.data }) });
  } catch (error) {
    if (error instanceof SandboxError) throw new CliFailure(problemAt(error.path, error.message));
    throw error;
  }
  if (sandbox.data?.isRestored === true && options.config !== undefined) {
    process.stderr.write(
      `antipode: ${sandbox.data.path} holds clusters already, which were started; ${options.config} was only checked, it describes a new folder\n`,
    );
  }
  const { starterGone } = await import('./parent.ts');
  const over = Promise.race([ending, starterGone(sandbox.world.clock)]);
  let file: RuntimeFile | null = null;
  let names: OutsideNames | null = null;
  try {
    file = await announce(sandbox);
    const isJson = options.json === true;
    const startNames = async (): Promise<readonly string[]> => {
      const { startOutsideNames } = await import('../sandbox/outside-names.ts');
      const started: OutsideNames = await startOutsideNames(sandbox, () => file?.tellNames(started.answered));
      file?.tellNames(started.answered);
      names = started;
      return started.report;
    };
    await Promise.race([over, isJson ? showJson(sandbox, startNames) : showBanner(sandbox, startNames)]);
    await over;
  } finally {
    file?.forget();
    await (names as OutsideNames | null)?.close();
    await sandbox.close();
  }
  sandbox.world.clock.after(EXIT_GRACE_MS, () => process.exit(0));
};

/** Lets other verbs find the sandbox, unless they are told of another one that is running elsewhere. */
const announce = async (sandbox: Sandbox): Promise<RuntimeFile | null> => {
  const { otherSandbox, writeRuntimeFile } = await import('./runtime-file.ts');
  const other = otherSandbox();
  if (other === null || !(await isAnswering(other))) return writeRuntimeFile(sandbox);
  process.stderr.write(
    `antipode: the sandbox of process ${other.pid} is running too; status and down keep speaking to that one. ` +
      'For this one start it, and them, with ANTIPODE_HOME set to another directory\n',
  );
  return null;
};

const isAnswering = async ({ clusters: [first] }: RuntimeFacts): Promise<boolean> => {
  if (first === undefined) return false;
  const { askApi } = await import('./sandbox-api.ts');
  try {
    await askApi(first, '/v1/cluster');
    return true;
  } catch (error) {
    if (error instanceof CliFailure) return false;
    throw error;
  }
};

/** The document comes when everything is in sync; people who wait for it longer are told why, on standard error. */
const showJson = async (sandbox: Sandbox, startNames: () => Promise<readonly string[]>): Promise<void> => {
  await Promise.all([progress(sandbox, (line) => process.stderr.write(`${line}\n`)), startNames()]);
  const { documentOf } = await import('./sandbox-document.ts');
  printJson(documentOf(sandbox));
};

/** What takes longer than a moment is shown after the banner, as it goes. */
const showBanner = async (sandbox: Sandbox, startNames: () => Promise<readonly string[]>): Promise<void> => {
  await inSync(sandbox, BANNER_WAIT_MS);
  const { bannerOf } = await import('./banner.ts');
  const wasInSync = isSettled(sandbox);
  printLine(bannerOf(sandbox));
  printLine((await startNames()).join('\n'));
  if (!wasInSync) await progress(sandbox, printLine);
};

type Located = {
  readonly config: Partial<SandboxConfig>;
  readonly problemAt: (path: ConfigPath, message: string) => string;
};

const configuration = async (file: string | undefined): Promise<Located> => {
  if (file === undefined) return { config: {}, problemAt: (_, message) => message };
  const { readFile } = await import('node:fs/promises');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CliFailure(
      `cannot read the config file ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const { readConfig } = await import('../sandbox/config-file.ts');
  const read = readConfig(text);
  if (!read.ok) {
    const lines = read.problems.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
    throw new CliFailure(`the config file is not right; mend it and start again\n${lines.join('\n')}`);
  }
  const problemAt = (path: ConfigPath, message: string): string => {
    if (path.length === 0) return message;
    const { line, column } = read.where(path);
    return `${file}:${line}:${column}: ${message}`;
  };
  return { config: read.config, problemAt };
};

const replicating = (sandbox: Sandbox) =>
  sandbox.clusters
    .flatMap((cluster) => cluster.databases.map((database) => ({ cluster, database })))
    .filter(({ database }) => database.status().replicaSync !== 'disabled');

const isSettled = (sandbox: Sandbox): boolean =>
  replicating(sandbox).every(
    ({ cluster, database }) =>
      cluster.control.sight(database.uid).inSync || database.status().replicaSync !== 'enabled',
  );

/** True when it has come to that within the time. */
const inSync = async (sandbox: Sandbox, timeoutMs: number): Promise<boolean> => {
  const { eventually } = await import('../sandbox/eventually.ts');
  return eventually(sandbox.world.clock, () => isSettled(sandbox), timeoutMs);
};

/** Until everything is in sync; says how far it is, once a second and only what is new. */
const progress = async (sandbox: Sandbox, print: (line: string) => void): Promise<void> => {
  if (await inSync(sandbox, PROGRESS_EVERY_MS)) return;
  const { replicaLines } = await import('./banner.ts');
  const said = new Map<string, string>();
  const say = (): void => {
    for (const { cluster, database } of replicating(sandbox)) {
      const name = `${cluster.name} ${database.name}`;
      const text = replicaLines(database.status())
        .map((line) => `${name}: ${line}`)
        .join('\n');
      if (text !== said.get(name) && text !== '') print(text);
      said.set(name, text);
    }
  };
  do say();
  while (!(await inSync(sandbox, PROGRESS_EVERY_MS)));
  say();
};
