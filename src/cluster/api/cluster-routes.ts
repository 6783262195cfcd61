/** /v1/cluster, /v1/nodes, /v1/logs: the cluster itself. [RS requests/cluster, nodes, logs] */

import { SHARDS_PER_NODE_MAX } from '../state/cluster-state.ts';
import { ApiProblem } from './problems.ts';
import { defineRoute, isoTime, type Call, type Route } from './route.ts';

export const clusterRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/cluster',
    permission: 'view_cluster_info',
    summary: 'The cluster, with the certificates that other clusters need.',
    run: ({ control: { state } }) => ({
      name: state.fqdn,
      created_time: isoTime(state.createdMs),
      proxy_certificate: state.certificates.proxy.certificate,
      syncer_certificate: state.certificates.syncer.certificate,
    }),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes',
    permission: 'view_all_nodes_info',
    summary: 'All nodes.',
    run: ({ control }) => control.state.nodes.map(({ uid }) => nodeView(control, uid)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/:uid',
    permission: 'view_node_info',
    summary: 'One node.',
    run({ control, parameter }) {
      const node = control.state.nodes.find((each) => String(each.uid) === parameter('uid'));
      if (node === undefined) throw new ApiProblem('not_found', `there is no node ${parameter('uid')}`);
      return nodeView(control, node.uid);
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/logs',
    permission: 'view_logged_events',
    summary: 'The event log.',
    run: ({ control, query }) => {
      const events = control.events.events.map(({ atMs, type, severity, fields }) => ({
        time: isoTime(atMs),
        type,
        severity,
        ...fields,
      }));
      return query('order') === 'desc' ? events.toReversed() : events;
    },
  }),
];

const nodeView = ({ state }: Call<unknown>['control'], uid: number) => {
  const shards = state.shards.filter((shard) => shard.nodeUid === uid).map((shard) => shard.uid);
  return {
    uid,
    addr: state.nodes.find((node) => node.uid === uid)?.address ?? '',
    status: 'active',
    shard_list: shards,
    shard_count: shards.length,
    max_redis_servers: SHARDS_PER_NODE_MAX,
  };
};
