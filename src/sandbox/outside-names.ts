/**
 * The clusters' names for programs outside, as their name services answer: a DNS server on each node, and for each cluster whose name
 * ends in `.local` an mDNS responder on loopback [RS cluster-dns] [RS mdns].
 *
 * A service that a cluster turns off has no socket. Names under `.local` are answered by DNS as well, for systems that hear no multicast
 * on loopback; where clients are to have no multicast DNS that is silent too. Not having a port is told, not fatal: inside the sandbox
 * names work without. DNS takes its own port if it may, otherwise `DNS_PORT_UNPRIVILEGED`.
 */

import { startDnsServer, type DnsServer } from '../cluster/names/dns-server.ts';
import { isMulticastName } from '../cluster/names/endpoint-names.ts';
import { startMdnsResponder, type MdnsResponder } from '../cluster/names/mdns-responder.ts';
import type { Zone } from '../cluster/names/name-records.ts';
import { clientsLackMdns, isServiceOn } from '../cluster/state/name-services.ts';
import { addressText, type Address } from '../world/world.ts';
import type { SandboxCluster } from './cluster.ts';
import type { Sandbox } from './sandbox.ts';
import { SwitchedService, type StartOutcome } from './switched-service.ts';

const DNS_PORT = 53;
const DNS_PORT_UNPRIVILEGED = 1053;

/** Where one cluster's names are answered now. */
export interface AnsweredNames {
  readonly cluster: string;
  readonly dns: readonly Address[];
  /** An address of the interface on which its responder hears the group; null: there is none. */
  readonly mdns: string | null;
}

class ClusterNames {
  readonly cluster: SandboxCluster;
  readonly dns: readonly SwitchedService<DnsServer>[];
  readonly mdns: SwitchedService<MdnsResponder> | null;
  readonly #ends: () => void;

  constructor(sandbox: Sandbox, cluster: SandboxCluster, changed: () => void) {
    this.cluster = cluster;
    const { world } = sandbox;
    const { control } = cluster;
    const hosts = [...new Set(cluster.nodes.map((node) => node.address))];
    // With one address for all, each cluster has a port of its own.
    const ports = sandbox.isAddressShared
      ? [DNS_PORT_UNPRIVILEGED + sandbox.clusters.indexOf(cluster)]
      : [DNS_PORT, DNS_PORT_UNPRIVILEGED];
    const zones = (): readonly Zone[] => [control.zone];
    const multicastZones = (): readonly Zone[] => (clientsLackMdns(control.state) ? [] : zones());
    const dnsZones = (): readonly Zone[] => {
      const isAnswered = !isMulticastName(cluster.name) || isServiceOn(control.state, 'mdns_server');
      return isAnswered ? multicastZones() : [];
    };
    this.dns = hosts.map((host) => new SwitchedService(() => startDns(world, host, ports, dnsZones)));
    this.mdns = isMulticastName(cluster.name)
      ? new SwitchedService(() => startMdns(world, hosts[0]!, multicastZones))
      : null;
    this.#ends = control.onChange(() => void this.follow().then(changed));
  }

  /** Resolves when the services are as the cluster's state says. */
  async follow(): Promise<void> {
    const { state } = this.cluster.control;
    await Promise.all([
      ...this.dns.map((each) => each.turn(isServiceOn(state, 'pdns_server'))),
      this.mdns?.turn(isServiceOn(state, 'mdns_server')),
    ]);
  }

  async close(): Promise<void> {
    this.#ends();
    await Promise.all([...this.dns.map((each) => each.turn(false)), this.mdns?.turn(false)]);
  }

  get answered(): AnsweredNames {
    const mdns = this.mdns?.service ?? null;
    return {
      cluster: this.cluster.name,
      dns: this.dns.flatMap(({ service }) => (service === null ? [] : [service.address])),
      mdns: mdns === null ? null : mdns.address.host,
    };
  }
}

export class OutsideNames {
  readonly #clusters: readonly ClusterNames[];

  /** For `startOutsideNames`. */
  constructor(sandbox: Sandbox, changed: () => void) {
    this.#clusters = sandbox.clusters.map((cluster) => new ClusterNames(sandbox, cluster, changed));
  }

  get answered(): readonly AnsweredNames[] {
    return this.#clusters.map((each) => each.answered);
  }

  /** For people: one line for each cluster and service, also for those that are off or could not start. */
  get report(): readonly string[] {
    return this.#clusters.flatMap(({ cluster, dns, mdns, answered }) => {
      const where = answered.dns.length === 0 ? 'none' : answered.dns.map(addressText).join(', ');
      const lines = [`DNS for ${cluster.name}: ${where}${troubleOf(dns)}`];
      if (mdns !== null) {
        const heard = answered.mdns === null ? 'none' : 'answers on the loopback interface';
        lines.push(`mDNS for ${cluster.name}: ${heard}${troubleOf([mdns])}`);
      }
      return lines;
    });
  }

  async settled(): Promise<void> {
    await Promise.all(this.#clusters.map((each) => each.follow()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#clusters.map((each) => each.close()));
  }
}

/** `changed` is called when a cluster has changed and its services have followed. */
export const startOutsideNames = async (
  sandbox: Sandbox,
  changed: () => void = () => undefined,
): Promise<OutsideNames> => {
  const names = new OutsideNames(sandbox, changed);
  await names.settled();
  return names;
};

const troubleOf = (services: readonly SwitchedService<DnsServer | MdnsResponder>[]): string => {
  const troubles = services.flatMap(({ trouble }) => (trouble === '' ? [] : [trouble]));
  return troubles.length === 0 ? '' : ` (${troubles.join('; ')})`;
};

const startDns = async (
  world: Sandbox['world'],
  host: string,
  ports: readonly number[],
  zones: () => readonly Zone[],
): Promise<StartOutcome<DnsServer>> => {
  const refusals: string[] = [];
  for (const port of ports) {
    const outcome = await startDnsServer(world, { host, port }, zones);
    if (outcome.ok) return { ok: true, service: outcome.server };
    refusals.push(`${host}:${port} ${outcome.why}`);
  }
  return { ok: false, detail: refusals.join(', ') };
};

const startMdns = async (
  world: Sandbox['world'],
  host: string,
  zones: () => readonly Zone[],
): Promise<StartOutcome<MdnsResponder>> => {
  const outcome = await startMdnsResponder(world, host, zones);
  return outcome.ok
    ? { ok: true, service: outcome.responder }
    : { ok: false, detail: `${outcome.why}: ${outcome.detail}` };
};
