/**
 * Places against redis-server: every reply byte by byte, stored scores by the digest of the data. Places of different members differ,
 * so that no two are equally far (which of them Redis then returns is left to its sorting).
 */

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { differential } from '../../support/differential.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { mutated } from '../../support/request-generator.ts';
import { recordWrites } from './writes.ts';
import type { VersionDifference } from '../../support/version-differences.ts';

const MEMBERS = 40;
const LATITUDE_MAX = 85.05112878;

const key = fc.constantFrom('a', 'b', 'k\xff');
const word = (...choices: string[]): fc.Arbitrary<string> => fc.constantFrom(...choices);
const words = (...parts: (string | fc.Arbitrary<string> | fc.Arbitrary<readonly string[]>)[]): fc.Arbitrary<string[]> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))).map((each) => each.flat());

/** Some near each other, some at the edges of the world. */
function placeOf(member: number, moved: number): readonly [longitude: string, latitude: string] {
  const at = member * 7 + moved;
  if (member % 4 === 0) return [String(13.361389 + at * 0.0137), String(38.115556 - at * 0.0071)];
  if (member % 4 === 1) return [String(((at * 37.77) % 360) - 180), String(((at * 23.31) % 170) - 85)];
  if (member % 4 === 2) return [String(179.99 - at * 0.003), String(-16.5 + at * 0.0019)];
  return [String(-180 + at * 0.011), String(LATITUDE_MAX - at * 0.0173)];
}
const member = fc.nat({ max: MEMBERS - 1 }).map((at) => `m${at}`);
const placed = fc
  .tuple(fc.nat({ max: MEMBERS - 1 }), fc.nat({ max: 2 }))
  .map(([at, moved]): readonly string[] => [...placeOf(at, moved), `m${at}`]);
const longitude = word(
  '0',
  '13.4',
  '-180',
  '180',
  '179.9',
  '-122.27652',
  '180.0001',
  '-200.0078125',
  '1e30',
  'inf',
  'x',
);
const latitude = word(
  '0',
  '38.1',
  '85.05112878',
  '-85.05112878',
  '-16.49',
  '67',
  '81.5',
  '-80.3',
  '86',
  '-85.06',
  '1e3',
);
const unit = word('m', 'km', 'ft', 'mi', 'KM', 'Mi', 'parsec');
const size = word('0', '1', '50', '200', '437.5', '1000', '5000', '20000', '300000', '1e7', '-1', 'x', 'inf');
const from = fc.oneof(words('FROMMEMBER', member), words('FROMLONLAT', longitude, latitude));
const by = fc.oneof(words('BYRADIUS', size, unit), words('BYBOX', size, size, unit), words('byradius', size, 'km'));
const shown = fc.oneof(words('WITHDIST'), words('WITHHASH'), words('withcoord'));
const option = fc.oneof(
  words(word('ASC', 'desc')),
  words('COUNT', word('1', '2', '5', '100', '0', 'x')),
  words('COUNT', word('1', '3'), 'ANY'),
);
const some = (parts: fc.Arbitrary<string[]>): fc.Arbitrary<string[]> =>
  fc.array(parts, { maxLength: 3 }).map((each) => each.flat());
const any = fc.oneof({ weight: 2, arbitrary: shown }, { weight: 2, arbitrary: option });

const request = fc.oneof(
  { weight: 6, arbitrary: words('GEOADD', key, placed, placed, placed) },
  { weight: 2, arbitrary: words('geoadd', key, some(words(word('NX', 'xx', 'CH'))), placed, placed) },
  words('GEOADD', key, longitude, latitude, member),
  { weight: 2, arbitrary: words(word('GEOPOS', 'GEOHASH'), key, member, member) },
  words(word('GEOPOS', 'GEOHASH'), key),
  { weight: 2, arbitrary: words('GEODIST', key, member, member) },
  { weight: 2, arbitrary: words('GEODIST', key, member, member, unit) },
  { weight: 8, arbitrary: words('GEOSEARCH', key, from, by, some(any)) },
  words('GEOSEARCH', key, some(any), by, from),
  { weight: 3, arbitrary: words('GEOSEARCHSTORE', key, key, from, by, some(option)) },
  { weight: 3, arbitrary: words(word('GEORADIUS', 'GEORADIUS_RO'), key, longitude, latitude, size, unit, some(any)) },
  {
    weight: 3,
    arbitrary: words(word('GEORADIUSBYMEMBER', 'GEORADIUSBYMEMBER_RO'), key, member, size, unit, some(any)),
  },
  words('GEORADIUSBYMEMBER', key, member, size, unit, 'STORE', key, some(option)),
  words('GEORADIUS', key, longitude, latitude, size, unit, some(option), 'store', key),
  words('ZADD', key, word('0', '1', '-1', '1.5', '4503599627370495', '9007199254740993', '-1e30', '1e19'), member),
  words('ZREM', key, member),
  words('ZRANGE', key, '0', '-1', 'WITHSCORES'),
  words('SET', key, 'x'),
  words('DEL', key),
);

