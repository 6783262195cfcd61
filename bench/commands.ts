/**
 * SET and GET at a shard beside a redis-server: processor time per operation and throughput at pipeline 1, 16 and 64.
 *
 * 100,000 random keys, values of 100 bytes, 20 connections. Targets: the project's own, for processor time.
 */

import { Load } from './support/load.ts';
import type { LoadKind } from './support/load-job.ts';
import { loadRows } from './support/rounds.ts';
import type { LoadCase } from './support/rounds.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Row, Table } from './support/table.ts';

const KEYS = 100_000;
const ROUNDS = { quick: 3, full: 7 };

/** Operations are chosen so that a run costs a second of processor time, and a tenth of that when it has to be quick. */
const PIPELINES = [
  { pipeline: 1, operations: { quick: 20_000, full: 160_000 }, target: { of: 'ratio', max: 1.2 } },
  { pipeline: 16, operations: { quick: 96_000, full: 640_000 }, target: { of: 'ratio', max: 1 } },
  { pipeline: 64, operations: { quick: 128_000, full: 768_000 } },
] as const;

export const commands = async (isQuick: boolean): Promise<Table> => {
  await using reference = await startRedis();
  await using ours = await startShard();
  await using load = new Load();
  await load.fill(reference, KEYS);
  await load.fill(ours, KEYS);
  const size = isQuick ? 'quick' : 'full';
  const cases = (['set', 'get'] satisfies LoadKind[]).flatMap((kind) =>
    PIPELINES.map((each): LoadCase => ({ ...each, kind, operations: each.operations[size] })),
  );
  const rows: Row[] = [];
  for (const each of cases) {
    rows.push(...(await loadRows(each, { load, servers: { reference, ours }, keys: KEYS, rounds: ROUNDS[size] })));
  }
  return {
    name: 'commands',
    title: 'SET and GET, 20 connections',
    columns: { reference: 'redis-server', ours: 'antipode shard' },
    rows,
  };
};
