/**
 * `antipode status`: what the databases of the running sandbox are doing, read from its REST APIs as any script could.
 */

import type { Command } from 'commander';
import type { RuntimeCluster } from './runtime-file.ts';
import { printJson, printLine } from './verb.ts';

const WATCH_EVERY_MS = 1_000;
/** Clears the screen and goes to its top left corner. */
const CLEAR = '\u001B[2J\u001B[H';

interface SourceStatus {
  readonly uid: number;
  readonly uri: string;
  readonly status: string;
  readonly lag_ms: number;
  readonly lag_bytes: number;
  readonly percent: number;
  readonly last_error: string;
}

interface DatabaseStatus {
  readonly uid: number;
  readonly name: string;
  readonly endpoint: string;
  readonly status: string;
  readonly shards: number;
  readonly keys: number;
  readonly replica_sync: string;
  readonly full_syncs: number;
  readonly sources: readonly SourceStatus[];
}

interface ClusterStatus {
  readonly name: string;
  readonly api: string;
  readonly databases: readonly DatabaseStatus[];
}

/** What of the API's answers is read here. */
interface Bdb {
  readonly uid: number;
  readonly name: string;
  readonly status: string;
  readonly shards_count: number;
  readonly replica_sync: string;
  readonly endpoints: readonly { readonly dns_name: string; readonly port: number }[];
  readonly replica_sources: readonly {
    readonly uid: number;
    readonly uri: string;
    readonly status: string;
    readonly lag: number;
    readonly last_error: string;
  }[];
}
interface SyncerState {
  readonly full_syncs: number;
  readonly sources: readonly { readonly uid: number; readonly lag_bytes: number; readonly percent: number }[];
}
type Stats = Readonly<Record<string, { readonly no_of_keys: number }>>;

interface StatusOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export const status = (program: Command): void => {
  program
    .command('status')
    .description('show the databases of the running sandbox and their replication')
    .option('--json', 'print one JSON document on one line')
    .option('-w, --watch', 'show it again every second, until Ctrl-C')
    .action(run);
};

const run = async (options: StatusOptions): Promise<void> => {
  const { findSandbox } = await import('./runtime-file.ts');
  const { waitAlive } = await import('../world/system-wait.ts');
  for (;;) {
    const clusters = await Promise.all(findSandbox().clusters.map(clusterStatus));
    if (options.json === true) printJson({ clusters });
    else printLine(`${options.watch === true && process.stdout.isTTY ? CLEAR : ''}${await textOf(clusters)}`);
    if (options.watch !== true) return;
    await waitAlive(WATCH_EVERY_MS);
  }
};

const clusterStatus = async (cluster: RuntimeCluster): Promise<ClusterStatus> => {
  const { askApi } = await import('./sandbox-api.ts');
  const [bdbs, stats] = (await Promise.all([askApi(cluster, '/v1/bdbs'), askApi(cluster, '/v1/bdbs/stats/last')])) as [
    Bdb[],
    Stats,
  ];
  const databases = bdbs.map(async (bdb): Promise<DatabaseStatus> => {
    const syncer =
      bdb.replica_sources.length === 0
        ? null
        : ((await askApi(cluster, `/v1/bdbs/${bdb.uid}/syncer_state`)) as SyncerState);
    const endpoint = bdb.endpoints[0];
    return {
      uid: bdb.uid,
      name: bdb.name,
      endpoint: endpoint === undefined ? '' : `${endpoint.dns_name}:${endpoint.port}`,
      status: bdb.status,
      shards: bdb.shards_count,
      keys: stats[String(bdb.uid)]?.no_of_keys ?? 0,
      replica_sync: bdb.replica_sync,
      full_syncs: syncer?.full_syncs ?? 0,
      sources: bdb.replica_sources.map((source) => {
        const seen = syncer?.sources.find((each) => each.uid === source.uid);
        return {
          uid: source.uid,
          uri: source.uri,
          status: source.status,
          lag_ms: source.lag,
          lag_bytes: seen?.lag_bytes ?? 0,
          percent: seen?.percent ?? 0,
          last_error: source.last_error,
        };
      }),
    };
  });
  return { name: cluster.name, api: cluster.api, databases: await Promise.all(databases) };
};

const textOf = async (clusters: readonly ClusterStatus[]): Promise<string> => {
  const { colours: pc } = await import('./colours.ts');
  const { hidePassword } = await import('../replication/replica-of/source-url.ts');
  const colour = (word: string): string =>
    word === 'in-sync' || word === 'active' || word === 'enabled'
      ? pc.green(word)
      : word === 'disabled'
        ? pc.dim(word)
        : pc.yellow(word);
  const lines = clusters.flatMap((cluster) => [
    pc.bold(cluster.name),
    ...cluster.databases.flatMap((database) => [
      `  ${pc.bold(database.name)}  ${database.endpoint}  ${colour(database.status)}, ${count(database.shards, 'shard')}, ${count(database.keys, 'key')}`,
      ...(database.sources.length === 0
        ? []
        : [`    replica_sync ${colour(database.replica_sync)}, ${count(database.full_syncs, 'full sync')}`]),
      ...database.sources.map((source) => {
        const progress = source.status === 'syncing' ? ` ${source.percent}%` : '';
        const error = source.last_error === '' ? '' : `, ${pc.red(source.last_error)}`;
        return `    ${hidePassword(source.uri)}  ${colour(source.status)}${progress}, lag ${source.lag_ms} ms, ${source.lag_bytes} bytes${error}`;
      }),
    ]),
  ]);
  return lines.join('\n');
};

const count = (number: number, thing: string): string => `${number} ${thing}${number === 1 ? '' : 's'}`;
