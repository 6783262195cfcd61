/**
 * Following 200,000 writes that are pipelined into a real redis-server: time from the first write until the follower has
 * the last one, and the follower's processor time per write.
 *
 * Followers: a real replica, a shard as replica, and the engine into another redis-server, whose own work is not counted. Each has
 * followed a load before its measured one. There is no target: the numbers are here to be watched.
 */

import { performance } from 'node:perf_hooks';
import { Contest } from './support/contest.ts';
import { replicaOf, untilFollowed, untilUnfollowed, whileReplicating } from './support/following.ts';
import { Load } from './support/load.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import type { Table } from './support/table.ts';
import { processorMs } from './support/usage.ts';

const WRITES = { quick: 51_200, full: 200_000 };
const ROUNDS = { quick: 1, full: 5 };
const KEYS = 100_000;
const PIPELINE = 64;

interface Followed {
  readonly elapsedMs: number;
  readonly processorUs: number;
}

interface Stage {
  readonly load: Load;
  readonly source: Server;
  readonly writes: number;
}

/** `pid` is the process whose work is counted; `follower` the server where the writes shall arrive. */
const follow = async ({ load, source, writes }: Stage, follower: Server, pid: number): Promise<Followed> => {
  using sourceClient = await source.client();
  using client = await follower.client();
  const operations = Math.ceil(writes / PIPELINE) * PIPELINE;
  const work = { kind: 'set', pipeline: PIPELINE, operations, keys: KEYS } as const;
  await untilFollowed(sourceClient, client);
  await load.run(source, work);
  await untilFollowed(sourceClient, client);
  const usedBefore = processorMs(pid);
  const startedAt = performance.now();
  await load.run(source, work);
  await untilFollowed(sourceClient, client);
  return {
    elapsedMs: performance.now() - startedAt,
    processorUs: ((processorMs(pid) - usedBefore) * 1000) / operations,
  };
};

const byReplica = (stage: Stage, start: () => Promise<Server>) => async (): Promise<Followed> => {
  await untilUnfollowed(stage.source);
  await using replica = await start();
  using client = await replica.client();
  await replicaOf(client, stage.source);
  return await follow(stage, replica, replica.pid);
};

const byEngine = (stage: Stage) => async (): Promise<Followed> => {
  await untilUnfollowed(stage.source);
  await using target = await startRedis();
  return await whileReplicating(stage.source, target, (engine) => follow(stage, target, engine.pid));
};

export const liveStream = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  await using load = new Load();
  await using source = await startRedis();
  await load.fill(source, KEYS);
  const stage = { load, source, writes: WRITES[size] };
  const contest = new Contest<Followed>({ name: 'real replica', run: byReplica(stage, startRedis) }, [
    { name: 'shard as replica', run: byReplica(stage, startShard) },
    { name: 'replicate into redis-server', run: byEngine(stage) },
  ]);
  await contest.run(ROUNDS[size]);
  return {
    name: 'live-stream',
    title: `Live stream of ${stage.writes} writes from a redis-server`,
    columns: { reference: 'real replica', ours: 'antipode' },
    rows: [
      ...contest.rows({ what: 'until it has all', unit: 's' }, (each) => each.elapsedMs / 1000),
      ...contest.rows({ what: 'processor time', unit: 'us/write' }, (each) => each.processorUs),
    ],
  };
};
