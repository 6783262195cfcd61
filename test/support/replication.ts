/**
 * Shards with replication, on sockets or in a simulated network, and one way to speak to them and to a real redis-server.
 * Sessions, servers and shards go with `await using`.
 */

import { dataCommands } from '../../src/node/commands/index.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { serveShard, type RespServer } from '../../src/node/shard/resp-server.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { datasetDigest } from '../../src/node/keyspace/digest.ts';
import { replicationCommands } from '../../src/replication/commands.ts';
import { attachReplication, type Replication } from '../../src/replication/replication.ts';
import type { LogFields, World } from '../../src/world/world.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { eventually } from './eventually.ts';
import { TestClient, type TestReply } from './fixtures.ts';
import type { RealRedis } from './real-redis.ts';

const TABLE = new CommandTable([...dataCommands, ...replicationCommands]);
const SYNC_MS_MAX = 20_000;

export interface ServedShardOptions {
  readonly world?: World;
  /** Where it listens; other hosts than 127.0.0.1 let faults tell shards apart. */
  readonly host?: string;
  readonly config?: Readonly<Record<string, string>>;
}

export interface LogEvent {
  readonly name: string;
  readonly fields: LogFields;
}

/** A shard and a redis-server look the same from here. */
export interface ReplicationNode {
  readonly host: string;
  readonly port: number;
  /** Rejects with an error reply. */
  call(...words: readonly string[]): Promise<TestReply | undefined>;
  /** Sends on a connection of its own and does not wait for the reply: for requests that block. */
  send(...words: readonly string[]): void;
  digest(): Promise<string>;
  info(section: string): Promise<Record<string, string>>;
}

export interface ServedShard extends ReplicationNode, AsyncDisposable {
  readonly shard: Shard;
  readonly world: World;
  readonly replication: Replication;
  readonly server: RespServer;
  client(): TestClient;
}

/** A system world that remembers its events. */
export function listeningWorld(seed = 1): { world: SystemWorld; events: LogEvent[] } {
  const events: LogEvent[] = [];
  return {
    events,
    world: new SystemWorld({ seed, log: { event: (name, fields = {}) => void events.push({ name, fields }) } }),
  };
}

export async function servedShard(options: ServedShardOptions = {}): Promise<ServedShard> {
  const { world = new SystemWorld({ seed: 1 }), host = '127.0.0.1', config = {} } = options;
  const shard = new Shard({ world, commands: TABLE, config });
  const outcome = await serveShard(shard, world.network, { host, port: 0 });
  if (!outcome.ok) throw new Error(outcome.detail);
  const { server } = outcome;
  const replication = attachReplication(shard, { network: world.network.from(host) });
  const client = (): TestClient => {
    const made = new TestClient(shard);
    made.session.setAuthenticated(true);
    return made;
  };
  const ours = client();
  return {
    shard,
    world,
    replication,
    server,
    host,
    port: server.address.port,
    client,
    call: async (...words) => {
      const reply = ours.call(...words);
      if (reply instanceof Error) throw reply;
      return reply;
    },
    send: (...words) => client().send(...words),
    digest: async () => datasetDigest(shard.keyspaces),
    info: async (section) => fieldsOf(String(ours.call('INFO', section))),
    [Symbol.asyncDispose]: async () => {
      shard.close();
      await server.close();
    },
  };
}

export const realNode = (redis: RealRedis): ReplicationNode => ({
  host: redis.host,
  port: redis.port,
  call: async (...words) => await redis.command(...words),
  send: (name, ...words) => {
    const client = redis.client();
    const over = (): void => client.disconnect();
    client.callBuffer(name, ...words.map((word) => Buffer.from(word, 'latin1'))).then(over, over);
  },
  digest: async () => String(await redis.command('DEBUG', 'DIGEST')),
  info: async (section) => fieldsOf(String(await redis.command('INFO', section))),
});

/**
 * Waits until the replica has applied all that the primary wrote and both have the same fingerprint, which is returned. The
 * fingerprints are asked for again as long as they differ: a key may expire at the primary between the two questions.
 */
export async function inSync(primary: ReplicationNode, replica: ReplicationNode): Promise<string> {
  let digests: [string, string] = ['', ''];
  const same = async (): Promise<boolean> => {
    const theirs = await primary.info('replication');
    const ours = await replica.info('replication');
    if (ours['master_link_status'] !== 'up' || ours['slave_repl_offset'] !== theirs['master_repl_offset']) return false;
    digests = [await primary.digest(), await replica.digest()];
    return digests[0] === digests[1];
  };
  const what = `${replica.port} has what ${primary.port} has`;
  await eventually(same, { withinMs: SYNC_MS_MAX, what }).catch(async (error: unknown) => {
    const states = JSON.stringify([await primary.info('replication'), await replica.info('replication')], null, 1);
    throw new Error(`${String(error)}; fingerprints ${digests.join(' and ')}; ${states}`);
  });
  return digests[0];
}

function fieldsOf(info: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of info.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}
