/**
 * Commands of sets and sorted sets against redis-server, reply by reply, in RESP2 and RESP3.
 *
 * Looser than byte for byte, and only so: scores are compared as numbers (7.0 prints %.17g, 7.2 and later the shortest digits);
 * replies without an order are sorted; picks by chance are compared in number and shape. SPOP pops all or nothing here, since
 * afterwards the servers would differ. Ranges by member are asked of a key whose scores are equal: Redis leaves the rest open.
 */

import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { encodeRequest, NULL_ARRAY, type Protocol } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

type Words = readonly string[];
type Request = Words;

const RUNS = 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1);

const none = fc.constant<Words>([]);
const oneOf = (...choices: Words[]): fc.Arbitrary<Words> => fc.constantFrom(...choices);
const setKey = fc.constantFrom('s1', 's2', 's3');
const sortedKey = fc.constantFrom('z1', 'z2', 'z3');
const anyKey = fc.oneof(
  { weight: 6, arbitrary: sortedKey },
  { weight: 3, arbitrary: setKey },
  { weight: 1, arbitrary: fc.constantFrom('text', 'none') },
);
const member = fc.constantFrom('a', 'b', 'c', '', '1', '2', '-3', '10', '007', '\xff', 'm'.repeat(70), 'p17', 'p99');
const members = fc.array(member, { minLength: 1, maxLength: 5 });
const badNumber = fc.constantFrom('', 'x', '1x', ' 1', 'nan', '1e400', '1e-400', '--1');
const score = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom(
      '0',
      '1',
      '2',
      '2',
      '-1',
      '0.1',
      '0.2',
      '1e300',
      'inf',
      '-inf',
      '-0',
      '+3',
      '0x10',
      '.5',
    ),
  },
  { weight: 6, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 1, arbitrary: badNumber },
);
const index = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -6, max: 6 }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: -300, max: 300 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('x', '', '9223372036854775807', '-9223372036854775808', '9223372036854775808'),
  },
);
const bound = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('-inf', '+inf', 'inf', '(inf', '0', '(0', '1', '(1', '2', '(2', '0.15', '(-1', '5'),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '(', ' 1', '( 1', 'x', '(x', '1e999', '((1', 'nan', '0x2') },
);
const edge = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('-', '+', '[a', '(a', '[b', '(b', '[', '(', '[p17', '(p4', '[m', '[\xff') },
  { weight: 1, arbitrary: fc.constantFrom('', 'a', '++', '-a', '(-', '[+') },
);
const limit = fc.oneof(
  { weight: 8, arbitrary: none },
  { weight: 4, arbitrary: fc.tuple(index, index).map(([offset, count]): Words => ['LIMIT', offset, count]) },
  { weight: 1, arbitrary: oneOf(['LIMIT', '1'], ['limit'], ['LIMIT', 'x', '1'], ['LIMIT', '0', '-1']) },
);
const maybe = (...words: string[]): fc.Arbitrary<Words> => oneOf([], [], words);
const withScores = maybe('WITHSCORES');
const junk = fc.oneof({ weight: 15, arbitrary: none }, { weight: 1, arbitrary: oneOf(['JUNK'], ['REV'], ['1']) });
/** The words of several parts in a row. */
const request = (...parts: (string | fc.Arbitrary<string | Words>)[]): fc.Arbitrary<Request> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((words) => words.flat());
const keyed = (key: fc.Arbitrary<string>): fc.Arbitrary<Words> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.array(key, { minLength: 1, maxLength: 3 }).map((keys): Words => [String(keys.length), ...keys]),
    },
    { weight: 1, arbitrary: oneOf(['0', 'z1'], ['-1', 'z1'], ['x', 'z1'], ['9', 'z1'], ['2', 'z1']) },
  );
const pairs = fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 4 }).map((each) => each.flat());
const bulk = fc.integer({ min: 100, max: 700 });

