/** A cluster's state for tests: three nodes, certificates that nobody checks, and short ways to apply changes. */

import { makeClusterCertificates } from '../../../src/cluster/certificates/cluster-certificates.ts';
import { firstAccounts } from '../../../src/cluster/state/accounts.ts';
import { apply } from '../../../src/cluster/state/apply.ts';
import type { Change, DatabaseEdit, DatabaseWish, Problem } from '../../../src/cluster/state/change.ts';
import {
  newCluster,
  STANDARD_PORTS,
  type ClusterState,
  type DatabaseRecord,
} from '../../../src/cluster/state/cluster-state.ts';
import { developmentLicense } from '../../../src/cluster/state/license.ts';
import { SeededRandom } from '../../../src/world/random.ts';

export const NOW_MS = Date.UTC(2026, 5, 1);
export const SECRET = 'S'.repeat(48);

const world = { clock: { now: () => NOW_MS }, random: new SeededRandom('certificates of tests') };
export const certificates = makeClusterCertificates(world, 'east.local', { deterministicKeys: true });

export const testCluster = (nodes = 3): ClusterState =>
  newCluster({
    fqdn: 'east.local',
    createdMs: NOW_MS,
    username: 'admin@east.local',
    password: 'p',
    accounts: firstAccounts('admin@east.local', 'p'.repeat(64), NOW_MS),
    license: developmentLicense(NOW_MS),
    internalPassword: SECRET,
    certificates,
    ports: STANDARD_PORTS,
    nodes: Array.from({ length: nodes }, (_, index) => ({ uid: index + 1, address: `127.0.1.${index + 1}` })),
  });

export const applied = (state: ClusterState, change: Change): ClusterState => {
  const outcome = apply(state, change);
  if (!outcome.ok) throw new Error(`${outcome.problem.code}: ${outcome.problem.description}`);
  return outcome.state;
};

export const refused = (state: ClusterState, change: Change): Problem => {
  const outcome = apply(state, change);
  if (outcome.ok) throw new Error(`${change.kind} was accepted`);
  return outcome.problem;
};

export const creation = (wish: DatabaseWish = {}): Change => ({
  kind: 'create-database',
  atMs: NOW_MS,
  adminPassword: SECRET,
  wish: { name: 'orders', memorySizeBytes: 0, ...wish },
});

export const update = (uid: number, edit: DatabaseEdit): Change => ({
  kind: 'update-database',
  atMs: NOW_MS,
  uid,
  edit,
});

export const database = (state: ClusterState, uid = 1): DatabaseRecord => {
  const found = state.databases.find((each) => each.uid === uid);
  if (found === undefined) throw new Error(`no database ${uid}`);
  return found;
};

/** A database 1 that replicates from elsewhere and has begun. */
export const replicating = (...uris: string[]): ClusterState => {
  const replicaSources = (uris.length > 0 ? uris : ['redis://10.0.0.1:6379']).map((uri) => ({ uri }));
  return applied(testCluster(), creation({ replicaSources, replicaSync: 'enabled' }));
};
