/**
 * Where the shards of a new database go. Pure.
 *
 * Dense: on as few nodes as possible, beginning with the one that has the fewest shards [RS shards_placement: dense]. Ports are
 * unique in the whole cluster, so that nodes may share an address. Limits: `SHARDS_PER_NODE_MAX`.
 */

import { SHARDS_PER_NODE_MAX, type ClusterState, type ShardRecord } from './cluster-state.ts';

/** Null: the nodes cannot hold that many. */
export const placeShards = (state: ClusterState, databaseUid: number, count: number): readonly ShardRecord[] | null => {
  const load = new Map(state.nodes.map((node) => [node.uid, 0]));
  for (const shard of state.shards) load.set(shard.nodeUid, (load.get(shard.nodeUid) ?? 0) + 1);
  const nodes = [...load].toSorted(([uid, shards], [otherUid, otherShards]) => shards - otherShards || uid - otherUid);
  const takenPorts = new Set(state.shards.map((shard) => shard.port));
  const placed: ShardRecord[] = [];
  let port = state.ports.shardFirst;
  for (const [nodeUid, shards] of nodes) {
    for (let room = SHARDS_PER_NODE_MAX - shards; room > 0 && placed.length < count; room--) {
      while (takenPorts.has(port)) port++;
      if (port > state.ports.shardLast) return null;
      placed.push({
        uid: state.nextShardUid + placed.length,
        databaseUid,
        index: placed.length,
        nodeUid,
        port: port++,
      });
    }
  }
  return placed.length === count ? placed : null;
};
