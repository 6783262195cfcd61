/**
 * A cluster's names for everybody inside the world, as each would resolve them: a node without the means of multicast DNS cannot
 * resolve any name under `.local`, and a cluster whose name service is off is found by nobody [RS mdns]. Pure.
 *
 * Who asks is told by the address that they ask from. Clients of scenarios ask from `CLIENT_HOST`; where all nodes share that
 * address they count as nodes.
 */

import type { NameSource } from '../../world/world.ts';
import { isMulticastName } from '../names/endpoint-names.ts';
import { addressesOf, type Zone } from '../names/name-records.ts';
import type { ClusterState, NodeRecord } from '../state/cluster-state.ts';
import { clientsLackMdns, isServiceOn, nameServiceOf } from '../state/name-services.ts';

const CLIENT_HOST = '127.0.0.1';

export const nameSource =
  (current: () => { readonly state: ClusterState; readonly zone: Zone }): NameSource =>
  (name, from) => {
    const { state, zone } = current();
    const asker = state.nodes.find((node) => node.address === from);
    if (asker !== undefined && isMulticastName(name) && state.mdnsMissing.nodes.includes(asker.uid)) {
      return { unresolved: nodeLacksMdns(state, asker, name) };
    }
    const addresses = addressesOf([zone], name);
    if (addresses === undefined) return undefined;
    const service = nameServiceOf(state.fqdn);
    if (!isServiceOn(state, service)) {
      return {
        unresolved: `${name}: ${service} of ${state.fqdn} is disabled; enable it in its services_configuration`,
      };
    }
    if (asker === undefined && from === CLIENT_HOST && clientsLackMdns(state)) {
      return { unresolved: `${name}: clients of ${state.fqdn} have no multicast DNS; ${ADVICE}` };
    }
    return addresses;
  };

const ADVICE =
  'install libnss-mdns (Ubuntu), or nss-mdns and avahi-daemon (RHEL), or use an address instead of the name';

const nodeLacksMdns = (state: ClusterState, node: NodeRecord, name: string): string =>
  `${name}: node ${node.uid} (${node.address}) of ${state.fqdn} has no multicast DNS; ${ADVICE}`;
