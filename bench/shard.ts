/**
 * Commands at a shard beside a redis-server: processor time per operation and throughput, at pipeline 1 and 16, SET and GET also at 64.
 *
 * 100,000 random keys or 1,000 collections, 20 connections. Targets: the project's own, for processor time.
 */

import { Load } from './support/load.ts';
import { kindOf, LOAD_KINDS, type LoadKind } from './support/load-kinds.ts';
import { failedRow } from './support/table.ts';
import { loadRows, prepareAnew } from './support/rounds.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Row, Table } from './support/table.ts';

const KEYS = 100_000;
const ROUNDS = { quick: 1, full: 5 };

/** Operations are chosen so that a run costs half a second of processor time, and a tenth of that when it has to be quick. */
const PIPELINES = [
  { pipeline: 1, operations: { quick: 8_000, full: 80_000 }, target: { of: 'ratio', max: 1.2 } },
  { pipeline: 16, operations: { quick: 32_000, full: 320_000 }, target: { of: 'ratio', max: 1 } },
] as const;
const DEEP = { pipeline: 64, operations: { quick: 38_400, full: 384_000 } } as const;
const DEEP_KINDS: readonly string[] = ['set', 'get'];

/** A multiple of what is sent together. */
const shareOf = (operations: number, kind: LoadKind, pipeline: number): number =>
  Math.ceil((operations * (kindOf(kind).share ?? 1)) / pipeline) * pipeline;

const kindRows = async (kind: LoadKind, size: 'quick' | 'full', load: Load): Promise<readonly Row[]> => {
  // New for each kind: what one has left behind, garbage included, is not the next one's
  await using reference = await startRedis();
  await using ours = await startShard();
  const rows: Row[] = [];
  for (const each of [...PIPELINES, ...(DEEP_KINDS.includes(kind) ? [DEEP] : [])]) {
    const operations = shareOf(each.operations[size], kind, each.pipeline);
    for (const server of [reference, ours]) await prepareAnew(load, server, { kind, operations, keys: KEYS });
    const servers = { load, servers: { reference, ours }, keys: KEYS, rounds: ROUNDS[size] };
    rows.push(...(await loadRows({ ...each, kind, operations }, servers)));
  }
  return rows;
};

export const shard = async (isQuick: boolean): Promise<Table> => {
  await using load = new Load();
  const rows: Row[] = [];
  for (const kind of Object.keys(LOAD_KINDS) as LoadKind[]) {
    try {
      rows.push(...(await kindRows(kind, isQuick ? 'quick' : 'full', load)));
    } catch (error) {
      rows.push(failedRow(kindOf(kind).title, error));
    }
  }
  return {
    name: 'shard',
    title: 'Commands, 20 connections',
    columns: { reference: 'redis-server', ours: 'antipode shard' },
    rows,
  };
};
