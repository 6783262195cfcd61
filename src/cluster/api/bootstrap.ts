/**
 * /v1/bootstrap: a node becomes a cluster. A sandbox has done so for its clusters, unless the config file says `bootstrap: manual`; then
 * the node answers here to anybody, and nowhere else. [RS requests/bootstrap]
 */

import { z } from 'zod';
import { passwordOf } from '../control/secrets.ts';
import type { Change } from '../state/change.ts';
import { MACHINE } from './machine.ts';
import { ApiProblem } from './problems.ts';
import { accepted, defineRoute, isoTime, type Call, type Route } from './route.ts';

const ACTIONS = ['create_cluster', 'join_cluster', 'recover_cluster'] as const;

const text = z.string().max(4_096);

/** Objects that say how a real machine is set up are taken as they are: there is none. */
const bootstrapBody = z.strictObject({
  action: z.enum(ACTIONS).optional(),
  cluster: z
    .strictObject({
      name: text.optional(),
      nodes: z.array(text).max(100).optional(),
      rack_aware: z.boolean().optional(),
      wait_command: z.boolean().optional(),
      dns_suffixes: z.array(z.unknown()).max(100).optional(),
    })
    .optional(),
  credentials: z.strictObject({ username: text, password: text }).optional(),
  node: z
    .looseObject({
      identity: z.looseObject({ addr: text.optional() }).optional(),
      paths: z.looseObject({}).optional(),
    })
    .optional(),
  license: z.string().optional(),
  license_file: z.string().optional(),
  dns_suffixes: z.array(z.looseObject({ name: z.string() })).optional(),
  envoy_ports: z.looseObject({}).optional(),
  required_version: z.string().optional(),
  retry_time: z.number().optional(),
  max_retries: z.number().optional(),
});

type BootstrapBody = z.infer<typeof bootstrapBody>;

const changeOf = (call: Call<BootstrapBody>): Change => {
  const { body, control } = call;
  const action = call.parameter('action');
  if (!(ACTIONS as readonly string[]).includes(action)) {
    throw new ApiProblem('not_found', `there is no /v1/bootstrap/${action}; there are: ${ACTIONS.join(', ')}`);
  }
  if (body.action !== undefined && body.action !== action) {
    throw new ApiProblem('config_error', `action "${body.action}" is not the one of the path, ${action}`);
  }
  if (control.state.isWaiting && action !== 'create_cluster') {
    throw new ApiProblem(
      'not_emulated',
      `${action} is not emulated: the nodes of a cluster are those of the config file; use create_cluster`,
    );
  }
  if ((body.cluster?.nodes ?? []).length > 0) {
    throw new ApiProblem(
      'config_error',
      'cluster.nodes: a cluster that is created joins no other nodes; leave it empty',
    );
  }
  return {
    kind: 'bootstrap-cluster',
    atMs: control.world.clock.now(),
    wish: {
      name: body.cluster?.name ?? '',
      username: body.credentials?.username ?? '',
      password: passwordOf(body.credentials?.password ?? ''),
      license: body.license ?? '',
      address: body.node?.identity?.addr ?? null,
    },
  };
};

const statusReply = z.strictObject({
  bootstrap_status: z.strictObject({
    state: z.enum(['idle', 'completed']),
    start_time: z.string().optional(),
    end_time: z.string().optional(),
  }),
  local_node_info: z.looseObject({ uid: z.string(), software_version: z.string() }),
});

const statusView = ({ control: { state, world }, request }: Call<unknown>): z.infer<typeof statusReply> => {
  const node = state.nodes.find(({ address }) => address === request.host) ?? state.nodes[0]!;
  const time = isoTime(state.createdMs);
  return {
    bootstrap_status: state.isWaiting ? { state: 'idle' } : { state: 'completed', start_time: time, end_time: time },
    local_node_info: {
      ...MACHINE,
      uid: String(node.uid),
      available_addresses: [{ address: node.address, format: 'ipv4', if_name: 'lo', private: true }],
      bridge_interfaces: [],
      short_hostname: `node${node.uid}`,
      supported_bigstore_drivers: [],
      uptime: Math.max(0, Math.floor((world.clock.now() - state.createdMs) / 1_000)),
    },
  };
};

const BOOTSTRAP_PROBLEMS = [
  'already_bootstrapped',
  'config_error',
  'not_emulated',
  'invalid_license',
  'license_violation',
  'not_found',
] as const;

const nothing = z.strictObject({});

export const bootstrapRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/bootstrap',
    summary: 'Whether the node belongs to a cluster, and what it is.',
    permission: 'user',
    isBeforeCluster: true,
    reply: statusReply,
    run: statusView,
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bootstrap/validate/:action',
    summary: 'What a bootstrap would come to.',
    permission: 'user',
    isBeforeCluster: true,
    body: bootstrapBody,
    reply: nothing,
    problems: BOOTSTRAP_PROBLEMS,
    run(call) {
      accepted(call.control.dryRun(changeOf(call)));
      return {};
    },
  }),

  defineRoute({
    method: 'POST',
    path: '/v1/bootstrap/:action',
    summary: 'Makes the node a cluster.',
    permission: 'user',
    isBeforeCluster: true,
    body: bootstrapBody,
    reply: statusReply,
    problems: BOOTSTRAP_PROBLEMS,
    run(call) {
      accepted(call.control.submit(changeOf(call)));
      return statusView(call);
    },
  }),
];
