/** What INFO and ROLE tell of a shard's replication, under Redis's names [redis server.c genRedisInfoString, roleCommand]. */

import type { Reply } from '../resp/reply.ts';
import { NO_REPLICATION_ID } from './feed.ts';
import type { Replica, ReplicaState } from './replica.ts';
import type { Replication } from './replication.ts';

type Fields = readonly (readonly [name: string, value: string | number])[];

const SECOND_MS = 1000;
const REPLICA_PRIORITY = 100;

const ROLE_STATES: Readonly<Record<ReplicaState, string>> = {
  waiting: 'connect',
  stopped: 'connect',
  connecting: 'connecting',
  syncing: 'sync',
  connected: 'connected',
};

export function roleReply({ replica, feed, primary }: Replication): Reply {
  if (replica !== null) {
    const { source, state, offset } = replica;
    return ['slave', source.host, source.port, ROLE_STATES[state], state === 'connected' ? offset : -1];
  }
  const replicas = [...primary.attachments]
    .filter(({ stage }) => stage === 'online')
    .map(({ host, facts, ackOffset }) => [host, String(facts.listeningPort), String(ackOffset)]);
  return ['master', feed.offset, replicas];
}

export function replicationFields(replication: Replication): Fields {
  const { shard, feed, primary, replica } = replication;
  const { backlog } = feed;
  return [
    ['role', replica === null ? 'master' : 'slave'],
    ...(replica === null ? [] : replicaFields(replica, shard.world.clock.now(), shard.config.get('replica-read-only'))),
    ['connected_slaves', primary.attachments.size],
    ...[...primary.attachments].map(
      ({ host, facts, stateName, ackOffset, lagSeconds }, index) =>
        [
          `slave${index}`,
          `ip=${host},port=${facts.listeningPort},state=${stateName},offset=${ackOffset},lag=${lagSeconds}`,
        ] as const,
    ),
    ...(shard.replicasMin === 0
      ? []
      : ([
          ['min_slaves_good_slaves', primary.heardWithin(shard.config.get('min-replicas-max-lag') * SECOND_MS)],
        ] as const)),
    ['master_failover_state', replication.failover.state],
    ['master_replid', feed.replicationId],
    ['master_replid2', feed.secondId],
    ['master_repl_offset', feed.offset],
    ['second_repl_offset', feed.secondId === NO_REPLICATION_ID ? -1 : feed.secondOffset],
    ['repl_backlog_active', backlog === null ? 0 : 1],
    ['repl_backlog_size', shard.config.get('repl-backlog-size')],
    ['repl_backlog_first_byte_offset', backlog?.firstOffset ?? 0],
    ['repl_backlog_histlen', backlog?.heldBytes ?? 0],
  ];
}

export const statsFields = ({ primary: { stats }, ownExpiries }: Replication): Fields => [
  ['sync_full', stats.full],
  ['sync_partial_ok', stats.partial],
  ['sync_partial_err', stats.partialRefused],
  ['slave_expires_tracked_keys', ownExpiries.count],
];

function replicaFields(replica: Replica, now: number, readOnly: boolean): Fields {
  const { source, state, snapshot, outcome } = replica;
  const fields: (readonly [string, string | number])[] = [
    ['master_host', source.host],
    ['master_port', source.port],
    ['master_link_status', state === 'connected' ? 'up' : 'down'],
    ['master_last_io_seconds_ago', state === 'connected' ? Math.floor((now - replica.heardMs) / SECOND_MS) : -1],
    ['master_sync_in_progress', state === 'syncing' ? 1 : 0],
    ['slave_read_repl_offset', replica.readOffset],
    ['slave_repl_offset', replica.offset],
  ];
  if (state === 'syncing') {
    const { receivedBytes, totalBytes } = snapshot;
    const share = totalBytes === 0 ? 0 : (100 * receivedBytes) / totalBytes;
    fields.push(
      ['master_sync_total_bytes', totalBytes],
      ['master_sync_read_bytes', receivedBytes],
      ['master_sync_left_bytes', totalBytes === 0 ? -1 : totalBytes - receivedBytes],
      ['master_sync_perc', share.toFixed(2)],
      ['master_sync_last_io_seconds_ago', Math.floor((now - replica.heardMs) / SECOND_MS)],
    );
  }
  if (state !== 'connected') {
    fields.push(['master_link_down_since_seconds', Math.floor((now - replica.downSinceMs) / SECOND_MS)]);
    // Not a field of Redis's: why the latest link ended, and whether anybody tries again.
    if (outcome !== null)
      fields.push(['master_link_error', `${state}: ${outcome.why}: ${outcome.detail.replace(/[\r\n]/g, ' ')}`]);
  }
  fields.push(['slave_priority', REPLICA_PRIORITY], ['slave_read_only', readOnly ? 1 : 0], ['replica_announced', 1]);
  return fields;
}
