/**
 * How a node that waits becomes a cluster: its administrator and its licence. Name and nodes are those that the sandbox has given its
 * addresses to; others are refused. Pure. [RS requests/bootstrap]
 */

import { firstAccounts, NO_ACCOUNTS, type Password } from './accounts.ts';
import { problem, type ApplyOutcome } from './change.ts';
import type { ClusterState } from './cluster-state.ts';
import { installLicense } from './license.ts';

export interface BootstrapWish {
  readonly name: string;
  readonly username: string;
  readonly password: Password;
  /** Empty: the one that the sandbox gives. */
  readonly license: string;
  /** Of the node that creates the cluster; null: whichever. */
  readonly address: string | null;
}

/** A cluster that nobody has created yet: it has nobody who may log in. */
export const waitingCluster = (state: ClusterState): ClusterState => ({
  ...state,
  isWaiting: true,
  accounts: NO_ACCOUNTS,
});

export const bootstrapCluster = (state: ClusterState, atMs: number, wish: BootstrapWish): ApplyOutcome => {
  const { fqdn, isWaiting, nodes } = state;
  if (!isWaiting) return problem('already_bootstrapped', `the node belongs to cluster ${fqdn} already`);
  if (wish.name !== fqdn) {
    return problem(
      'config_error',
      `cluster.name "${wish.name}": the sandbox keeps its addresses for "${fqdn}"; take that name, or change the config file`,
    );
  }
  if (wish.address !== null && !nodes.some((node) => node.address === wish.address)) {
    const own = nodes.map((node) => node.address).join(', ');
    return problem('config_error', `node.identity.addr "${wish.address}": the nodes of ${fqdn} are ${own}`);
  }
  if (wish.username === '' || wish.password.text === '') {
    return problem('config_error', 'credentials: user name and password of the first administrator are needed');
  }
  const licensed = wish.license === '' ? null : installLicense(state, atMs, wish.license);
  if (licensed !== null && !licensed.ok) return licensed;
  return {
    ok: true,
    uid: 0,
    state: {
      ...(licensed?.state ?? state),
      version: state.version + 1,
      isWaiting: false,
      createdMs: atMs,
      username: wish.username,
      password: wish.password.text,
      accounts: firstAccounts(wish.username, wish.password.hash, atMs),
    },
  };
};
