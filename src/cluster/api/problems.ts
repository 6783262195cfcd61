/**
 * What the API says when it refuses: code, HTTP status, and what the code means; the description in an answer says what happened in the
 * very case. Codes are never renamed or removed [RS rest-api: errors]. `docs/api.md` lists them.
 */

import type { ProblemCode } from '../state/change.ts';

type ProblemKind = readonly [status: number, meaning: string];

export const API_PROBLEMS = {
  // of a request
  invalid_json: [400, 'the body is not JSON'],
  invalid_schema: [400, 'a field or a parameter is unknown, of another type, or out of its range'],
  unauthorized: [401, 'no login, or user, password or token are wrong'],
  user_locked: [401, 'too many wrong passwords; the user is locked for a while'],
  password_expired: [401, 'the password has to be replaced by PUT /v1/users/password'],
  forbidden: [403, "the user's role does not permit it"],
  not_found: [404, 'nothing has this path or uid'],
  method_not_allowed: [405, 'the path has other methods, which the header Allow names'],
  not_acceptable: [406, 'the header Accept excludes JSON'],
  request_too_large: [413, 'the body is longer than the API takes'],
  unsupported_media_type: [415, 'the body is said to be something other than JSON'],
  internal_error: [500, 'a defect of this program'],
  invalid_object: [406, 'there is no kind of object of this name'],
  not_in_cluster: [503, 'the node waits for POST /v1/bootstrap/create_cluster'],
  unsupported_api_version: [505, 'the header X-API-Version names no version of this API'],
  not_saved: [507, 'the disk of the data folder refuses; the change is not kept for the next start'],
  // of what a body asks for
  command_failed: [400, 'the database answers the command with an error'],
  bdb_unavailable: [503, 'the database has an endpoint or shard that does not serve'],
  bdb_endpoint_unavailable: [503, 'the endpoint of the database on this node does not serve'],
  db_not_found: [404, 'there is no such database to judge'],
  not_recoverable: [409, 'nothing of the database is to be recovered'],
  not_crdb: [406, 'the database is not Active-Active'],
  // of the state
  db_not_exist: [404, 'there is no such database'],
  busy: [409, 'something else is being done with it'],
  wrong_cluster_state_id: [409, 'the cluster has changed since the state that the request names'],
  uid_exists: [409, 'the uid is taken'],
  missing_db_name: [406, 'a database needs a name'],
  name_violation: [406, 'the name is taken or has characters that no name has'],
  missing_memory_size: [406, 'memory_size is missing or no number of bytes'],
  insufficient_resources: [406, 'the nodes have no room'],
  port_unavailable: [406, 'the port is taken, reserved, or not to be changed'],
  invalid_sharding: [406, 'shards and hashing rules do not go together'],
  invalid_replication: [406, 'a source of a Replica Of or its settings cannot be'],
  invalid_certificate: [406, 'a certificate of a database is missing or cannot be used'],
  certificate_expired: [406, 'a certificate is no longer valid'],
  duplicated_certs: [406, 'a certificate is given twice'],
  unknown_certificate: [403, 'a cluster has no certificate of this name'],
  invalid_cluster_certificate: [400, 'a certificate of the cluster is malformed or does not fit its key'],
  required_certificate: [403, 'the certificate can be replaced, not deleted'],
  certificate_not_found: [404, 'the cluster has no such certificate now'],
  invalid_connections: [406, 'the number of connections cannot be'],
  invalid_password: [406, 'a password of a database cannot be'],
  invalid_proxy_policy: [406, 'there is no such proxy policy'],
  invalid_data_persistence: [406, 'there is no such persistence, or its policies do not fit'],
  invalid_oss_cluster_configuration: [406, 'the OSS cluster API does not go with the other settings'],
  invalid_sasl_credentials: [406, 'user or password for SASL cannot be'],
  invalid_bdb_tags: [406, 'a tag is given twice, too long, or has characters that no tag has'],
  invalid_alert: [406, 'there is no such alert, or its threshold cannot be'],
  eviction_policy_violation: [406, 'there is no such eviction policy, or it does not fit'],
  replication_node_violation: [406, 'replication needs more nodes than there are'],
  replication_size_violation: [406, 'the memory is too small for shards and their replicas'],
  not_rack_aware: [406, 'the cluster knows no racks'],
  rack_awareness_violation: [406, 'the nodes are not on racks enough'],
  missing_backup_interval: [406, 'a periodic backup needs its interval'],
  invalid_setting: [406, 'a setting cannot have this value'],
  memcached_cannot_use_modules: [406, 'a memcached database has no modules'],
  missing_module: [406, 'the cluster has no such module'],
  bad_shards_blueprint: [406, 'the places wished for the shards do not fit'],
  invalid_version: [406, 'there is no such version of Redis here'],
  node_not_exist: [404, 'there is no such node'],
  replication_violation: [406, 'replication does not go with the other settings'],
  /** A setting of the real product that has no effect here yet. */
  not_emulated: [406, 'the product has it, this program does not'],
  // of a cluster
  bad_debuginfo_path: [400, 'debuginfo_path is not the full path of a folder'],
  bad_nginx_conf: [400, 'a port of the cluster cannot be changed to this'],
  already_bootstrapped: [409, 'the node belongs to a cluster already'],
  config_error: [406, 'the description of the new cluster cannot be'],
  // of people
  in_use: [406, 'something else refers to it'],
  read_only_object: [409, 'it is built in'],
  missing_field: [400, 'a needed field is missing'],
  invalid_param: [400, 'a field has a value that cannot be'],
  name_already_exists: [409, 'another one has the name'],
  email_already_exists: [409, 'another user has the email'],
  password_not_complex: [400, 'the password breaks a rule that the cluster has for passwords'],
  new_password_same_as_current: [400, 'the user has this password already'],
  cannot_delete_last_password: [400, 'a user keeps at least one password'],
  change_last_admin_role_not_allowed: [406, 'a cluster keeps at least one administrator'],
  // of the licence
  invalid_license: [400, 'the text is no licence'],
  license_violation: [406, 'the licence is over, for fewer shards, or for another cluster'],
  license_refused: [403, 'the licence does not allow it'],
} as const satisfies Readonly<Record<ProblemCode, ProblemKind>> & Readonly<Record<string, ProblemKind>>;

export type ApiCode = keyof typeof API_PROBLEMS;

export const statusOf = (code: ApiCode): (typeof API_PROBLEMS)[ApiCode][0] => API_PROBLEMS[code][0];

/** Thrown by a route, answered in one place (`app.ts`). */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ApiCode;

  constructor(code: ApiCode, description: string) {
    super(description);
    this.code = code;
  }
}