const setRequest: fc.Arbitrary<Request> = fc.oneof(
  request('SADD', anyKey, members),
  request('SADD', setKey, members),
  fc
    .tuple(setKey, bulk, fc.constantFrom('p', ''))
    .map(([key, count, prefix]) => ['SADD', key, ...Array.from({ length: count }, (_, i) => `${prefix}${i}`)]),
  request('SREM', anyKey, members),
  request(fc.constantFrom('SISMEMBER', 'SMISMEMBER'), anyKey, member),
  request('SMISMEMBER', anyKey, members),
  request(fc.constantFrom('SCARD', 'SMEMBERS', 'smembers'), anyKey),
  request('SPOP', anyKey, fc.constantFrom('0', '100000', '-1', 'x', '9223372036854775808')),
  request('SPOP', fc.constantFrom('absent', 'fixed')),
  request('SPOP', 's1', 'x', 'y'),
  request('SRANDMEMBER', anyKey),
  request(
    'SRANDMEMBER',
    anyKey,
    index.filter((each) => each.length < 5 || each.startsWith('9') || each === '-9223372036854775808'),
    junk,
  ),
  request('SMOVE', anyKey, anyKey, member),
  request('SMOVE', setKey, setKey, member),
  request(fc.constantFrom('SINTER', 'SUNION', 'SDIFF'), fc.array(setKey, { minLength: 1, maxLength: 3 })),
  request(fc.constantFrom('SINTER', 'SUNION', 'SDIFF'), fc.array(anyKey, { minLength: 0, maxLength: 3 })),
  request(
    fc.constantFrom('SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'),
    fc.array(setKey, { minLength: 1, maxLength: 4 }),
  ),
  request('SUNIONSTORE', anyKey, anyKey),
  request(
    'SINTERCARD',
    keyed(setKey),
    fc.oneof(
      none,
      request('LIMIT', index).map((words) => [...words]),
    ),
    junk,
  ),
);

