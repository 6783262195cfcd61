/**
 * Answers multicast DNS for the clusters whose names end in `.local`, so that `avahi-resolve`, nss-mdns and macOS find
 * them without any set-up [RS mdns].
 *
 * It speaks on one interface, normally loopback, and coexists with other responders there. Names are neither probed
 * for nor announced: they are unique by configuration, and records live for seconds. Not having the port is an outcome,
 * since the product works without. Limits: `DATAGRAM_BYTES_MAX`, those of `query.ts`.
 */

import type { Answer } from 'dns-packet';
import type { Address, DatagramOutcome, DatagramSocket, World } from '../../world/world.ts';
import { isMulticastName } from './endpoint-names.ts';
import { addressesOf, NAME_TTL_SECONDS, type Zone } from './name-records.ts';
import { readQuery, writeReply, type AskedQuestion, type Query, type Reply } from './query.ts';

export const MDNS_PORT = 5353;
export const MDNS_GROUP = '224.0.0.251';
/** One Ethernet frame [RFC 6762 17]. */
const DATAGRAM_BYTES_MAX = 1472;

export interface MdnsResponder {
  readonly address: Address;
  close(): Promise<void>;
}

export type MdnsOutcome =
  | { readonly ok: true; readonly responder: MdnsResponder }
  | Exclude<DatagramOutcome, { readonly ok: true }>;

/** `host` is an address of the interface to speak on. `zones` is asked for each query. */
export const startMdnsResponder = async (
  world: Pick<World, 'network'>,
  host: string,
  zones: () => readonly Zone[],
): Promise<MdnsOutcome> => {
  let socket: DatagramSocket | null = null;
  const outcome = await world.network.datagrams({ host, port: MDNS_PORT }, { group: MDNS_GROUP }, (datagram) => {
    if (socket !== null && onSameLink(host, datagram.from.host)) answer(socket, datagram.from, datagram.bytes, zones());
  });
  if (!outcome.ok) return outcome;
  socket = outcome.socket;
  const { address } = outcome.socket;
  return { ok: true, responder: { address, close: () => outcome.socket.close() } };
};

/**
 * A socket that joined a group on loopback also hears it from other interfaces that somebody else joined it on; loopback
 * addresses must not be told to those [RFC 6762 11].
 */
const onSameLink = (own: string, from: string): boolean => !own.startsWith('127.') || from.startsWith('127.');

const answer = (socket: DatagramSocket, from: Address, bytes: Buffer, zones: readonly Zone[]): void => {
  const read = readQuery(bytes);
  if (!read.ok || from.port === 0) return; // errors are never answered by multicast [RFC 6762 18.11]
  const { query } = read;
  if (from.port !== MDNS_PORT) return answerLegacy(socket, from, query, zones);
  const byUnicast: Answer[] = [];
  const byMulticast: Answer[] = [];
  for (const question of query.questions) {
    const records = recordsFor(question, zones).filter((record) => !isKnown(record, query.knownAnswers));
    (question.unicastWanted ? byUnicast : byMulticast).push(...records);
  }
  answerNative(socket, from, byUnicast);
  answerNative(socket, { host: MDNS_GROUP, port: MDNS_PORT }, byMulticast);
};

/** An ordinary resolver that was pointed at the group: it expects its id and question back [RFC 6762 6.7]. */
const answerLegacy = (socket: DatagramSocket, from: Address, query: Query, zones: readonly Zone[]): void => {
  const { id, questions } = query;
  send(socket, from, { id, questions, answers: questions.flatMap((question) => recordsFor(question, zones)) });
};

const answerNative = (socket: DatagramSocket, to: Address, records: readonly Answer[]): void =>
  send(socket, to, { id: 0, questions: [], answers: records.map((record) => ({ ...record, flush: true })) });

/** As many records as fit into one datagram: the rest of a long list of addresses is not needed to connect. */
const send = (
  socket: DatagramSocket,
  to: Address,
  content: Required<Pick<Reply, 'id' | 'questions' | 'answers'>>,
): void => {
  for (let count = content.answers.length; count > 0; count = Math.floor(count / 2)) {
    const answers = content.answers.slice(0, count);
    const reply = writeReply({ ...content, rcode: 'NOERROR', authoritative: true, answers }, Number.MAX_SAFE_INTEGER);
    if (reply.length <= DATAGRAM_BYTES_MAX) return socket.send(to, reply);
  }
};

/** For a type that a name does not have there is a record that says so; for unknown names, silence. */
const recordsFor = (question: AskedQuestion, zones: readonly Zone[]): Answer[] => {
  const { name, type } = question;
  if (!isMulticastName(name) || (question.class !== 'IN' && question.class !== 'ANY')) return [];
  const addresses = addressesOf(zones, name);
  if (addresses === undefined || addresses.length === 0) return [];
  if (type === 'A' || (type as string) === 'ANY')
    return addresses.map((data) => ({ type: 'A', name, ttl: NAME_TTL_SECONDS, data }));
  return [{ type: 'NSEC', name, ttl: NAME_TTL_SECONDS, data: { nextDomain: name, rrtypes: ['A'] } }]; // [RFC 6762 6.1]
};

/** The asker has it for at least half its life still [RFC 6762 7.1]. */
const isKnown = (record: Answer, known: readonly Answer[]): boolean =>
  record.type === 'A' &&
  known.some(
    (other) =>
      other.type === 'A' &&
      other.data === record.data &&
      other.name.toLowerCase() === record.name.toLowerCase() &&
      (other.ttl ?? 0) * 2 >= NAME_TTL_SECONDS,
  );
