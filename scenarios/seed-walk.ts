/**
 * An administrator's whole walk with Replica Of, by REST alone: a source URL is pasted, TLS is turned on with both certificates,
 * compression too; the password is regenerated; sources are added, the last of them a Redis outside with a difficult password.
 */

import type { Actors } from '../src/sandbox/actors.ts';
import type { SandboxCluster } from '../src/sandbox/cluster.ts';
import type { ScenarioClient } from '../src/sandbox/scenario-client.ts';
import type { Scenario } from '../src/sandbox/scenario.ts';

const PATIENCE_MS = 20_000;
/** [RS objects/bdb] */
const STANDARD_RULES = [{ regex: '.*\\{(?<tag>.*)\\}.*' }, { regex: '(?<tag>.*)' }];
const EXTERNAL_PASSWORD = 'p@ss:w/rd%';

/** Fields of /v1/bdbs/{uid} that the walk reads. */
interface Bdb {
  readonly uid: number;
  readonly status: string;
  readonly authentication_admin_pass: string;
  readonly endpoints: readonly { readonly dns_name: string; readonly port: number }[];
  readonly replica_sync: string;
  readonly replica_sources: readonly Source[];
}

interface Source {
  readonly uid?: number;
  readonly uri: string;
  readonly status?: string;
  readonly last_error?: string;
  readonly encryption?: boolean;
  readonly compression?: number;
  readonly server_cert?: string;
  readonly replication_tls_sni?: string;
}

/** One database as an administrator sees it. */
class Administered {
  readonly #actors: Actors;
  readonly #cluster: SandboxCluster;
  readonly uid: number;

  constructor(actors: Actors, cluster: SandboxCluster, uid: number) {
    this.#actors = actors;
    this.#cluster = cluster;
    this.uid = uid;
  }

  /** Resolves when it is active. */
  static async create(actors: Actors, cluster: SandboxCluster, body: object): Promise<Administered> {
    const { uid } = (await cluster.rest('POST', '/v1/bdbs', { memory_size: 0, ...body })) as Bdb;
    const database = new Administered(actors, cluster, uid);
    await database.#active();
    return database;
  }

  async get(): Promise<Bdb> {
    return (await this.#cluster.rest('GET', `/v1/bdbs/${this.uid}`)) as Bdb;
  }

  async put(body: object): Promise<void> {
    await this.#cluster.rest('PUT', `/v1/bdbs/${this.uid}`, body);
    await this.#active();
  }

  async regeneratePassword(): Promise<void> {
    await this.#cluster.rest('PUT', `/v1/bdbs/${this.uid}/reset_admin_pass`);
    await this.#active();
  }

  /** Put together from the fields that automation reads. */
  async sourceUrl(): Promise<string> {
    const { authentication_admin_pass: password, endpoints } = await this.get();
    return `redis://admin:${password}@${endpoints[0]!.dns_name}:${endpoints[0]!.port}`;
  }

  async fullSyncs(): Promise<number> {
    const state = await this.#cluster.rest('GET', `/v1/bdbs/${this.uid}/syncer_state`);
    return (state as { readonly full_syncs: number }).full_syncs;
  }

  inSync(what: string): Promise<void> {
    return this.#actors.eventually(
      async () => {
        const { replica_sync: sync, replica_sources: sources } = await this.get();
        return sync === 'enabled' && sources.every((source) => source.status === 'in-sync');
      },
      { withinMs: PATIENCE_MS, what },
    );
  }

  #active(): Promise<void> {
    return this.#actors.eventually(async () => (await this.get()).status === 'active', {
      withinMs: PATIENCE_MS,
      what: `database ${this.uid} of ${this.#cluster.name} is active`,
    });
  }
}

const sharded = (shards: number): object => ({ shards_count: shards, sharding: true, shard_key_regex: STANDARD_RULES });

