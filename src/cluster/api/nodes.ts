/** /v1/nodes and /v1/proxies: the machines of a cluster and what forwards requests on them. [RS objects/node] [RS objects/proxy] */

import { z } from 'zod';
import type { ControlPlane } from '../control/control-plane.ts';
import type { ClusterState, NodeRecord } from '../state/cluster-state.ts';
import {
  DEFAULT_NODE_SETTINGS,
  DEFAULT_PROXY_SETTINGS,
  NODE_SETTINGS,
  PROXY_SETTINGS,
} from '../state/node-settings.ts';
import { nodeTrouble } from './cluster-routes.ts';
import { MACHINE } from './machine.ts';
import { byUid, defineRoute, dryRunQuery, submitted, type Route } from './route.ts';
import { settingSchemas } from './setting-schema.ts';

const uid = z.number().int();

const machineReply = {
  architecture: z.string(),
  cores: z.number().int(),
  total_memory: z.number().int(),
  os_name: z.string(),
  os_family: z.string(),
  os_semantic_version: z.string(),
  os_version: z.string(),
  software_version: z.string(),
  fips_enabled: z.boolean(),
  bigredis_storage_path: z.string(),
  ephemeral_storage_path: z.string(),
  ephemeral_storage_size: z.number(),
  persistent_storage_path: z.string(),
  persistent_storage_size: z.number(),
  supported_database_versions: z.array(
    z.strictObject({ db_type: z.string(), major: z.boolean(), redis_version: z.string(), version: z.string() }),
  ),
};

const seen = {
  uid,
  addr: z.string(),
  status: z.enum(['active', 'decommissioning', 'down', 'provisioning']),
  uptime: z.number(),
  bigstore_enabled: z.boolean(),
  shard_list: z.array(uid),
  shard_count: z.number().int(),
  ram_shard_count: z.number().int(),
  flash_shard_count: z.number().int(),
};

const nodeSettings = settingSchemas(NODE_SETTINGS);
export const nodeReply = z.strictObject({ ...machineReply, ...seen, ...nodeSettings });

const nodeBody = z
  .strictObject(nodeSettings)
  .partial()
  .extend(
    Object.fromEntries(
      Object.keys({ ...machineReply, ...seen }).map((name) => [name, z.unknown().optional().meta({ readOnly: true })]),
    ),
  );

const picked = (body: object, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, (body as Readonly<Record<string, unknown>>)[name]]));

const shardsOn = (state: ClusterState, nodeUid: number) => state.shards.filter((shard) => shard.nodeUid === nodeUid);

const nodeView = (control: ControlPlane, state: ClusterState, node: NodeRecord) => {
  const shards = shardsOn(state, node.uid).map((shard) => shard.uid);
  return {
    ...MACHINE,
    ...(node.settings ?? DEFAULT_NODE_SETTINGS),
    uid: node.uid,
    addr: node.address,
    status: 'active' as const,
    uptime: Math.max(0, Math.floor((control.world.clock.now() - state.createdMs) / 1_000)),
    bigstore_enabled: false,
    shard_list: shards,
    shard_count: shards.length,
    ram_shard_count: shards.length,
    flash_shard_count: 0,
  };
};

const statusReply = z.strictObject({
  cores: z.number().int(),
  free_provisional_ram: z.number(),
  free_ram: z.number(),
  hostname: z.string(),
  ips: z.array(z.string()),
  master_shards: z.array(uid),
  slave_shards: z.array(uid),
  node_overbooking_depth: z.number(),
  node_status: z.string(),
  role: z.enum(['master', 'slave']),
  software_version: z.string(),
  total_memory: z.number(),
  total_provisional_ram: z.number(),
});

