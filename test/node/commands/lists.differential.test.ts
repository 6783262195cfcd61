import fc from 'fast-check';
import { it } from 'vitest';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { compareSequences } from './against-redis.ts';

const key = fc.constantFrom('a', 'b', 'c');
const item = fc.constantFrom('x', 'y', '1', '');
const index = fc.constantFrom('0', '1', '2', '-1', '-2', '5', '-9', '9223372036854775807', 'no', '1.0', '');
const count = fc.constantFrom('0', '1', '2', '-1', '-2', '7', '-9223372036854775807', 'no', '+1');
const end = fc.constantFrom('LEFT', 'RIGHT', 'left', 'UP');
const counted = fc.constantFrom([], ['COUNT', '2'], ['count', '0'], ['COUNT'], ['COUNT', '1', 'COUNT', '1'], ['x']);
const searching = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('RANK', 'COUNT', 'maxlen', 'X'), count).map((pair) => [...pair]),
    fc.constant(['RANK']),
  ),
  { maxLength: 3 },
);

const words = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string[]> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)));

const request: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: words(fc.constantFrom('LPUSH', 'RPUSH', 'lpushx', 'RPUSHX'), key, item, item) },
  { weight: 2, arbitrary: words(fc.constantFrom('LPUSH', 'RPUSH'), key, item, item, item, item) },
  words(fc.constantFrom('LPOP', 'RPOP'), key),
  words(fc.constantFrom('LPOP', 'RPOP'), key, count),
  words('LPOP', key, count, count),
  words('LLEN', key),
  words('LINDEX', key, index),
  words('LSET', key, index, item),
  words('LINSERT', key, fc.constantFrom('BEFORE', 'after', 'x'), item, item),
  { weight: 3, arbitrary: words('LRANGE', key, index, index) },
  { weight: 3, arbitrary: words('LRANGE', key, '0', '-1') },
  words('LTRIM', key, index, index),
  words('LREM', key, count, item),
  fc.tuple(words('LPOS', key, item), searching).map(([start, more]) => [...start, ...more.flat()]),
  words('LMOVE', key, key, end, end),
  words('RPOPLPUSH', key, key),
  fc
    .tuple(words('LMPOP', fc.constantFrom('1', '2', '2', '0', 'x'), key, key, end), counted)
    .map((parts) => parts.flat()),
  words('SET', key, item),
  words(fc.constantFrom('LPUSH', 'LPOP', 'LRANGE', 'LMOVE', 'BLPOP', 'LMPOP', 'LPOS', 'BLMPOP'), key),
  // Refused before anything could wait: the timeout is none.
  words('BLPOP', key, fc.constantFrom('-1', 'x', 'nan', '')),
  words('BLMOVE', key, key, end, end, fc.constantFrom('-1', 'x')),
  words('BLMPOP', fc.constantFrom('-1', 'x'), fc.constantFrom('1', '0'), key, end),
);

/** A push to the same key first, so that there is something, or a wrong type, and nobody waits. */
const blocking = fc.tuple(key, key, item, end).chain(([name, other, text, where]) =>
  fc.constantFrom<readonly string[][]>(
    [
      ['RPUSH', name, text],
      ['BLPOP', other, name, '0'],
    ],
    [
      ['RPUSH', name, text],
      ['BRPOP', name, '0.1'],
    ],
    [
      ['RPUSH', name, text],
      ['BRPOPLPUSH', name, other, '0'],
    ],
    [
      ['RPUSH', name, text],
      ['BLMOVE', name, other, where, 'LEFT', '0'],
    ],
    [
      ['RPUSH', name, text],
      ['BLMPOP', '0', '2', other, name, where, 'COUNT', '2'],
    ],
  ),
);

/** Between MULTI and EXEC nothing waits. */
const transaction = fc
  .array(
    fc.oneof(
      request,
      words(fc.constantFrom('BLPOP', 'BRPOP'), key, key, '0'),
      words('BLMOVE', key, key, end, end, '0'),
      words('BRPOPLPUSH', key, key, '0'),
      words('BLMPOP', '0', '1', key, end),
    ),
    { maxLength: 5 },
  )
  .map((requests) => [['MULTI'], ...requests, ['EXEC']]);

describeReal('commands of lists', () => {
  it('answer any sequence of requests with the bytes that redis-server answers', async () => {
    await using server = await startRealRedis();
    const steps = fc.oneof(
      { weight: 12, arbitrary: request.map((each) => [each]) },
      { weight: 1, arbitrary: blocking },
      { weight: 1, arbitrary: transaction },
    );
    const commands = [...listCommands, ...stringCommands, ...transactionCommands];
    await compareSequences({ commands, port: server.port, steps, runs: 300 });
  });
});
