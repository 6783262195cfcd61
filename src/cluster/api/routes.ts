/** Every route of the REST API, by resource. A longer path stands before a pattern that would also match it. */

import { bdbRoutes } from './bdbs.ts';
import { clusterRoutes } from './cluster-routes.ts';
import type { Route } from './route.ts';
import { syncerStateRoutes } from './syncer-state.ts';

export const apiRoutes: readonly Route[] = [...clusterRoutes, ...syncerStateRoutes, ...bdbRoutes];
