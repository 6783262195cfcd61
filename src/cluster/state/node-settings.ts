/**
 * What may be set of a node and of its proxy, under the names of the REST API, with the defaults of a recorded cluster. Pure.
 * [RS objects/node] [RS objects/proxy]
 *
 * Border: where shards go is `placement.ts`; the machine that a node is said to be is `machine.ts`.
 */

import { problem, type ApplyOutcome } from './change.ts';
import { nodeByUid, SHARDS_PER_NODE_MAX, type ClusterState } from './cluster-state.ts';
import {
  choice,
  editTable,
  fallbacksOf,
  flag,
  inert,
  list,
  text,
  whole,
  type EditOf,
  type SettingsOf,
} from './setting.ts';

const ADDRESS = { pattern: /^[0-9a-fA-F.:]{2,45}$/, words: 'an IP address' };

export const NODE_SETTINGS = {
  /** False: it gets no more shards. */
  accept_servers: flag(true),
  max_redis_servers: whole(SHARDS_PER_NODE_MAX, 0, SHARDS_PER_NODE_MAX),
  max_listeners: inert(whole(100, 0, 1_000)),
  max_redis_forks: inert(whole(-1, -1, 1_000)),
  max_slave_full_syncs: inert(whole(-1, -1, 1_000)),
  external_addr: inert(list(ADDRESS, 16)),
  rack_id: inert(text('', 255)),
  second_rack_id: inert(text('', 255)),
  use_internal_ipv6: inert(flag(false)),
  recovery_path: inert(text('', 4_096)),
} as const;

export const PROXY_SETTINGS = {
  threads: inert(whole(3, 1, 256)),
  max_threads: inert(whole(8, 1, 256)),
  dynamic_threads_scaling: inert(flag(true)),
  threads_usage_threshold: inert(whole(80, 50, 99)),
  duration_usage_threshold: inert(whole(30, 10, 300)),
  conns: inert(whole(500_000, 1)),
  max_listeners: inert(whole(1_024, 1)),
  max_servers: inert(whole(4_096, 1)),
  max_worker_client_conns: inert(whole(16_384, 1)),
  max_worker_server_conns: inert(whole(16_384, 1)),
  max_worker_txns: inert(whole(65_536, 1)),
  backlog: inert(whole(1_024, 1)),
  client_keepidle: inert(whole(180)),
  client_keepintvl: inert(whole(30)),
  client_keepcnt: inert(whole(6)),
  client_eviction: inert(flag(false)),
  corefile: inert(flag(false)),
  ignore_bdb_cconn_limit: inert(flag(false)),
  ignore_bdb_cconn_output_buff_limits: inert(flag(false)),
  incoming_connections_capacity: inert(whole(0)),
  incoming_connections_min_capacity: inert(whole(10)),
  incoming_connections_rate_limit: inert(whole(0)),
  log_level: inert(choice('info', ['crit', 'error', 'warn', 'info', 'trace', 'debug'])),
  maxmemory_clients: inert(whole(4_294_967_296, 0, Number.MAX_SAFE_INTEGER)),
} as const;

export type NodeSettings = SettingsOf<typeof NODE_SETTINGS>;
export type ProxySettings = SettingsOf<typeof PROXY_SETTINGS>;

export const DEFAULT_NODE_SETTINGS: NodeSettings = fallbacksOf(NODE_SETTINGS);
export const DEFAULT_PROXY_SETTINGS: ProxySettings = fallbacksOf(PROXY_SETTINGS);

export interface NodeChange {
  readonly uid: number;
  readonly settings?: EditOf<typeof NODE_SETTINGS> | undefined;
  readonly proxy?: EditOf<typeof PROXY_SETTINGS> | undefined;
}

export const updateNode = (state: ClusterState, change: NodeChange): ApplyOutcome => {
  const node = nodeByUid(state, change.uid);
  if (node === undefined) return problem('node_not_exist', `there is no node ${change.uid}`);
  const settings = editTable(NODE_SETTINGS, node.settings ?? DEFAULT_NODE_SETTINGS, change.settings ?? {}, () => null);
  if (!settings.ok) return problem(settings.code, settings.trouble);
  const proxy = editTable(PROXY_SETTINGS, node.proxy ?? DEFAULT_PROXY_SETTINGS, change.proxy ?? {}, () => null);
  if (!proxy.ok) return problem(proxy.code, proxy.trouble);
  const next = { ...node, settings: settings.settings, proxy: proxy.settings };
  return {
    ok: true,
    uid: node.uid,
    state: {
      ...state,
      version: state.version + 1,
      nodes: state.nodes.map((each) => (each === node ? next : each)),
    },
  };
};

/** How many shards a node takes in all. */
export const shardsAllowedOn = ({ settings = DEFAULT_NODE_SETTINGS }: ClusterState['nodes'][number]): number =>
  settings.accept_servers ? Math.min(settings.max_redis_servers, SHARDS_PER_NODE_MAX) : 0;
