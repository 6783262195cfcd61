/** The names of a cluster as its state has them: the cluster, its nodes, its API, and the endpoints of each database. Pure. */

import { apiName } from '../names/endpoint-names.ts';
import { makeZone, type Zone } from '../names/name-records.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { endpointsOf } from '../state/endpoints.ts';

export const zoneOf = (state: ClusterState): Zone =>
  makeZone({
    fqdn: state.fqdn,
    nodes: state.nodes,
    records: [
      { name: apiName(state.fqdn), addresses: state.nodes.map((node) => node.address) },
      ...state.databases.flatMap((database) => endpointsOf(state, database)),
    ],
  });