/** The first node is the cluster's master. */
const statusView = (control: ControlPlane, node: NodeRecord): z.infer<typeof statusReply> => {
  const { state } = control;
  const shards = shardsOn(state, node.uid);
  const used = shards.reduce((sum, shard) => sum + control.shardStatistics.reading(shard.uid).metrics.used_memory, 0);
  const free = Math.max(0, MACHINE.total_memory - used);
  return {
    cores: MACHINE.cores,
    free_provisional_ram: free,
    free_ram: free,
    hostname: `node${node.uid}.${state.fqdn}`,
    ips: [node.address],
    master_shards: shards.map((shard) => shard.uid),
    slave_shards: [],
    node_overbooking_depth: 0,
    node_status: 'active',
    role: node.uid === state.nodes[0]?.uid ? 'master' : 'slave',
    software_version: MACHINE.software_version,
    total_memory: MACHINE.total_memory,
    total_provisional_ram: MACHINE.total_memory,
  };
};

const checkReply = z.strictObject({ node_uid: uid, result: z.boolean(), error: z.string().optional() });

const proxySettings = settingSchemas(PROXY_SETTINGS);
export const proxyReply = z.strictObject({ uid, ...proxySettings });
const proxyBody = z
  .strictObject(proxySettings)
  .partial()
  .extend({ uid: z.unknown().optional().meta({ readOnly: true }) });

const proxyView = (node: NodeRecord) => ({ uid: node.uid, ...(node.proxy ?? DEFAULT_PROXY_SETTINGS) });

const nodeIn = (state: ClusterState, nodeUid: number): NodeRecord => state.nodes.find((node) => node.uid === nodeUid)!;

export const nodeRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/nodes',
    summary: 'All nodes.',
    permission: 'view_all_nodes_info',
    reply: z.array(nodeReply),
    run: ({ control }) => control.state.nodes.map((node) => nodeView(control, control.state, node)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/status',
    summary: 'Role and room of all nodes, by uid.',
    permission: 'view_node_info',
    reply: z.record(z.string(), statusReply),
    run: ({ control }) =>
      Object.fromEntries(control.state.nodes.map((node) => [String(node.uid), statusView(control, node)])),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/check/:uid',
    summary: 'Whether a node works.',
    permission: 'view_node_check',
    reply: checkReply,
    problems: ['not_found'],
    run(call) {
      const node = byUid('node', call.control.state.nodes, call);
      const error = nodeTrouble(call.control, node.uid);
      return { node_uid: node.uid, result: error === null, ...(error === null ? {} : { error }) };
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/:uid/status',
    summary: 'Role and room of one node.',
    permission: 'view_node_info',
    reply: statusReply,
    problems: ['not_found'],
    run: (call) => statusView(call.control, byUid('node', call.control.state.nodes, call)),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/nodes/:uid',
    summary: 'One node.',
    permission: 'view_node_info',
    reply: nodeReply,
    problems: ['not_found'],
    run: (call) => nodeView(call.control, call.control.state, byUid('node', call.control.state.nodes, call)),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/nodes/:uid',
    summary: 'Changes settings of a node.',
    permission: 'update_node',
    query: dryRunQuery,
    body: nodeBody,
    reply: nodeReply,
    problems: ['not_found', 'invalid_setting'],
    run(call) {
      const { control, body } = call;
      const node = byUid('node', control.state.nodes, call);
      const settings = picked(body, Object.keys(NODE_SETTINGS));
      const { state } = submitted(call, { kind: 'update-node', uid: node.uid, settings });
      return nodeView(control, state, nodeIn(state, node.uid));
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/proxies',
    summary: 'The proxies of all nodes.',
    permission: 'view_all_proxies_info',
    reply: z.array(proxyReply),
    run: ({ control }) => control.state.nodes.map(proxyView),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/proxies/:uid',
    summary: 'One proxy; it has the uid of its node.',
    permission: 'view_proxy_info',
    reply: proxyReply,
    problems: ['not_found'],
    run: (call) => proxyView(byUid('proxy', call.control.state.nodes, call)),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/proxies/:uid',
    summary: 'Changes settings of a proxy.',
    permission: 'update_proxy',
    query: dryRunQuery,
    body: proxyBody,
    reply: proxyReply,
    problems: ['not_found', 'invalid_setting'],
    run(call) {
      const node = byUid('proxy', call.control.state.nodes, call);
      const proxy = picked(call.body, Object.keys(PROXY_SETTINGS));
      return proxyView(nodeIn(submitted(call, { kind: 'update-node', uid: node.uid, proxy }).state, node.uid));
    },
  }),
];
