/**
 * What must be done so that what runs becomes what the state says. Pure: the reconciler carries the steps out and plans again, until
 * nothing is left to do.
 *
 * A step may be repeated without harm, and steps come in an order that works: writers are stopped before the doors, doors before shards,
 * and started the other way round. What an endpoint reads afresh for each connection (passwords, TLS, limits) needs no step.
 */

import type { FullSyncCause } from '../../replication/replica-of/status.ts';
import { endpointNodes } from './placement.ts';
import { generationName, shardsOf, type ClusterState, type DatabaseRecord } from './cluster-state.ts';
import { differingSettings, shardSettingsOf, type ShardSettings } from './shard-settings.ts';

/** `ignore`: keys outlive their time, as at a destination of Replica Of. */
type ShardExpiry = 'delete' | 'ignore';

export interface FoundShard {
  readonly uid: number;
  readonly databaseUid: number;
  readonly index: number;
  readonly nodeUid: number;
  readonly port: number;
  readonly expiry: ShardExpiry;
  /** Parameters that follow from its database, as it was told them. */
  readonly settings: ShardSettings;
}

export interface FoundEndpoint {
  readonly databaseUid: number;
  readonly nodeUid: number;
  readonly port: number;
  /** Connections of `admin` older than this regeneration of the password are cut. */
  readonly adminPasswordEpoch: number;
}

interface FoundSyncer {
  readonly databaseUid: number;
  readonly nodeUid: number;
  readonly generation: string;
}

export interface Found {
  readonly shards: readonly FoundShard[];
  readonly endpoints: readonly FoundEndpoint[];
  readonly syncers: readonly FoundSyncer[];
}

export type Step =
  | { readonly kind: 'stop-syncer'; readonly nodeUid: number; readonly databaseUid: number }
  | { readonly kind: 'close-endpoint'; readonly nodeUid: number; readonly databaseUid: number }
  | { readonly kind: 'stop-shard'; readonly nodeUid: number; readonly databaseUid: number; readonly uid: number }
  | { readonly kind: 'start-shard'; readonly nodeUid: number; readonly databaseUid: number; readonly shard: FoundShard }
  | {
      readonly kind: 'set-expiry';
      readonly nodeUid: number;
      readonly databaseUid: number;
      readonly uid: number;
      readonly expiry: ShardExpiry;
    }
  | {
      readonly kind: 'configure-shard';
      readonly nodeUid: number;
      readonly databaseUid: number;
      readonly uid: number;
      readonly settings: ShardSettings;
    }
  | {
      readonly kind: 'open-endpoint';
      readonly nodeUid: number;
      readonly databaseUid: number;
      readonly endpoint: FoundEndpoint;
    }
  | {
      readonly kind: 'cut-admin';
      readonly nodeUid: number;
      readonly databaseUid: number;
      readonly adminPasswordEpoch: number;
    }
  | {
      readonly kind: 'start-syncer';
      readonly nodeUid: number;
      readonly databaseUid: number;
      readonly syncer: FoundSyncer;
      readonly fresh: FullSyncCause | null;
    };

/** What should run. */
export const wantedOf = (state: ClusterState): Found => {
  const living = state.databases.filter((database) => database.status !== 'delete-pending');
  return {
    shards: living.flatMap((database) =>
      shardsOf(state, database.uid).map((shard) => ({
        ...shard,
        expiry: expiryOf(database),
        settings: shardSettingsOf(database),
      })),
    ),
    endpoints: living
      .filter((database) => !database.trafficStopped)
      .flatMap((database) =>
        endpointNodes(state, database).map((node) => ({
          databaseUid: database.uid,
          nodeUid: node.uid,
          port: database.port,
          adminPasswordEpoch: database.adminPasswordEpoch,
        })),
      ),
    syncers: living
      .filter((database) => database.replica.sync === 'enabled')
      .map((database) => ({
        databaseUid: database.uid,
        nodeUid: database.endpointNodeUid, // [RS syncer: on the node of the destination's proxy]
        generation: generationName(state, database),
      })),
  };
};

/** A destination does not expire by itself until Replica Of is disabled. [RS replica-of: expiry] */
const expiryOf = (database: DatabaseRecord): ShardExpiry =>
  database.replica.sync === 'disabled' ? 'delete' : 'ignore';

export const plan = (state: ClusterState, found: Found): readonly Step[] => {
  const wanted = wantedOf(state);
  const steps: Step[] = [];
  for (const { databaseUid, nodeUid, generation } of found.syncers) {
    const same = wanted.syncers.some(
      (each) => each.databaseUid === databaseUid && each.nodeUid === nodeUid && each.generation === generation,
    );
    if (!same) steps.push({ kind: 'stop-syncer', nodeUid, databaseUid });
  }
  for (const endpoint of found.endpoints) {
    const { databaseUid, nodeUid } = endpoint;
    if (!wanted.endpoints.some((each) => sameEndpoint(each, endpoint)))
      steps.push({ kind: 'close-endpoint', nodeUid, databaseUid });
  }
  for (const shard of found.shards) {
    const { uid, databaseUid, nodeUid } = shard;
    if (!wanted.shards.some((each) => sameShard(each, shard)))
      steps.push({ kind: 'stop-shard', nodeUid, databaseUid, uid });
  }
  for (const shard of wanted.shards) {
    const { uid, databaseUid, nodeUid, expiry } = shard;
    const running = found.shards.find((each) => sameShard(each, shard));
    if (running === undefined) {
      steps.push({ kind: 'start-shard', nodeUid, databaseUid, shard });
      continue;
    }
    if (running.expiry !== expiry) steps.push({ kind: 'set-expiry', nodeUid, databaseUid, uid, expiry });
    const settings = differingSettings(shard.settings, running.settings);
    if (settings.length > 0) steps.push({ kind: 'configure-shard', nodeUid, databaseUid, uid, settings });
  }
  for (const endpoint of wanted.endpoints) {
    const { databaseUid, nodeUid, adminPasswordEpoch } = endpoint;
    const open = found.endpoints.find((each) => sameEndpoint(each, endpoint));
    if (open === undefined) steps.push({ kind: 'open-endpoint', nodeUid, databaseUid, endpoint });
    else if (open.adminPasswordEpoch !== adminPasswordEpoch) {
      steps.push({ kind: 'cut-admin', nodeUid, databaseUid, adminPasswordEpoch });
    }
  }
  for (const syncer of wanted.syncers) {
    const { databaseUid, nodeUid, generation } = syncer;
    const running = found.syncers.some(
      (each) => each.databaseUid === databaseUid && each.nodeUid === nodeUid && each.generation === generation,
    );
    if (running) continue;
    const fresh = state.databases.find((database) => database.uid === databaseUid)?.replica.restart ?? null;
    steps.push({ kind: 'start-syncer', nodeUid, databaseUid, syncer, fresh });
  }
  return steps;
};

const sameShard = (one: FoundShard, other: FoundShard): boolean =>
  one.uid === other.uid && one.nodeUid === other.nodeUid && one.port === other.port;

const sameEndpoint = (one: FoundEndpoint, other: FoundEndpoint): boolean =>
  one.databaseUid === other.databaseUid && one.nodeUid === other.nodeUid && one.port === other.port;
