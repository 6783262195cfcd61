/**
 * The name server of a cluster, or of several: ordinary DNS over UDP and TCP on one address, for `dig`, for resolvers
 * told to ask it, and for anything that cannot hear multicast.
 *
 * Sockets belong to the world, the packet format to `query.ts`, the answers to `name-records.ts`. It answers for its
 * zones alone and never asks others. Limits: the named constants below, `QUERY_BYTES_MAX`.
 */

import type { Answer } from 'dns-packet';
import type { Address, Connection, DatagramSocket, Listener, Timer, World } from '../../world/world.ts';
import { answerQuestion, type Zone } from './name-records.ts';
import { QUERY_BYTES_MAX, readQuery, writeReply, type Query } from './query.ts';

/** Without EDNS [RFC 1035 4.2.1]. */
const DATAGRAM_BYTES_PLAIN = 512;
/** With EDNS: what passes every network unfragmented [DNS flag day 2020]. */
const DATAGRAM_BYTES_MAX = 1232;
const TCP_REPLY_BYTES_MAX = 0xffff;
const TCP_LENGTH_BYTES = 2;
const TCP_CONNECTIONS_MAX = 64;
/** A TCP client that says nothing whole for this long is cut off [RFC 7766 6.2.3]. */
const TCP_IDLE_MS = 10_000;
/** Finding a port that is free for UDP and TCP alike, when any will do. */
const PORT_TRIES = 10;

export interface DnsServer {
  readonly address: Address;
  close(): Promise<void>;
}

export type DnsServerOutcome =
  | { readonly ok: true; readonly server: DnsServer }
  | { readonly ok: false; readonly why: 'in-use' | 'unavailable' | 'denied'; readonly detail: string };

type DnsWorld = Pick<World, 'clock' | 'network'>;

/** Port 0 takes one that is free for both. `zones` is asked for each query. */
export const startDnsServer = async (
  world: DnsWorld,
  at: Address,
  zones: () => readonly Zone[],
): Promise<DnsServerOutcome> => {
  for (let tries = 1; ; tries++) {
    const outcome = await openBoth(world, at, zones);
    const another = !outcome.ok && outcome.why === 'in-use' && at.port === 0 && tries < PORT_TRIES;
    if (!another) return outcome;
  }
};

const openBoth = async (world: DnsWorld, at: Address, zones: () => readonly Zone[]): Promise<DnsServerOutcome> => {
  let socket: DatagramSocket | null = null;
  const datagrams = await world.network.datagrams(at, {}, ({ from, bytes }) => {
    const reply = answerQuery(bytes, zones(), 'datagram');
    // Port 0 cannot be answered.
    if (reply !== null && from.port !== 0) socket?.send(from, reply);
  });
  if (!datagrams.ok) return datagrams;
  socket = datagrams.socket;

  const streams = new Set<DnsStream>();
  const listening = await world.network.listen(datagrams.socket.address, {}, (connection) => {
    const stream = new DnsStream(world.clock, connection, zones, () => streams.delete(stream));
    if (streams.size < TCP_CONNECTIONS_MAX) streams.add(stream);
    else connection.destroy();
  });
  if (!listening.ok) {
    await datagrams.socket.close();
    return listening;
  }
  return { ok: true, server: serverOf(datagrams.socket, listening.listener, streams) };
};

const serverOf = (socket: DatagramSocket, listener: Listener, streams: ReadonlySet<DnsStream>): DnsServer => ({
  address: socket.address,
  async close() {
    for (const stream of streams) stream.destroy();
    await Promise.all([socket.close(), listener.close()]);
  },
});

/** `null`: nothing is to be said. */
const answerQuery = (bytes: Buffer, zones: readonly Zone[], by: 'datagram' | 'stream'): Buffer | null => {
  const read = readQuery(bytes);
  if (!read.ok) {
    if (read.why === 'ignore') return null;
    return writeReply({ id: read.id, rcode: read.why, authoritative: false }, DATAGRAM_BYTES_PLAIN);
  }
  const { query } = read;
  const bytesMax = by === 'stream' ? TCP_REPLY_BYTES_MAX : datagramBytesMax(query);
  const { id, recursionDesired, questions } = query;
  const [question] = questions;
  // No resolver asks two things at once, and nobody agrees what the answer would look like [RFC 9619].
  if (question === undefined || questions.length > 1)
    return writeReply({ id, rcode: 'FORMERR', authoritative: false }, bytesMax);
  const answer = answerQuestion(zones, question);
  const additionals = [...answer.additionals, ...(query.datagramBytesMax === null ? [] : [EDNS])];
  return writeReply({ ...answer, id, recursionDesired, questions, additionals }, bytesMax);
};

const EDNS: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: DATAGRAM_BYTES_MAX,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

const datagramBytesMax = (query: Query): number =>
  Math.min(DATAGRAM_BYTES_MAX, Math.max(DATAGRAM_BYTES_PLAIN, query.datagramBytesMax ?? 0));

/** Queries and replies on a TCP connection, each after its length in two bytes. */
class DnsStream {
  readonly #clock: DnsWorld['clock'];
  readonly #connection: Connection;
  readonly #zones: () => readonly Zone[];
  #waiting: Buffer = Buffer.alloc(0);
  #blocked = false;
  #closed = false;
  #idle: Timer;

  constructor(clock: DnsWorld['clock'], connection: Connection, zones: () => readonly Zone[], closed: () => void) {
    this.#clock = clock;
    this.#connection = connection;
    this.#zones = zones;
    this.#idle = clock.after(TCP_IDLE_MS, () => this.destroy());
    connection.handle({
      data: (chunk) => {
        this.#waiting = Buffer.concat([this.#waiting, chunk]);
        this.#answerWaiting();
      },
      drained: () => {
        this.#blocked = false;
        connection.resume();
        this.#answerWaiting();
      },
      closed: () => {
        this.#closed = true;
        this.#idle.cancel();
        closed();
      },
    });
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** Stops while replies cannot leave, so that a client that does not read costs one chunk and one reply. */
  #answerWaiting(): void {
    while (!this.#blocked && !this.#closed && this.#waiting.length >= TCP_LENGTH_BYTES) {
      const end = TCP_LENGTH_BYTES + this.#waiting.readUInt16BE(0);
      if (end > TCP_LENGTH_BYTES + QUERY_BYTES_MAX) return this.destroy();
      if (this.#waiting.length < end) return;
      const reply = answerQuery(this.#waiting.subarray(TCP_LENGTH_BYTES, end), this.#zones(), 'stream');
      this.#waiting = this.#waiting.subarray(end);
      if (reply === null) return this.destroy();
      this.#idle.cancel();
      this.#idle = this.#clock.after(TCP_IDLE_MS, () => this.destroy());
      const length = Buffer.alloc(TCP_LENGTH_BYTES);
      length.writeUInt16BE(reply.length);
      if (!this.#connection.write(Buffer.concat([length, reply]))) {
        this.#blocked = true;
        this.#connection.pause();
      }
    }
  }
}
