/**
 * Bodies of POST and PUT /v1/bdbs: which fields there are, of which type, and what they mean as a change.
 *
 * A body may be what GET gave: read-only fields are let through and ignored. Fields of the real product that can have only one value
 * here are accepted with that value and refused with another, so that nobody believes a setting that has no effect; unknown fields are
 * refused by name. [RS objects/bdb]
 */

import { z } from 'zod';
import type { DatabaseEdit, DatabaseWish, SourceWish } from '../state/change.ts';
import { ApiProblem } from './problems.ts';

/** Fields with a single possible value so far; GET shows them. */
export const FIXED_FIELDS = {
  type: 'redis',
  replication: false,
  shards_placement: 'dense',
  proxy_policy: 'single',
  hash_slots_policy: '16k',
  implicit_shard_key: false,
  oss_cluster: false,
  data_persistence: 'disabled',
} as const;

const readOnly = z.unknown().optional();

const sourceSchema = z.strictObject({
  uid: z.number().int().optional(),
  uri: z.string(),
  compression: z.number().int().min(0).max(6).optional(),
  encryption: z.boolean().optional(),
  server_cert: z.string().optional(),
  client_cert: z.string().optional(),
  client_key: z.string().optional(),
  replication_tls_sni: z.string().optional(),
  status: readOnly,
  rdb_size: readOnly,
  rdb_transferred: readOnly,
  last_update: readOnly,
  lag: readOnly,
  last_error: readOnly,
});

const syncSchema = z.enum(['enabled', 'disabled', 'paused', 'stopped']);
const certificates = z.array(z.strictObject({ client_cert: z.string() }));

export const bdbSchema = z.strictObject({
  uid: z.number().int().optional(),
  name: z.string().optional(),
  port: z.number().int().optional(),
  memory_size: z.number().int().optional(),
  shards_count: z.number().int().optional(),
  sharding: z.boolean().optional(),
  shard_key_regex: z.array(z.strictObject({ regex: z.string() })).optional(),
  authentication_redis_pass: z.string().optional(),
  tls_mode: z.enum(['disabled', 'enabled', 'replica_ssl']).optional(),
  ssl: z.boolean().optional(),
  enforce_client_authentication: z.enum(['enabled', 'disabled']).optional(),
  authentication_ssl_client_certs: certificates.optional(),
  max_connections: z.number().int().optional(),
  mkms: z.boolean().optional(),
  replica_sources: z.array(sourceSchema).optional(),
  replica_sync: syncSchema.optional(),
  replica_read_only: z.boolean().optional(),
  // older names of the two before [RS: deprecated since 5.0.1]
  sync_sources: z.array(sourceSchema).optional(),
  sync: syncSchema.optional(),
  ...Object.fromEntries(Object.keys(FIXED_FIELDS).map((name) => [name, z.unknown().optional()])),
  authentication_admin_pass: readOnly,
  shard_list: readOnly,
  endpoints: readOnly,
  status: readOnly,
  created_time: readOnly,
  last_changed_time: readOnly,
});

type BdbBody = z.infer<typeof bdbSchema>;

export const wishOf = (body: BdbBody): DatabaseWish => ({ uid: body.uid, ...editOf(body) });

export const editOf = (body: BdbBody): DatabaseEdit => {
  for (const [name, only] of Object.entries(FIXED_FIELDS)) {
    const given = (body as Readonly<Record<string, unknown>>)[name];
    if (given === undefined || given === only) continue;
    throw new ApiProblem(
      'not_emulated',
      `${name} ${JSON.stringify(given)} is not emulated yet; leave it out, or set ${JSON.stringify(only)}`,
    );
  }
  const password = body.authentication_redis_pass;
  return {
    name: body.name,
    port: body.port,
    memorySizeBytes: body.memory_size,
    shardsCount: body.shards_count,
    sharding: body.sharding,
    hashingRules: body.shard_key_regex,
    passwords: password === undefined ? undefined : password === '' ? [] : [password],
    tlsMode: body.tls_mode ?? (body.ssl === undefined ? undefined : body.ssl ? 'enabled' : 'disabled'),
    enforceClientAuthentication:
      body.enforce_client_authentication === undefined ? undefined : body.enforce_client_authentication === 'enabled',
    clientCertificates: body.authentication_ssl_client_certs?.map((each) => each.client_cert),
    maxConnections: body.max_connections,
    multiSlot: body.mkms,
    replicaSources: (body.replica_sources ?? body.sync_sources)?.map(sourceOf),
    replicaSync: body.replica_sync ?? body.sync,
    replicaReadOnly: body.replica_read_only,
  };
};

const sourceOf = (source: z.infer<typeof sourceSchema>): SourceWish => {
  if (source.compression !== undefined && source.compression !== 0) {
    throw new ApiProblem(
      'not_emulated',
      `compression ${source.compression} is not emulated yet; leave it out, or set 0`,
    );
  }
  return {
    uid: source.uid,
    uri: source.uri,
    encryption: source.encryption,
    serverCertificate: source.server_cert,
    clientCertificate: source.client_cert,
    clientKey: source.client_key,
    serverName: source.replication_tls_sni,
  };
};
