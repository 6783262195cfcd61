import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  QUERY_BYTES_MAX,
  QUESTIONS_MAX,
  readQuery,
  RECORDS_MAX,
  writeReply,
} from '../../../src/cluster/names/query.ts';

const query = (packet: Packet = {}): Buffer =>
  encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'east.local' }], ...packet });

describe('a query', () => {
  it('is read with id, question and EDNS size', () => {
    const edns = { type: 'OPT' as const, name: '.', udpPayloadSize: 1400, extendedRcode: 0, ednsVersion: 0, flags: 0 };
    const additionals = [{ ...edns, flag_do: false, options: [] }];
    expect(readQuery(query({ flags: 0x100, additionals }))).toEqual({
      ok: true,
      query: {
        id: 7,
        recursionDesired: true,
        questions: [{ type: 'A', name: 'east.local', class: 'IN', unicastWanted: false }],
        knownAnswers: [],
        datagramBytesMax: 1400,
      },
    });
  });

  it('may want its answer by unicast', () => {
    const bytes = query();
    bytes[bytes.length - 2] = 0x80;
    expect(readQuery(bytes)).toMatchObject({ query: { questions: [{ class: 'IN', unicastWanted: true }] } });
  });

  it('is ignored when it is an answer or no packet', () => {
    expect(readQuery(Buffer.alloc(11))).toEqual({ ok: false, why: 'ignore' });
    expect(readQuery(query({ type: 'response' }))).toEqual({ ok: false, why: 'ignore' });
  });

  it('is refused when it is no query, has too much in it, or cannot be read', () => {
    const formerr = { ok: false, why: 'FORMERR', id: 7 };
    expect(readQuery(query({ flags: 5 << 11 }))).toEqual({ ok: false, why: 'NOTIMP', id: 7 });
    const question = { type: 'A' as const, name: 'a.b' };
    expect(readQuery(query({ questions: Array.from({ length: QUESTIONS_MAX + 1 }, () => question) }))).toEqual(formerr);
    const answer = { type: 'A' as const, name: 'a.b', data: '127.0.0.1' };
    expect(readQuery(query({ answers: Array.from({ length: RECORDS_MAX + 1 }, () => answer) }))).toEqual(formerr);
    expect(readQuery(Buffer.concat([query(), Buffer.alloc(QUERY_BYTES_MAX)]))).toEqual(formerr);
    expect(readQuery(query().subarray(0, -1))).toEqual(formerr);
    expect(readQuery(query({ questions: [{ type: 'A', name: 'é.local' }] }))).toEqual(formerr);
  });

  it('never throws, and what is read can be sent back, whatever the bytes', () => {
    const mutated = fc
      .tuple(fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }), fc.uint8Array({ maxLength: 40 }))
      .map(([edits, tail]) => {
        const answers = [{ type: 'A' as const, name: 'redis-1.east.local', data: '127.0.0.1' }];
        const bytes = Buffer.concat([query({ answers }), tail]);
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        return bytes;
      });
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(mutated, anything), (bytes) => {
        const outcome = readQuery(bytes);
        if (!outcome.ok) return;
        const { id, questions } = outcome.query;
        const reply = writeReply({ id, rcode: 'NOERROR', authoritative: true, questions }, 512);
        expect(reply.readUInt16BE(0)).toBe(bytes.readUInt16BE(0));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a reply', () => {
  it('that is too long keeps its question and says that it is cut', () => {
    const answers = Array.from({ length: 60 }, () => ({ type: 'A' as const, name: 'east.local', data: '127.0.0.1' }));
    const questions = [{ type: 'A' as const, name: 'east.local' }];
    const whole = { id: 9, rcode: 'NOERROR' as const, authoritative: true, questions, answers };
    const cut = decode(writeReply(whole, 512));
    expect(cut).toMatchObject({
      id: 9,
      flag_tc: true,
      flag_aa: true,
      questions: [{ name: 'east.local' }],
      answers: [],
    });
    const complete = decode(writeReply(whole, 65_535));
    expect(complete.flag_tc).toBe(false);
    expect(complete.answers).toHaveLength(60);
  });
});
