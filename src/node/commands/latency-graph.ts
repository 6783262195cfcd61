/** LATENCY GRAPH: a series as columns of characters, with how long ago each sample was below its column. [redis sparkline.c] Pure. */

import type { LatencySeries } from '../shard/latency.ts';

const COLUMNS = 80;
const ROWS = 4;
/** From the lowest step of a row to the highest. */
const STEPS = '_o#';
const BELOW_TOP = '|';

const UNITS: readonly (readonly [letter: string, seconds: number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
];

function age(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size);
  return unit === undefined ? `${seconds}s` : `${Math.floor(seconds / unit[1])}${unit[0]}`;
}

/** A line for each row of characters. */
function columns(values: readonly number[], labels: readonly string[], low: number, high: number): string[] {
  const steps = STEPS.length * ROWS;
  const spread = high - low || 1;
  const heights = values.map((value) => Math.min(steps - 1, Math.floor(((value - low) * steps) / spread)));
  const lines: string[] = [];
  for (let row = ROWS - 1; row >= 0; row--) {
    const base = row * STEPS.length;
    lines.push(heights.map((at) => (at < base ? ' ' : (STEPS[at - base] ?? BELOW_TOP))).join(''));
  }
  lines.push(' '.repeat(values.length));
  const depth = Math.max(...labels.map((label) => label.length));
  for (let at = 0; at < depth; at++) lines.push(labels.map((label) => label[at] ?? ' ').join(''));
  return lines;
}

export function latencyGraph(event: string, { samples, longestMs }: LatencySeries, nowSeconds: number): string {
  const values = samples.map((sample) => sample.milliseconds);
  const labels = samples.map((sample) => age(Math.max(0, nowSeconds - sample.atSeconds)));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const parts: string[] = [];
  for (let at = 0; at < values.length; at += COLUMNS) {
    parts.push(
      columns(values.slice(at, at + COLUMNS), labels.slice(at, at + COLUMNS), low, high)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
  const head = `${event} - high ${high} ms, low ${low} ms (all time high ${longestMs} ms)\n${'-'.repeat(COLUMNS)}\n`;
  return head + parts.join('\n');
}
