/**
 * Numbers over time of the cluster, its nodes, shards and endpoints. Sums of what is counted of databases and shards; uids are texts and
 * every value is a number. [RS objects/statistics]
 *
 * Border: numbers of databases are `bdb-stats.ts`. What nothing here has (flash, input and output of a real machine) is 0.
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { METRIC_NAMES } from '../control/database-counters.ts';
import type { Sample, SampleRings } from '../control/sample-rings.ts';
import type { Statistics } from '../control/statistics.ts';
import { MACHINE } from './machine.ts';
import { byUid, defineRoute, isoTime, type Call, type Route } from './route.ts';
import { shardOf } from './shards.ts';
import { askedSamples, intervalQuery, intervals, samplesOf } from './stats-query.ts';

type Query = Call<unknown>['query'];
type Numbers = Readonly<Record<string, number>>;

const metricsNamed = (values: readonly number[]): Numbers =>
  Object.fromEntries(METRIC_NAMES.map((name, index) => [name, values[index]!]));

/** Samples of several, taken in the same second, added up. */
const added = (rings: readonly (SampleRings | undefined)[], query: Query, named: (sums: Numbers) => Numbers) => {
  const asked = askedSamples(query);
  return asked.names.flatMap((interval) => {
    const sums = new Map<number, { readonly sample: Sample; readonly values: number[] }>();
    for (const ring of rings) {
      for (const sample of ring?.samples(interval) ?? []) {
        if (!asked.holds(sample)) continue;
        const sum = sums.get(sample.endMs) ?? { sample, values: METRIC_NAMES.map(() => 0) };
        for (const [index, value] of sample.values.entries()) sum.values[index]! += value;
        sums.set(sample.endMs, sum);
      }
    }
    return [...sums.values()].map(({ sample, values }) => ({
      interval,
      stime: isoTime(sample.startMs),
      etime: isoTime(sample.endMs),
      ...named(metricsNamed(values)),
    }));
  });
};

/** What a number of machines has, with what its shards do. */
const machineNumbers =
  (nodes: number) =>
  (sums: Numbers): Numbers => {
    const memory = Math.max(0, nodes * MACHINE.total_memory - (sums['used_memory'] ?? 0));
    const disk = nodes * MACHINE.persistent_storage_size;
    const busy = Math.min(1, (sums['main_thread_cpu_user'] ?? 0) / Math.max(1, nodes * MACHINE.cores));
    return {
      conns: sums['conns'] ?? 0,
      total_req: sums['total_req'] ?? 0,
      ingress_bytes: sums['ingress_bytes'] ?? 0,
      egress_bytes: sums['egress_bytes'] ?? 0,
      cpu_user: busy,
      cpu_idle: 1 - busy,
      cpu_system: 0,
      cpu_iowait: 0,
      cpu_irqs: 0,
      cpu_nice: 0,
      cpu_steal: 0,
      free_memory: memory,
      available_memory: memory,
      available_memory_no_overbooking: memory,
      provisional_memory: memory,
      provisional_memory_no_overbooking: memory,
      available_flash: 0,
      available_flash_no_overbooking: 0,
      provisional_flash: 0,
      provisional_flash_no_overbooking: 0,
      ephemeral_storage_avail: disk,
      ephemeral_storage_free: disk,
      persistent_storage_avail: disk,
      persistent_storage_free: disk,
    };
  };

const latestOf = (statistics: Statistics, uids: readonly number[]): Numbers => {
  const sums: Record<string, number> = Object.fromEntries(METRIC_NAMES.map((name) => [name, 0]));
  for (const uid of uids) {
    for (const [name, value] of Object.entries(statistics.reading(uid).metrics)) sums[name]! += value;
  }
  return sums;
};

/** The latest numbers, as one interval. */
const last = (control: ControlPlane, numbers: Numbers) => {
  const now = control.world.clock.now();
  return { interval: '1sec', stime: isoTime(now - 1_000), etime: isoTime(now), ...numbers };
};

const shardUidsOn = ({ state }: ControlPlane, nodeUid: number): readonly number[] =>
  state.shards.filter((shard) => shard.nodeUid === nodeUid).map(({ uid }) => uid);

const databaseUids = ({ state }: ControlPlane): readonly number[] => state.databases.map(({ uid }) => uid);

const nodeNumbers = (sums: Numbers): Numbers => ({ ...machineNumbers(1)(sums), cur_aof_rewrites: 0 });

/** Connections are counted at endpoints, all else at shards. */
const nodeLast = (control: ControlPlane, nodeUid: number) => {
  const conns = databaseUids(control)
    .flatMap((uid) => control.endpointConnections(uid))
    .filter((each) => each.nodeUid === nodeUid)
    .reduce((sum, each) => sum + each.open, 0);
  const sums = latestOf(control.shardStatistics, shardUidsOn(control, nodeUid));
  return last(control, nodeNumbers({ ...sums, conns }));
};

