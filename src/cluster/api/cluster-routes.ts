/** /v1/cluster, its policy and services: the cluster itself. [RS requests/cluster] */

import { z } from 'zod';
import { ALERT_NAMES, hasThreshold, type AlertSettings } from '../state/alert-settings.ts';
import type { ClusterEdit } from '../state/change.ts';
import { CLUSTER_SETTINGS, POLICY_SETTINGS, SERVICES } from '../state/cluster-settings.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { RESERVED_PORTS } from '../state/reserved-ports.ts';
import {
  type AlertSettingsBody,
  alertEditOf,
  clusterBody,
  clusterReply,
  ONLY_VALUES,
  policyBody,
  policyReply,
  POLICY_SHOWN,
  PORTS,
  servicesBody,
  servicesReply,
} from './cluster-fields.ts';
import { ApiProblem } from './problems.ts';
import { defineRoute, dryRunQuery, isoTime, submitted, type Call, type Route } from './route.ts';

const TLS_1_3 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

const picked = (value: object, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, (value as Readonly<Record<string, unknown>>)[name]]));

const alertSettingsView = (settings: AlertSettings) =>
  Object.fromEntries(
    ALERT_NAMES.map((name) => {
      const { enabled, threshold } = settings[name];
      return [name, hasThreshold(name) ? { enabled, threshold: String(threshold) } : enabled];
    }),
  );

const clusterView = (state: ClusterState) => ({
  name: state.fqdn,
  created_time: isoTime(state.createdMs),
  ...picked(state.settings, Object.keys(CLUSTER_SETTINGS)),
  ...picked(state.settings, POLICY_SHOWN),
  ...PORTS,
  ...ONLY_VALUES,
  alert_settings: alertSettingsView(state.alertSettings),
  proxy_certificate: state.certificates.proxy.certificate,
  syncer_certificate: state.certificates.syncer.certificate,
  system_reserved_ports: RESERVED_PORTS,
  control_cipher_suites_tls_1_3: TLS_1_3,
  sentinel_cipher_suites_tls_1_3: TLS_1_3,
  crdt_supported_featureset_version: 0,
  crdt_supported_protocol_versions: [],
  cm_server_version: 1,
  upgrade_in_progress: false,
  wait_command: true,
});

const policyView = (state: ClusterState) => picked(state.settings, Object.keys(POLICY_SETTINGS));

const servicesView = (state: ClusterState) =>
  Object.fromEntries(SERVICES.map((name) => [name, { operating_mode: state.services[name] }]));

const edited = (call: Call<unknown>, edit: ClusterEdit): ClusterState =>
  submitted(call, { kind: 'update-cluster', edit }).state;

/** What a cluster cannot be changed to here. */
const checkBody = (body: z.infer<typeof clusterBody>): void => {
  const given = body as Readonly<Record<string, unknown>>;
  for (const [name, port] of Object.entries(PORTS)) {
    if (given[name] === undefined || given[name] === port) continue;
    throw new ApiProblem(
      'bad_nginx_conf',
      `${name} is ${port} and cannot be changed to ${JSON.stringify(given[name])}: the ports of a sandbox are fixed`,
    );
  }
  for (const [name, only] of Object.entries(ONLY_VALUES)) {
    if (given[name] === undefined || JSON.stringify(given[name]) === JSON.stringify(only)) continue;
    throw new ApiProblem(
      'not_emulated',
      `${name} ${JSON.stringify(given[name])} is not emulated; leave it out, or set ${JSON.stringify(only)}`,
    );
  }
};

export const clusterRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/v1/cluster',
    summary: 'The cluster, with the certificates that other clusters need.',
    permission: 'view_cluster_info',
    reply: clusterReply,
    run: ({ control }) => clusterView(control.state),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/cluster',
    summary: 'Changes settings of the cluster.',
    permission: 'update_cluster',
    query: dryRunQuery,
    body: clusterBody,
    reply: clusterReply,
    problems: ['bad_nginx_conf', 'bad_debuginfo_path', 'invalid_setting', 'not_emulated'],
    run(call) {
      const { body } = call;
      checkBody(body);
      const settings = picked(body, Object.keys(CLUSTER_SETTINGS)) as ClusterEdit['settings'];
      const alerts = body.alert_settings as AlertSettingsBody | undefined;
      return clusterView(edited(call, { settings, alerts: alerts === undefined ? undefined : alertEditOf(alerts) }));
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/cluster/policy',
    summary: 'What new databases get if nobody says otherwise, and how logins are locked out.',
    permission: 'view_cluster_info',
    reply: policyReply,
    run: ({ control }) => policyView(control.state),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/cluster/policy',
    summary: 'Changes the policy.',
    permission: 'update_cluster',
    query: dryRunQuery,
    body: policyBody,
    reply: policyReply,
    problems: ['invalid_setting'],
    run: (call) => policyView(edited(call, { settings: call.body })),
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/cluster/services_configuration',
    summary: 'Which services of the nodes are on.',
    permission: 'view_cluster_info',
    reply: servicesReply,
    run: ({ control }) => servicesView(control.state),
  }),

  defineRoute({
    method: 'PUT',
    path: '/v1/cluster/services_configuration',
    summary: 'Turns services on or off.',
    permission: 'update_cluster',
    query: dryRunQuery,
    body: servicesBody,
    reply: servicesReply,
    run(call) {
      const services = Object.fromEntries(
        Object.entries(call.body).flatMap(([name, given]) =>
          given === undefined ? [] : [[name, given.operating_mode]],
        ),
      );
      return servicesView(edited(call, { services }));
    },
  }),

  defineRoute({
    method: 'GET',
    path: '/v1/cluster/check',
    summary: 'Whether every node works.',
    permission: 'view_all_nodes_checks',
    reply: z.strictObject({
      cluster_test_result: z.boolean(),
      nodes: z.array(z.strictObject({ node_uid: z.number().int(), result: z.boolean(), error: z.string().optional() })),
    }),
    run({ control }) {
      const nodes = control.state.nodes.map(({ uid }) => {
        const error = nodeTrouble(control, uid);
        return { node_uid: uid, result: error === null, ...(error === null ? {} : { error }) };
      });
      return { cluster_test_result: nodes.every(({ result }) => result), nodes };
    },
  }),
];

/** A shard that should run on the node and does not; null: all is well. */
export const nodeTrouble = (control: Call<unknown>['control'], nodeUid: number): string | null => {
  const down = control.state.shards.find(
    (shard) => shard.nodeUid === nodeUid && control.shard(shard.uid) === undefined,
  );
  return down === undefined ? null : `shard ${down.uid} of database ${down.databaseUid} does not run`;
};
