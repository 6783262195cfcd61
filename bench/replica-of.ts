/**
 * Replica Of between two clusters beside redis-server's own replication: how late a write can be read at the destination while
 * 1,000 and 10,000 writes a second go on, and how many writes a second the destination keeps pace with.
 *
 * Plain, over TLS, and over TLS with compression 6. Source and destination of ours are two clusters of one process; redis-server and
 * its replica are two. Lag is measured from outside: from the reply to a write at the source until the destination answers with it.
 * There is no target: the numbers are here to be watched.
 */

import { performance } from 'node:perf_hooks';
import type { Client } from './support/client.ts';
import { Contest } from './support/contest.ts';
import { replicaOf, untilFollowed, untilLinkIsUp } from './support/following.ts';
import { Load } from './support/load.ts';
import { startRedis, startSandbox } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import { percentile } from './support/statistics.ts';
import { failedRow, type Row, type Table } from './support/table.ts';
import { pause } from './support/waiting.ts';

const ROUNDS = { quick: 1, full: 3 };
const PACED_MS = { quick: 1_500, full: 6_000 };
const FLOOD_WRITES = { quick: 32_000, full: 320_000 };
const RATES = [1_000, 10_000] as const;
const KEYS = 100_000;
const PIPELINE = 32;
/** Paced writes leave in bursts this long apart. */
const BURST_EVERY_MS = 10;
const PROBE_EVERY_MS = 5;
const VALUE = 'v'.repeat(100);

interface Pair extends AsyncDisposable {
  readonly source: Server;
  readonly destination: Server;
}

interface Measured {
  /** By rate: milliseconds. */
  readonly lags: readonly { readonly p50: number; readonly p99: number }[];
  readonly perSecond: number;
}

const configOf = (subnet: string, sourceTls: string, source: string): string => `
clusters:
  - name: bench-source.local
    subnet: 127.0.${subnet}1
    databases: [{ name: from, port: 12000, shards: 1${sourceTls} }]
  - name: bench-destination.local
    subnet: 127.0.${subnet}2
    databases: [{ name: to, port: 12000, shards: 1, replica_of: [${source}] }]
`;

const FORMS = [
  { name: 'plain', config: configOf('9', '', 'bench-source.local/from') },
  { name: 'TLS', config: configOf('8', ', tls_mode: replica_ssl', 'bench-source.local/from') },
  {
    name: 'TLS and compression',
    config: configOf('7', ', tls_mode: replica_ssl', '{ url: bench-source.local/from, compression: 6 }'),
  },
] as const;

const redisPair = async (): Promise<Pair> => {
  const source = await startRedis();
  const destination = await startRedis();
  using client = await destination.client();
  await replicaOf(client, source);
  await untilLinkIsUp(client);
  return { source, destination, [Symbol.asyncDispose]: () => endAll([destination, source]) };
};

const ourPair = async (config: string): Promise<Pair> => {
  const sandbox = startSandbox(config);
  const [source, destination] = await sandbox.databases();
  if (source === undefined || destination === undefined) throw new Error('the sandbox has two databases');
  return { source, destination, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
};

const endAll = async (servers: readonly Server[]): Promise<void> => {
  for (const server of servers) await server[Symbol.asyncDispose]();
};

const measure = async (pair: Pair, load: Load, size: 'quick' | 'full'): Promise<Measured> => {
  using source = await pair.source.client();
  using probe = await pair.source.client();
  using destination = await pair.destination.client();
  await untilFollowed(source, destination);
  const lags: Measured['lags'][number][] = [];
  for (const rate of RATES) lags.push(await pacedLag({ source, probe, destination }, rate, PACED_MS[size]));
  const startedAt = performance.now();
  const operations = FLOOD_WRITES[size];
  await load.run(pair.source, { kind: 'set', pipeline: PIPELINE, operations, keys: KEYS });
  await untilFollowed(source, destination);
  return { lags, perSecond: (operations * 1000) / (performance.now() - startedAt) };
};

interface Ends {
  readonly source: Client;
  readonly probe: Client;
  readonly destination: Client;
}

/** Writes go on by one connection; another writes a probe now and then and looks for it at the destination. */
const pacedLag = async (
  { source, probe, destination }: Ends,
  rate: number,
  forMs: number,
): Promise<Measured['lags'][number]> => {
  const lags: number[] = [];
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  const write = async (): Promise<void> => {
    let written = 0;
    while (elapsed() < forMs) {
      const due = Math.floor((elapsed() * rate) / 1000) - written;
      const burst = Array.from({ length: due }, (_, at) => source.ask('SET', `key:${(written + at) % KEYS}`, VALUE));
      written += due;
      await Promise.all([...burst, pause(BURST_EVERY_MS)]);
    }
  };
  const look = async (): Promise<void> => {
    for (let at = 0; elapsed() < forMs; at += 1) {
      const text = `${rate}/${at}`;
      await probe.ask('SET', 'bench:probe', text);
      const writtenAt = performance.now();
      while ((await destination.ask('GET', 'bench:probe')) !== text) {
        if (elapsed() > forMs * 10) throw new Error(`a write is not at the destination after ${forMs * 10} ms`);
      }
      lags.push(performance.now() - writtenAt);
      await pause(PROBE_EVERY_MS);
    }
  };
  await Promise.all([write(), look()]);
  return { p50: percentile(lags, 0.5), p99: percentile(lags, 0.99) };
};

export const replicaOfTable = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  await using load = new Load();
  const run = (start: () => Promise<Pair>) => async (): Promise<Measured> => {
    await using pair = await start();
    return await measure(pair, load, size);
  };
  const contest = new Contest<Measured>(
    { name: 'redis-server and replica', run: run(redisPair) },
    FORMS.map(({ name, config }) => ({ name, run: run(() => ourPair(config)) })),
  );
  let rows: readonly Row[];
  try {
    await contest.run(ROUNDS[size]);
    rows = [
      ...RATES.flatMap((rate, at) => [
        ...contest.rows({ what: `lag p50 at ${rate}/s`, unit: 'ms' }, (each) => each.lags[at]!.p50),
        ...contest.rows({ what: `lag p99 at ${rate}/s`, unit: 'ms' }, (each) => each.lags[at]!.p99),
      ]),
      ...contest.rows({ what: 'writes kept pace with', unit: 'k/s' }, (each) => each.perSecond / 1000),
    ];
  } catch (error) {
    rows = [failedRow('redis-server and replica', error)];
  }
  return {
    name: 'replica-of',
    title: 'Replica Of between clusters, beside the replication of a redis-server',
    columns: { reference: 'redis-server', ours: 'antipode' },
    rows,
  };
};
