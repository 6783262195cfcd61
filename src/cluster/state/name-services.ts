/**
 * What keeps names from being resolved: a cluster's name services that are turned off, and nodes or clients without the means of
 * multicast DNS. Pure.
 *
 * Names under `.local` are the affair of `mdns_server` and of the asker's own system, all others of `pdns_server` [RS mdns]
 * [RS objects/services_configuration]. Border: who answers with what is `control/name-source.ts`, for programs outside
 * `sandbox/outside-names.ts`.
 */

import { isMulticastName } from '../names/endpoint-names.ts';
import { problem, type ApplyOutcome } from './change.ts';
import { nodeByUid, type ClusterState, type MdnsMissing } from './cluster-state.ts';

type NameService = 'mdns_server' | 'pdns_server';

/** The service that answers for the cluster's names. */
export const nameServiceOf = (fqdn: string): NameService => (isMulticastName(fqdn) ? 'mdns_server' : 'pdns_server');

export const isServiceOn = ({ services }: ClusterState, service: NameService): boolean =>
  services[service] === 'enabled';

/** What programs outside lack to resolve the cluster's names, if anything. */
export const clientsLackMdns = (state: ClusterState): boolean =>
  state.mdnsMissing.clients && isMulticastName(state.fqdn);

export const setMdnsMissing = (state: ClusterState, { nodes, clients }: MdnsMissing): ApplyOutcome => {
  const stranger = nodes.find((uid) => nodeByUid(state, uid) === undefined);
  if (stranger !== undefined) {
    const known = state.nodes.map((node) => node.uid).join(', ');
    return problem('node_not_exist', `${state.fqdn} has no node ${stranger}; its nodes are ${known}`);
  }
  const mdnsMissing = { nodes: [...new Set(nodes)].toSorted((a, b) => a - b), clients };
  return { ok: true, uid: 0, state: { ...state, version: state.version + 1, mdnsMissing } };
};
