import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Double,
  encodeFailure,
  encodeReply,
  encodeRequest,
  Failure,
  formatDouble,
  MapReply,
  NO_REPLY,
  NULL_ARRAY,
  OK,
  Push,
  Raw,
  SetReply,
  Status,
  Verbatim,
  type Reply,
} from '../../src/resp/reply.ts';
import { ReplyReader, type ReaderReply } from '../../src/resp/reply-reader.ts';

const cases: readonly [name: string, reply: Reply, resp2: string, resp3: string][] = [
  ['a bulk string, any bytes', '\r\n\xff', '$3\r\n\r\n\xff\r\n', '$3\r\n\r\n\xff\r\n'],
  ['an empty string', '', '$0\r\n\r\n', '$0\r\n\r\n'],
  ['a small integer', 7, ':7\r\n', ':7\r\n'],
  ['minus zero as an integer', -0, ':0\r\n', ':0\r\n'],
  ['a large integer', 2 ** 53 - 1, ':9007199254740991\r\n', ':9007199254740991\r\n'],
  ['an exact integer', -(2n ** 63n), ':-9223372036854775808\r\n', ':-9223372036854775808\r\n'],
  ['a null', null, '$-1\r\n', '_\r\n'],
  ['a null array', NULL_ARRAY, '*-1\r\n', '_\r\n'],
  ['a boolean', [true, false], '*2\r\n:1\r\n:0\r\n', '*2\r\n#t\r\n#f\r\n'],
  ['OK', OK, '+OK\r\n', '+OK\r\n'],
  ['a status', new Status('QUEUED'), '+QUEUED\r\n', '+QUEUED\r\n'],
  ['a failure', new Failure('ERR no'), '-ERR no\r\n', '-ERR no\r\n'],
  ['a double', new Double(0.1), '$3\r\n0.1\r\n', ',0.1\r\n'],
  ['infinity', new Double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  ['a map', new MapReply(['a', 1]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
  ['a set', new SetReply(['a']), '*1\r\n$1\r\na\r\n', '~1\r\n$1\r\na\r\n'],
  [
    'a push',
    new Push(['message', 'c', null]),
    '*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$-1\r\n',
    '>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n_\r\n',
  ],
  ['verbatim text', new Verbatim('some', 'mkd'), '$4\r\nsome\r\n', '=8\r\nmkd:some\r\n'],
  ['nested arrays', [[], [['x']]], '*2\r\n*0\r\n*1\r\n*1\r\n$1\r\nx\r\n', '*2\r\n*0\r\n*1\r\n*1\r\n$1\r\nx\r\n'],
  ['raw bytes', new Raw(':1\r\n'), ':1\r\n', ':1\r\n'],
  ['no reply', NO_REPLY, '', ''],
];

describe('encoding replies', () => {
  it.each(cases)('%s', (_name, reply, resp2, resp3) => {
    expect(encodeReply(reply, 2)).toBe(resp2);
    expect(encodeReply(reply, 3)).toBe(resp3);
  });

  it('line ends cannot break an error reply: inside they become spaces, at the end they go', () => {
    expect(encodeFailure('ERR a\r\nb\n')).toBe('-ERR a  b\r\n');
  });

  it('an ordinary RESP2 client reads back what was meant', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text).toString('latin1')),
      fc.maxSafeInteger(),
      fc.constant(null),
    );
    const tree = fc.letrec<{ value: ReaderReply & Reply }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('value'), { maxLength: 4 }) as fc.Arbitrary<ReaderReply & Reply>,
      ),
    })).value;
    fc.assert(
      fc.property(tree, (value) => {
        const read: ReaderReply[] = [];
        new ReplyReader((reply) => read.push(reply)).push(Buffer.from(encodeReply(value, 2), 'latin1'));
        expect(read).toEqual([value]);
      }),
    );
  });

  it('a request is an array of bulk strings', () => {
    expect(encodeRequest(['GET', '\xff'])).toBe('*2\r\n$3\r\nGET\r\n$1\r\n\xff\r\n');
  });
});

describe('doubles as text', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [3, '3'],
    [1e17, '100000000000000000'],
    [2 ** 62, '4611686018427387904'],
    [1e19, '1e+19'],
    [1.5e300, '1.5e+300'],
    [0.1, '0.1'],
    [-3.14, '-3.14'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [0.00012345678, '1.2345678e-4'],
    [1234.56789012345, '1234.56789012345'],
    [123456.123456789, '1.23456123456789e+5'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [5e-324, '5e-324'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [NaN, 'nan'],
  ])('%s', (value, text) => expect(formatDouble(value)).toBe(text));

  it('any double reads back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(formatDouble(value))).toBe(value);
      }),
    );
  });
});
