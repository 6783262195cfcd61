/** What a memory process is asked and answers, and asking it. */

import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { MemoryLoad } from './memory-loads.ts';

export type MemoryJob =
  | { readonly kind: 'estimate'; readonly load: MemoryLoad; readonly elements: number }
  | {
      readonly kind: 'lazy-free';
      readonly load: MemoryLoad;
      readonly elements: number;
      /** What frees them. */
      readonly request: readonly string[];
      readonly watchedMs: number;
    };

export interface EstimateAnswer {
  readonly grownBytes: number;
  readonly countedBytes: number;
}

interface Delays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LazyFreeAnswer {
  /** With the same traffic while nothing is freed. */
  readonly before: Delays;
  readonly after: Delays;
}

const PROGRAM = fileURLToPath(new URL('memory-program.js', import.meta.url));
const JOB_MS_MAX = 10 * 60_000;
const HEAP_MEGABYTES = 8_192;

export const askMemory = async <Answer>(job: MemoryJob): Promise<Answer> => {
  await using child = new Child({
    program: process.execPath,
    args: ['--expose-gc', `--max-old-space-size=${HEAP_MEGABYTES}`, PROGRAM, JSON.stringify(job)],
  });
  return JSON.parse(await child.line((line) => line.startsWith('{'), JOB_MS_MAX)) as Answer;
};
