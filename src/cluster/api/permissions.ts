/**
 * What each management role may do: the table of the documentation, permission by permission. A route names the permission that it
 * asks for. [RS rest-api: permissions]
 */

import type { ManagementRole } from '../state/accounts.ts';

const ADMIN = ['admin'] as const;
const USER_KEEPERS = ['admin', 'user_manager'] as const;
const DATABASE_KEEPERS = ['admin', 'cluster_member', 'db_member'] as const;
const EVERYBODY = ['admin', 'cluster_member', 'cluster_viewer', 'db_member', 'db_viewer', 'user_manager'] as const;

const PERMISSIONS = {
  // the cluster
  update_cluster: ADMIN,
  update_node: ADMIN,
  start_cluster_action: ADMIN,
  start_node_action: ADMIN,
  cancel_cluster_action: ADMIN,
  cancel_node_action: ADMIN,
  update_proxy: USER_KEEPERS,
  install_new_license: USER_KEEPERS,
  view_cluster_info: EVERYBODY,
  view_cluster_keys: ['admin', 'cluster_member', 'user_manager'],
  view_cluster_alerts: EVERYBODY,
  view_cluster_stats: EVERYBODY,
  view_cluster_modules: EVERYBODY,
  view_license: EVERYBODY,
  view_logged_events: ['admin', 'cluster_member', 'cluster_viewer', 'db_member', 'user_manager'],
  view_all_metrics: ['admin', 'cluster_member', 'cluster_viewer'],
  view_debugging_info: ['admin', 'cluster_member', 'db_member', 'user_manager'],
  view_status_of_cluster_action: EVERYBODY,
  view_status_of_node_action: EVERYBODY,
  view_status_of_all_node_actions: EVERYBODY,
  // nodes, shards, proxies
  view_all_nodes_info: EVERYBODY,
  view_node_info: EVERYBODY,
  view_all_nodes_alerts: EVERYBODY,
  view_node_alerts: EVERYBODY,
  view_all_nodes_checks: EVERYBODY,
  view_node_check: EVERYBODY,
  view_all_nodes_stats: EVERYBODY,
  view_node_stats: EVERYBODY,
  view_all_shard_stats: EVERYBODY,
  view_shard_stats: EVERYBODY,
  view_all_proxies_info: EVERYBODY,
  view_proxy_info: EVERYBODY,
  view_endpoint_stats: EVERYBODY,
  failover_shard: DATABASE_KEEPERS,
  migrate_shard: DATABASE_KEEPERS,
  // databases
  create_bdb: DATABASE_KEEPERS,
  update_bdb: DATABASE_KEEPERS,
  update_bdb_with_action: DATABASE_KEEPERS,
  update_bdb_alerts: DATABASE_KEEPERS,
  delete_bdb: DATABASE_KEEPERS,
  edit_bdb_module: DATABASE_KEEPERS,
  start_bdb_export: DATABASE_KEEPERS,
  start_bdb_import: DATABASE_KEEPERS,
  start_bdb_recovery: DATABASE_KEEPERS,
  reset_bdb_current_backup_status: DATABASE_KEEPERS,
  reset_bdb_current_export_status: DATABASE_KEEPERS,
  reset_bdb_current_import_status: DATABASE_KEEPERS,
  view_all_bdbs_info: EVERYBODY,
  view_bdb_info: EVERYBODY,
  view_redis_pass: ['admin', 'cluster_member', 'db_member', 'user_manager'],
  view_all_bdbs_alerts: EVERYBODY,
  view_bdb_alerts: EVERYBODY,
  view_all_bdb_stats: EVERYBODY,
  view_bdb_stats: EVERYBODY,
  view_bdb_recovery_plan: ['admin', 'cluster_member', 'cluster_viewer', 'db_member', 'db_viewer'],
  // people
  create_new_user: USER_KEEPERS,
  update_user: USER_KEEPERS,
  delete_user: USER_KEEPERS,
  view_all_users_info: USER_KEEPERS,
  view_user_info: USER_KEEPERS,
  create_role: USER_KEEPERS,
  update_role: USER_KEEPERS,
  delete_role: USER_KEEPERS,
  view_all_roles_info: EVERYBODY,
  view_role_info: EVERYBODY,
  create_redis_acl: USER_KEEPERS,
  update_redis_acl: USER_KEEPERS,
  delete_redis_acl: USER_KEEPERS,
  view_all_redis_acls_info: EVERYBODY,
  view_redis_acl_info: EVERYBODY,
} as const satisfies Readonly<Record<string, readonly ManagementRole[]>>;

export type Permission = keyof typeof PERMISSIONS;

/** In the order of the table. */
export const rolesWith = (permission: Permission): readonly ManagementRole[] => PERMISSIONS[permission];

export const isPermitted = (held: readonly ManagementRole[], permission: Permission): boolean =>
  rolesWith(permission).some((role) => held.includes(role));
