/**
 * How people name a database of the running sandbox: `orders` where no other cluster has one of that name, otherwise
 * `east.local/orders`; a uid in place of the name. What is found is what the REST API shows.
 */

import { askApi, type ApiAsk } from './sandbox-api.ts';
import type { RuntimeCluster } from './runtime-file.ts';
import { CliFailure } from './verb.ts';

/** What of a database the verbs read. [RS objects/bdb] */
export interface Bdb {
  readonly uid: number;
  readonly name: string;
  readonly status: string;
  readonly shards_count: number;
  readonly memory_size: number;
  readonly tls_mode: string;
  readonly authentication_admin_pass: string;
  readonly replica_sync: string;
  readonly endpoints: readonly {
    readonly dns_name: string;
    readonly port: number;
    readonly addr: readonly string[];
  }[];
  readonly replica_sources: readonly BdbSource[];
}

export interface BdbSource {
  readonly uid: number;
  readonly uri: string;
  readonly compression: number;
  readonly encryption: boolean;
  readonly status: string;
  readonly lag: number;
  readonly rdb_size: number;
  readonly rdb_transferred: number;
  readonly last_error: string;
}

export interface FoundDatabase {
  readonly cluster: RuntimeCluster;
  readonly bdb: Bdb;
}

/** A change is carried out after it has been accepted; this long people are kept waiting for it. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** By its name, or the only one there is. */
export const findCluster = async (name: string | undefined): Promise<RuntimeCluster> => {
  const { findSandbox } = await import('./runtime-file.ts');
  const { clusters } = findSandbox();
  const known = clusters.map((cluster) => cluster.name).join(', ');
  if (name === undefined) {
    const [only, ...others] = clusters;
    if (only !== undefined && others.length === 0) return only;
    throw new CliFailure(`which cluster? the sandbox has: ${known}; name one with --cluster`);
  }
  const found = clusters.find((cluster) => cluster.name === name);
  if (found === undefined) throw new CliFailure(`there is no cluster "${name}"; the sandbox has: ${known}`);
  return found;
};

export const findDatabase = async (reference: string): Promise<FoundDatabase> => {
  const all = await everyDatabase();
  const slash = reference.lastIndexOf('/');
  const wantedCluster = slash < 0 ? null : reference.slice(0, slash);
  const wanted = reference.slice(slash + 1);
  const fits = ({ cluster, bdb }: FoundDatabase): boolean =>
    (wantedCluster === null || cluster.name === wantedCluster) && (bdb.name === wanted || String(bdb.uid) === wanted);
  const [first, ...others] = all.filter(fits);
  const names = (some: readonly FoundDatabase[]): string => some.map(nameOf).join(', ') || 'none';
  if (first === undefined) throw new CliFailure(`there is no database "${reference}"; there are: ${names(all)}`);
  if (others.length > 0) {
    throw new CliFailure(`"${reference}" names several databases; say which: ${names([first, ...others])}`);
  }
  return first;
};

export const everyDatabase = async (): Promise<readonly FoundDatabase[]> => {
  const { findSandbox } = await import('./runtime-file.ts');
  const found = findSandbox().clusters.map(async (cluster) =>
    ((await askApi(cluster, '/v1/bdbs')) as readonly Bdb[]).map((bdb) => ({ cluster, bdb })),
  );
  return (await Promise.all(found)).flat();
};

export const nameOf = ({ cluster, bdb }: FoundDatabase): string => `${cluster.name}/${bdb.name}`;

/** Changes a database and waits until the cluster has carried that out. */
export const changeDatabase = async (found: FoundDatabase, ask: ApiAsk, path = ''): Promise<Bdb> => {
  await askApi(found.cluster, `/v1/bdbs/${found.bdb.uid}${path}`, ask);
  return waitActive(found.cluster, found.bdb.uid);
};

export const waitActive = async (cluster: RuntimeCluster, uid: number): Promise<Bdb> => {
  const { waitAlive } = await import('../world/system-wait.ts');
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const bdb = (await askApi(cluster, `/v1/bdbs/${uid}`)) as Bdb;
    if (bdb.status === 'active') return bdb;
    if (bdb.status === 'creation-failed' || waitedMs > PATIENCE_MS) {
      throw new CliFailure(
        `database ${cluster.name}/${bdb.name} is "${bdb.status}", not active; antipode events --cluster ${cluster.name} tells what happened`,
      );
    }
    await waitAlive(LOOK_EVERY_MS);
  }
};
