/**
 * Asks a name server, or everybody on a multicast group, for the addresses of one name, as programs outside do. The way `antipode resolve`
 * finds out what others see.
 *
 * Border: it asks by UDP only; an answer that was cut is told by `isCut`. Limits: one question, sent up to `TRIES` times.
 */

import { decode, encode, RECURSION_DESIRED, type DecodedPacket } from 'dns-packet';
import { addressText, type Address, type DatagramOptions, type World } from '../../world/world.ts';
import { MDNS_GROUP, MDNS_PORT } from './mdns-responder.ts';

const TRIES = 2;
const TRY_MS = 500;
const ID_MAX = 0xffff;
const RCODE_BITS = 0x0f;
const CUT_BIT = 0x0200;
const NXDOMAIN = 3;
const REFUSED = 5;

export type AskOutcome =
  | { readonly ok: true; readonly addresses: readonly string[]; readonly ttlSeconds: number; readonly isCut: boolean }
  | {
      readonly ok: false;
      /** `silent`: nobody answered in time. `unasked`: the question could not be sent. */
      readonly why: 'no-such-name' | 'no-address' | 'refused' | 'failed' | 'silent' | 'unasked';
      readonly detail: string;
    };

type AskingWorld = Pick<World, 'clock' | 'network' | 'random'>;

/** `from` is an own address from which the server is reached. */
export const askServer = (world: AskingWorld, from: string, server: Address, name: string): Promise<AskOutcome> =>
  ask(world, from, {}, server, name);

/** Everybody on the interface that has the address `from`. In silence nobody knows the name. */
export const askMulticast = (world: AskingWorld, from: string, name: string): Promise<AskOutcome> =>
  ask(world, from, { group: MDNS_GROUP }, { host: MDNS_GROUP, port: MDNS_PORT }, name);

const ask = async (
  world: AskingWorld,
  from: string,
  options: DatagramOptions,
  to: Address,
  name: string,
): Promise<AskOutcome> => {
  const id = world.random.integer(1, ID_MAX);
  const question = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type: 'A', name }] });
  let answered: ((outcome: AskOutcome) => void) | null = null;
  const outcome = new Promise<AskOutcome>((resolve) => {
    answered = resolve;
  });
  const opened = await world.network.datagrams({ host: from, port: 0 }, options, ({ bytes }) => {
    const read = readAnswer(bytes, id, name);
    if (read !== null) answered?.(read);
  });
  if (!opened.ok) return { ok: false, why: 'unasked', detail: opened.detail };
  const timers = Array.from({ length: TRIES }, (_, index) =>
    world.clock.after(index * TRY_MS, () => opened.socket.send(to, question)),
  );
  const detail = `no answer from ${addressText(to)} within ${TRIES * TRY_MS} ms`;
  timers.push(world.clock.after(TRIES * TRY_MS, () => answered?.({ ok: false, why: 'silent', detail })));
  const result = await outcome;
  for (const timer of timers) timer.cancel();
  await opened.socket.close();
  return result;
};

/** Null: not an answer to this question; anybody may send anything. */
const readAnswer = (bytes: Buffer, id: number, name: string): AskOutcome | null => {
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return null;
  }
  if (packet.type !== 'response' || packet.id !== id) return null;
  const flags = packet.flags ?? 0;
  const rcode = flags & RCODE_BITS;
  if (rcode === NXDOMAIN) return { ok: false, why: 'no-such-name', detail: `${name} does not exist` };
  if (rcode === REFUSED) return { ok: false, why: 'refused', detail: `${name} is not answered here` };
  if (rcode !== 0) return { ok: false, why: 'failed', detail: `the answer has code ${rcode}` };
  const records = (packet.answers ?? []).flatMap((record) =>
    record.type === 'A' && record.name.toLowerCase() === name.toLowerCase() ? [record] : [],
  );
  const isCut = (flags & CUT_BIT) !== 0;
  if (records.length === 0 && !isCut) return { ok: false, why: 'no-address', detail: `${name} has no IPv4 address` };
  const ttlSeconds = Math.min(...records.map((record) => record.ttl ?? 0));
  return { ok: true, addresses: records.map((record) => record.data), ttlSeconds, isCut };
};
