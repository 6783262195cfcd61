/** Shards as the API shows them, and those of one database. [RS objects/shard] */

import assert from 'node:assert';
import { z } from 'zod';
import { slotRangeText } from '../../sharding/slot-map.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import { usedBytesOf } from '../control/database-counters.ts';
import { databaseByUid, shardsOf, type ShardRecord } from '../state/cluster-state.ts';
import { slotMapOf } from '../state/hashing.ts';
import { databaseOf, defineRoute, isoTime, type Route } from './route.ts';

export const shardReply = z.strictObject({
  uid: z.string(),
  bdb_uid: z.number().int(),
  node_uid: z.string(),
  role: z.enum(['master', 'slave']),
  assigned_slots: z.string(),
  status: z.enum(['active', 'inactive', 'trimming']),
  detailed_status: z.string(),
  loading: z.strictObject({ status: z.string() }),
  sync: z.strictObject({ status: z.string(), progress: z.number() }),
  backup: z.strictObject({ status: z.string() }),
  redis_info: z.record(z.string(), z.unknown()),
  report_timestamp: z.string(),
});

export const shardView = (control: ControlPlane, record: ShardRecord): z.infer<typeof shardReply> => {
  const { state } = control;
  const database = databaseByUid(state, record.databaseUid);
  const running = control.shard(record.uid);
  assert(database !== undefined, 'a shard has a database');
  const range = slotMapOf(database.shardsCount, database).ranges()[record.index]!;
  const keys = running?.keyspaces[0]?.size ?? 0;
  const facts =
    running === undefined
      ? {}
      : {
          connected_clients: running.sessions.size,
          used_memory: usedBytesOf(running),
          total_commands_processed: running.stats.commands,
          role: running.role === 'primary' ? 'master' : 'slave',
          ...(keys === 0 ? {} : { db0: { keys, expires: running.keyspaces[0]!.expiring } }),
        };
  return {
    uid: String(record.uid),
    bdb_uid: record.databaseUid,
    node_uid: String(record.nodeUid),
    role: 'master',
    assigned_slots: slotRangeText(range),
    status: running === undefined ? 'inactive' : 'active',
    detailed_status: running === undefined ? 'down' : running.loading ? 'loading' : 'ok',
    loading: { status: running?.loading === true ? 'loading' : 'idle' },
    sync: { status: 'idle', progress: 0 },
    backup: { status: '' },
    redis_info: facts,
    report_timestamp: isoTime(control.world.clock.now()),
  };
};

export const bdbShardRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/shards',
    summary: 'The shards of a database.',
    permission: 'view_bdb_info',
    reply: z.array(shardReply),
    problems: ['db_not_exist'],
    run: (call) => {
      const { uid } = databaseOf(call);
      return shardsOf(call.control.state, uid).map((shard) => shardView(call.control, shard));
    },
  }),
];
