/**
 * Fields of hashes that expire, against a redis-server that knows them (8.0): skipped with older ones. Times are absolute, far ahead or
 * past, so that no clock matters. Fields whose time has come but which are still there come by RESTORE; nothing removes them by itself.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe } from 'vitest';
import { hashExpiryCommands } from '../../../src/node/commands/hash-expiry.ts';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { dumpPayload } from '../../../src/rdb/payload.ts';
import { differential } from '../../support/differential.ts';
import { describeReal, realRedisMajor, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import type { Looseness } from '../../support/reply-shape.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';

const AHEAD = ['4102444800000', '4102444900000', '4102445000000'];
const fields = fc.uniqueArray(fc.constantFrom('f', 'g', 'h', 'i'), { minLength: 1, maxLength: 3 });
const key = fc.constantFrom('a', 'b');
const at = fc.constantFrom(...AHEAD, ...AHEAD, '1', '0', '-1', 'x', '70368744177664');
const atSeconds = fc.constantFrom('4102444800', '4102444900', '1', '70368744178', '9223372036854775807');
const maybe = (...words: string[]): fc.Arbitrary<string[]> =>
  fc.constantFrom('', '', ...words).map((word) => (word === '' ? [] : [word]));
const listed = (names: readonly string[]): string[] => ['FIELDS', String(names.length), ...names];
const time = fc.oneof(
  at.map((word) => ['PXAT', word]),
  atSeconds.map((word) => ['EXAT', word]),
);

const expiries: fc.Arbitrary<string[]> = fc.oneof(
  fc
    .tuple(key, at, maybe('NX', 'XX', 'GT', 'lt'), fields)
    .map(([name, ms, condition, names]) => ['HPEXPIREAT', name, ms, ...condition, ...listed(names)]),
  fc
    .tuple(key, atSeconds, maybe('NX', 'XX', 'GT', 'LT'), fields)
    .map(([name, s, condition, names]) => ['HEXPIREAT', name, s, ...condition, ...listed(names)]),
  fc
    .tuple(
      fc.constantFrom('HPEXPIRETIME', 'HEXPIRETIME', 'HPTTL', 'HTTL', 'HPERSIST', 'HGETDEL', 'HGETEX'),
      key,
      fields,
    )
    .map(([name, one, names]) => [name, one, ...listed(names)]),
  fc.tuple(key, time, fields).map(([name, when, names]) => ['HGETEX', name, ...when, ...listed(names)]),
  fc.tuple(key, fields).map(([name, names]) => ['HGETEX', name, 'PERSIST', ...listed(names)]),
  fc
    .tuple(key, maybe('FNX', 'FXX'), fc.oneof(time, fc.constant(['KEEPTTL']), fc.constant([])), fields)
    .map(([name, condition, when, names]) => [
      'HSETEX',
      name,
      ...condition,
      ...when,
      'FIELDS',
      String(names.length),
      ...names.flatMap((field) => [field, `v${field}`]),
    ]),
);
/** Hashes with fields in any state: with no time, with one ahead, with one that is past. */
const expired = fc
  .tuple(
    key,
    fc.uniqueArray(fc.constantFrom('f', 'g', 'h', 'i'), { minLength: 1 }),
    fc.array(fc.constantFrom(0, 1, 2, 1)),
  )
  .map(([name, names, states]) => {
    const pairs = names.flatMap((field, i) => [field, String(i)]);
    const expiries = names.map((_, i) => [0, 1_000 + i, 4_102_444_800_000][states[i] ?? 1]!);
    const times = expiries.some((atMs) => atMs > 0) ? { expiries } : {};
    return ['RESTORE', name, '0', dumpPayload({ kind: 'hash', pairs, ...times }).latin1Slice(), 'REPLACE'];
  });
const writes = fc.oneof(
  { weight: 6, arbitrary: expired },
  fc.tuple(key).map(([name]) => ['HRANDFIELD', name, '10']),
  fc.tuple(key, fields).map(([name, names]) => ['HDEL', name, ...names]),
  fc.constantFrom(['RPUSH', 'l', 'a', 'b'], ['SORT', 'l', 'BY', 'nosort', 'GET', '*->f', 'GET', '*->g']),
  fc.constantFrom(['HSCAN', 'a', '0'], ['HSCAN', 'a', '0', 'NOVALUES'], ['HLEN', 'a'], ['EXISTS', 'a', 'b']),
  fc.tuple(key, fields).map(([name, names]) => ['HSET', name, ...names.flatMap((field) => [field, '1'])]),
  fc.tuple(key, key).map(([from, to]) => ['COPY', from, to, 'REPLACE']),
  fc.tuple(key, key).map(([from, to]) => ['RENAME', from, to]),
  fc.constant(['SET', 'b', 'text']),
  fc.constant(['DEL', 'a']),
  fc.constant(['DEBUG', 'RELOAD']),
);
const limits = fc.constantFrom('2', '512').map((entries) => ['CONFIG', 'SET', 'hash-max-listpack-entries', entries]);

const reading = hashCommands.filter(({ name }) => name !== 'HRANDFIELD');
const pools = { ...POOLS, key: ['a', 'b'], string: ['f', 'g', 'h', '1'], integer: ['1', '-1'], double: ['1.5', '3'] };
/** Redis 8.0 ends when HGETEX comes to the end of the request while it looks for the number of fields. */
const isSafe = (words: readonly string[]): boolean =>
  words[0] !== 'HGETEX' || words.length > 5 || words[2] === 'FIELDS';
const requests = fc.oneof(
  { weight: 4, arbitrary: mutated(expiries).filter(isSafe) },
  { weight: 2, arbitrary: writes },
  { weight: 3, arbitrary: requestsFrom(reading, pools) },
);

const looselyInOrder = ([name]: readonly string[]): Looseness =>
  /^(HTTL|HPTTL)$/i.test(name!) ? 'shape' : /^HRANDFIELD$/i.test(name!) ? 'unordered' : 'exact';
/** A large hash has an order of its own. */
const loosely = (request: readonly string[]): Looseness =>
  /^HGETALL$/i.test(request[0]!)
    ? 'pairs'
    : /^(HKEYS|HVALS|HSCAN)$/i.test(request[0]!)
      ? 'unordered'
      : looselyInOrder(request);

/** So that older servers can load it. */
const differences = [
  {
    name: 'a small hash whose fields expire no more is a plain one when it is loaded',
    explains: (_request: readonly string[], ours: string, theirs: string) =>
      ours === 'listpack' && theirs === 'listpackex',
  },
];

describeReal('hash field expiry compared with redis-server', () => {
  describe.skipIf(realRedisMajor < 8)('of version 8 or later', () => {
    let real: RealRedis;
    beforeAll(async () => void (real = await startRealRedis()));
    afterAll(async () => real.stop());
    const options = {
      commands: [...new Set([...dataCommands, ...hashExpiryCommands])],
      real: () => real,
      requests: fc.oneof({ weight: 20, arbitrary: requests }, { weight: 1, arbitrary: limits }),
      loosely,
      differences,
    };
    const setUp = [
      ['CONFIG', 'SET', 'hash-max-listpack-entries', '512'],
      ['DEBUG', 'SET-ACTIVE-EXPIRE', '0'],
    ];
    differential({ ...options, setUp, name: 'in RESP2', runs: 300 });
    differential({ ...options, setUp, name: 'in RESP3', runs: 200, protocol: 3 });
    differential({ ...options, setUp, name: 'in small hashes in order', runs: 200, requests, loosely: looselyInOrder });
  });
});
