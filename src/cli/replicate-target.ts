/**
 * The destination of `antipode replicate`, from its URL: what kind of server it is, where the writes go, and what a replication
 * into it will do to the data that are there. Asks, changes nothing.
 *
 * A database of ours is written shard by shard, with the marks beside its keys; any other server is one target and keeps the
 * marks in a key.
 */

import { shardCommands } from '../cluster/control/shard-commands.ts';
import { CHECKPOINT_KEY, GENERATION, HASH_MARKS, SHARD_MARKS } from '../replication/replica-of/checkpoint.ts';
import type { DestinationSpec } from '../replication/replica-of/destination.ts';
import type { SourceUrl } from '../replication/replica-of/source-url.ts';
import type { TargetSpec } from '../replication/replica-of/target.ts';
import { askTopology, type Topology, type TopologyOutcome } from '../replication/replica-of/topology.ts';
import { ConnectionLost, openClient, ReplyError } from '../replication/request-client.ts';
import { compileHashingPolicy } from '../sharding/hashing-policy.ts';
import type { ClientTls, World } from '../world/world.ts';
import { CliFailure } from './verb.ts';
import { placeOf } from './server-options.ts';

const TIMEOUT_MS = 5_000;

export interface TargetFound {
  readonly destination: DestinationSpec;
  /** Empty when the server does not tell. */
  readonly runId: string;
  /** Keys that are there now, without our own. */
  readonly keys: number;
  /** Which configuration it was last filled for; null: none. */
  readonly generation: string | null;
}

export async function findTarget(world: World, url: SourceUrl, tls: ClientTls | null): Promise<TargetFound> {
  const outcome = await new Promise<TopologyOutcome>((resolve) =>
    askTopology(world.network, (ms, then) => world.clock.after(ms, then), { url, tls, timeoutMs: TIMEOUT_MS }, resolve),
  );
  if (!outcome.ok) throw new CliFailure(refusalText(url, outcome));
  const { topology } = outcome;
  const destination = destinationOf(topology, url, tls);
  const { generation, checkpoints } = await marksOf(world, destination.specs[0]!, url);
  return { destination, runId: topology.runId, keys: Math.max(0, topology.keys - checkpoints), generation };
}

function destinationOf(topology: Topology, url: SourceUrl, tls: ClientTls | null): DestinationSpec {
  const access = { address: { host: url.host, port: url.port }, username: url.username, password: url.password, tls };
  const common = { commands: shardCommands, targets: topology.shards.length };
  if (topology.hashingRules === null) {
    const spec: TargetSpec = { ...access, preamble: [], marks: HASH_MARKS };
    return { ...common, databases: Infinity, targetOf: () => 0, specs: [spec] };
  }
  const compiled = compileHashingPolicy(topology.hashingRules.map((regex) => ({ regex })));
  if (!compiled.ok)
    throw new CliFailure(`--to: the hashing policy of ${placeOf(url)} is not understood: ${compiled.detail}`);
  const { shards } = topology;
  return {
    ...common,
    databases: 1,
    targetOf: (key) => {
      const slot = compiled.policy.slotOf(key);
      if (slot === null) return null;
      const at = shards.findIndex(({ ranges }) => ranges.some(({ first, last }) => slot >= first && slot <= last));
      return at < 0 ? null : at;
    },
    specs: shards.map(({ index }) => ({
      ...access,
      preamble: [['ANTIPODE', 'PIN', String(index)]],
      marks: SHARD_MARKS,
    })),
  };
}

async function marksOf(
  world: World,
  spec: TargetSpec,
  url: SourceUrl,
): Promise<{ generation: string | null; checkpoints: number }> {
  const opened = await openClient(world, url, { tls: spec.tls, timeoutMs: TIMEOUT_MS });
  if (!opened.ok) throw new CliFailure(`--to: ${placeOf(url)}: ${opened.why}: ${opened.detail}`);
  try {
    for (const words of spec.preamble) await opened.client.call(...words);
    const flat = await opened.client.call(...spec.marks.read);
    const marks = Array.isArray(flat) ? flat : [];
    const at = marks.findIndex((each, index) => index % 2 === 0 && each === GENERATION);
    const generation = at < 0 ? null : marks[at + 1];
    return {
      generation: typeof generation === 'string' ? generation : null,
      checkpoints: spec.marks.flushedWithData && marks.length > 0 ? 1 : 0,
    };
  } catch (error) {
    if (!(error instanceof ReplyError || error instanceof ConnectionLost)) throw error;
    const what = spec.marks.flushedWithData
      ? `the key "${CHECKPOINT_KEY}", where replication keeps its place, cannot be read`
      : 'its marks cannot be read';
    throw new CliFailure(`--to: ${placeOf(url)}: ${what}: ${error.message}`);
  } finally {
    opened.client.close();
  }
}

function refusalText(url: SourceUrl, outcome: Extract<TopologyOutcome, { ok: false }>): string {
  const place = placeOf(url);
  switch (outcome.why) {
    case 'authentication':
      return `--to: ${place} refuses the user or password (${outcome.detail}): write them percent-encoded, as redis://user:p%40ss@host:port`;
    case 'refused':
      return `--to: ${place} does not answer as a Redis server does: ${outcome.detail}`;
    case 'connection':
      break;
  }
  return `--to: the destination ${place} is not to be reached (${outcome.failure}: ${outcome.detail}): start it, or mend the address; nothing has been changed`;
}
