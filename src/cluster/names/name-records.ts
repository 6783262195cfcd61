/**
 * What a cluster's name server knows and how it answers one question: pure, records in and records out.
 *
 * A zone is one cluster: its own name, its nodes and its endpoints, each with IPv4 addresses. Servers
 * (`dns-server.ts`, `mdns-responder.ts`) ask a function for the zones each time, so a failover shows in the next answer.
 * Limits: `ADDRESSES_PER_NAME_MAX` addresses are given for one name.
 */

import type { Answer, Question } from 'dns-packet';
import { nodeName } from './endpoint-names.ts';

/** Records change with every failover, so they are kept only for moments [RS cluster-dns]. */
export const NAME_TTL_SECONDS = 5;
export const ADDRESSES_PER_NAME_MAX = 256;

export interface NameRecord {
  readonly name: string;
  readonly addresses: readonly string[];
}

export interface ZoneFacts {
  readonly fqdn: string;
  /** Nodes that serve names now: the zone's name servers, and the addresses of the cluster's own name. */
  readonly nodes: readonly { readonly uid: number; readonly address: string }[];
  /** Endpoints, by full name. */
  readonly records: readonly NameRecord[];
}

/** Facts made ready for questions. Names in lower case. */
export interface Zone {
  readonly fqdn: string;
  readonly nameServers: readonly NameRecord[];
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** Names that have no records but have names below them: they exist [RFC 8020]. */
  readonly emptyNames: ReadonlySet<string>;
}

export type Rcode = 'NOERROR' | 'FORMERR' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

export interface NameAnswer {
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
}

export const makeZone = (facts: ZoneFacts): Zone => {
  const fqdn = facts.fqdn.toLowerCase();
  const nameServers = facts.nodes.map(({ uid, address }) => ({ name: nodeName(uid, fqdn), addresses: [address] }));
  const addresses = new Map<string, readonly string[]>();
  const own = { name: fqdn, addresses: facts.nodes.map((node) => node.address) };
  for (const record of [own, ...nameServers, ...facts.records])
    addresses.set(record.name.toLowerCase(), record.addresses.slice(0, ADDRESSES_PER_NAME_MAX));
  const emptyNames = new Set<string>();
  for (const name of addresses.keys()) {
    for (let parent = parentOf(name); parent.endsWith(`.${fqdn}`); parent = parentOf(parent))
      if (!addresses.has(parent)) emptyNames.add(parent);
  }
  return { fqdn, nameServers, addresses, emptyNames };
};

const parentOf = (name: string): string => {
  const dot = name.indexOf('.');
  return dot === -1 ? '' : name.slice(dot + 1);
};

/** The zone that a name belongs to; with zones inside zones, the innermost. */
const zoneOf = (zones: readonly Zone[], name: string): Zone | undefined => {
  let found: Zone | undefined;
  for (const zone of zones) {
    const inside = name === zone.fqdn || name.endsWith(`.${zone.fqdn}`);
    if (inside && (found === undefined || zone.fqdn.length > found.fqdn.length)) found = zone;
  }
  return found;
};

/** Addresses of one name in any of the zones; `undefined`: no such name. For resolvers inside the product. */
export const addressesOf = (zones: readonly Zone[], name: string): readonly string[] | undefined => {
  const asked = name.toLowerCase();
  return zoneOf(zones, asked)?.addresses.get(asked);
};

const addressRecords = (name: string, addresses: readonly string[]): Answer[] =>
  addresses.map((data) => ({ type: 'A', name, ttl: NAME_TTL_SECONDS, data }));

const nameServerRecords = (zone: Zone, name: string): Answer[] =>
  zone.nameServers.map((server) => ({ type: 'NS', name, ttl: NAME_TTL_SECONDS, data: server.name }));

/** The serial does not count changes: no one may transfer the zone, so no one compares it. */
const startOfAuthority = (zone: Zone, name = zone.fqdn): Answer => ({
  type: 'SOA',
  name,
  ttl: NAME_TTL_SECONDS,
  data: {
    mname: zone.nameServers[0]?.name ?? zone.fqdn,
    rname: `hostmaster.${zone.fqdn}`,
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: NAME_TTL_SECONDS,
  },
});

const refused: NameAnswer = { rcode: 'REFUSED', authoritative: false, answers: [], authorities: [], additionals: [] };

/** Answers carry the name as it was asked: some resolvers vary its case and compare. */
export const answerQuestion = (zones: readonly Zone[], question: Question): NameAnswer => {
  const asked = question.name;
  const name = asked.toLowerCase();
  const { type } = question;
  const zone = zoneOf(zones, name);
  const internet = question.class === undefined || question.class === 'IN' || question.class === 'ANY';
  if (zone === undefined || !internet || type === 'AXFR' || type === 'IXFR') return refused;

  const addresses = zone.addresses.get(name);
  if (addresses === undefined && !zone.emptyNames.has(name))
    return { ...refused, rcode: 'NXDOMAIN', authoritative: true, authorities: [startOfAuthority(zone)] };

  const any = (type as string) === 'ANY';
  const answers: Answer[] = [];
  const additionals: Answer[] = [];
  if (any || type === 'A') answers.push(...addressRecords(asked, addresses ?? []));
  if (name === zone.fqdn) {
    if (any || type === 'NS') {
      answers.push(...nameServerRecords(zone, asked));
      for (const server of zone.nameServers) additionals.push(...addressRecords(server.name, server.addresses));
    }
    if (any || type === 'SOA') answers.push(startOfAuthority(zone, asked));
  }
  // Nothing of this type, AAAA for instance: the name exists, and the authority says for how long that may be believed.
  const authorities = answers.length === 0 ? [startOfAuthority(zone)] : [];
  return { rcode: 'NOERROR', authoritative: true, answers, authorities, additionals };
};
