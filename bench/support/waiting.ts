/**
 * Waiting with an end: nothing in a benchmark waits for longer than it says.
 *
 * Border: what is late is only reported, as an error that names it; ending the process behind it is the caller's.
 */

import { performance } from 'node:perf_hooks';

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The promise's result, or an error that names `what` after `msMax`. */
export const within = async <T>(promise: Promise<T>, msMax: number, what: string): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${msMax / 1000} s`)), msMax);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

export interface Patience {
  readonly everyMs: number;
  readonly msMax: number;
  /** What is waited for, as the error says it. */
  readonly what: string;
}

/** Asks again and again until the answer is true. */
export const until = async (holds: () => boolean | Promise<boolean>, patience: Patience): Promise<void> => {
  const deadline = performance.now() + patience.msMax;
  while (!(await within(Promise.resolve(holds()), patience.msMax, patience.what))) {
    if (performance.now() > deadline) throw new Error(`${patience.what}: not within ${patience.msMax / 1000} s`);
    await pause(patience.everyMs);
  }
};
