/**
 * What follows from a database's record for those who move its requests: the proxy's settings, the destination of a
 * Replica Of and its sources. Pure translation from the state's words to theirs.
 *
 * Compiled once for each version of the record, since an endpoint asks for every chunk of requests.
 */

import assert from 'node:assert';
import type { EndpointSettings } from '../../proxy/endpoint-settings.ts';
import type { AlertThresholds } from '../../replication/replica-of/alerts.ts';
import { SHARD_MARKS } from '../../replication/replica-of/checkpoint.ts';
import type { DestinationSpec } from '../../replication/replica-of/destination.ts';
import type { SourceSpec } from '../../replication/replica-of/source.ts';
import { parseSourceUrl } from '../../replication/replica-of/source-url.ts';
import type { GradualLimits } from '../../replication/replica-of/turns.ts';
import { compileHashingPolicy, type HashingPolicy } from '../../sharding/hashing-policy.ts';
import type { SlotMap } from '../../sharding/slot-map.ts';
import type { Address } from '../../world/world.ts';
import {
  nodeByUid,
  shardsOf,
  type ClusterState,
  type DatabaseRecord,
  type ShardRecord,
} from '../state/cluster-state.ts';
import type { DatabaseSettings } from '../state/database-settings.ts';
import { databaseAlertSetting } from '../state/database-alerts.ts';
import { policyRulesOf, slotMapOf } from '../state/hashing.ts';
import { endpointUsersOf } from './endpoint-users.ts';
import { shardCommands } from './shard-commands.ts';
import { sourceTls } from './tls-policy.ts';

export const addressOf = (state: ClusterState, nodeUid: number, port: number): Address => {
  const node = nodeByUid(state, nodeUid);
  assert(node !== undefined, `node ${nodeUid} exists`);
  return { host: node.address, port };
};

const policyOf = (database: DatabaseRecord): HashingPolicy => {
  const compiled = compileHashingPolicy(policyRulesOf(database));
  assert(compiled.ok, 'the rules were checked when the database was made');
  return compiled.policy;
};

/** 0: no limit but that of the shards, which the proxy's clients share. [RS objects/bdb: maxclients] */
const connectionsMax = ({ max_connections: most, maxclients }: DatabaseSettings): number =>
  most === 0 ? maxclients : Math.min(most, maxclients);

const isSameCluster = (before: Pick<ClusterState, 'accounts' | 'settings'> | null, now: ClusterState): boolean =>
  before?.accounts === now.accounts && before.settings === now.settings;

/** A function that gives the settings as of now and works only when something has changed. */
export const settingsReader = (
  state: () => ClusterState,
  databaseUid: number,
  /** Run ids of what fills the database; see `EndpointSettings.origins`. */
  origins: () => readonly string[],
): (() => EndpointSettings) => {
  let from: DatabaseRecord | null = null;
  let cluster: Pick<ClusterState, 'accounts' | 'settings'> | null = null;
  let settings: EndpointSettings | null = null;
  let slotMap: SlotMap | null = null;
  return () => {
    const now = state();
    const database = now.databases.find((each) => each.uid === databaseUid);
    // While it is being taken down the last settings hold.
    if (settings !== null && (database === undefined || (database === from && isSameCluster(cluster, now)))) {
      return settings;
    }
    assert(database !== undefined, `database ${databaseUid} exists while its endpoint opens`);
    from = database;
    cluster = { accounts: now.accounts, settings: now.settings };
    slotMap ??= slotMapOf(database.shardsCount, database);
    settings = {
      shards: shardsOf(now, databaseUid).map((shard) => ({
        index: shard.index,
        address: addressOf(now, shard.nodeUid, shard.port),
        password: now.internalPassword,
      })),
      slotMap,
      hashing: policyOf(database),
      hashingRules: policyRulesOf(database).map((rule) => rule.regex),
      clustered: database.sharding,
      passwords: database.passwords,
      defaultUser: database.settings.default_user,
      users: endpointUsersOf(now, database),
      adminPassword: database.adminPassword,
      tlsMode: database.tlsMode,
      readOnly: database.replica.readOnly,
      commands: shardCommands,
      maxConnections: connectionsMax(database.settings),
      clientPipelineMax: database.settings.max_client_pipeline,
      shardPipelineMax: database.settings.max_pipelined,
      resp3: database.settings.resp3,
      multiSlot: database.settings.mkms,
      origins,
    };
    return settings;
  };
};

/** A Replica Of writes to the shards themselves, by the destination's own hashing. */
export const destinationOf = (state: ClusterState, database: DatabaseRecord): DestinationSpec => {
  const shards = shardsOf(state, database.uid);
  const slotMap = slotMapOf(database.shardsCount, database);
  const policy = policyOf(database);
  return {
    targets: shards.length,
    commands: shardCommands,
    databases: 1,
    targetOf: (key) => {
      const slot = policy.slotOf(key);
      return slot === null ? null : slotMap.shardOf(slot);
    },
    specs: shards.map((shard: ShardRecord) => ({
      address: addressOf(state, shard.nodeUid, shard.port),
      username: null,
      password: state.internalPassword,
      tls: null,
      preamble: [],
      marks: SHARD_MARKS,
    })),
  };
};

/** `state` is asked at each connection: a rotated syncer certificate is shown by the next one. */
export const sourcesOf = (state: () => ClusterState, database: DatabaseRecord): readonly SourceSpec[] =>
  database.replica.sources.map((source) => {
    const parsed = parseSourceUrl(source.uri);
    assert(parsed.ok, 'the URL was checked when the source was defined');
    const { url } = parsed;
    return {
      key: String(source.uid),
      url,
      compression: source.compression,
      get tls() {
        return sourceTls(state(), source, url);
      },
    };
  });

/** How much a destination lets be sent at once when everything is sent. `auto` is on for Replica Of. [RS gradual sync] */
export const gradualLimitsOf = ({ settings }: DatabaseRecord): GradualLimits => ({
  sourcesMax: settings.gradual_src_mode === 'enabled' ? settings.gradual_src_max_sources : Infinity,
  shardsPerSourceMax:
    settings.gradual_sync_mode === 'disabled' ? Infinity : settings.gradual_sync_max_shards_per_source,
});

const SECOND_MS = 1_000;

/** When a database's alerts about its sources are on, by what is set for them. */
export const alertThresholdsOf = ({ alerts, settings }: DatabaseRecord): AlertThresholds => {
  const lag = databaseAlertSetting(alerts, 'bdb_replica_src_high_syncer_lag');
  return {
    lagMs: lag.enabled && lag.threshold !== '' ? Number(lag.threshold) * SECOND_MS : null,
    connectionMs: settings.replica_sync_connection_alarm_timeout_seconds * SECOND_MS,
  };
};
