/**
 * /v1/bdbs/stats, /v1/bdbs/{uid}/sync_source_stats and peer_stats: numbers over time. Uids are texts and every value is a number, as
 * in the original. [RS objects/statistics]
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { METRIC_NAMES } from '../control/database-counters.ts';
import { SOURCE_METRIC_NAMES } from '../control/statistics.ts';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { databaseOf, defineRoute, isoTime, type Call, type Route } from './route.ts';
import { intervalQuery, samplesOf } from './stats-query.ts';

/** Databases with more shards have no stats. [RS objects/statistics] */
const SHARDS_SHOWN_MAX = 128;

const lastQuery = { metrics: z.string() } as const;

const intervalsReply = z.object({ uid: z.string(), intervals: z.array(z.looseObject({ interval: z.string() })) });

type Named = Readonly<Record<string, number | string>>;

const metricsNamed = (values: readonly number[]): Record<string, number> =>
  Object.fromEntries(METRIC_NAMES.map((name, index) => [name, values[index]!]));

/** Only where there was traffic. Of reads and writes each the average of all: a shard does not tell them apart. */
const latencies = (metrics: Readonly<Record<string, number>>): Named => {
  const requests = metrics['total_req']!;
  if (requests === 0) return {};
  const us = (1_000_000 * metrics['main_thread_cpu_user']!) / requests;
  return { avg_latency: us, avg_read_latency: us, avg_write_latency: us, avg_other_latency: us };
};

const statsOf = (control: ControlPlane, { uid, shardsCount }: DatabaseRecord, query: Call<unknown>['query']) => {
  const last = isoTime(control.statistics.lastRequestMs(uid));
  const rings = shardsCount > SHARDS_SHOWN_MAX ? undefined : control.statistics.rings(uid);
  return {
    uid: String(uid),
    intervals: samplesOf(rings, query, (values) => {
      const metrics = metricsNamed(values);
      return { ...metrics, ...latencies(metrics), last_req_time: last, last_res_time: last };
    }),
  };
};

/** `?metrics=a,b`: only these, and the times. */
const lastOf = (control: ControlPlane, { uid }: DatabaseRecord, query: Call<unknown>['query']): Named => {
  const { startMs, endMs, metrics } = control.statistics.reading(uid);
  const last = isoTime(control.statistics.lastRequestMs(uid));
  const all: Named = { ...metrics, ...latencies(metrics), last_req_time: last, last_res_time: last };
  const asked = query('metrics')?.split(',') ?? null;
  const shown = Object.entries(all).filter(([name]) => asked === null || asked.includes(name));
  return { interval: '1sec', stime: isoTime(startMs), etime: isoTime(endMs), ...Object.fromEntries(shown) };
};

const someDatabases = ({ state }: ControlPlane): readonly DatabaseRecord[] => {
  if (state.databases.length === 0) throw new ApiProblem('db_not_exist', 'the cluster has no databases');
  return state.databases;
};

const sourceStats = (control: ControlPlane, database: DatabaseRecord, uid: number, query: Call<unknown>['query']) => ({
  uid: String(uid),
  intervals: samplesOf(control.statistics.sourceRings(database.uid, String(uid)), query, (values) =>
    Object.fromEntries(SOURCE_METRIC_NAMES.map((name, index) => [name, values[index]!])),
  ),
});

const peerRoute = (path: string): Route =>
  defineRoute({
    method: 'GET',
    path,
    summary: 'Numbers of the peers of an Active-Active database.',
    permission: 'view_bdb_stats',
    problems: ['db_not_exist', 'not_crdb'],
    run(call) {
      const { uid } = databaseOf(call);
      throw new ApiProblem('not_crdb', `database ${uid} is not Active-Active: it has no peers`);
    },
  });

export const bdbStatsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats',
    summary: 'Numbers of all databases over time.',
    permission: 'view_all_bdb_stats',
    query: intervalQuery,
    reply: z.array(intervalsReply),
    problems: ['db_not_exist'],
    run: ({ control, query }) =>
      someDatabases(control)
        .filter(({ shardsCount }) => shardsCount <= SHARDS_SHOWN_MAX)
        .map((database) => statsOf(control, database, query)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats/last',
    summary: 'The latest numbers of all databases, by uid.',
    permission: 'view_all_bdb_stats',
    query: lastQuery,
    reply: z.record(z.string(), z.looseObject({})),
    problems: ['db_not_exist'],
    run: ({ control, query }) =>
      Object.fromEntries(
        someDatabases(control).map((database) => [String(database.uid), lastOf(control, database, query)]),
      ),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats/last/:uid',
    summary: 'The latest numbers of one database, by its uid.',
    permission: 'view_bdb_stats',
    query: lastQuery,
    reply: z.record(z.string(), z.looseObject({})),
    problems: ['db_not_exist'],
    run(call) {
      const database = databaseOf(call);
      return { [String(database.uid)]: lastOf(call.control, database, call.query) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/stats/:uid',
    summary: 'Numbers of one database over time.',
    permission: 'view_bdb_stats',
    query: intervalQuery,
    reply: intervalsReply,
    problems: ['db_not_exist'],
    run: (call) => statsOf(call.control, databaseOf(call), call.query),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/sync_source_stats',
    summary: 'Bytes and lag of all sources of a Replica Of over time.',
    permission: 'view_bdb_stats',
    query: intervalQuery,
    reply: z.object({ sync_source_stats: z.array(intervalsReply) }),
    problems: ['db_not_exist'],
    run(call) {
      const database = databaseOf(call);
      const { sources } = database.replica;
      return { sync_source_stats: sources.map(({ uid }) => sourceStats(call.control, database, uid, call.query)) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/bdbs/:uid/sync_source_stats/:source',
    summary: 'Bytes and lag of one source over time.',
    permission: 'view_bdb_stats',
    query: intervalQuery,
    reply: intervalsReply,
    problems: ['db_not_exist', 'not_found'],
    run(call) {
      const database = databaseOf(call);
      const source = sourceOf(call, database);
      return sourceStats(call.control, database, source, call.query);
    },
  }),

  peerRoute('/v1/bdbs/:uid/peer_stats'),
  peerRoute('/v1/bdbs/:uid/peer_stats/:peer'),
];

/** The uid of the source that `:source` of the path names. */
export const sourceOf = ({ parameter }: Pick<Call<unknown>, 'parameter'>, database: DatabaseRecord): number => {
  const given = parameter('source');
  const source = database.replica.sources.find(({ uid }) => String(uid) === given);
  if (source === undefined)
    throw new ApiProblem('not_found', `database ${database.uid} has no replica source ${given}`);
  return source.uid;
};
