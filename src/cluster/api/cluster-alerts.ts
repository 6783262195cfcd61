/**
 * Alerts about the cluster and its nodes, judged when somebody asks: each follows from the state and the time. [RS requests/cluster/alerts]
 *
 * Border: alerts about databases are watched by the control plane (`src/cluster/control/alert-watch.ts`).
 */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import { ALERT_NAMES, hasThreshold, type AlertName } from '../state/alert-settings.ts';
import { MACHINE } from './machine.ts';
import { nodeTrouble } from './cluster-routes.ts';
import { ApiProblem } from './problems.ts';
import { byUid, defineRoute, isoTime, type Call, type Route } from './route.ts';

const DAY_MS = 86_400_000;

const alertReply = z.strictObject({
  enabled: z.boolean(),
  state: z.boolean(),
  severity: z.enum(['INFO', 'WARNING', 'ERROR', 'CRITICAL']),
  threshold: z.string().optional(),
  change_time: z.string(),
  change_value: z.record(z.string(), z.unknown()),
});

interface Judgement {
  readonly state: boolean;
  /** What was seen. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

const CALM: Judgement = { state: false };

const daysLeft = (atMs: number, nowMs: number): number => (atMs - nowMs) / DAY_MS;

const committedBytes = ({ state }: ControlPlane): number =>
  state.databases.reduce((sum, database) => sum + database.memorySizeBytes, 0);

/** Alerts that are about one thing that happened, or about parts that nothing here has, are never raised. */
const judgeCluster = (control: ControlPlane, name: AlertName, threshold: number): Judgement => {
  const { state, world } = control;
  const now = world.clock.now();
  switch (name) {
    case 'cluster_certs_about_to_expire': {
      const soon = control
        .certificateExpiries()
        .filter(({ validToMs }) => daysLeft(validToMs, now) < threshold)
        .map((each) => each.name);
      return { state: soon.length > 0, facts: { certs_about_to_expire: soon } };
    }
    case 'cluster_license_about_to_expire':
      return { state: daysLeft(state.license.expiresMs, now) < threshold };
    case 'cluster_even_node_count':
      return {
        state: state.nodes.length % 2 === 0 || state.nodes.length === 1,
        facts: { node_count: state.nodes.length },
      };
    case 'cluster_too_few_nodes_for_replication':
      return { state: state.nodes.length < 2 };
    case 'cluster_ram_overcommit':
      return {
        state: committedBytes(control) > state.nodes.length * MACHINE.total_memory,
        facts: { bdbs_committed_ram: committedBytes(control) },
      };
    default:
      return CALM;
  }
};

const judgeNode = (control: ControlPlane, uid: number, name: AlertName, threshold: number): Judgement => {
  switch (name) {
    case 'node_checks_error': {
      const trouble = nodeTrouble(control, uid);
      return { state: trouble !== null, ...(trouble === null ? {} : { facts: { check_error: trouble } }) };
    }
    case 'node_memory': {
      const used = control.state.shards
        .filter((shard) => shard.nodeUid === uid)
        .reduce((sum, shard) => sum + control.shardStatistics.reading(shard.uid).metrics.used_memory, 0);
      const percent = (100 * used) / MACHINE.total_memory;
      return { state: percent > threshold, facts: { memory_util: percent } };
    }
    default:
      return CALM;
  }
};

const alertView = (
  control: ControlPlane,
  name: AlertName,
  { state, facts = {} }: Judgement,
): z.infer<typeof alertReply> => {
  const { enabled, threshold } = control.state.alertSettings[name];
  const limit = hasThreshold(name) ? { global_threshold: String(threshold) } : {};
  return {
    enabled,
    state,
    severity: state ? 'WARNING' : 'INFO',
    ...(hasThreshold(name) ? { threshold: String(threshold) } : {}),
    change_time: isoTime(control.state.createdMs),
    change_value: { state, ...limit, ...facts },
  };
};

const NAMES_OF_CLUSTER = ALERT_NAMES.filter((name) => name.startsWith('cluster_'));
const NAMES_OF_NODE = ALERT_NAMES.filter((name) => name.startsWith('node_'));

const thresholdOf = ({ state }: ControlPlane, name: AlertName): number => state.alertSettings[name].threshold ?? 0;

const clusterAlert = (control: ControlPlane, name: AlertName) =>
  alertView(control, name, judgeCluster(control, name, thresholdOf(control, name)));

const nodeAlert = (control: ControlPlane, uid: number, name: AlertName) =>
  alertView(control, name, judgeNode(control, uid, name, thresholdOf(control, name)));

const nodeAlerts = (control: ControlPlane, uid: number) =>
  Object.fromEntries(NAMES_OF_NODE.map((name) => [name, nodeAlert(control, uid, name)]));

const named = (names: readonly AlertName[], { parameter }: Pick<Call<unknown>, 'parameter'>): AlertName => {
  const given = parameter('alert');
  const name = names.find((each) => each === given);
  if (name === undefined)
    throw new ApiProblem('not_found', `there is no alert "${given}"; there are: ${names.join(', ')}`);
  return name;
};

const alertsReply = z.record(z.string(), alertReply);

export const clusterAlertRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/cluster/alerts',
    summary: 'Alerts about the cluster.',
    permission: 'view_cluster_alerts',
    reply: alertsReply,
    run: ({ control }) => Object.fromEntries(NAMES_OF_CLUSTER.map((name) => [name, clusterAlert(control, name)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/cluster/alerts/:alert',
    summary: 'One alert about the cluster.',
    permission: 'view_cluster_alerts',
    reply: alertReply,
    problems: ['not_found'],
    run: (call) => clusterAlert(call.control, named(NAMES_OF_CLUSTER, call)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/alerts',
    summary: 'Alerts about all nodes, by uid.',
    permission: 'view_all_nodes_alerts',
    reply: z.record(z.string(), alertsReply),
    run: ({ control }) =>
      Object.fromEntries(control.state.nodes.map(({ uid }) => [String(uid), nodeAlerts(control, uid)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/alerts/:uid',
    summary: 'Alerts about one node.',
    permission: 'view_node_alerts',
    reply: alertsReply,
    problems: ['not_found'],
    run: (call) => nodeAlerts(call.control, byUid('node', call.control.state.nodes, call).uid),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/alerts/:uid/:alert',
    summary: 'One alert about a node.',
    permission: 'view_node_alerts',
    reply: alertReply,
    problems: ['not_found'],
    run: (call) =>
      nodeAlert(call.control, byUid('node', call.control.state.nodes, call).uid, named(NAMES_OF_NODE, call)),
  }),
];
