/** Every route of the REST API, by resource. A longer path stands before a pattern that would also match it. */

import { actionRoutes } from './actions.ts';
import { bdbActionRoutes } from './bdb-actions.ts';
import { bdbAlertRoutes } from './bdb-alerts.ts';
import { bdbAvailabilityRoutes } from './bdb-availability.ts';
import { bdbCommandRoutes } from './bdb-command.ts';
import { bdbPasswordRoutes } from './bdb-passwords.ts';
import { bdbStatsRoutes } from './bdb-stats.ts';
import { bdbTransferRoutes } from './bdb-transfers.ts';
import { bdbRoutes } from './bdbs.ts';
import { bootstrapRoutes } from './bootstrap.ts';
import { certificateRoutes } from './certificate-routes.ts';
import { clusterAlertRoutes } from './cluster-alerts.ts';
import { clusterRoutes } from './cluster-routes.ts';
import { licenseRoutes } from './license-routes.ts';
import { logRoutes } from './logs.ts';
import { nodeRoutes } from './nodes.ts';
import { redisAclRoutes } from './redis-acls.ts';
import { roleRoutes } from './roles.ts';
import type { Route } from './route.ts';
import { schemaRoutes } from './schema-routes.ts';
import { bdbShardRoutes } from './shard-view.ts';
import { shardRoutes } from './shards.ts';
import { statsRoutes } from './stats.ts';
import { suffixRoutes } from './suffix-routes.ts';
import { syncerStateRoutes } from './syncer-state.ts';
import { userRoutes } from './users.ts';

const resources: readonly Route[] = [
  ...bootstrapRoutes,
  ...clusterRoutes,
  ...certificateRoutes,
  ...clusterAlertRoutes,
  ...statsRoutes,
  ...nodeRoutes,
  ...shardRoutes,
  ...suffixRoutes,
  ...logRoutes,
  ...licenseRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...redisAclRoutes,
  ...actionRoutes,
  ...bdbStatsRoutes,
  ...bdbAlertRoutes,
  ...bdbAvailabilityRoutes,
  ...bdbPasswordRoutes,
  ...bdbCommandRoutes,
  ...bdbActionRoutes,
  ...bdbTransferRoutes,
  ...bdbShardRoutes,
  ...syncerStateRoutes,
  ...bdbRoutes,
];

export const apiRoutes: readonly Route[] = [...resources, ...schemaRoutes(resources)];
