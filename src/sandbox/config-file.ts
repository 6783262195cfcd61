/**
 * The config file of a sandbox: YAML, checked before anything starts; every message has line and column.
 *
 * Keys are spelled as in the REST API. What depends on the state (ports in use, sources) is checked by the clusters themselves;
 * `where` says which line they mean. yaml and zod are loaded by whoever loads this file, so only when there is a config file.
 */

import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { z } from 'zod';
import { checkFqdn } from '../cluster/names/endpoint-names.ts';
import { NODES_MAX } from '../cluster/state/cluster-state.ts';
import { SERVICES, type ServiceName } from '../cluster/state/cluster-settings.ts';
import {
  DATABASE_SETTINGS,
  SETTING_NAMES,
  type SettingName,
  type SettingsEdit,
} from '../cluster/state/database-settings.ts';
import { valueTrouble } from '../cluster/state/setting.ts';
import { parseBytes } from '../node/shard/memory-size.ts';
import { aliasProblem, issueProblems, offsetOf, yamlMessage, type Issue } from './config-problems.ts';
import { CLUSTERS_MAX, SUBNET, type ConfigPath, type SandboxConfig } from './options.ts';

const CONFIG_LENGTH_MAX = 4 * 1024 * 1024;

interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

export type ConfigOutcome =
  | { readonly ok: true; readonly config: SandboxConfig; readonly where: (path: ConfigPath) => Position }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const source = z.strictObject({
  url: z.string(),
  compression: z.number().int().min(0).max(6).optional(),
  encryption: z.boolean().optional(),
  server_cert: z.string().optional(),
  client_cert: z.string().optional(),
  client_key: z.string().optional(),
  replication_tls_sni: z.string().optional(),
});

/** A text alone is its url, one source alone a list of one. */
const sources = z.preprocess(
  (given) => (Array.isArray(given) ? given : [given]),
  z.array(z.preprocess((given) => (typeof given === 'string' ? { url: given } : given), source)),
);

const memory = z.union([z.number().int().min(0), z.string()]).transform((value, context) => {
  const bytes = typeof value === 'number' ? value : parseBytes(value);
  if (bytes !== null) return bytes;
  context.addIssue(`"${value}" is no amount of memory: write bytes, or 100mb, 2gb`);
  return z.NEVER;
});

/** Every plain setting of a database, under its name in the REST API. */
const settings = Object.fromEntries(
  SETTING_NAMES.map((name) => [
    name,
    z
      .custom<SettingsEdit[SettingName]>((value) => valueTrouble(name, DATABASE_SETTINGS[name], value) === null, {
        error: ({ input }) => valueTrouble(name, DATABASE_SETTINGS[name], input) ?? undefined,
      })
      .optional(),
  ]),
) as unknown as Readonly<Record<SettingName, z.ZodOptional<z.ZodType<SettingsEdit[SettingName]>>>>;

const database = z.strictObject({
  name: z.string().min(1),
  port: z.number().int().min(1).max(65_535).optional(),
  shards: z.number().int().min(1).max(512).optional(),
  memory_size: memory.optional(),
  password: z.string().optional(),
  tls_mode: z.enum(['disabled', 'enabled', 'replica_ssl']).optional(),
  enforce_client_authentication: z.boolean().optional(),
  client_certs: z.array(z.string()).optional(),
  shard_key_regex: z.array(z.string()).optional(),
  replica_read_only: z.boolean().optional(),
  replica_of: sources.optional(),
  ...settings,
});

const fqdn = z.string().transform((name, context) => {
  const checked = checkFqdn(name);
  if (checked.ok) return checked.fqdn;
  context.addIssue(checked.detail);
  return z.NEVER;
});

const mdnsMissing = z.strictObject({
  nodes: z
    .union([z.literal('all'), z.array(z.number().int().min(1))], 'must be all, or a list of node numbers')
    .optional(),
  clients: z.boolean().optional(),
});

