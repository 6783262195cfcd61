/** A shard of this process that clients reach on a free loopback port. */

import { dataCommands } from '../../src/node/commands/index.ts';
import { serveShard } from '../../src/node/shard/resp-server.ts';
import type { Shard } from '../../src/node/shard/shard.ts';
import { replicationCommands } from '../../src/replication/commands.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { testShard } from './fixtures.ts';

export interface ServedShard extends AsyncDisposable {
  readonly shard: Shard;
  readonly port: number;
}

export async function servedShard(config: Readonly<Record<string, string>> = {}): Promise<ServedShard> {
  const world = new SystemWorld({ seed: 1 });
  const test = testShard({ commands: [...dataCommands, ...replicationCommands], world, config });
  const outcome = await serveShard(test.shard, world.network, { host: '127.0.0.1', port: 0 });
  if (!outcome.ok) throw new Error(outcome.detail);
  const { server } = outcome;
  return {
    shard: test.shard,
    port: server.address.port,
    async [Symbol.asyncDispose]() {
      test.shard.close();
      await server.close();
    },
  };
}
