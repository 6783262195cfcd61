/** HyperLogLogs against redis-server: every reply, and the bytes of the values, sparse and dense. */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Command } from '../../../src/node/commands/command.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { differential } from '../../support/differential.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { recordWrites } from './writes.ts';

const commands: readonly Command[] = dataCommands;
const key = fc.constantFrom('a', 'b', 'c');
/** Never corrupt. Only here several elements are added at once: where the second meets what is corrupt, Redis has added the first. */
const sound = fc.constantFrom('b', 'c');
const element = fc.oneof(
  fc.constantFrom('', 'x', 'foo', '12345678', 'ab\0\xff', 'long '.repeat(20)),
  fc.integer({ min: 0, max: 5_000 }).map(String),
);
const header = 'HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80';
/**
 * Valid and corrupt: too short, runs that do not fill the registers, too many of them, of an unknown encoding, as short dense ones.
 * No long run that is cut off: once Redis has made room to add an element, what it takes for the missing byte is not said anywhere.
 */
const stored = fc.constantFrom(
  'x',
  '12',
  'HYLL',
  header,
  `${header}\x7f\xff`,
  `${header}\x7f\xfe\x80`,
  `${header}\x7f\xff\x80`,
  `${header}\x80\x80\x80\x80\x7f\xfb`,
  `${header}\x00\x00\x83\x83\x7f\xf5`,
  `${header}\xfc\xff\x7f\xfa`,
  `${header}\x3f\x7f\xbf`,
  header.replace('\x01', '\x02'),
  header.replace('\x01', '\0'),
  `HYLL\x01\0\0\0\x05\0\0\0\0\0\0\0\x7f\xff`,
);
const words = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string[]> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)));

const request: fc.Arbitrary<readonly string[]> = fc.oneof(
  { weight: 4, arbitrary: words('PFADD', key, element) },
  { weight: 2, arbitrary: words('PFADD', sound, element, element, element) },
  words('PFADD', key),
  { weight: 3, arbitrary: words('PFCOUNT', key) },
  { weight: 2, arbitrary: words('PFCOUNT', key, key) },
  { weight: 2, arbitrary: words('PFMERGE', key, key, key) },
  words('PFMERGE', key),
  { weight: 3, arbitrary: words('PFDEBUG', fc.constantFrom('getreg', 'DECODE', 'encoding', 'TODENSE', 'nope'), key) },
  { weight: 3, arbitrary: words('GET', key) },
  words('OBJECT', 'ENCODING', key),
  { weight: 2, arbitrary: words('SET', 'a', stored) },
  words('APPEND', 'a', fc.constantFrom('\x80', 'xx')),
  words('COPY', sound, key, 'REPLACE'),
  words('DEL', key),
  words('RPUSH', key, 'x'),
);
const many = fc
  .tuple(sound, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 100, max: 1_500 }))
  .map(([name, from, count]) => ['PFADD', name, ...Array.from({ length: count }, (_, i) => `e${from * 1000 + i}`)]);
const limit = words('CONFIG', 'SET', 'hll-sparse-max-bytes', fc.constantFrom('0', '18', '30', '100', '3000'));

describeReal('HyperLogLogs', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  differential({
    name: 'answer any sequence of requests with the bytes of redis-server, GET among them',
    commands,
    real: () => real,
    requests: fc.oneof(
      { weight: 18, arbitrary: request },
      { weight: 2, arbitrary: many },
      { weight: 1, arbitrary: limit },
    ),
    setUp: [['CONFIG', 'SET', 'hll-sparse-max-bytes', '3000']],
    runs: 200,
  });

  it('whose last run is cut off are read and refused as in redis-server', async () => {
    using test = testShard({ commands });
    const client = test.client();
    const cut = `${header}\x7f`;
    for (const words of [
      ['SET', 'cut', cut],
      ['PFDEBUG', 'DECODE', 'cut'],
    ]) {
      expect(client.call(...words), words[0]).toBe(await real.command(...words));
    }
    for (const words of [
      ['PFCOUNT', 'cut'],
      ['PFCOUNT', 'cut', 'none'],
      ['PFMERGE', 'none', 'cut'],
      ['PFDEBUG', 'TODENSE', 'cut'],
    ]) {
      const theirs = await real.command(...words).catch((error: Error) => error.message);
      expect(client.call(...words), words.join(' ')).toMatchObject({ message: theirs });
    }
  });

  it('grow to a hundred thousand elements with the bytes and counts of redis-server', async () => {
    await using server = await startRealRedis();
    using test = testShard({ commands });
    const client = test.client();
    for (let from = 0; from < 100_000; from += 2_500) {
      const add = ['PFADD', 'h', ...Array.from({ length: 2_500 }, (_, i) => `element:${from + i}`)];
      expect(client.call(...add)).toBe(await server.command(...add));
      expect(client.call('PFCOUNT', 'h')).toBe(await server.command('PFCOUNT', 'h'));
    }
    const value = String(await server.command('GET', 'h'));
    expect(client.bytes('GET', 'h') === `$${value.length}\r\n${value}\r\n`).toBe(true);
    // What DUMP says is compressed by each in its own way
    const reply = client.bytes('DUMP', 'h');
    const payload = Buffer.from(reply.slice(reply.indexOf('\n') + 1, -2), 'latin1');
    expect(await server.command('RESTORE', 'ours', '0', payload)).toBe('OK');
    expect((await server.command('GET', 'ours')) === value).toBe(true);
    client.call('RESTORE', 'theirs', '0', String(await server.command('DUMP', 'h')));
    expect(client.bytes('GET', 'theirs') === client.bytes('GET', 'h')).toBe(true);
  });
});

it('a count that is kept is replicated, one that was kept already and one on a replica are not', () => {
  using test = testShard({ commands });
  const client = test.client();
  client.call('PFADD', 'a', 'x', 'y', 'z');
  const writes = recordWrites(test.shard);
  expect(client.call('PFCOUNT', 'a')).toBe(3);
  expect(writes).toEqual([['PFCOUNT', 'a']]);
  expect(client.call('PFCOUNT', 'a')).toBe(3);
  client.call('PFADD', 'a', 'w');
  test.shard.role = 'replica';
  const before = client.bytes('GET', 'a');
  expect(client.call('PFCOUNT', 'a')).toBe(4);
  expect(client.bytes('GET', 'a')).toBe(before);
  expect(writes).toEqual([
    ['PFCOUNT', 'a'],
    ['PFADD', 'a', 'w'],
  ]);
});

it('PFSELFTEST finds nothing wrong', () => {
  using test = testShard({ commands });
  expect(test.client().call('PFSELFTEST')).toBe('OK');
});

it('PFCOUNT makes bytes to change of a value whose registers are broken, and then says so', () => {
  using test = testShard({ commands });
  const client = test.client();
  client.call('SET', 'a', `HYLL\x01${'\0'.repeat(10)}\xff`);
  expect(client.call('PFCOUNT', 'a')).toMatchObject({ message: expect.stringContaining('INVALIDOBJ') });
  expect(client.call('OBJECT', 'ENCODING', 'a')).toBe('raw');
});
