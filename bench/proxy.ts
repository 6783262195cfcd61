/**
 * What the proxy adds: SET and GET through the endpoint of a database with one shard, beside the same shard alone; and over TLS, beside
 * redis-server behind stunnel and redis-server's own TLS.
 *
 * The endpoint's process holds proxy and shard, so its processor time is that of both; stunnel's is counted with its server's.
 */

import { spawnSync } from 'node:child_process';
import { Load } from './support/load.ts';
import type { LoadKind } from './support/load-kinds.ts';
import { loadRows } from './support/rounds.ts';
import { STUNNEL_PROGRAM, startSandbox, startShard, startStunnel, startTlsRedis } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import { failedRow, type Row, type Table } from './support/table.ts';

const KEYS = 100_000;
const ROUNDS = { quick: 3, full: 5 };
const PIPELINES = [
  { pipeline: 1, operations: { quick: 20_000, full: 160_000 } },
  { pipeline: 16, operations: { quick: 96_000, full: 640_000 } },
] as const;

/** Proxy and shard together, beside stunnel and redis-server together, at this pipeline. */
const TUNNEL_TARGET = { pipeline: 16, target: { of: 'ratio', max: 0.7 } } as const;

/** Addresses of its own, so that it runs beside a sandbox with the usual ones. */
const configOf = (tls: string): string => `
clusters:
  - name: bench-proxy.local
    subnet: 127.0.91
    databases:
      - { name: one-shard, port: 12000, shards: 1${tls} }
`;
const PLAIN = configOf('');
const TLS = configOf(', tls_mode: enabled, enforce_client_authentication: false');

interface Comparison {
  readonly what: string;
  readonly start: () => Promise<Server>;
  readonly config: string;
  readonly tunnel: boolean;
}

const COMPARISONS: readonly Comparison[] = [
  { what: 'plain, beside a lone shard', start: startShard, config: PLAIN, tunnel: false },
  { what: 'TLS, beside stunnel and redis-server', start: startStunnel, config: TLS, tunnel: true },
  { what: "TLS, beside redis-server's own", start: startTlsRedis, config: TLS, tunnel: false },
];

const speaking = (config: string, server: Server): Server => ({ ...server, tls: config === TLS });

const compare = async (
  { what, start, config, tunnel }: Comparison,
  size: 'quick' | 'full',
): Promise<readonly Row[]> => {
  if (tunnel && spawnSync(STUNNEL_PROGRAM, ['-version'], { stdio: 'ignore' }).error !== undefined) {
    return [
      failedRow(what, new Error(`${STUNNEL_PROGRAM} is not on the PATH (Debian, Ubuntu: apt-get install stunnel4)`)),
    ];
  }
  await using reference = await start();
  await using sandbox = startSandbox(config);
  await using load = new Load();
  const ours = speaking(config, await sandbox.database());
  await load.fill(reference, KEYS);
  await load.fill(ours, KEYS);
  const rows: Row[] = [];
  for (const kind of ['set', 'get'] satisfies LoadKind[]) {
    for (const { pipeline, operations } of PIPELINES) {
      const target = tunnel && pipeline === TUNNEL_TARGET.pipeline ? { target: TUNNEL_TARGET.target } : {};
      const each = { kind, pipeline, operations: operations[size], ...target };
      const measured = await loadRows(each, { load, servers: { reference, ours }, keys: KEYS, rounds: ROUNDS[size] });
      rows.push(...measured.map((row) => ({ ...row, what: `${what}: ${row.what}` })));
    }
  }
  return rows;
};

export const proxy = async (isQuick: boolean): Promise<Table> => {
  const rows: Row[] = [];
  for (const comparison of COMPARISONS) {
    try {
      rows.push(...(await compare(comparison, isQuick ? 'quick' : 'full')));
    } catch (error) {
      rows.push(failedRow(comparison.what, error));
    }
  }
  return {
    name: 'proxy',
    title: 'SET and GET through the endpoint of a database with one shard',
    columns: { reference: 'reference', ours: 'endpoint' },
    rows,
  };
};
