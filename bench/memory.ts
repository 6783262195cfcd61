/**
 * Memory that data cost: growth of the process, and of what INFO says, while 1,000,000 keys with values of 100 bytes are set, or one
 * sorted set or hash of 1,000,000 elements is filled.
 *
 * Resident memory is measured twice: after SETTLE_MS of rest, which is what counts, and at its highest, which is what the machine
 * must have.
 */

import { fillWith } from './support/filling.ts';
import { Load } from './support/load.ts';
import type { MemoryLoad } from './support/memory-loads.ts';
import { inTurn, rowOf } from './support/rounds.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import { failedRow, type Row, type Table } from './support/table.ts';
import { residentBytes } from './support/usage.ts';
import { pause } from './support/waiting.ts';

const ELEMENTS = { quick: 100_000, full: 1_000_000 };
const ROUNDS = { quick: 1, full: 3 };
const SETTLE_MS = 2_000;
const MEGABYTE = 1024 * 1024;
const TARGET = { of: 'ratio', max: 2 } as const;

type Fill = (server: Server, elements: number) => Promise<void>;

const withKeys: Fill = async (server, keys) => {
  await using load = new Load();
  await load.fill(server, keys);
};

const withLoad =
  (load: MemoryLoad): Fill =>
  async (server, elements) => {
    using client = await server.client();
    await fillWith(client, load, elements);
  };

const DATA: readonly { readonly what: string; readonly fill: Fill }[] = [
  { what: 'keys with values of 100 bytes', fill: withKeys },
  { what: 'sorted set', fill: withLoad('sorted set of all') },
  { what: 'hash', fill: withLoad('hash of all') },
];

interface Growth {
  readonly settled: number;
  readonly highest: number;
  readonly told: number;
}

const usedMemory = async (server: Server): Promise<number> => {
  using client = await server.client();
  return Number((await client.info('memory')).get('used_memory'));
};

const growth = async (start: () => Promise<Server>, fill: Fill, elements: number): Promise<Growth> => {
  await using server = await start();
  const told = await usedMemory(server);
  const before = residentBytes(server.pid);
  await fill(server, elements);
  await pause(SETTLE_MS);
  const after = residentBytes(server.pid);
  return {
    settled: after.now - before.now,
    highest: after.peak - before.now,
    told: (await usedMemory(server)) - told,
  };
};

const rowsFor = async ({ what, fill }: (typeof DATA)[number], size: 'quick' | 'full'): Promise<readonly Row[]> => {
  try {
    const results = await inTurn(ROUNDS[size], {
      reference: () => growth(startRedis, fill, ELEMENTS[size]),
      ours: () => growth(startShard, fill, ELEMENTS[size]),
    });
    const named = (part: string): { what: string; unit: string } => ({ what: `${what}: ${part}`, unit: 'MiB' });
    return [
      rowOf({ ...named('resident, settled'), target: TARGET }, results, ({ settled }) => settled / MEGABYTE),
      rowOf(named('resident, highest'), results, ({ highest }) => highest / MEGABYTE),
      rowOf({ ...named('used_memory'), target: TARGET }, results, ({ told }) => told / MEGABYTE),
    ];
  } catch (error) {
    return [failedRow(what, error)];
  }
};

export const memory = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  const rows: Row[] = [];
  for (const each of DATA) rows.push(...(await rowsFor(each, size)));
  return {
    name: 'memory',
    title: `Growth of memory for ${ELEMENTS[size]} elements`,
    columns: { reference: 'redis-server', ours: 'antipode shard' },
    rows,
  };
};