const sortedRequest: fc.Arbitrary<Request> = fc.oneof(
  request('ZADD', sortedKey, pairs),
  request('ZADD', sortedKey, pairs),
  request('zadd', anyKey, maybe('NX'), maybe('XX'), maybe('gt'), maybe('LT'), maybe('CH'), maybe('INCR'), pairs, junk),
  request('ZADD', sortedKey, fc.constantFrom('XX', 'NX', 'GT', 'LT'), maybe('CH'), pairs),
  request('ZADD', sortedKey, maybe('XX'), 'INCR', score, member),
  fc
    .tuple(sortedKey, bulk, fc.integer({ min: 1, max: 90 }))
    .map(([key, count, spread]) => [
      'ZADD',
      key,
      ...Array.from({ length: count }, (_, i) => [String((i * 7) % spread), `p${i}`]).flat(),
    ]),
  request('ZINCRBY', anyKey, score, member),
  request('ZREM', anyKey, members),
  request('ZSCORE', anyKey, member, junk),
  request('ZMSCORE', anyKey, members),
  request('ZCARD', anyKey),
  request(fc.constantFrom('ZRANK', 'ZREVRANK'), anyKey, member),
  request('ZRANDMEMBER', anyKey),
  request(
    'ZRANDMEMBER',
    anyKey,
    index.filter((each) => !each.startsWith('-92')),
    withScores,
    junk,
  ),
  request(fc.constantFrom('ZRANGE', 'ZREVRANGE'), anyKey, index, index, withScores, limit, junk),
  request('ZRANGE', anyKey, index, index, maybe('REV'), withScores),
  request('ZRANGE', anyKey, bound, bound, 'BYSCORE', maybe('REV'), limit, withScores, maybe('BYSCORE')),
  request(fc.constantFrom('ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'), anyKey, bound, bound, withScores, limit, junk),
  request('ZRANGESTORE', anyKey, anyKey, index, index, maybe('rev'), limit, junk),
  request('ZRANGESTORE', sortedKey, sortedKey, bound, bound, 'BYSCORE', maybe('REV'), limit, withScores),
  request(fc.constantFrom('ZCOUNT', 'ZREMRANGEBYSCORE'), anyKey, bound, bound),
  request('ZREMRANGEBYRANK', anyKey, index, index),
  request(fc.constantFrom('ZPOPMIN', 'ZPOPMAX'), anyKey),
  request(fc.constantFrom('ZPOPMIN', 'ZPOPMAX'), anyKey, index, junk),
  request('ZMPOP', keyed(sortedKey), fc.constantFrom('MIN', 'max', 'x'), fc.oneof(none, request('COUNT', index)), junk),
  request(
    fc.constantFrom('BZPOPMIN', 'BZPOPMAX'),
    fc.array(anyKey, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('0.001', '-1', 'x'),
  ),
  request(
    'BZMPOP',
    fc.constantFrom('0.001', '-1', 'x'),
    keyed(anyKey),
    fc.constantFrom('MIN', 'MAX'),
    fc.oneof(none, oneOf(['COUNT', '3'], ['COUNT', '0'], ['COUNT'])),
  ),
  request(
    fc.constantFrom('ZUNION', 'ZINTER', 'ZUNIONSTORE d', 'ZINTERSTORE d').map((each) => each.split(' ')),
    keyed(fc.oneof(sortedKey, setKey)),
    fc.oneof(
      none,
      fc.array(score, { minLength: 1, maxLength: 3 }).map((weights): Words => ['WEIGHTS', ...weights]),
    ),
    fc.oneof(
      none,
      fc.constantFrom(
        ['AGGREGATE', 'sum'],
        ['AGGREGATE', 'MIN'],
        ['AGGREGATE', 'MAX'],
        ['AGGREGATE'],
        ['AGGREGATE', 'AVG'],
      ),
    ),
    withScores,
    junk,
  ),
  request(fc.constantFrom('ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE'), sortedKey, keyed(anyKey)),
  request('ZDIFF', keyed(fc.oneof(sortedKey, setKey)), withScores, junk),
  request('ZINTERCARD', keyed(anyKey), fc.oneof(none, request('LIMIT', index)), junk),
);

/** One key of equal scores for ranges by member. */
const lexRequest: fc.Arbitrary<Request> = fc.oneof(
  members.map((each) => ['ZADD', 'l1', ...each.flatMap((member) => ['0', member])]),
  bulk.map((count) => ['ZADD', 'l1', ...Array.from({ length: count }, (_, i) => ['0', `p${i}`]).flat()]),
  request(fc.constantFrom('ZRANGEBYLEX', 'ZREVRANGEBYLEX'), 'l1', edge, edge, limit, withScores),
  request('ZRANGE', 'l1', edge, edge, 'BYLEX', maybe('REV'), limit, withScores),
  request('ZRANGESTORE', 'd', 'l1', edge, edge, 'BYLEX', maybe('REV'), limit),
  request(fc.constantFrom('ZLEXCOUNT', 'ZREMRANGEBYLEX'), 'l1', edge, edge),
  request('ZLEXCOUNT', fc.constantFrom('absent', 'fixed'), edge, edge),
);

/** What a server answers up to the reply to a last ECHO. A connection closed sooner would end a blocking command. */
async function ask(port: number, requests: readonly Request[]): Promise<string> {
  const end = '$3\r\nend\r\n';
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!received.endsWith(end)) return;
      socket.destroy();
      resolve(received.slice(0, -end.length));
    });
    socket.once('error', reject);
    socket.write(Buffer.from([...requests, ['ECHO', 'end']].map(encodeRequest).join(''), 'latin1'));
  });
}

const PRELUDE: readonly Request[] = [
  ['SET', 'text', 'x'],
  ['SET', 'fixed', 'x'],
  ['SADD', 's1', 'a', 'b', 'c', '1'],
  ['SADD', 's2', '1', '2', '10', '-3'],
  ['ZADD', 'z1', '1', 'a', '2', 'b', '2', 'c', '-inf', '1'],
  ['ZADD', 'z2', '0.1', 'a', '-1', '2', 'inf', 'b', '0.2', '10'],
  ['ZADD', 'l1', '0', 'a', '0', 'b', '0', '', '0', 'c'],
];

