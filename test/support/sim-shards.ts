/** Single shards in a simulated world: servers outside any cluster, as a source may be. */

import { dataCommands } from '../../src/node/commands/index.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { serveShard } from '../../src/node/shard/resp-server.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { replicationCommands } from '../../src/replication/commands.ts';
import { attachReplication } from '../../src/replication/replication.ts';
import type { SimWorld } from '../../src/world/sim-world.ts';
import { TestClient } from './fixtures.ts';

const COMMANDS = new CommandTable([...dataCommands, ...replicationCommands]);

export interface OutsideShard extends Disposable {
  readonly shard: Shard;
  readonly client: TestClient;
  readonly url: string;
}

export async function startShardAt(
  world: SimWorld,
  host: string,
  config: Readonly<Record<string, string>> = {},
): Promise<OutsideShard> {
  const shard = new Shard({ world, commands: COMMANDS, config });
  const network = world.network.from(host);
  attachReplication(shard, { network });
  const served = await serveShard(shard, network, { host, port: 6379 });
  if (!served.ok) throw new Error(served.detail);
  const password = config['requirepass'];
  return {
    shard,
    client: new TestClient(shard),
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}${host}:6379`,
    [Symbol.dispose]: () => {
      void served.server.close();
      shard.close();
    },
  };
}
