import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/resp/reply.ts';
import { ReplyProtocolError } from '../../src/resp/reply-framer.ts';
import { ReplyReader, type ReaderReply } from '../../src/resp/reply-reader.ts';
import { wholeAndBytewise } from '../support/chunks.ts';

function read(...chunks: Buffer[]): ReaderReply[] {
  const replies: ReaderReply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    reader.push(lent);
    lent.fill(0);
  }
  return replies;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('reading replies as a client', () => {
  it('strings are binary, integers exact, errors values, both nulls null, wherever chunks end', () => {
    const stream = bytes(
      '+OK\r\n$4\r\n\xff\0\r\n\r\n:-9223372036854775808\r\n:42\r\n:-7\r\n$-1\r\n*-1\r\n-ERR caf\xe9\r\n*3\r\n$1\r\n\xe9\r\n-ERR inside\r\n*1\r\n:1000000000000000000\r\n*0\r\n$0\r\n\r\n',
    );
    for (const chunks of wholeAndBytewise(stream)) {
      expect(read(...chunks)).toEqual([
        'OK',
        '\xff\0\r\n',
        -9223372036854775808n,
        42,
        -7,
        null,
        null,
        new Failure('ERR caf\xe9'),
        ['\xe9', new Failure('ERR inside'), [1000000000000000000n]],
        [],
        '',
      ]);
    }
  });

  it('a bulk of many chunks arrives whole', () => {
    const value = 'v\xff'.repeat(100_000);
    const stream = bytes(`$${value.length}\r\n${value}\r\n:1\r\n`);
    const chunks = Array.from({ length: Math.ceil(stream.length / 777) }, (_, i) =>
      stream.subarray(i * 777, (i + 1) * 777),
    );
    expect(read(...chunks)).toEqual([value, 1]);
  });

  it('refuses RESP3 and what is no RESP at all', () => {
    expect(() => read(bytes(`${'*1\r\n'.repeat(100_000)}:1\r\n`))).toThrow('nested too deeply');
    for (const text of ['%1\r\n+a\r\n+b\r\n', '_\r\n', '>1\r\n+a\r\n', '*1\r\n#t\r\n', 'HTTP/1.1 400\r\n']) {
      expect(() => read(bytes(text)), text).toThrow(ReplyProtocolError);
    }
  });
});
