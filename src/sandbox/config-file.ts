/**
 * The config file of a sandbox: YAML, checked before anything starts; every message has line and column.
 *
 * Keys are spelled as in the REST API. What depends on the state (ports in use, sources) is checked by the clusters themselves;
 * `where` says which line they mean. yaml and zod are loaded by whoever loads this file, so only when there is a config file.
 */

import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { checkFqdn } from '../cluster/names/endpoint-names.ts';
import { NODES_MAX } from '../cluster/state/cluster-state.ts';
import { parseBytes } from '../node/shard/memory-size.ts';
import { CLUSTERS_MAX, type ConfigPath, type SandboxConfig } from './options.ts';

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
  encryption: z.boolean().optional(),
  server_cert: z.string().optional(),
  client_cert: z.string().optional(),
  client_key: z.string().optional(),
  replication_tls_sni: z.string().optional(),
});

const sources = z.union([z.string(), source, z.array(z.union([z.string(), source]))]);

const memory = z.union([z.number().int().min(0), z.string()]).transform((value, context) => {
  const bytes = typeof value === 'number' ? value : parseBytes(value);
  if (bytes !== null) return bytes;
  context.addIssue(`"${value}" is no amount of memory: write bytes, or 100mb, 2gb`);
  return z.NEVER;
});

const database = z.strictObject({
  name: z.string().min(1),
  port: z.number().int().min(1).max(65_535).optional(),
  shards: z.number().int().min(1).max(512).optional(),
  memory_size: memory.optional(),
  password: z.coerce.string().optional(),
  tls_mode: z.enum(['disabled', 'enabled', 'replica_ssl']).optional(),
  enforce_client_authentication: z.boolean().optional(),
  client_certs: z.array(z.string()).optional(),
  max_connections: z.number().int().min(0).optional(),
  shard_key_regex: z.array(z.string()).optional(),
  replica_read_only: z.boolean().optional(),
  replica_of: sources.optional(),
});

const fqdn = z.string().transform((name, context) => {
  const checked = checkFqdn(name);
  if (checked.ok) return checked.fqdn;
  context.addIssue(checked.detail);
  return z.NEVER;
});

const cluster = z.strictObject({
  name: fqdn,
  nodes: z.number().int().min(1).max(NODES_MAX).optional(),
  subnet: z
    .string()
    .regex(/^127\.\d{1,3}\.\d{1,3}$/, 'three numbers that begin with 127, as in 127.0.1')
    .optional(),
  username: z.string().min(1).optional(),
  password: z.coerce.string().min(1).optional(),
  databases: z.array(database).optional(),
});

const file = z.strictObject({ clusters: z.array(cluster).min(1).max(CLUSTERS_MAX) });

type FileSource = z.infer<typeof source>;

const sourceOf = (given: string | FileSource) =>
  typeof given === 'string'
    ? given
    : {
        url: given.url,
        encryption: given.encryption,
        serverCertificate: given.server_cert,
        clientCertificate: given.client_cert,
        clientKey: given.client_key,
        serverName: given.replication_tls_sni,
      };

const configOf = (read: z.infer<typeof file>): SandboxConfig => ({
  clusters: read.clusters.map((each) => ({
    ...each,
    databases: (each.databases ?? []).map((one) => ({
      name: one.name,
      port: one.port,
      shards: one.shards,
      memorySizeBytes: one.memory_size,
      password: one.password,
      tlsMode: one.tls_mode,
      enforceClientAuthentication: one.enforce_client_authentication,
      clientCertificates: one.client_certs,
      maxConnections: one.max_connections,
      hashingRules: one.shard_key_regex,
      replicaReadOnly: one.replica_read_only,
      replicaOf: one.replica_of === undefined ? undefined : [one.replica_of].flat().map(sourceOf),
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
    return { ok: false, problems: document.errors.map((error) => ({ ...at(error.pos[0]), message: error.message })) };
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    return {
      ok: false,
      problems: [{ line: 1, column: 1, message: error instanceof Error ? error.message : String(error) }],
    };
  }
  const where = (path: ConfigPath): Position => at(offsetOf(document, path));
  const read = file.safeParse(value, { reportInput: true });
  if (read.success) return { ok: true, config: configOf(read.data), where };
  const problems = read.error.issues.flatMap((issue) => issueProblems(document, at, issue));
  return { ok: false, problems };
};

/** Start of what the path names, or of the innermost part of it that is there. */
const offsetOf = (document: Document, path: ConfigPath): number => {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { readonly range?: readonly number[] } | null | undefined)?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return 0;
};

/** Of a key itself, not of its value. */
const keyOffset = (document: Document, path: ConfigPath, key: string): number => {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
  const range = (pair?.key as { readonly range?: readonly number[] } | undefined)?.range;
  return range?.[0] ?? offsetOf(document, path);
};

const issueProblems = (
  document: Document,
  at: (offset: number) => Position,
  issue: z.core.$ZodIssue,
): ConfigProblem[] => {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const place = path.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      ...at(keyOffset(document, path, key)),
      message: `${place}: unknown key "${key}"`,
    }));
  }
  const given =
    issue.input === undefined || typeof issue.input === 'object' ? '' : ` (given: ${JSON.stringify(issue.input)})`;
  return [{ ...at(offsetOf(document, path)), message: `${place}: ${issue.message}${given}` }];
};