export const scenario: Scenario = {
  name: 'seed-walk',
  description:
    'Replica Of by pasted URL, then with TLS, compression, a regenerated password, a second source and one outside, all by REST',

  async run(actors) {
    const sandbox = await actors.sandbox({ clusters: [{ name: 'east.local' }, { name: 'west.local' }] });
    const east = sandbox.cluster('east.local');
    const west = sandbox.cluster('west.local');
    const orders = await Administered.create(actors, east, {
      name: 'orders',
      port: 12_000,
      ...sharded(2),
    });
    const copy = await Administered.create(actors, west, {
      name: 'copy',
      port: 12_000,
      ...sharded(3),
    });
    const ordersClient = await actors.client(east.database('orders'));
    const reader = await actors.client(west.database('copy'));
    await fill(ordersClient, 'orders', 200);
    await reader.call('SET', 'stale', 'goes with the first synchronisation');

    await copy.put({ replica_sync: 'enabled', replica_sources: [{ uri: await orders.sourceUrl() }] });
    await copy.inSync('the copy is in sync by a pasted URL');
    await actors.expectEqual(east.database('orders'), west.database('copy'));
    actors.expect((await copy.fullSyncs()) === 1, 'one full sync so far');

    // TLS between databases: the source trusts the syncer certificate, the destination the proxy certificate.
    const { syncer_certificate: syncer } = (await west.rest('GET', '/v1/cluster')) as { syncer_certificate: string };
    const { proxy_certificate: proxy } = (await east.rest('GET', '/v1/cluster')) as { proxy_certificate: string };
    await orders.put({
      tls_mode: 'replica_ssl',
      enforce_client_authentication: 'enabled',
      authentication_ssl_client_certs: [{ client_cert: syncer }],
    });
    await live(actors, ordersClient, reader, 'a running stream is not touched by a change of TLS');
    const uri = await orders.sourceUrl();
    const secure: Source = {
      uri,
      encryption: true,
      server_cert: proxy,
      replication_tls_sni: new URL(uri).hostname,
    };
    await copy.put({ replica_sources: [secure] });
    await copy.inSync('the copy is in sync over TLS');

    await copy.put({ replica_sources: [{ ...secure, compression: 6 }] });
    await copy.inSync('the copy is in sync over TLS and compressed');
    await live(actors, ordersClient, reader, 'writes arrive compressed');
    await actors.expectEqual(east.database('orders'), west.database('copy'));
    actors.expect((await copy.fullSyncs()) === 3, 'each edit of the sources was a full sync');

    await orders.regeneratePassword();
    await actors.eventually(async () => (await copy.get()).replica_sync === 'stopped', {
      withinMs: PATIENCE_MS,
      what: 'a regenerated password stops the destination',
    });
    const [stopped] = (await copy.get()).replica_sources;
    actors.expect(
      /auth/i.test(stopped?.last_error ?? ''),
      `the error speaks of authentication: ${stopped?.last_error}`,
    );
    const logs = (await west.rest('GET', '/v1/logs')) as readonly { readonly type: string }[];
    actors.expect(
      logs.some(({ type }) => type === 'authentication_err'),
      'the event log has authentication_err',
    );
    await ordersClient.call('SET', 'orders:while-stopped', 'x');
    actors.expect((await reader.call('EXISTS', 'orders:0')) === 1, 'a stopped destination keeps its data');

    const renewed: Source = { ...secure, uri: await orders.sourceUrl(), compression: 6 };
    await copy.put({ replica_sources: [renewed], replica_sync: 'enabled' });
    await copy.inSync('with the new URL the copy is in sync again');
    await actors.expectEqual(east.database('orders'), west.database('copy'));
    actors.expect((await copy.fullSyncs()) === 4, 'after a stop everything starts with a full sync');

    const second = await Administered.create(actors, west, { name: 'second', port: 12_001 });
    const secondClient = await actors.client(west.database('second'));
    await fill(secondClient, 'second', 50);
    await copy.put({ replica_sources: [renewed, { uri: `second: ${await second.sourceUrl()}` }] });
    await copy.inSync('both sources are in sync');
    actors.expect((await copy.fullSyncs()) === 5, 'a second source restarts everything');

    const redis = await actors.externalRedis({ password: EXTERNAL_PASSWORD });
    actors.expect(
      redis.url.includes(encodeURIComponent(EXTERNAL_PASSWORD)),
      'the password is percent-encoded in the URL',
    );
    const outside = await actors.client(redis.url);
    await fill(outside, 'outside', 50);
    await copy.put({ replica_sources: [...(await copy.get()).replica_sources, { uri: redis.url }] });
    await copy.inSync('all three sources are in sync');
    actors.expect((await copy.fullSyncs()) === 6, 'a third source restarts everything');
    const { replica_sources: sources } = await copy.get();
    actors.expect(sources.map(({ compression }) => compression).join() === '6,0,0', 'each source keeps its settings');

    for (const [client, prefix] of [
      [ordersClient, 'orders'],
      [secondClient, 'second'],
      [outside, 'outside'],
    ] as const) {
      await client.call('SET', `${prefix}:last`, prefix);
      await actors.eventually(async () => (await reader.call('GET', `${prefix}:last`)) === prefix, {
        withinMs: PATIENCE_MS,
        what: `the last write of ${prefix} arrives`,
      });
    }
    const sizes = await Promise.all(
      [ordersClient, secondClient, outside, reader].map((client) => client.call('DBSIZE')),
    );
    actors.expect(
      Number(sizes[0]) + Number(sizes[1]) + Number(sizes[2]) === sizes[3],
      `the copy is the union: ${sizes.join()}`,
    );
  },
};

async function fill(client: ScenarioClient, prefix: string, count: number): Promise<void> {
  await client.pipeline(Array.from({ length: count }, (_, at) => ['SET', `${prefix}:${at}`, `value ${at}`]));
}

async function live(actors: Actors, writer: ScenarioClient, reader: ScenarioClient, what: string): Promise<void> {
  const value = await writer.call('INCR', 'orders:live');
  await actors.eventually(async () => (await reader.call('GET', 'orders:live')) === String(value), {
    withinMs: PATIENCE_MS,
    what,
  });
}
