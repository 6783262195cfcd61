/**
 * The fields of a cluster in the REST API: settings from their tables, alert settings, facts that are only shown, and things that have
 * one value here. Bodies, answers and the published schema are made of these. [RS objects/cluster] [RS objects/cluster_settings]
 */

import { z } from 'zod';
import { ALERT_NAMES, hasThreshold, type AlertName, type AlertSettingsEdit } from '../state/alert-settings.ts';
import { CLUSTER_SETTINGS, POLICY_SETTINGS, SERVICES } from '../state/cluster-settings.ts';
import { settingSchemas } from './setting-schema.ts';

const DAYS_OR_PERCENT = z.union([z.number().int().min(0), z.string().regex(/^\d{1,12}$/)]);

const alertSchema = (name: AlertName) =>
  hasThreshold(name)
    ? z.strictObject({ enabled: z.boolean(), threshold: DAYS_OR_PERCENT.optional() })
    : z.union([z.boolean(), z.strictObject({ enabled: z.boolean() })]);

const alertSettingsSchema = z.strictObject(
  Object.fromEntries(ALERT_NAMES.map((name) => [name, alertSchema(name).optional()])),
);

export type AlertSettingsBody = z.infer<typeof alertSettingsSchema>;

export const alertEditOf = (given: AlertSettingsBody): AlertSettingsEdit =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      if (value === undefined) return [];
      if (typeof value === 'boolean') return [[name, { enabled: value }]];
      const { enabled, threshold } = value as { enabled: boolean; threshold?: number | string };
      return [[name, { enabled, ...(threshold === undefined ? {} : { threshold: Number(threshold) }) }]];
    }),
  );

const port = z.number().int().min(1).max(65_535);

/** Ports of the cluster's services: shown, and refused when another one is asked for. */
export const PORTS = {
  cnm_http_port: 8080,
  cnm_https_port: 9443,
  cm_port: 8443,
  crdb_coordinator_port: 9081,
  envoy_admin_port: 8002,
  envoy_mgmt_server_port: 8004,
  gossip_envoy_admin_port: 8006,
  cluster_api_internal_port: 3346,
} as const;

/** Of the real product, with the one value that they can have here; another one is refused as not emulated. */
export const ONLY_VALUES = {
  mtls_authorized_subjects: [],
  logrotate_settings: { maxage: 7, maxsize: '200M', rotate: 10 },
  envoy_external_authorization: false,
  ccs_internode_encryption: true,
  cluster_ssh_public_key: '',
} as const;

/** Only shown. */
const shown = {
  name: z.string(),
  created_time: z.string(),
  proxy_certificate: z.string(),
  syncer_certificate: z.string(),
  system_reserved_ports: z.array(z.number().int()),
  control_cipher_suites_tls_1_3: z.string(),
  sentinel_cipher_suites_tls_1_3: z.string(),
  crdt_supported_featureset_version: z.number().int(),
  crdt_supported_protocol_versions: z.array(z.string()),
  cm_server_version: z.number().int(),
  upgrade_in_progress: z.boolean(),
  wait_command: z.boolean(),
};

const settings = settingSchemas(CLUSTER_SETTINGS);
const policy = settingSchemas(POLICY_SETTINGS);

/** Settings of the policy that the cluster object shows as well. */
export const POLICY_SHOWN = [
  'default_sharded_proxy_policy',
  'default_non_sharded_proxy_policy',
  'rack_aware',
  'slave_ha',
  'slave_ha_grace_period',
  'slave_ha_cooldown_period',
  'slave_ha_bdb_cooldown_period',
] as const;

const ports = Object.fromEntries(Object.keys(PORTS).map((name) => [name, port])) as {
  readonly [Name in keyof typeof PORTS]: typeof port;
};
const onlyValues = Object.fromEntries(Object.keys(ONLY_VALUES).map((name) => [name, z.unknown()])) as unknown as {
  readonly [Name in keyof typeof ONLY_VALUES]: z.ZodUnknown;
};

const ignored = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, z.unknown().optional().meta({ readOnly: true })]));

export const clusterBody = z
  .strictObject({ ...settings, ...ports, ...onlyValues, alert_settings: alertSettingsSchema })
  .partial()
  .extend(ignored([...Object.keys(shown), ...POLICY_SHOWN]));

export const clusterReply = z.strictObject({
  ...settings,
  ...ports,
  ...onlyValues,
  ...shown,
  ...Object.fromEntries(POLICY_SHOWN.map((name) => [name, policy[name]])),
  alert_settings: z.record(z.string(), z.unknown()),
});

export const policyBody = z.strictObject(policy).partial();
export const policyReply = z.strictObject(policy);

const service = z.strictObject({ operating_mode: z.enum(['enabled', 'disabled']) });
const services = Object.fromEntries(SERVICES.map((name) => [name, service])) as {
  readonly [Name in (typeof SERVICES)[number]]: typeof service;
};

export const servicesReply = z.strictObject(services);
export const servicesBody = servicesReply.partial();
