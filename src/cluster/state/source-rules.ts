/**
 * The rules about the sources of a Replica Of, and what it means to edit them. Pure.
 *
 * Sources are a set: listing them in another order, or giving them back as they were read, changes nothing; any other edit
 * restarts all of them [RS replica-of: sources]. A database may not name itself; longer cycles are allowed, as in the original.
 */

import {
  parseSourceUrl,
  SOURCES_MAX,
  withoutDatabaseName,
  type SourceUrl,
} from '../../replication/replica-of/source-url.ts';
import { parseCertificate } from '../certificates/certificate-facts.ts';
import { endpointName, internalEndpointName, nodeName } from '../names/endpoint-names.ts';
import { problem, type SourcesOutcome, type SourceWish } from './change.ts';
import type { ClusterState, DatabaseRecord, SourceRecord } from './cluster-state.ts';

/** A cluster may live there where the system has no other loopback address. */
const LOCAL_ADDRESS = '127.0.0.1';

/** 0: none. [RS objects/bdb, syncer_sources] */
const COMPRESSION_LEVELS: readonly number[] = [0, 1, 2, 3, 4, 5, 6];

/** The place of the database that the sources are for. */
type Place = Pick<DatabaseRecord, 'port'>;

export const checkSources = (
  state: ClusterState,
  own: Place,
  known: readonly SourceRecord[],
  wishes: readonly SourceWish[],
): SourcesOutcome => {
  if (wishes.length > SOURCES_MAX) {
    return problem('invalid_replication', `${wishes.length} replica sources: a database has at most ${SOURCES_MAX}`);
  }
  const sources: SourceRecord[] = [];
  const uids = new Set<number>();
  const places = new Map<string, number>();
  for (const [index, wish] of wishes.entries()) {
    const where = `replica source ${index + 1}`;
    const parsed = parseSourceUrl(wish.uri);
    if (!parsed.ok) return problem('invalid_replication', `${where}: ${parsed.detail}`, index);
    const { url } = parsed;
    if (isSelf(state, own, url)) {
      return problem(
        'invalid_replication',
        `${where}: ${url.host}:${url.port} is this database itself; name another one`,
        index,
      );
    }
    const place = placeText(url);
    const twin = places.get(place);
    if (twin !== undefined)
      return problem('invalid_replication', `${where}: ${place} is replica source ${twin} already`, index);
    places.set(place, index + 1);
    const source: Omit<SourceRecord, 'uid'> = {
      uri: withoutDatabaseName(wish.uri),
      compression: wish.compression ?? 0,
      encryption: wish.encryption ?? false,
      serverCertificate: wish.serverCertificate ?? '',
      clientCertificate: wish.clientCertificate ?? '',
      clientKey: wish.clientKey ?? '',
      serverName: wish.serverName ?? '',
    };
    if (!COMPRESSION_LEVELS.includes(source.compression)) {
      const level = `compression ${source.compression}`;
      return problem('invalid_replication', `${where}: ${level} is not between 0 (none) and 6`, index);
    }
    const tls = checkTls(where, source);
    if (tls !== null) return problem(tls.problem.code, tls.problem.description, index);
    const uid = freeUid(known, source, place, wish.uid, uids);
    uids.add(uid);
    sources.push({ uid, ...source });
  }
  return { ok: true, sources };
};

export const sameSources = (sources: readonly SourceRecord[], others: readonly SourceRecord[]): boolean =>
  sources.length === others.length && sources.every((source) => others.some((other) => sameSource(source, other)));

const sameSource = (one: Omit<SourceRecord, 'uid'>, other: Omit<SourceRecord, 'uid'>): boolean =>
  one.uri === other.uri &&
  one.compression === other.compression &&
  one.encryption === other.encryption &&
  one.serverCertificate === other.serverCertificate &&
  one.clientCertificate === other.clientCertificate &&
  one.clientKey === other.clientKey &&
  one.serverName === other.serverName;

/** Without a pinned certificate TLS would trust anybody. [RS 7.2.4-64: RS108394] */
const checkTls = (where: string, source: Omit<SourceRecord, 'uid'>): ReturnType<typeof problem> | null => {
  if (source.encryption && source.serverCertificate === '') {
    const advice = "give the source cluster's proxy certificate";
    return problem('invalid_certificate', `${where}: encryption is on and server_cert is missing; ${advice}`);
  }
  for (const [field, pem] of [
    ['server_cert', source.serverCertificate],
    ['client_cert', source.clientCertificate],
  ] as const) {
    if (pem === '') continue;
    const read = parseCertificate(pem);
    if (!read.ok) return problem('invalid_certificate', `${where}: ${field}: ${read.detail}`);
  }
  if ((source.clientCertificate === '') !== (source.clientKey === '')) {
    return problem('invalid_certificate', `${where}: client_cert and client_key go together; give both or neither`);
  }
  return null;
};

/** By every name and address under which the cluster itself answers for this port. */
const isSelf = (state: ClusterState, own: Place, url: SourceUrl): boolean => {
  if (url.port !== own.port) return false;
  const host = url.host.toLowerCase().replace(/\.$/, '');
  const names = [state.fqdn, endpointName(own.port, state.fqdn), internalEndpointName(own.port, state.fqdn)];
  for (const node of state.nodes) {
    names.push(node.address, nodeName(node.uid, state.fqdn));
    if (node.address === LOCAL_ADDRESS) names.push('localhost');
  }
  return names.includes(host);
};

/** A source that was there keeps its number, also with another password: it is known by its place. */
const freeUid = (
  known: readonly SourceRecord[],
  source: Omit<SourceRecord, 'uid'>,
  place: string,
  wished: number | undefined,
  taken: ReadonlySet<number>,
): number => {
  const isKnown = (uid: number): boolean => known.some((each) => each.uid === uid);
  const same = known.find((each) => sameSource(each, source)) ?? known.find((each) => placeOf(each.uri) === place);
  if (same !== undefined && !taken.has(same.uid)) return same.uid;
  if (wished !== undefined && !taken.has(wished) && isKnown(wished)) return wished;
  let uid = 1;
  while (taken.has(uid) || isKnown(uid)) uid++;
  return uid;
};

const placeOf = (uri: string): string | null => {
  const parsed = parseSourceUrl(uri);
  return parsed.ok ? placeText(parsed.url) : null;
};

const placeText = (url: SourceUrl): string => `${url.host.toLowerCase()}:${url.port}`;
