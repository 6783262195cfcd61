/**
 * The rules about a cluster's settings, services and alerts, and its licence text. Pure. [RS requests/cluster]
 *
 * Border: the tables are `cluster-settings.ts` and `alert-settings.ts`; certificates are `certificate-rules.ts`, people
 * `account-rules.ts`, the licence `license.ts`.
 */

import { ciphersOf, isCipherSuite } from '../../world/cipher-list.ts';
import { editAlertSettings } from './alert-settings.ts';
import { problem, type ApplyOutcome, type ClusterEdit, type ServicesEdit } from './change.ts';
import { ALL_CLUSTER_SETTINGS, type Services } from './cluster-settings.ts';
import type { ClusterState } from './cluster-state.ts';
import { editTable } from './setting.ts';

const PORT_MAX = 65_535;

export const updateCluster = (state: ClusterState, { settings, services, alerts }: ClusterEdit): ApplyOutcome => {
  const edited = editTable(ALL_CLUSTER_SETTINGS, state.settings, settings ?? {}, refusal);
  if (!edited.ok) return problem(edited.code, edited.trouble);
  return {
    ok: true,
    uid: 0,
    state: {
      ...state,
      version: state.version + 1,
      settings: edited.settings,
      services: editServices(state.services, services ?? {}),
      alertSettings: alerts === undefined ? state.alertSettings : editAlertSettings(state.alertSettings, alerts),
    },
  };
};

export const editServices = (services: Services, edit: ServicesEdit): Services => ({
  ...services,
  ...Object.fromEntries(Object.entries(edit).filter(([, mode]) => mode !== undefined)),
});

/** Values of the right type that cannot be. */
const refusal = (name: string, value: unknown): string | null => {
  switch (name) {
    case 'reserved_ports': {
      const wrong = (value as readonly string[]).find((entry) => {
        const [first, last = first] = entry.split('-').map(Number);
        return first! > last! || last! > PORT_MAX;
      });
      return wrong === undefined
        ? null
        : `reserved_ports "${wrong}": ports are 1 to ${PORT_MAX}, the lower end of a range first`;
    }
    case 'data_cipher_list':
    case 'control_cipher_suites':
      return ciphersOf(value as string).size > 0 ? null : `${name} "${String(value)}" names no cipher of TLS 1.2`;
    case 'data_cipher_suites_tls_1_3': {
      const unknown = (value as readonly string[]).find((suite) => !isCipherSuite(suite));
      return unknown === undefined ? null : `${name}: there is no suite "${unknown}"`;
    }
    default:
      return null;
  }
};

/** Whether the cluster keeps database endpoints away from a port. [RS port-configurations] */
export const isReservedByCluster = ({ settings }: ClusterState, port: number): boolean =>
  settings.reserved_ports.some((entry) => {
    const [first, last = first] = entry.split('-').map(Number);
    return port >= first! && port <= last!;
  });
