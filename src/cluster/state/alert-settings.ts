/**
 * Which alerts about a cluster and its nodes are watched, and from which threshold on. Alerts without a threshold are a plain switch.
 * What is recorded of a new cluster is on; the others are off. Pure. [RS objects/cluster/alert_settings]
 *
 * Border: whether an alert is raised is judged where it is shown.
 */

interface AlertKind {
  readonly enabled: boolean;
  /** In the unit of the alert: days, per cent, bytes a second; null: has none. */
  readonly threshold: number | null;
}

const on = (threshold: number | null = null): AlertKind => ({ enabled: true, threshold });
const off = (threshold: number | null = null): AlertKind => ({ enabled: false, threshold });

const ALERTS = {
  cluster_ca_cert_about_to_expire: on(90),
  cluster_certs_about_to_expire: on(45),
  cluster_even_node_count: off(),
  cluster_flash_overcommit: off(),
  cluster_inconsistent_redis_sw: off(),
  cluster_inconsistent_rl_sw: off(),
  cluster_internal_bdb: off(),
  cluster_license_about_to_expire: on(7),
  cluster_multiple_nodes_down: off(),
  cluster_node_joined: off(),
  cluster_node_operation_failed: on(),
  cluster_node_remove_abort_completed: off(),
  cluster_node_remove_abort_failed: off(),
  cluster_node_remove_completed: off(),
  cluster_node_remove_failed: off(),
  cluster_ocsp_query_failed: on(),
  cluster_ocsp_status_revoked: on(),
  cluster_ram_overcommit: off(),
  cluster_too_few_nodes_for_replication: off(),
  node_aof_slow_disk_io: off(),
  node_checks_error: on(),
  node_cpu_utilization: off(80),
  node_ephemeral_storage: on(70),
  node_failed: off(),
  node_free_flash: on(70),
  node_insufficient_disk_aofrw: off(),
  node_internal_certs_about_to_expire: on(45),
  node_memory: off(70),
  node_net_throughput: off(1_000_000_000),
  node_persistent_storage: on(70),
} as const satisfies Readonly<Record<string, AlertKind>>;

export type AlertName = keyof typeof ALERTS;

export interface AlertSetting {
  readonly enabled: boolean;
  readonly threshold: number | null;
}

export type AlertSettings = Readonly<Record<AlertName, AlertSetting>>;

export type AlertSettingsEdit = { readonly [Name in AlertName]?: Partial<AlertSetting> | undefined };

export const ALERT_NAMES = Object.keys(ALERTS) as readonly AlertName[];

export const DEFAULT_ALERT_SETTINGS: AlertSettings = ALERTS;

export const hasThreshold = (name: AlertName): boolean => ALERTS[name].threshold !== null;

export const editAlertSettings = (settings: AlertSettings, edit: AlertSettingsEdit): AlertSettings => {
  const next: Record<string, AlertSetting> = { ...settings };
  for (const name of ALERT_NAMES) {
    const given = edit[name];
    if (given === undefined) continue;
    next[name] = {
      enabled: given.enabled ?? settings[name].enabled,
      threshold: hasThreshold(name) ? (given.threshold ?? settings[name].threshold) : null,
    };
  }
  return next as AlertSettings;
};
