/**
 * Resident memory that keys cost: growth of the process while 1,000,000 keys with values of 100 bytes are set.
 *
 * Measured twice: after SETTLE_MS of rest, which is what counts, and at its highest, which is what the machine must have.
 */

import { Load } from './support/load.ts';
import { inTurn, rowOf } from './support/rounds.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import type { Table } from './support/table.ts';
import { residentBytes } from './support/usage.ts';
import type { ResidentBytes } from './support/usage.ts';
import { pause } from './support/waiting.ts';

const KEYS = { quick: 100_000, full: 1_000_000 };
const ROUNDS = { quick: 1, full: 3 };
const SETTLE_MS = 2_000;
const MEGABYTE = 1024 * 1024;

const growth = async (start: () => Promise<Server>, keys: number): Promise<ResidentBytes> => {
  await using server = await start();
  await using load = new Load();
  const before = residentBytes(server.pid);
  await load.fill(server, keys);
  await pause(SETTLE_MS);
  const after = residentBytes(server.pid);
  return { now: after.now - before.now, peak: after.peak - before.now };
};

export const memory = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  const keys = KEYS[size];
  const results = await inTurn(ROUNDS[size], {
    reference: () => growth(startRedis, keys),
    ours: () => growth(startShard, keys),
  });
  const settled = { what: 'growth, settled', unit: 'MiB', target: { of: 'ratio', max: 2 } } as const;
  return {
    name: 'memory',
    title: `Resident memory for ${keys} keys with values of 100 bytes`,
    columns: { reference: 'redis-server', ours: 'antipode shard' },
    rows: [
      rowOf(settled, results, (bytes) => bytes.now / MEGABYTE),
      rowOf({ what: 'growth, highest', unit: 'MiB' }, results, (bytes) => bytes.peak / MEGABYTE),
    ],
  };
};
