/**
 * Load on a server, made by the process of `load-generator.ts`, and what it cost the server.
 *
 * Border: one job at a time, the others wait. Limits: LOAD_MS_MAX for one job, then the generator is ended and a new one begins the next.
 */

import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { LoadAnswer, LoadJob } from './load-job.ts';
import type { Server } from './servers.ts';
import { processorMs } from './usage.ts';
import { within } from './waiting.ts';

const LOAD_MS_MAX = 300_000;
const FILL_PIPELINE = 100;
const PROGRAM = fileURLToPath(new URL('load-generator.js', import.meta.url));

export interface Cost {
  /** Processor time of the server for one operation. */
  readonly processorUs: number;
  readonly perSecond: number;
}

type Work = Omit<LoadJob, 'host' | 'port' | 'tls' | 'phase'>;

type PhasedWork = Work & Pick<LoadJob, 'phase'>;

export class Load implements AsyncDisposable {
  #generator: Child | null = null;
  /** Ends when the job before has, however it did. */
  #before: Promise<unknown> = Promise.resolve();

  async run(server: Server, work: Work): Promise<Cost> {
    return await this.#inTurn(server, { ...work, phase: 'run' });
  }

  /** Sets every key once. */
  async fill(server: Server, keys: number): Promise<void> {
    await this.prepare(server, { kind: 'set', operations: keys, keys });
  }

  /** What the kind needs to be there. */
  async prepare(server: Server, work: Omit<Work, 'pipeline'>): Promise<void> {
    await this.#inTurn(server, { ...work, phase: 'prepare', pipeline: FILL_PIPELINE });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#generator?.stop();
  }

  async #inTurn(server: Server, work: PhasedWork): Promise<Cost> {
    const measured = this.#before.then(() => this.#measure(server, work));
    this.#before = measured.catch(() => undefined);
    return await measured;
  }

  async #measure(server: Server, work: PhasedWork): Promise<Cost> {
    const { host, port, tls = false } = server;
    const used = (): number => [server.pid, ...(server.helpers ?? [])].reduce((sum, pid) => sum + processorMs(pid), 0);
    const before = used();
    const elapsedMs = await this.#run({ ...work, host, port, tls });
    const usedMs = used() - before;
    return {
      processorUs: (usedMs * 1000) / work.operations,
      perSecond: (work.operations * 1000) / elapsedMs,
    };
  }

  async #run(job: LoadJob): Promise<number> {
    this.#generator ??= new Child({ program: process.execPath, args: [PROGRAM], hasMessages: true });
    const generator = this.#generator;
    const answered = new Promise<LoadAnswer>((resolve) =>
      generator.process.once('message', (answer) => resolve(answer as LoadAnswer)),
    );
    const gone = generator.exited.then(() => {
      throw generator.failure('the load generator ended');
    });
    const what = `load ${job.kind} on port ${job.port}`;
    try {
      generator.process.send(job);
      const answer = await within(Promise.race([answered, gone]), LOAD_MS_MAX, what);
      if (!answer.ok) throw new Error(`${what}: ${answer.message}`);
      return answer.elapsedMs;
    } catch (error) {
      // What it still does would disturb the next job.
      this.#generator = null;
      await generator.stop();
      throw error;
    }
  }
}
