/**
 * What an endpoint is told about its database. Read anew for each connection and each chunk of requests, so that a change
 * needs no restart and never touches a running TLS connection. Texts are ordinary strings. Types only.
 */

import type { User } from '../node/acl/user.ts';
import type { CommandTable } from '../node/commands/table.ts';
import type { HashingPolicy } from '../sharding/hashing-policy.ts';
import type { SlotMap } from '../sharding/slot-map.ts';
import type { Address } from '../world/world.ts';

/** Where a shard of the database is, and how to get in. */
export interface ShardTarget {
  /** Name of the shard to clients (ANTIPODE TOPOLOGY, ANTIPODE PIN). */
  readonly index: number;
  readonly address: Address;
  readonly password: string | null;
}

export interface EndpointSettings {
  /** In the order of the slot map: the shard at position p owns the slots that `slotMap.shardOf` gives p for. */
  readonly shards: readonly ShardTarget[];
  readonly slotMap: SlotMap;
  readonly hashing: HashingPolicy;
  readonly hashingRules: readonly string[];
  /** Sharded: the rules about slots hold. Otherwise everything goes to the one shard. */
  readonly clustered: boolean;
  /** Any of them lets the default user in; none: no password is needed. */
  readonly passwords: readonly string[];
  /** False: there is no default user. */
  readonly defaultUser: boolean;
  /** Users of the cluster who have a role here, with what it allows; names are binary. */
  readonly users: readonly User[];
  /** Of the user `admin`, for replication. */
  readonly adminPassword: string;
  readonly tlsMode: 'disabled' | 'enabled' | 'replica_ssl';
  /** `replica_read_only`: clients may not write. */
  readonly readOnly: boolean;
  readonly commands: CommandTable;
  /** 0: no limit. */
  readonly maxConnections: number;
  /** Requests of one client that may wait for their replies; more are not read. [RS objects/bdb: max_client_pipeline] */
  readonly clientPipelineMax: number;
  /** Requests that may wait on one connection to a shard. [RS objects/bdb: max_pipelined] */
  readonly shardPipelineMax: number;
  /** False: RESP2 only. */
  readonly resp3: boolean;
  /** `mkms`: DEL, UNLINK, EXISTS, TOUCH, MGET and MSET may span slots. */
  readonly multiSlot: boolean;
  /** Run ids of the servers that the database is filled from by Replica Of, however far back. */
  readonly origins?: () => readonly string[];
}
