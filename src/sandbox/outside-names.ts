/**
 * The clusters' names for programs outside: one DNS server for each cluster, on its first node, and one mDNS responder for all
 * whose names end in `.local`.
 *
 * Not having a port is told, not fatal: inside the sandbox names work without. Loaded after the start, since nothing inside waits for it.
 * DNS takes its own port if it may, otherwise `DNS_PORT_UNPRIVILEGED`.
 */

import { startDnsServer, type DnsServer } from '../cluster/names/dns-server.ts';
import { isMulticastName } from '../cluster/names/endpoint-names.ts';
import { startMdnsResponder, type MdnsResponder } from '../cluster/names/mdns-responder.ts';
import { addressText } from '../world/world.ts';
import type { Sandbox } from './sandbox.ts';

const DNS_PORT = 53;
const DNS_PORT_UNPRIVILEGED = 1053;

export interface OutsideNames {
  /** For people: one line for each service, also for those that could not start. */
  readonly report: readonly string[];
  close(): Promise<void>;
}

export const startOutsideNames = async (sandbox: Sandbox): Promise<OutsideNames> => {
  const services: (DnsServer | MdnsResponder)[] = [];
  const report: string[] = [];
  for (const [index, cluster] of sandbox.clusters.entries()) {
    const host = cluster.nodes[0]!.address;
    const zones = () => [cluster.control.zone];
    // With one address for all, each cluster has a port of its own.
    const ports = sandbox.isAddressShared ? [DNS_PORT_UNPRIVILEGED + index] : [DNS_PORT, DNS_PORT_UNPRIVILEGED];
    let failure = '';
    for (const port of ports) {
      const outcome = await startDnsServer(sandbox.world, { host, port }, zones);
      failure = outcome.ok ? '' : `${host}:${port} ${outcome.why}`;
      if (!outcome.ok) continue;
      services.push(outcome.server);
      report.push(`DNS for ${cluster.name}: ${addressText(outcome.server.address)}`);
      break;
    }
    if (failure !== '') report.push(`DNS for ${cluster.name}: none (${failure})`);
  }
  const multicast = sandbox.clusters.filter((cluster) => isMulticastName(cluster.name));
  const first = multicast[0];
  if (first !== undefined) {
    const outcome = await startMdnsResponder(sandbox.world, first.nodes[0]!.address, () =>
      multicast.map(({ control }) => control.zone),
    );
    if (outcome.ok) services.push(outcome.responder);
    report.push(
      outcome.ok
        ? 'mDNS: answers for names under .local, on the loopback interface'
        : `mDNS: none (${outcome.why}: ${outcome.detail})`,
    );
  }
  return {
    report,
    async close() {
      await Promise.all(services.map((service) => service.close()));
    },
  };
};
