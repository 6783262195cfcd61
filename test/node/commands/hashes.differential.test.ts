import fc from 'fast-check';
import { it } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { compareSequences } from './against-redis.ts';

const key = fc.constantFrom('a', 'b', 'c');
const field = fc.constantFrom('f', 'g', '1', '');
const number = fc.constantFrom('0', '1', '-7', '9223372036854775807', '-9223372036854775808', '007', '1 ', '+1', '');
const float = fc.oneof(
  fc.constantFrom(
    '0.1',
    '0.2',
    '-3.5',
    '1e17',
    '2.5e-3',
    '0x1p-2',
    'inf',
    '-inf',
    'nan',

    '1e5000',
    '.5',
    '5.',
    '-0',
  ),
  fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e30, max: 1e30 }).map(String),
  number,
);
// Nothing longer than 64 chars comes about: the order of a hashtable is each server's own.
const value = fc.oneof(number, float, fc.constantFrom('x', 'long '.repeat(5)));
/** Only counts whose reply leaves nothing to chance. */
const sample = fc.constantFrom<string[]>(
  ['0'],
  ['100'],
  ['9223372036854775807'],
  ['100', 'WITHVALUES'],
  ['0', 'withvalues'],
  ['x'],
  ['1', 'X'],
  ['1', 'WITHVALUES', 'X'],
  ['9223372036854775807', 'WITHVALUES'],
  ['-9223372036854775808'],
);

const words = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string[]> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)));

const request: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: words(fc.constantFrom('HSET', 'HMSET', 'hset'), key, field, value, field, value) },
  words('HSET', key, field, value),
  words('HSET', key, field, value, field),
  words('HSETNX', key, field, value),
  { weight: 2, arbitrary: words('HGET', key, field) },
  words('HMGET', key, field, field, 'absent'),
  words('HDEL', key, field, field),
  words(fc.constantFrom('HEXISTS', 'HSTRLEN'), key, field),
  { weight: 3, arbitrary: words(fc.constantFrom('HLEN', 'HKEYS', 'HVALS', 'HGETALL'), key) },
  { weight: 2, arbitrary: words('HINCRBY', key, field, number) },
  { weight: 4, arbitrary: words('HINCRBYFLOAT', key, field, float) },
  words('HRANDFIELD', 'absent'),
  fc.tuple(fc.constantFrom('absent', 'b'), sample).map(([name, more]) => ['HRANDFIELD', name, ...more]),
  words('SET', key, 'x'),
  words(fc.constantFrom('HSET', 'HGET', 'HLEN', 'HINCRBY', 'HMGET', 'HGETALL', 'HSETNX', 'HDEL'), key, field),
  words(fc.constantFrom('HGETALL', 'HINCRBYFLOAT'), key, field, value, field),
);

describeReal('commands of hashes', () => {
  it('answer any sequence of requests with the bytes that redis-server answers', async () => {
    await using server = await startRealRedis();
    const steps = request.map((each) => [each]);
    await compareSequences({ commands: [...hashCommands, ...stringCommands], port: server.port, steps, runs: 300 });
  });
});
