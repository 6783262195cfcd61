/**
 * What a body of POST and PUT /v1/bdbs means as a change, and which of its values can only be one here.
 *
 * Absent fields stay as they are; read-only ones are not looked at; the older names `sync` and `sync_sources` count where the newer
 * are absent [RS objects/bdb]. Border: types are `bdb-fields.ts`, rules about the state are `state/`.
 */

import { REDIS_VERSION } from '../../node/shard/version.ts';
import { STANDARD_HASHING_RULES } from '../../sharding/hashing-policy.ts';
import type { DatabaseEdit, DatabaseWish, SourceWish } from '../state/change.ts';
import type { DatabaseRecord } from '../state/cluster-state.ts';
import { SETTING_NAMES, type SettingsEdit } from '../state/database-settings.ts';
import type { BdbBody, SourceBody } from './bdb-fields.ts';
import { ApiProblem, type ApiCode } from './problems.ts';

/** The only one that shards can be: major and minor. */
export const SHORT_VERSION = REDIS_VERSION.split('.').slice(0, 2).join('.');

/** Of a new database. */
export const wishOf = (body: BdbBody): DatabaseWish => {
  if (body.sharding === true && body.oss_sharding !== true && (body.shard_key_regex ?? []).length === 0) {
    const standard = JSON.stringify(STANDARD_HASHING_RULES);
    const advice = `give shard_key_regex (the standard rules are ${standard}) or oss_sharding`;
    throw new ApiProblem('invalid_sharding', `sharding is true and there are no rules for hashing keys: ${advice}`);
  }
  return { uid: body.uid, ...editOf(body, null) };
};

/** Of the database as it is; null: a new one. */
export const editOf = (body: BdbBody, database: DatabaseRecord | null): DatabaseEdit => {
  refuseUnsupported(body);
  return {
    name: body.name,
    port: body.port,
    memorySizeBytes: body.memory_size,
    shardsCount: body.shards_count,
    sharding: body.sharding,
    // An empty list is how a database without sharding is shown.
    hashingRules: body.shard_key_regex?.length === 0 ? undefined : body.shard_key_regex,
    passwords: passwordsOf(body.authentication_redis_pass, database),
    tlsMode: body.tls_mode ?? tlsModeOf(body.ssl, database),
    enforceClientAuthentication:
      body.enforce_client_authentication === undefined ? undefined : body.enforce_client_authentication === 'enabled',
    clientCertificates: body.authentication_ssl_client_certs?.map((each) => each.client_cert),
    crdtCertificates: body.authentication_ssl_crdt_certs?.map((each) => each.client_cert),
    authorizedSubjects: body.authorized_subjects,
    snapshotPolicy: body.snapshot_policy,
    rolePermissions: body.roles_permissions?.map((each) => ({ roleUid: each.role_uid, aclUid: each.redis_acl_uid })),
    tags: body.tags,
    settings: Object.fromEntries(SETTING_NAMES.map((name) => [name, body[name]])) as SettingsEdit,
    replicaSources: (body.replica_sources ?? body.sync_sources)?.map(sourceOf),
    replicaSync: body.replica_sync ?? body.sync,
    replicaReadOnly: body.replica_read_only,
  };
};

/** A single password takes the place of all, unless it is the one that is shown for them. */
const passwordsOf = (given: string | undefined, database: DatabaseRecord | null): readonly string[] | undefined => {
  if (given === undefined || given === (database?.passwords[0] ?? '')) return undefined;
  return given === '' ? [] : [given];
};

const tlsModeOf = (ssl: boolean | undefined, database: DatabaseRecord | null): DatabaseEdit['tlsMode'] => {
  if (ssl === undefined || ssl === (database !== null && database.tlsMode !== 'disabled')) return undefined;
  return ssl ? 'enabled' : 'disabled';
};

const sourceOf = (source: SourceBody): SourceWish => ({
  uid: source.uid,
  uri: source.uri,
  compression: source.compression,
  encryption: source.encryption,
  serverCertificate: source.server_cert,
  clientCertificate: source.client_cert,
  clientKey: source.client_key,
  serverName: source.replication_tls_sni,
});

const refuse = (code: ApiCode, description: string): never => {
  throw new ApiProblem(code, description);
};

/** Values of the real product that nothing here stands for. [RS bdbs: 406 codes] */
const refuseUnsupported = (body: BdbBody): void => {
  const modules = body.module_list ?? [];
  if (body.type === 'memcached' && modules.length > 0) {
    refuse('memcached_cannot_use_modules', 'a memcached database has no modules: leave module_list out');
  }
  if (body.type !== undefined && body.type !== 'redis') {
    refuse('not_emulated', `type ${JSON.stringify(body.type)} is not emulated: leave it out, or set "redis"`);
  }
  if (modules.length > 0) {
    refuse(
      'missing_module',
      `module_list: the cluster has no modules, so not "${modules[0]?.module_name ?? ''}": leave it out`,
    );
  }
  if (body.version !== undefined && ![REDIS_VERSION, SHORT_VERSION].includes(body.version)) {
    refuse('invalid_version', `version ${JSON.stringify(body.version)}: the cluster has ${REDIS_VERSION}`);
  }
  if (body.redis_version !== undefined && ![REDIS_VERSION, SHORT_VERSION].includes(body.redis_version)) {
    refuse('invalid_version', `redis_version ${JSON.stringify(body.redis_version)}: the cluster has ${SHORT_VERSION}`);
  }
  if (body.crdt === true && body.replication !== true) {
    refuse('replication_violation', 'crdt needs replication; and neither is emulated: leave both out');
  }
  if (body.crdt === true || (body.crdt_sources ?? []).length > 0 || (body.crdt_sync ?? 'disabled') !== 'disabled') {
    refuse('not_emulated', 'Active-Active databases are not emulated: leave crdt, crdt_sync and crdt_sources out');
  }
  if ((body.acl ?? []).length > 0) {
    refuse('not_emulated', 'acl, a list of allowed addresses, is not emulated: leave it out, or set []');
  }
};
