/**
 * The event log of a simulation: one line for everything that the network did and the program logged, hashed as it grows, so two
 * runs can be compared by one number. Only the latest lines are kept.
 *
 * Lines are hashed in batches. Limits: `keepLines` lines in memory (default `KEPT_LINES_DEFAULT`).
 */
import { createHash } from 'node:crypto';
import type { LogFields } from './world.ts';

export const KEPT_LINES_DEFAULT = 1000;
const BATCH_CHARS = 16 * 1024;

export class SimTrace {
  readonly #hash = createHash('sha256');
  readonly #keepLines: number;
  #batch = '';
  #lines: string[] = [];
  #count = 0;

  constructor(keepLines: number) {
    this.#keepLines = keepLines;
  }

  /** How many lines there have been. */
  get count(): number {
    return this.#count;
  }

  get latest(): readonly string[] {
    return this.#keepLines === 0 ? [] : this.#lines.slice(-this.#keepLines);
  }

  /** `time` in fractional milliseconds; the line begins with whole microseconds. */
  add(time: number, text: string): void {
    const line = `${Math.round(time * 1000)} ${text}`; // whole numbers become text several times faster
    this.#count++;
    this.#batch += `${line}\n`;
    if (this.#batch.length > BATCH_CHARS) this.#flush();
    if (this.#keepLines === 0) return;
    this.#lines.push(line);
    if (this.#lines.length > 2 * this.#keepLines) this.#lines = this.#lines.slice(-this.#keepLines);
  }

  addEvent(time: number, name: string, fields: LogFields): void {
    let text = `log ${name}`;
    for (const [key, value] of Object.entries(fields))
      if (value !== undefined) text += ` ${key}=${JSON.stringify(value)}`;
    this.add(time, text);
  }

  /** SHA-256 over all lines so far, in hexadecimal. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#batch, 'utf8');
    this.#batch = '';
  }
}
