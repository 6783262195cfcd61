/** The names of a cluster as its state has them: the cluster, its nodes, and each database's endpoint. Pure. */

import { makeZone, type Zone } from '../names/name-records.ts';
import { databaseHost, nodeByUid, type ClusterState } from '../state/cluster-state.ts';

export const zoneOf = (state: ClusterState): Zone =>
  makeZone({
    fqdn: state.fqdn,
    nodes: state.nodes,
    records: state.databases.map((database) => {
      const node = nodeByUid(state, database.endpointNodeUid);
      return { name: databaseHost(state, database), addresses: node === undefined ? [] : [node.address] };
    }),
  });