type Tree = readonly [mark: string, content: string | number | null | readonly Tree[]];

/** The replies in these bytes, RESP2 or RESP3. */
function parse(bytes: string): Tree[] {
  let at = 0;
  const line = (): string => {
    const end = bytes.indexOf('\r\n', at);
    const text = bytes.slice(at, end);
    at = end + 2;
    return text;
  };
  const one = (): Tree => {
    const mark = bytes[at++]!;
    const text = line();
    if ('*~%>'.includes(mark)) {
      const count = Number(text) * (mark === '%' ? 2 : 1);
      return [mark, count < 0 ? null : Array.from({ length: count }, one)];
    }
    if (mark !== '$') return [mark, text];
    if (text === '-1') return [mark, null];
    const start = at;
    at += Number(text) + 2;
    return [mark, bytes.slice(start, at - 2)];
  };
  const replies: Tree[] = [];
  while (at < bytes.length) replies.push(one());
  return replies;
}

const SCORED = /^(zscore|zmscore|zincrby|zadd|zrange|zrev|zpop|zmpop|bz|zunion|zinter|zdiff|zrandmember)/i;
const UNORDERED = /^(smembers|sinter|sunion|sdiff|spop)/i;
const RANDOM = /^(srandmember|zrandmember)/i;

/** The reply without what may differ. */
function essence(name: string, [mark, content]: Tree): Tree {
  if (Array.isArray(content)) {
    const items = (content as Tree[]).map((each) => essence(name, each));
    return [mark, UNORDERED.test(name) ? items.toSorted((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)) : items];
  }
  if (mark === ',') return RANDOM.test(name) ? [mark, null] : [mark, asNumber(content as string)];
  if (mark !== '$' || content === null) return [mark, content];
  if (RANDOM.test(name)) return [mark, '?'];
  return [mark, SCORED.test(name) ? asNumber(content as string) : content];
}

/** A score's value, whatever its digits; other texts as they are. */
function asNumber(text: string): string {
  const number = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
  return text === '' || Number.isNaN(number) ? text : Object.is(number, -0) ? '-0' : String(number);
}

function ours(requests: readonly Request[], protocol: Protocol): string[] {
  using test = testShard({ commands: [...setCommands, ...sortedSetCommands, ...stringCommands] });
  let sent = '';
  const address = { host: '127.0.0.1', port: 1 };
  const session = test.shard.openSession({
    local: address,
    remote: address,
    write: (bytes) => (sent += bytes),
    end: () => undefined,
  });
  session.wireProtocol = protocol;
  return requests.map((words) => {
    sent = '';
    session.receive(Buffer.from(encodeRequest(words), 'latin1'));
    // the timeout of a blocking command, at once
    if (session.waiting !== null) test.shard.blocking.release(session, NULL_ARRAY);
    return sent;
  });
}

describeReal('sets and sorted sets beside redis-server', () => {
  it('answers any sequence of requests as redis-server does', async () => {
    await using server = await startRealRedis({ args: ['--hz', '500'] });
    const step = fc.oneof(
      { weight: 3, arbitrary: setRequest },
      { weight: 5, arbitrary: sortedRequest },
      { weight: 2, arbitrary: lexRequest },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.constantFrom<Protocol>(2, 3),
        async (steps, protocol) => {
          const requests: Request[] = [...PRELUDE, ...steps];
          const before = [['FLUSHALL'], ['HELLO', String(protocol)]];
          const real = parse(await ask(server.port, [...before, ...requests])).slice(before.length);
          const our = ours(requests, protocol);
          for (const [i, words] of requests.entries()) {
            const name = words[0]!;
            const told = parse(our[i]!);
            expect(told.length, words.join(' ')).toBe(1);
            expect([words, essence(name, told[0]!)]).toEqual([words, essence(name, real[i]!)]);
          }
        },
      ),
      { numRuns: RUNS },
    );
  }, 120_000);
});
