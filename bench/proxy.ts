/**
 * What the proxy adds: SET and GET through the endpoint of a database with one shard, beside the same shard alone.
 *
 * The endpoint's process holds proxy and shard, so its processor time is that of both. There is no target: the number is here to be
 * watched.
 */

import { Load } from './support/load.ts';
import type { LoadKind } from './support/load-job.ts';
import { loadRows } from './support/rounds.ts';
import { startSandbox, startShard } from './support/servers.ts';
import type { Row, Table } from './support/table.ts';

const KEYS = 100_000;
const ROUNDS = { quick: 3, full: 5 };
const PIPELINES = [
  { pipeline: 1, operations: { quick: 20_000, full: 160_000 } },
  { pipeline: 16, operations: { quick: 96_000, full: 640_000 } },
] as const;

/** Addresses of its own, so that it runs beside a sandbox with the usual ones. */
const CONFIG = `
clusters:
  - name: bench-proxy.local
    subnet: 127.0.91
    databases:
      - { name: one-shard, port: 12000, shards: 1 }
`;

export const proxy = async (isQuick: boolean): Promise<Table> => {
  await using reference = await startShard();
  await using sandbox = startSandbox(CONFIG);
  await using load = new Load();
  const ours = await sandbox.database();
  await load.fill(reference, KEYS);
  await load.fill(ours, KEYS);
  const size = isQuick ? 'quick' : 'full';
  const rows: Row[] = [];
  for (const kind of ['set', 'get'] satisfies LoadKind[]) {
    for (const { pipeline, operations } of PIPELINES) {
      const each = { kind, pipeline, operations: operations[size] };
      rows.push(...(await loadRows(each, { load, servers: { reference, ours }, keys: KEYS, rounds: ROUNDS[size] })));
    }
  }
  return {
    name: 'proxy',
    title: 'SET and GET through the endpoint of a database with one shard, beside a lone shard',
    columns: { reference: 'antipode shard', ours: 'endpoint' },
    rows,
  };
};
