/** The endpoints of a running cluster's databases, as its REST API shows them. */

import type { Bdb } from './database-reference.ts';
import type { RuntimeCluster } from './runtime-file.ts';
import { askApi } from './sandbox-api.ts';

export interface ClusterEndpoint {
  readonly database: string;
  readonly name: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

export const endpointsOfCluster = async (cluster: RuntimeCluster): Promise<readonly ClusterEndpoint[]> => {
  const bdbs = (await askApi(cluster, '/v1/bdbs')) as readonly Bdb[];
  return bdbs.flatMap(({ name: database, endpoints }) =>
    endpoints.map(({ dns_name: name, port, addr: addresses }) => ({ database, name, port, addresses })),
  );
};
