/** A home of its own for the program, so that tests do not find each other's sandboxes; everything it started ends with it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finished } from './antipode-program.ts';
import { testSubnet } from './sandboxes.ts';

export const PROGRAM = 'dist/src/cli/main.js';

export class Home implements AsyncDisposable {
  readonly directory: string;
  readonly subnets = [testSubnet(), testSubnet()] as const;
  readonly #running: ReturnType<typeof spawn>[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<Home> {
    if (!existsSync(PROGRAM)) throw new Error('build first: npm run build');
    return new Home(await mkdtemp(join(tmpdir(), 'antipode-test-')));
  }

  /** The default sandbox at addresses of its own. */
  async config(text = this.defaultConfig): Promise<string> {
    const file = join(this.directory, 'sandbox.yaml');
    await writeFile(file, text);
    return file;
  }

  get defaultConfig(): string {
    return `clusters:
  - name: east.local
    subnet: ${this.subnets[0]}
    databases: [{ name: orders, port: 12000, shards: 2 }]
  - name: west.local
    subnet: ${this.subnets[1]}
    databases: [{ name: orders-copy, port: 12000, shards: 3, replica_of: east.local/orders }]
`;
  }

  start(...words: string[]): ReturnType<Home['startWith']> {
    return this.startWith({}, ...words);
  }

  startWith(
    more: Readonly<Record<string, string>>,
    ...words: string[]
  ): {
    readonly child: ReturnType<typeof spawn>;
    readonly firstLine: Promise<string>;
    readonly printed: () => string;
    readonly finished: Promise<Finished>;
  } {
    return this.#spawn([PROGRAM, ...words], more);
  }

  #spawn(words: readonly string[], more: Readonly<Record<string, string>>): ReturnType<Home['startWith']> {
    const env = { ...process.env, ANTIPODE_HOME: join(this.directory, 'home'), NO_COLOR: '1', ...more };
    const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.push(child);
    let stdout = '';
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const firstLine = new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
        if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
      });
      child.once('close', () => reject(new Error(`ended without a line: ${stderr}`)));
    });
    firstLine.catch(() => undefined);
    const finished = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
    return { child, firstLine, printed: () => stdout, finished };
  }

  run(...words: string[]): Promise<Finished> {
    return this.start(...words).finished;
  }

  /** Another program, which finds the sandbox of this home. */
  runNode(...words: string[]): Promise<Finished> {
    return this.#spawn(words, {}).finished;
  }

  get leftBehind(): Promise<string[]> {
    return readdir(join(this.directory, 'home'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) if (child.exitCode === null) child.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }
}
