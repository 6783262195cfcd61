/**
 * The DNS suffixes of a cluster: the endings under which its endpoints have names. Its own name is the default one; a cluster
 * made with private and public endpoints has `internal.<name>` as well [RS private-public-endpoints]. Pure.
 *
 * Border: which addresses stand behind the names is `endpoints.ts`. Further suffixes cannot be added.
 */

import { endpointName, internalEndpointName, INTERNAL_LABEL, isMulticastName } from '../names/endpoint-names.ts';
import type { ClusterState } from './cluster-state.ts';

/** As GET /v1/suffixes shows one, in our spelling. [RS requests/suffixes] */
export interface Suffix {
  readonly name: string;
  readonly isDefault: boolean;
  /** Its endpoint names stand for private addresses. */
  readonly isInternal: boolean;
  /** Names with it are answered by multicast DNS. */
  readonly isMulticast: boolean;
}

export const suffixesOf = ({ fqdn, privateEndpoints }: ClusterState): readonly Suffix[] => {
  const isMulticast = isMulticastName(fqdn);
  const own = { name: fqdn, isDefault: true, isInternal: false, isMulticast };
  if (!privateEndpoints) return [own];
  return [own, { name: `${INTERNAL_LABEL}.${fqdn}`, isDefault: false, isInternal: true, isMulticast }];
};

export const endpointNameUnder = (suffix: Suffix, port: number, fqdn: string): string =>
  suffix.isInternal ? internalEndpointName(port, fqdn) : endpointName(port, fqdn);
