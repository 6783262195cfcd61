/** Builds Replica Of engines for tests, from URLs to one external target. */

import { CommandTable } from '../../src/node/commands/table.ts';
import { stringCommands } from '../../src/node/commands/strings.ts';
import { CHECKPOINT_KEY, HASH_MARKS } from '../../src/replication/replica-of/checkpoint.ts';
import { ReplicaOf, type ReplicaOfOptions } from '../../src/replication/replica-of/replica-of.ts';
import { parseSourceUrl, type SourceUrl } from '../../src/replication/replica-of/source-url.ts';
import type { World } from '../../src/world/world.ts';
import type { RealRedis } from './real-redis.ts';

const COMMANDS = new CommandTable(stringCommands);

export const sourceUrl = (url: string): SourceUrl => {
  const outcome = parseSourceUrl(url);
  if (!outcome.ok) throw new Error(outcome.detail);
  return outcome.url;
};

/** One engine from some sources into one server that is not ours. */
export function replicateInto(
  world: World,
  from: readonly string[],
  to: string,
  more: Partial<ReplicaOfOptions> = {},
): ReplicaOf {
  const target = sourceUrl(to);
  return new ReplicaOf({
    world,
    network: world.network,
    engine: 'test',
    generation: 'test',
    sources: from.map((url, index) => ({ key: String(index + 1), url: sourceUrl(url), tls: null })),
    destination: {
      targets: 1,
      databases: Infinity,
      commands: COMMANDS,
      targetOf: () => 0,
      specs: [
        {
          address: { host: target.host, port: target.port },
          username: target.username,
          password: target.password,
          tls: null,
          preamble: [],
          marks: HASH_MARKS,
        },
      ],
    },
    ...more,
  });
}

/** The same keys, the checkpoint aside, with the same DEBUG DIGEST-VALUE. */
export async function equalData(from: RealRedis, to: RealRedis): Promise<boolean> {
  const keys = ((await from.command('KEYS', '*')) as string[]).sort();
  const other = ((await to.command('KEYS', '*')) as string[]).filter((key) => key !== CHECKPOINT_KEY).sort();
  if (keys.join('\n') !== other.join('\n')) return false;
  const digests = async (redis: RealRedis) =>
    keys.length === 0 ? [] : await redis.command('DEBUG', 'DIGEST-VALUE', ...keys);
  return JSON.stringify(await digests(from)) === JSON.stringify(await digests(to));
}