/** Everywhere at once, so that searches have something to find. */
const setUp = ['a', 'b'].map((name, half) => [
  'GEOADD',
  name,
  ...Array.from({ length: MEMBERS }, (_, at) => [...placeOf(at, half), `m${at}`]).flat(),
]);

/** Line by line: numbers with four digits behind the point may differ in the last one. */
const areNear = (ours: string, theirs: string): boolean => {
  const [mine, real] = [ours.split('\r\n'), theirs.split('\r\n')];
  return (
    mine.length === real.length &&
    mine.every((line, i) => {
      const other = real[i]!;
      return line === other || (DISTANCE.test(line) && DISTANCE.test(other) && Math.abs(+line - +other) < 0.000_15);
    })
  );
};
const DISTANCE = /^\d+\.\d{4}$/;

/** Line by line: the same numbers. */
const areEqual = (ours: string, theirs: string): boolean => {
  const [mine, real] = [ours.split('\r\n'), theirs.split('\r\n')];
  return mine.length === real.length && mine.every((line, i) => line === real[i] || Number(line) === Number(real[i]));
};

const differences: readonly VersionDifference[] = [
  {
    // lengths of bulk strings differ with the digits, and are left out
    name: '7.2: a score is printed with the fewest digits that read back as it',
    explains: (request, ours, theirs) =>
      /^zrange$/i.test(request[0]!) && areEqual(ours.replaceAll(/\$\d+/g, '$'), theirs.replaceAll(/\$\d+/g, '$')),
  },
  {
    name: "a distance on the edge between two last digits falls as JavaScript's sine lets it",
    explains: (request, ours, theirs) => /^geo/i.test(request[0]!) && areNear(ours, theirs),
  },
];

describeReal('places compared with redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  differential({
    name: 'any sequence of requests has the same replies and data',
    commands: dataCommands,
    real: () => real,
    requests: mutated(request),
    setUp,
    differences,
    runs: 300,
  });

  differential({
    name: 'and in RESP3',
    commands: dataCommands,
    real: () => real,
    requests: request,
    setUp,
    differences,
    protocol: 3,
    runs: 60,
  });

  it('stored distances are those of redis-server up to the last digits', async () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    await real.command('FLUSHALL');
    for (const each of setUp) {
      client.call(...each);
      await real.command(...each);
    }
    for (const store of [
      ['GEOSEARCHSTORE', 'd', 'a', 'FROMLONLAT', '13', '38', 'BYRADIUS', '20000', 'km', 'STOREDIST'],
      ['GEORADIUS', 'b', '-120', '7', '9000', 'mi', 'STOREDIST', 'd'],
      ['GEORADIUSBYMEMBER', 'a', 'm2', '900', 'km', 'STORE', 'other', 'STOREDIST', 'd'],
    ]) {
      const count = await real.command(...store);
      expect(client.call(...store)).toBe(count);
      expect(count).toBeGreaterThan(5);
      const theirs = (await real.command('ZRANGE', 'd', '0', '-1', 'WITHSCORES')) as string[];
      const ours = client.call('ZRANGE', 'd', '0', '-1', 'WITHSCORES') as string[];
      expect(ours.map((text, at) => (at % 2 === 0 ? text : Number(text).toPrecision(13)))).toEqual(
        theirs.map((text, at) => (at % 2 === 0 ? text : Number(text).toPrecision(13))),
      );
    }
  });
});

describe('a search that stores', () => {
  it('replicates what was stored, not the search', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const writes = recordWrites(test.shard);
    client.call('GEOADD', 'Sicily', 'CH', '13.361389', '38.115556', 'Palermo', '15.087269', '37.502669', 'Catania');
    client.call('GEOSEARCHSTORE', 'near', 'Sicily', 'FROMLONLAT', '15', '37', 'BYRADIUS', '100', 'km');
    client.call('GEOSEARCHSTORE', 'near', 'nosuch', 'FROMLONLAT', '15', '37', 'BYRADIUS', '100', 'km');
    client.call('GEOADD', 'Sicily', 'XX', '1', '1', 'nobody');
    expect(writes).toEqual([
      ['ZADD', 'Sicily', 'CH', '3479099956230698', 'Palermo', '3479447370796909', 'Catania'],
      ['MULTI'],
      ['DEL', 'near'],
      ['ZADD', 'near', '3479447370796909', 'Catania'],
      ['EXEC'],
      ['DEL', 'near'],
    ]);
  });
});
