import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyFramer, ReplyProtocolError } from '../../src/resp/reply-framer.ts';
import {
  encodeReply,
  Double,
  Failure,
  MapReply,
  NULL_ARRAY,
  Push,
  SetReply,
  Status,
  Verbatim,
  type Reply,
} from '../../src/resp/reply.ts';
import { cutAt, wholeAndBytewise } from '../support/chunks.ts';

interface Frame {
  readonly bytes: string;
  readonly isPush: boolean;
}

function frames(chunks: readonly Buffer[]): Frame[] {
  const framer = new ReplyFramer();
  const found: Frame[] = [];
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    framer.push(lent, (bytes, isPush) => found.push({ bytes: bytes.toString('latin1'), isPush }));
    lent.fill(0); // the chunk was only lent
  }
  return found;
}

const reply: fc.Arbitrary<Reply> = fc.letrec<{ reply: Reply; items: readonly Reply[] }>((tie) => ({
  items: fc.array(tie('reply'), { maxLength: 4 }),
  reply: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Reply>('', 'a', '\r\n', '$5\r\n', '\0\xff', null, 0, -1, 12345678901n, true, false, NULL_ARRAY),
    fc.constantFrom<Reply>(
      new Status('OK'),
      new Failure('ERR no'),
      new Double(1.5),
      new Double(-Infinity),
      new Verbatim('t\r\n'),
    ),
    tie('items'),
    tie('items').map((items) => new SetReply(items)),
    tie('items').map((items) => new MapReply([...items, ...items])),
  ),
})).reply;

describe('finding where replies end', () => {
  it('any replies, in RESP2 and RESP3, cut anywhere, come out one by one as they were', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 6, arbitrary: reply },
            fc.array(reply, { maxLength: 3 }).map((items) => new Push(items)),
          ),
          { maxLength: 6 },
        ),
        fc.constantFrom(2 as const, 3 as const),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (replies, protocol, cuts) => {
          const encoded = replies.map((each) => encodeReply(each, protocol));
          const expected = encoded.map((bytes, i) => ({ bytes, isPush: protocol === 3 && replies[i] instanceof Push }));
          const stream = Buffer.from(encoded.join(''), 'latin1');
          expect(frames(cutAt(stream, cuts))).toEqual(expected);
          for (const chunks of wholeAndBytewise(stream)) expect(frames(chunks)).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('attributes travel with the reply they belong to', () => {
    const bytes = '|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+a\r\n+b\r\n$1\r\nx\r\n:1\r\n';
    for (const chunks of wholeAndBytewise(Buffer.from(`${bytes}+OK\r\n`))) {
      expect(frames(chunks).map((frame) => frame.bytes)).toEqual([bytes, '+OK\r\n']);
    }
    expect(frames([Buffer.from('|0\r\n>1\r\n+a\r\n')])).toEqual([{ bytes: '|0\r\n>1\r\n+a\r\n', isPush: true }]);
    expect(frames([Buffer.from('*1\r\n>1\r\n+a\r\n')])[0]!.isPush).toBe(true);
  });

  it('a million levels of nesting are only bytes', () => {
    const bytes = `${'*1\r\n'.repeat(1_000_000)}:1\r\n`;
    expect(frames([Buffer.from(bytes)]).map((frame) => frame.bytes.length)).toEqual([bytes.length]);
  });

  it('a long bulk in many chunks is put together once', () => {
    const bytes = `$300000\r\n${'x'.repeat(300_000)}\r\n`;
    const chunks = cutAt(
      Buffer.from(`${bytes}+A\r\n`),
      Array.from({ length: 100 }, (_, i) => i * 3000),
    );
    expect(frames(chunks).map((frame) => frame.bytes)).toEqual([bytes, '+A\r\n']);
  });

  it('says when it stands between two replies', () => {
    const framer = new ReplyFramer();
    framer.push(Buffer.from('+OK\r\n$3\r\nab'), () => undefined);
    expect(framer.isBetweenReplies).toBe(false);
    framer.push(Buffer.from('c\r\n'), () => undefined);
    expect(framer.isBetweenReplies).toBe(true);
  });

  it('refuses what is not RESP', () => {
    for (const bytes of ['HTTP/1.1', '$x\r\n', '$?\r\n', '*99999999999\r\n', '\r\n', '$1-\r\n']) {
      expect(() => frames([Buffer.from(bytes)]), bytes).toThrow(ReplyProtocolError);
    }
  });
});