const nodeStats = (control: ControlPlane, nodeUid: number, query: Query) => ({
  uid: String(nodeUid),
  intervals: added(
    shardUidsOn(control, nodeUid).map((uid) => control.shardStatistics.rings(uid)),
    query,
    nodeNumbers,
  ),
});

const shardStats = (control: ControlPlane, uid: number, query: Query) => ({
  uid: String(uid),
  intervals: samplesOf(control.shardStatistics.rings(uid), query, metricsNamed),
});

const shardLast = (control: ControlPlane, uid: number) =>
  last(control, { ...control.shardStatistics.reading(uid).metrics });

const withUid = z.strictObject({ uid: z.string(), intervals });
const lastReply = z.looseObject({ interval: z.string(), stime: z.string(), etime: z.string() });
const lastByUid = z.record(z.string(), lastReply);

export const statsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/cluster/stats',
    summary: 'Numbers of the cluster over time.',
    permission: 'view_cluster_stats',
    query: intervalQuery,
    reply: z.strictObject({ intervals }),
    run: ({ control, query }) => ({
      intervals: added(
        databaseUids(control).map((uid) => control.statistics.rings(uid)),
        query,
        machineNumbers(control.state.nodes.length),
      ),
    }),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/cluster/stats/last',
    summary: 'The latest numbers of the cluster.',
    permission: 'view_cluster_stats',
    reply: lastReply,
    run: ({ control }) =>
      last(control, machineNumbers(control.state.nodes.length)(latestOf(control.statistics, databaseUids(control)))),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/stats',
    summary: 'Numbers of all nodes over time.',
    permission: 'view_all_nodes_stats',
    query: intervalQuery,
    reply: z.array(withUid),
    run: ({ control, query }) => control.state.nodes.map(({ uid }) => nodeStats(control, uid, query)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/stats/last',
    summary: 'The latest numbers of all nodes, by uid.',
    permission: 'view_all_nodes_stats',
    reply: lastByUid,
    run: ({ control }) =>
      Object.fromEntries(control.state.nodes.map(({ uid }) => [String(uid), nodeLast(control, uid)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/stats/last/:uid',
    summary: 'The latest numbers of one node, by its uid.',
    permission: 'view_node_stats',
    reply: lastByUid,
    problems: ['not_found'],
    run(call) {
      const { uid } = byUid('node', call.control.state.nodes, call);
      return { [String(uid)]: nodeLast(call.control, uid) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/stats/:uid',
    summary: 'Numbers of one node over time.',
    permission: 'view_node_stats',
    query: intervalQuery,
    reply: withUid,
    problems: ['not_found'],
    run: (call) => nodeStats(call.control, byUid('node', call.control.state.nodes, call).uid, call.query),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/shards/stats',
    summary: 'Numbers of all shards over time.',
    permission: 'view_all_shard_stats',
    query: intervalQuery,
    reply: z.array(withUid),
    run: ({ control, query }) => control.state.shards.map(({ uid }) => shardStats(control, uid, query)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/shards/stats/last',
    summary: 'The latest numbers of all shards, by uid.',
    permission: 'view_all_shard_stats',
    reply: lastByUid,
    run: ({ control }) =>
      Object.fromEntries(control.state.shards.map(({ uid }) => [String(uid), shardLast(control, uid)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/shards/stats/last/:uid',
    summary: 'The latest numbers of one shard, by its uid.',
    permission: 'view_shard_stats',
    reply: lastByUid,
    problems: ['not_found'],
    run(call) {
      const { uid } = shardOf(call);
      return { [String(uid)]: shardLast(call.control, uid) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/shards/stats/:uid',
    summary: 'Numbers of one shard over time.',
    permission: 'view_shard_stats',
    query: intervalQuery,
    reply: withUid,
    problems: ['not_found'],
    run: (call) => shardStats(call.control, shardOf(call).uid, call.query),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/endpoints/stats',
    summary: 'Numbers of all endpoints over time, as "database:endpoint:proxy".',
    permission: 'view_endpoint_stats',
    query: intervalQuery,
    reply: z.array(withUid),
    run: ({ control, query }) =>
      control.state.databases.flatMap(({ uid }) => {
        const open = control.endpointConnections(uid);
        return open.map(({ nodeUid }) => ({
          uid: `${uid}:1:${nodeUid}`,
          intervals: samplesOf(control.statistics.rings(uid), query, (values) =>
            endpointNumbers(metricsNamed(values), open.length),
          ),
        }));
      }),
  }),
];

const COUNTED_AT_ENDPOINTS = [
  'conns', 'total_connections_received', 'ingress_bytes', 'egress_bytes', 'monitor_sessions_count', 'total_req', 'total_res',
  'read_req', 'read_res', 'write_req', 'write_res', 'other_req', 'other_res',
] as const; // prettier-ignore

/** Of several endpoints each is said to have an equal part: the database is counted as a whole. */
const endpointNumbers = (metrics: Numbers, endpoints: number): Numbers =>
  Object.fromEntries(COUNTED_AT_ENDPOINTS.map((name) => [name, metrics[name]! / endpoints]));
