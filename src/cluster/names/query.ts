/**
 * Reads one DNS query from bytes that anyone may have sent, and writes replies within a size. Pure.
 *
 * dns-packet is the codec; this file puts the limits around it: counts are looked at before anything is decoded, and
 * what the codec cannot read is an outcome. Which records to give is `name-records.ts`.
 */

import { AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE, type Answer, type Question } from 'dns-packet';
import type { Rcode } from './name-records.ts';

/** A query is a name or a few; more bytes are not read. */
export const QUERY_BYTES_MAX = 4096;
/** Multicast queries may ask several questions and list answers already known. */
export const QUESTIONS_MAX = 32;
export const RECORDS_MAX = 64;

/** Names this far inside letters, digits, hyphens and underscores come back byte for byte. */
const PLAIN_NAME = /^[\x21-\x7e]+$/;
const HEADER_BYTES = 12;
const RESPONSE_BIT = 0x80;
const OPCODE_BITS = 0x78;
const RECURSION_DESIRED_BIT = 0x01;
/** Top bit of a question's class in multicast DNS: an answer by unicast is welcome [RFC 6762 5.4]. */
const UNICAST_CLASS_IN = 'UNKNOWN_32769';

export interface AskedQuestion extends Question {
  readonly unicastWanted: boolean;
}

export interface Query {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly questions: readonly AskedQuestion[];
  /** In multicast DNS: what the asker already knows. */
  readonly knownAnswers: readonly Answer[];
  /** From EDNS: largest datagram the asker takes; `null` without EDNS. */
  readonly datagramBytesMax: number | null;
}

export type QueryOutcome =
  | { readonly ok: true; readonly query: Query }
  /** `ignore`: too broken to answer, or itself an answer. Never reply to those: two servers could talk for ever. */
  | { readonly ok: false; readonly why: 'ignore' }
  | { readonly ok: false; readonly why: 'FORMERR' | 'NOTIMP'; readonly id: number };

export const readQuery = (bytes: Buffer): QueryOutcome => {
  if (bytes.length < HEADER_BYTES) return { ok: false, why: 'ignore' };
  const flags = bytes.readUInt8(2);
  if ((flags & RESPONSE_BIT) !== 0) return { ok: false, why: 'ignore' };
  const id = bytes.readUInt16BE(0);
  if ((flags & OPCODE_BITS) !== 0) return { ok: false, why: 'NOTIMP', id };
  const questionCount = bytes.readUInt16BE(4);
  const recordCount = bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  if (bytes.length > QUERY_BYTES_MAX || questionCount > QUESTIONS_MAX || recordCount > RECORDS_MAX)
    return { ok: false, why: 'FORMERR', id };
  try {
    const packet = decode(bytes);
    const questions = (packet.questions ?? []).map((question) => askedQuestion(question));
    if (!questions.every((question) => PLAIN_NAME.test(question.name))) return { ok: false, why: 'FORMERR', id };
    const edns = packet.additionals?.find((record) => record.type === 'OPT');
    return {
      ok: true,
      query: {
        id,
        recursionDesired: (flags & RECURSION_DESIRED_BIT) !== 0,
        questions,
        knownAnswers: packet.answers ?? [],
        datagramBytesMax: edns?.type === 'OPT' ? edns.udpPayloadSize : null,
      },
    };
  } catch {
    return { ok: false, why: 'FORMERR', id };
  }
};

const askedQuestion = (question: Question): AskedQuestion => {
  const unicastWanted = (question.class as string) === UNICAST_CLASS_IN;
  return { type: question.type, name: question.name, class: unicastWanted ? 'IN' : question.class, unicastWanted };
};

const RCODES: Readonly<Record<Rcode, number>> = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 };
const RECURSION_DESIRED_FLAG = 0x100;

export interface Reply {
  readonly id: number;
  readonly rcode: Rcode;
  readonly authoritative: boolean;
  readonly recursionDesired?: boolean;
  readonly questions?: readonly Question[];
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** What does not fit is left out and marked, so that the asker comes back by TCP [RFC 2181 9]. */
export const writeReply = (reply: Reply, bytesMax: number): Buffer => {
  const flags =
    RCODES[reply.rcode] |
    (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (reply.recursionDesired === true ? RECURSION_DESIRED_FLAG : 0);
  const head = { type: 'response' as const, id: reply.id, questions: [...(reply.questions ?? [])] };
  const edns = (reply.additionals ?? []).filter((record) => record.type === 'OPT');
  const whole = encode({
    ...head,
    flags,
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: [...(reply.additionals ?? [])],
  });
  return whole.length <= bytesMax ? whole : encode({ ...head, flags: flags | TRUNCATED_RESPONSE, additionals: edns });
};
