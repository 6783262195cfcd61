/**
 * Delay of the event loop while a great many elements are deleted or flushed and traffic goes on, in the five seconds after
 * the request; beside it the delay of the same traffic while nothing is freed. Each in a process of its own.
 */

import { askMemory, type LazyFreeAnswer } from './support/memory-job.ts';
import type { MemoryLoad } from './support/memory-loads.ts';
import { failedRow } from './support/table.ts';
import type { Row, Table } from './support/table.ts';

const ELEMENTS = { quick: 500_000, full: 10_000_000 };
const WATCHED_MS = 5_000;
const P99_MS_TARGET = 50;

const CASES: readonly { readonly load: MemoryLoad; readonly request: readonly string[] }[] = [
  { load: 'set of all', request: ['DEL', 'large'] },
  { load: 'hash of all', request: ['UNLINK', 'large'] },
  { load: 'sorted set of all', request: ['DEL', 'large'] },
  { load: 'list of all', request: ['DEL', 'large'] },
  { load: 'counters', request: ['FLUSHALL'] },
  { load: 'hashes of 20 fields', request: ['FLUSHALL', 'ASYNC'] },
];

const rowsFor = async ({ load, request }: (typeof CASES)[number], elements: number): Promise<readonly Row[]> => {
  const what = `${request.join(' ')}, ${load}`;
  try {
    const job = { kind: 'lazy-free', load, elements, request, watchedMs: WATCHED_MS } as const;
    const { before, after } = await askMemory<LazyFreeAnswer>(job);
    const row = { unit: 'ms', ratio: null, failure: null };
    return [
      {
        ...row,
        what: `${what}: p99`,
        reference: before.p99Ms,
        ours: after.p99Ms,
        target: { of: 'ours', max: P99_MS_TARGET },
      },
      { ...row, what: `${what}: longest`, reference: before.maxMs, ours: after.maxMs, target: null },
    ];
  } catch (error) {
    return [failedRow(what, error)];
  }
};

export const lazyFree = async (isQuick: boolean): Promise<Table> => {
  const elements = isQuick ? ELEMENTS.quick : ELEMENTS.full;
  const rows: Row[] = [];
  for (const each of CASES) rows.push(...(await rowsFor(each, elements)));
  return {
    name: 'lazy-free',
    title: `Event loop delay while ${elements} elements are freed`,
    columns: { reference: 'nothing freed', ours: 'freed' },
    rows,
  };
};