const operatingMode = z.enum(['enabled', 'disabled']).optional();
const services = z.strictObject(
  Object.fromEntries(SERVICES.map((name) => [name, operatingMode])) as Record<ServiceName, typeof operatingMode>,
);

const cluster = z.strictObject({
  name: fqdn,
  nodes: z.number().int().min(1).max(NODES_MAX).optional(),
  subnet: z.string().regex(SUBNET, 'three numbers that begin with 127, as in 127.0.1').optional(),
  username: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  private_endpoints: z.boolean().optional(),
  mdns_missing: mdnsMissing.optional(),
  services: services.optional(),
  bootstrap: z.enum(['automatic', 'manual']).optional(),
  license: z.enum(['development', 'trial']).optional(),
  databases: z.array(database).optional(),
});

const file = z.strictObject({ clusters: z.array(cluster).min(1).max(CLUSTERS_MAX) });

/** Keys that there are, by the key that holds the map. */
const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', Object.keys(file.shape)],
  ['clusters', Object.keys(cluster.shape)],
  ['databases', Object.keys(database.shape)],
  ['replica_of', Object.keys(source.shape)],
  ['services', Object.keys(services.shape)],
  ['mdns_missing', Object.keys(mdnsMissing.shape)],
]);

const sourceOf = (given: z.infer<typeof source>) =>
  Object.keys(given).length === 1
    ? given.url
    : {
        url: given.url,
        compression: given.compression,
        encryption: given.encryption,
        serverCertificate: given.server_cert,
        clientCertificate: given.client_cert,
        clientKey: given.client_key,
        serverName: given.replication_tls_sni,
      };

const settingsOf = (given: z.infer<typeof database>): SettingsEdit | undefined => {
  const named = SETTING_NAMES.filter((name) => given[name] !== undefined);
  return named.length === 0 ? undefined : Object.fromEntries(named.map((name) => [name, given[name]]));
};

const configOf = (read: z.infer<typeof file>): SandboxConfig => ({
  clusters: read.clusters.map(({ private_endpoints: privateEndpoints, mdns_missing: mdnsMissing, ...each }) => ({
    ...each,
    privateEndpoints,
    mdnsMissing,
    databases: (each.databases ?? []).map((one) => ({
      name: one.name,
      port: one.port,
      shards: one.shards,
      memorySizeBytes: one.memory_size,
      password: one.password,
      tlsMode: one.tls_mode,
      enforceClientAuthentication: one.enforce_client_authentication,
      clientCertificates: one.client_certs,
      settings: settingsOf(one),
      hashingRules: one.shard_key_regex,
      replicaReadOnly: one.replica_read_only,
      replicaOf: one.replica_of?.map(sourceOf),
    })),
  })),
});

export const readConfig = (text: string): ConfigOutcome => {
  if (text.length > CONFIG_LENGTH_MAX) {
    return { ok: false, problems: [{ line: 1, column: 1, message: `longer than ${CONFIG_LENGTH_MAX} characters` }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => ({ ...at(error.pos[0]), message: yamlMessage(error) })),
    };
  }
  takePasswordsAsWritten(document);
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    const { offset, message } = aliasProblem(document, error);
    return { ok: false, problems: [{ ...at(offset), message }] };
  }
  const where = (path: ConfigPath): Position => at(offsetOf(document, path));
  const read = file.safeParse(value, { reportInput: true });
  if (read.success) return { ok: true, config: configOf(read.data), where };
  const problems = (read.error.issues as readonly Issue[]).flatMap((issue) =>
    issueProblems(document, issue, KNOWN_KEYS),
  );
  return { ok: false, problems: problems.map(({ offset, message }) => ({ ...at(offset), message })) };
};

/** 0123 and 1e5 are numbers to YAML, and other texts when they come back. */
const takePasswordsAsWritten = (document: Document): void => {
  visit(document, {
    Pair(_, { key, value }) {
      if (!isScalar(key) || key.value !== 'password' || !isScalar(value)) return;
      if (typeof value.value === 'number' && value.source !== undefined) value.value = value.source;
    },
  });
};
