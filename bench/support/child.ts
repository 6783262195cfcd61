/**
 * A child process that is certainly ended: by `stop`, at the latest when the benchmark ends, however that happens.
 *
 * Border: it starts, reads lines and ends one process, always by its own handle; what the process is belongs to `servers.ts`
 * and `load.ts`. Limits: STOP_MS_MAX to end on its own, then SIGKILL; OUTPUT_CHARS_MAX of what it wrote are kept.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { within } from './waiting.ts';

const STOP_MS_MAX = 10_000;
const OUTPUT_CHARS_MAX = 64 * 1024;

const living = new Set<ChildProcess>();

/** For what was given up and cannot end its own. */
export const endAllChildren = (): void => {
  for (const each of living) each.kill('SIGKILL');
};

process.once('exit', endAllChildren);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

export interface ChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For a Node.js program that takes its work by messages. */
  readonly hasMessages?: boolean;
}

export class Child implements AsyncDisposable {
  readonly pid: number;
  /** With the exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly process: ChildProcess;
  readonly #name: string;
  readonly #watchers = new Set<() => void>();
  #output = '';
  #errors = '';

  constructor(options: ChildOptions) {
    this.#name = `${options.program} ${options.args.join(' ')}`;
    this.process = spawn(options.program, options.args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(options.hasMessages === true ? (['ipc'] as const) : [])],
      env: { ...process.env, ...options.env },
    });
    living.add(this.process);
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARS_MAX);
      for (const look of this.#watchers) look();
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-OUTPUT_CHARS_MAX);
    });
    this.exited = new Promise((resolve) => {
      const ended = (code: number | null): void => {
        living.delete(this.process);
        resolve(code);
      };
      this.process.once('exit', ended);
      this.process.once('error', (error) => {
        this.#errors += error.message;
        ended(null);
      });
    });
    this.pid = this.process.pid ?? 0;
  }

  /** The first complete line of standard output that fits. */
  async line(fits: (line: string) => boolean, msMax: number): Promise<string> {
    const found = new Promise<string>((resolve) => {
      const look = (): void => {
        const line = this.#output.split('\n').slice(0, -1).find(fits);
        if (line === undefined) return;
        this.#watchers.delete(look);
        resolve(line);
      };
      this.#watchers.add(look);
      look();
    });
    const gone = this.exited.then((code) => {
      throw this.failure(`ended with exit code ${code}`);
    });
    return await within(Promise.race([found, gone]), msMax, `the first line of ${this.#name}`);
  }

  /** An error that shows what the process said last. */
  failure(what: string): Error {
    const said = `${this.#errors}\n${this.#output}`.trim().split('\n').slice(-5).join('\n');
    return new Error(`${this.#name}: ${what}${said === '' ? '' : `\n${said}`}`);
  }

  async stop(): Promise<void> {
    if (!living.has(this.process)) return;
    this.process.kill('SIGTERM');
    const impatient = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS_MAX);
    await this.exited;
    clearTimeout(impatient);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
