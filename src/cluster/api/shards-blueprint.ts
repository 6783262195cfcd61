/**
 * Where the shards of a database are or would be, as the API writes it: a node and a range of slots for each. [RS requests/bdbs/actions]
 *
 * Shards go where the placement policy puts them and stay there. A body may say the same in its own words (`shards_blueprint`,
 * `avoid_nodes`, `use_nodes`); another wish is refused, for it would not be fulfilled.
 */

import { z } from 'zod';
import { slotRangeText } from '../../sharding/slot-map.ts';
import { databaseByUid, shardsOf, type ClusterState, type DatabaseRecord } from '../state/cluster-state.ts';
import type { DatabaseSettings } from '../state/database-settings.ts';
import { slotMapOf } from '../state/hashing.ts';
import { placeShards } from '../state/placement.ts';
import type { BdbBody } from './bdb-fields.ts';
import { ApiProblem } from './problems.ts';

export const blueprintReply = z.array(
  z.object({ nodes: z.array(z.object({ node_uid: z.string(), role: z.string() })), slot_range: z.string() }),
);

type Blueprint = z.infer<typeof blueprintReply>;

/** In the order of the slot map. */
export const blueprintOf = (database: DatabaseRecord, shards: readonly { readonly nodeUid: number }[]): Blueprint => {
  const ranges = slotMapOf(shards.length, database).ranges();
  return shards.map(({ nodeUid }, index) => ({
    nodes: [{ node_uid: String(nodeUid), role: 'master' }],
    slot_range: slotRangeText(ranges[index]!),
  }));
};

/** Where the shards would go if the database were made now. */
export const bestPlacement = (
  state: ClusterState,
  database: DatabaseRecord,
  count: number,
  placement: DatabaseSettings['shards_placement'],
): Blueprint => {
  const without = { ...state, shards: state.shards.filter((shard) => shard.databaseUid !== database.uid) };
  const placed = placeShards(without, database.uid, count, placement);
  if (placed === null) throw new ApiProblem('insufficient_resources', `the nodes have no room for ${count} shards`);
  return blueprintOf(database, placed);
};

/** Refuses a wish about places that `state`, which is what would come of the body, does not fulfil. */
export const checkPlaces = (state: ClusterState, uid: number, body: BdbBody): void => {
  const database = databaseByUid(state, uid);
  if (database === undefined) return;
  const shards = shardsOf(state, uid);
  const known = new Set(state.nodes.map((node) => String(node.uid)));
  const wrong = [...(body.avoid_nodes ?? []), ...(body.use_nodes ?? [])].find((node) => !known.has(node));
  if (wrong !== undefined)
    throw new ApiProblem('insufficient_resources', `avoid_nodes, use_nodes: there is no node "${wrong}"`);
  for (const { nodeUid } of shards) {
    const node = String(nodeUid);
    const isAvoided = body.avoid_nodes?.includes(node) === true;
    const isUnwanted = (body.use_nodes ?? []).length > 0 && body.use_nodes?.includes(node) !== true;
    if (!isAvoided && !isUnwanted) continue;
    const rule = isAvoided ? 'avoid_nodes' : 'use_nodes';
    throw new ApiProblem(
      'not_emulated',
      `${rule}: a shard is placed on node ${node}, and choosing nodes is not emulated`,
    );
  }
  if (body.shards_blueprint === undefined) return;
  const wanted = bySlots(body.shards_blueprint);
  const actual = bySlots(blueprintOf(database, shards));
  if (wanted === actual) return;
  const fits = `it must be ${shards.length} shards, each with one master: ${actual}`;
  throw new ApiProblem('bad_shards_blueprint', `shards_blueprint ${wanted} does not fit the database: ${fits}`);
};

/** The order of the entries means nothing. */
const bySlots = (blueprint: Blueprint): string =>
  JSON.stringify(blueprint.toSorted((a, b) => Number.parseInt(a.slot_range, 10) - Number.parseInt(b.slot_range, 10)));
