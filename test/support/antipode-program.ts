/** The built program, run as people run it. Every process ends with its test. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve as absolute } from 'node:path';

const PROGRAM = 'dist/src/cli/main.js';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What it has printed so far, without waiting. */
  readonly printed: () => string;
  /** The same of its standard error. */
  readonly warnings: () => string;
  /** Resolves with the first line that matches; rejects when the program ends without one. */
  line(pattern: RegExp): Promise<string>;
}

/** `cwd`: the folder it is started in, otherwise the project's. */
export function startProgram(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): Running {
  if (!existsSync(PROGRAM)) throw new Error('build first: npm run build');
  const child = spawn(process.execPath, [absolute(PROGRAM), ...words], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
  return {
    child,
    finished,
    printed: () => stdout,
    warnings: () => stderr,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = stdout
            .split('\n')
            .slice(0, -1)
            .find((line) => pattern.test(line));
          if (found === undefined) return;
          child.stdout.off('data', look);
          resolve(found);
        };
        child.stdout.on('data', look);
        void finished.then(() => reject(new Error(`ended without a line like ${String(pattern)}: ${stdout}${stderr}`)));
        look();
      }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await finished;
    },
  };
}

export async function runProgram(...words: readonly string[]): Promise<Finished> {
  await using running = startProgram(words);
  return await running.finished;
}
