/**
 * Time from starting a process until it is of use: to the first PONG of redis-server and of a shard, and to the line of
 * `antipode up --json`, which is printed when two clusters are up and the second one's database is in sync with the first one's.
 * Node.js with an empty program shows what of it is not ours; the target is for the whole.
 */

import { performance } from 'node:perf_hooks';
import { inTurn, rowOf } from './support/rounds.ts';
import { startEmptyProgram, startRedis, startSandbox, startShard } from './support/servers.ts';
import type { Table } from './support/table.ts';

const ROUNDS = { quick: 3, full: 11 };
const UP_MS_TARGET = 1_000;

/** What `antipode up` starts by itself, on addresses of its own. */
const CONFIG = `
clusters:
  - name: bench-east.local
    subnet: 127.0.92
    databases:
      - { name: orders, port: 12000, shards: 2 }
  - name: bench-west.local
    subnet: 127.0.93
    databases:
      - { name: orders-copy, port: 12000, shards: 3, replica_of: bench-east.local/orders }
`;

const timed = (start: () => Promise<AsyncDisposable>) => async (): Promise<number> => {
  const startedAt = performance.now();
  await using started = await start();
  void started;
  return performance.now() - startedAt;
};

export const coldStart = async (isQuick: boolean): Promise<Table> => {
  const rounds = isQuick ? ROUNDS.quick : ROUNDS.full;
  const reference = timed(startRedis);
  const empty = await inTurn(rounds, { reference, ours: timed(startEmptyProgram) });
  const shard = await inTurn(rounds, { reference, ours: timed(startShard) });
  const up = await inTurn(rounds, { reference, ours: timed(() => startSandbox(CONFIG).database()) });
  const upNaming = { what: 'up --json to its line', unit: 'ms', target: { of: 'ours', max: UP_MS_TARGET } } as const;
  return {
    name: 'cold-start',
    title: 'Cold start',
    columns: { reference: 'redis-server', ours: 'antipode' },
    rows: [
      rowOf({ what: 'Node.js with an empty program', unit: 'ms' }, empty, (ms) => ms),
      rowOf({ what: 'shard to first PONG', unit: 'ms' }, shard, (ms) => ms),
      rowOf(upNaming, up, (ms) => ms),
    ],
  };
};
