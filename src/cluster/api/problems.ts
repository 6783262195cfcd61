/**
 * What the API says when it refuses: code, HTTP status. The descriptions come with the problem. Codes are never renamed or removed
 * [RS rest-api: errors].
 */

import type { ProblemCode } from '../state/change.ts';

export const API_PROBLEMS = {
  // of a request
  invalid_json: 400,
  invalid_schema: 400,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  request_too_large: 413,
  internal_error: 500,
  // of what a body asks for
  command_failed: 400,
  bdb_unavailable: 503,
  bdb_endpoint_unavailable: 503,
  db_not_found: 404,
  not_recoverable: 409,
  not_crdb: 406,
  // of the state
  db_not_exist: 404,
  busy: 409,
  wrong_cluster_state_id: 409,
  uid_exists: 409,
  missing_db_name: 406,
  name_violation: 406,
  missing_memory_size: 406,
  insufficient_resources: 406,
  port_unavailable: 406,
  invalid_sharding: 406,
  invalid_replication: 406,
  invalid_certificate: 406,
  certificate_expired: 406,
  duplicated_certs: 406,
  unknown_certificate: 403,
  invalid_cluster_certificate: 400,
  required_certificate: 403,
  certificate_not_found: 404,
  invalid_connections: 406,
  invalid_password: 406,
  invalid_proxy_policy: 406,
  invalid_data_persistence: 406,
  invalid_oss_cluster_configuration: 406,
  invalid_sasl_credentials: 406,
  invalid_bdb_tags: 406,
  invalid_alert: 406,
  eviction_policy_violation: 406,
  replication_node_violation: 406,
  replication_size_violation: 406,
  not_rack_aware: 406,
  rack_awareness_violation: 406,
  missing_backup_interval: 406,
  invalid_setting: 406,
  memcached_cannot_use_modules: 406,
  missing_module: 406,
  bad_shards_blueprint: 406,
  invalid_version: 406,
  replication_violation: 406,
  node_not_exist: 404,
  /** A setting of the real product that has no effect here yet. */
  not_emulated: 406,
} as const satisfies Readonly<Record<ProblemCode, number>> & Readonly<Record<string, number>>;

export type ApiCode = keyof typeof API_PROBLEMS;

/** Thrown by a route, answered in one place (`app.ts`). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ApiCode;

  constructor(code: ApiCode, description: string) {
    super(description);
    this.code = code;
  }
}
