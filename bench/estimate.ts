/**
 * How honest `used_memory` is: what a shard counts for its data beside what its process has grown by, after garbage was
 * collected, for data of every type. The ratio is that of the larger to the smaller. Each in a process of its own.
 */

import { askMemory, type EstimateAnswer } from './support/memory-job.ts';
import { MEMORY_LOADS, type MemoryLoad } from './support/memory-loads.ts';
import { failedRow } from './support/table.ts';
import type { Row, Table } from './support/table.ts';

const ELEMENTS = { quick: 50_000, full: 1_000_000 };
const MEGABYTE = 1024 * 1024;
const RATIO_MAX = 1.25;

const rowFor = async (load: MemoryLoad, elements: number): Promise<Row> => {
  try {
    const { grownBytes, countedBytes } = await askMemory<EstimateAnswer>({ kind: 'estimate', load, elements });
    return {
      what: load,
      unit: 'MiB',
      reference: grownBytes / MEGABYTE,
      ours: countedBytes / MEGABYTE,
      ratio: Math.max(grownBytes / countedBytes, countedBytes / grownBytes),
      target: { of: 'ratio', max: RATIO_MAX },
      failure: null,
    };
  } catch (error) {
    return failedRow(load, error);
  }
};

export const estimate = async (isQuick: boolean): Promise<Table> => {
  const rows: Row[] = [];
  const elements = isQuick ? ELEMENTS.quick : ELEMENTS.full;
  for (const load of Object.keys(MEMORY_LOADS) as MemoryLoad[]) rows.push(await rowFor(load, elements));
  return {
    name: 'estimate',
    title: `used_memory of ${elements} elements; ratio: the larger to the smaller`,
    columns: { reference: 'process', ours: 'counted' },
    rows,
  };
};
