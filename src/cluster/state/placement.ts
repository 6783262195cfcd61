/**
 * Where a database's shards and endpoints go. Pure.
 *
 * Shards: dense, on as few nodes as possible, beginning with the one that has the fewest; sparse, each on the node that has the fewest
 * then [RS shards_placement]. Their ports are unique in the whole cluster, so that nodes may share an address. Endpoints: on one node,
 * on every node with a primary shard of the database, or on every node [RS proxy policy]. Limits: `shardsAllowedOn`.
 */

import {
  shardsOf,
  type ClusterState,
  type DatabaseRecord,
  type NodeRecord,
  type ShardRecord,
} from './cluster-state.ts';
import type { DatabaseSettings } from './database-settings.ts';
import { shardsAllowedOn } from './node-settings.ts';

/** Null: the nodes cannot hold that many. */
export const placeShards = (
  state: ClusterState,
  databaseUid: number,
  count: number,
  placement: DatabaseSettings['shards_placement'],
): readonly ShardRecord[] | null => {
  const room = new Map(state.nodes.map((node) => [node.uid, shardsAllowedOn(node)]));
  const load = new Map(state.nodes.map((node) => [node.uid, 0]));
  for (const shard of state.shards) load.set(shard.nodeUid, (load.get(shard.nodeUid) ?? 0) + 1);
  const isFull = (uid: number): boolean => load.get(uid)! >= room.get(uid)!;
  const takenPorts = new Set(state.shards.map((shard) => shard.port));
  const placed: ShardRecord[] = [];
  let port = state.ports.shardFirst;
  let nodeUid: number | null = null;
  while (placed.length < count) {
    if (placement === 'sparse' || nodeUid === null || isFull(nodeUid)) nodeUid = emptiest(load, isFull);
    while (takenPorts.has(port)) port++;
    if (nodeUid === null || port > state.ports.shardLast) return null;
    placed.push({ uid: state.nextShardUid + placed.length, databaseUid, index: placed.length, nodeUid, port: port++ });
    load.set(nodeUid, load.get(nodeUid)! + 1);
  }
  return placed;
};

/** What the cluster's policy says of a new database, if nobody else does. [RS cluster policy] */
export const placementDefaults = (
  { settings }: ClusterState,
  sharding: boolean,
): Pick<DatabaseSettings, 'proxy_policy' | 'shards_placement' | 'resp3'> => ({
  proxy_policy: sharding ? settings.default_sharded_proxy_policy : settings.default_non_sharded_proxy_policy,
  shards_placement: settings.default_shards_placement,
  resp3: settings.resp3_default,
});

/** Of the nodes with room the one with the fewest shards, of equals the first; null: all are full. */
const emptiest = (load: ReadonlyMap<number, number>, isFull: (uid: number) => boolean): number | null => {
  const free = [...load].filter(([uid]) => !isFull(uid));
  return free.toSorted(([uid, shards], [other, otherShards]) => shards - otherShards || uid - other)[0]?.[0] ?? null;
};

/**
 * The nodes whose proxies serve a database, the one that serves it under `single` first, then by number. Of nodes that share an
 * address one is enough: the address and port are the endpoint.
 */
export const endpointNodes = (
  state: ClusterState,
  database: Pick<DatabaseRecord, 'uid' | 'endpointNodeUid' | 'settings'>,
): readonly NodeRecord[] => {
  const uids = new Set([database.endpointNodeUid]);
  const { proxy_policy: policy } = database.settings;
  if (policy === 'all-master-shards') {
    uids.clear();
    for (const shard of shardsOf(state, database.uid)) uids.add(shard.nodeUid);
  }
  const chosen = state.nodes.filter((node) => policy === 'all-nodes' || uids.has(node.uid));
  const rank = (node: NodeRecord): number => (node.uid === database.endpointNodeUid ? 0 : node.uid);
  const addresses = new Set<string>();
  return chosen
    .toSorted((one, other) => rank(one) - rank(other))
    .filter(({ address }) => !addresses.has(address) && addresses.add(address));
};
