/**
 * Which addresses and ports the clusters of a sandbox get. Each node has a loopback address of its own, so that every cluster uses the
 * real product's ports at the same time.
 *
 * Where the system has only 127.0.0.1 (macOS without aliases), all share it, and the ports of the second cluster are shifted by
 * `SHARED_PORT_STEP`, of the third by twice that: what was 12000 is then 13000. Limits: `CLUSTERS_SHARED_MAX` clusters then.
 */

import { STANDARD_PORTS, type NodeRecord, type PortPlan } from '../cluster/state/cluster-state.ts';
import type { World } from '../world/world.ts';
import { SandboxError, type ClusterConfig } from './options.ts';

const API_PORT = 9443;
const API_HTTP_PORT = 8080;
const UI_PORT = 8443;
const SHARED_HOST = '127.0.0.1';
const SHARED_PORT_STEP = 1_000;
const CLUSTERS_SHARED_MAX = 8;

export interface ClusterPlace {
  readonly nodes: readonly NodeRecord[];
  readonly ports: PortPlan;
  readonly apiPort: number;
  readonly apiHttpPort: number;
  readonly uiPort: number;
  /** Added to the ports that the configuration names. */
  readonly portShift: number;
}

export interface Places {
  readonly isShared: boolean;
  readonly clusters: readonly ClusterPlace[];
}

export const findPlaces = async (world: World, clusters: readonly ClusterConfig[]): Promise<Places> => {
  const own = clusters.map((cluster, index) => ownPlace(cluster, index));
  const first = own[0]?.nodes[0];
  if (first === undefined || (await isUsable(world, first.address))) return { isShared: false, clusters: own };
  if (clusters.length > CLUSTERS_SHARED_MAX) {
    throw new SandboxError(
      `this system has no address ${first.address}, and one address has room for ${CLUSTERS_SHARED_MAX} clusters, not ${clusters.length}; ` +
        'add loopback addresses (macOS: sudo ifconfig lo0 alias 127.0.1.1) or configure fewer clusters',
    );
  }
  return { isShared: true, clusters: clusters.map((cluster, index) => sharedPlace(cluster, index)) };
};

/** Three numbers: node n has the address `<subnet>.<n>`. */
export const subnetOf = (cluster: ClusterConfig, index: number): string => cluster.subnet ?? `127.0.${index + 1}`;

const ownPlace = (cluster: ClusterConfig, index: number): ClusterPlace => {
  const subnet = subnetOf(cluster, index);
  const nodes = Array.from({ length: cluster.nodes ?? 1 }, (_, node) => ({
    uid: node + 1,
    address: `${subnet}.${node + 1}`,
  }));
  return { nodes, ports: STANDARD_PORTS, apiPort: API_PORT, apiHttpPort: API_HTTP_PORT, uiPort: UI_PORT, portShift: 0 };
};

const sharedPlace = (cluster: ClusterConfig, index: number): ClusterPlace => {
  const portShift = index * SHARED_PORT_STEP;
  const { databaseFirst, shardFirst } = STANDARD_PORTS;
  return {
    nodes: Array.from({ length: cluster.nodes ?? 1 }, (_, node) => ({ uid: node + 1, address: SHARED_HOST })),
    ports: {
      databaseFirst: databaseFirst + portShift,
      databaseLast: databaseFirst + portShift + SHARED_PORT_STEP - 1,
      shardFirst: shardFirst + portShift,
      shardLast: shardFirst + portShift + SHARED_PORT_STEP - 1,
    },
    apiPort: API_PORT + index,
    apiHttpPort: API_HTTP_PORT + index,
    uiPort: UI_PORT + index,
    portShift,
  };
};

const isUsable = async (world: World, host: string): Promise<boolean> => {
  const outcome = await world.network.listen({ host, port: 0 }, {}, (connection) => connection.destroy());
  if (outcome.ok) await outcome.listener.close();
  return outcome.ok || outcome.why !== 'unavailable';
};
