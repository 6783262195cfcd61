/**
 * The endpoints of a database as others see them: names, addresses, and which of them is private. Pure.
 *
 * Without private and public endpoints there is one; with them two that lead to the same proxies [RS private-public-endpoints]. A node
 * has one address here, so the addresses of both are the same.
 */

import type { ClusterState, DatabaseRecord } from './cluster-state.ts';
import { endpointNodes } from './placement.ts';
import { endpointNameUnder, suffixesOf } from './suffixes.ts';

export interface EndpointView {
  /** `<database>:<number>`, the external one first. */
  readonly uid: string;
  readonly name: string;
  readonly port: number;
  /** Of the nodes whose proxies serve it. */
  readonly addresses: readonly string[];
  readonly kind: 'external' | 'internal';
}

export const endpointsOf = (state: ClusterState, database: DatabaseRecord): readonly EndpointView[] => {
  const addresses = endpointNodes(state, database).map((node) => node.address);
  return suffixesOf(state).map((suffix, index) => ({
    uid: `${database.uid}:${index + 1}`,
    name: endpointNameUnder(suffix, database.port, state.fqdn),
    port: database.port,
    addresses,
    kind: suffix.isInternal ? 'internal' : 'external',
  }));
};
