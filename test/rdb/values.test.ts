import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dumpPayload, parsePayload, payloadFrom } from '../../src/rdb/payload.ts';
import { RdbError } from '../../src/rdb/rdb-error.ts';
import type { RdbErrorWhy } from '../../src/rdb/rdb-error.ts';
import { decodeValue } from '../../src/rdb/values.ts';
import type { RdbValue } from '../../src/rdb/values.ts';
import { valueTypeName } from '../../src/rdb/vendors.ts';
import { hex, OLD_VALUES, rdbString, ziplistOf } from '../support/rdb-bytes.ts';
import { unordered, value } from '../support/rdb-values.ts';

const MUTATIONS = 20_000;

function why(act: () => unknown): RdbErrorWhy | 'accepted' {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (error instanceof RdbError) return error.why;
    throw error;
  }
}

/** The value as the bytes of its payload say it. */
function thereAndBack(of: RdbValue): RdbValue {
  const parsed = parsePayload(dumpPayload(of));
  if (!parsed.ok) throw new Error('the payload that was written is not accepted');
  return decodeValue(parsed.type, parsed.raw);
}

describe('values', () => {
  it('come back from their payload, whatever they are', () => {
    fc.assert(
      fc.property(value, (of) => {
        expect(unordered(thereAndBack(of))).toEqual(unordered(of));
      }),
    );
  });

  for (const { what, type, raw, reply } of OLD_VALUES) {
    it(`read a ${what}, and refuse it cut short at any byte or followed by one`, () => {
      const found = decodeValue(type, raw);
      expect(typeof found === 'string' ? found : found.kind).toBe(
        valueTypeName(type).split(' ')[0]?.replace('sorted', 'zset'),
      );
      expect(words(found)).toEqual(reply);
      for (let end = 0; end < raw.length; end += 1) {
        expect(why(() => decodeValue(type, raw.subarray(0, end)))).toBe('corrupt');
      }
      expect(why(() => decodeValue(type, Buffer.concat([raw, hex('00')])))).toBe('corrupt');
    });
  }

  const wrong: readonly (readonly [what: string, type: number, raw: Buffer, why: RdbErrorWhy])[] = [
    ['a set with a member twice', 2, hex('02 0161 0161'), 'corrupt'],
    ['a hash with a field twice', 4, hex('02 0161 0162 0161 0163'), 'corrupt'],
    ['a packed hash with a field twice', 13, rdbString(ziplistOf('f', '1', 'f', '2')), 'corrupt'],
    ['a packed hash with a field alone', 13, rdbString(ziplistOf('f', '1', 'g')), 'corrupt'],
    ['a sorted set with a member twice', 5, hex('02 0161 0000000000000000 0161 0000000000000000'), 'corrupt'],
    ['a sorted set with a binary NaN', 5, hex('01 0161 000000000000f87f'), 'corrupt'],
    ['a sorted set with a text NaN', 3, hex('01 0161 fd'), 'corrupt'],
    ['a sorted set with a word as score', 12, rdbString(ziplistOf('m', 'nan')), 'corrupt'],
    ['a sorted set with a blank as score', 12, rdbString(ziplistOf('m', ' ')), 'corrupt'],
    ['an empty list', 1, hex('00'), 'corrupt'],
    ['an empty packed list', 10, rdbString(ziplistOf()), 'corrupt'],
    ['a list of empty nodes', 14, Buffer.concat([hex('01'), rdbString(ziplistOf())]), 'corrupt'],
    ['an empty plain node', 18, hex('01 01 00'), 'corrupt'],
    ['a node of unknown kind', 18, hex('01 03 0161'), 'corrupt'],
    ['a packed value kept as a number', 10, hex('c02a'), 'corrupt'],
    ['four thousand million elements in no bytes', 2, hex('80 ffffffff'), 'corrupt'],
    ['a string of a length that no bytes follow', 0, hex('81 0000000f ffffffff'), 'corrupt'],
    ['a length beyond what a number holds', 0, hex('81 ffffffff ffffffff'), 'too-large'],
    ['a compressed string that claims to be huge', 0, hex('c3 02 80 10000000 0041'), 'corrupt'],
    ['a compressed string that is empty', 0, hex('c3 00 00'), 'corrupt'],
    ['a compressed string that cannot be unpacked', 0, hex('c3 02 03 2005'), 'corrupt'],
    ['a length of unknown form', 0, hex('82 00'), 'corrupt'],
    ['a string of unknown form', 0, hex('c4 00'), 'corrupt'],
    ['a special string where a number stands', 2, hex('c0 05'), 'corrupt'],
    ['a stream that ends too soon', 15, hex('00'), 'corrupt'],
    ['a stream of 7.2 that ends too soon', 21, hex('00'), 'corrupt'],
    ['a stream of 8.2', 26, hex('00'), 'unsupported-type'],
    ['a module', 7, hex('00'), 'unsupported-type'],
    ['a hash with field expiry that ends too soon', 24, hex('00'), 'corrupt'],
    [
      'a packed hash whose fields have no time',
      25,
      hex('0000000000000000 0b 0b00000002 0081 6102 00ff'.replaceAll(' ', '')),
      'corrupt',
    ],
    ['a field whose time is beyond all', 24, hex('ffffffffffffffff 01 01 0161 0131'.replaceAll(' ', '')), 'corrupt'],
    ['a type that does not exist', 8, hex('00'), 'unknown-type'],
    ['a type from the future', 77, hex('00'), 'unknown-type'],
  ];

  for (const [what, type, raw, reason] of wrong) {
    it(`refuse ${what} as ${reason}`, () => {
      expect(why(() => decodeValue(type, raw))).toBe(reason);
    });
  }

  it('refuse a stream that names a group, a consumer or a pending entry twice', () => {
    const pending = [{ id: 1n, deliveredAtMs: 1n, deliveries: 1n }];
    const consumer = { name: 'c', seenAtMs: 1n, activeAtMs: 1n, pending: [1n] };
    const group = { name: 'g', lastId: 1n, entriesRead: 1n, pending, consumers: [consumer] };
    const withGroups = (...groups: readonly (typeof group)[]): RdbValue => ({
      kind: 'stream',
      entries: [{ id: 1n, pairs: ['f', 'v'] }],
      lastId: 1n,
      maxDeletedId: 0n,
      entriesAdded: 1n,
      groups,
    });
    expect(thereAndBack(withGroups(group, { ...group, name: 'h' }))).toMatchObject({ kind: 'stream' });
    const twice = [
      withGroups(group, group),
      withGroups({ ...group, consumers: [consumer, { ...consumer, pending: [] }] }),
      withGroups({ ...group, pending: [...pending, ...pending] }),
    ];
    for (const stream of twice) expect(why(() => thereAndBack(stream))).toBe('corrupt');
  });

  it('name the type that is refused', () => {
    expect(() => decodeValue(26, hex('00'))).toThrow('type 26, stream');
    expect(valueTypeName(22, 'REDIS')).toContain('7.4');
    expect(valueTypeName(22, 'VALKEY')).toContain('Valkey 9');
    expect(valueTypeName(99)).toBe('unknown type 99');
  });

  it(`survive ${MUTATIONS} mutations: each is refused with an RdbError or read as a value`, () => {
    const bases = fc.sample(value, { numRuns: 200, seed: 42 }).map((of) => dumpPayload(of));
    for (const { type, raw } of OLD_VALUES) bases.push(payloadFrom(type, raw));
    const small = bases.filter((base) => base.length < 2000);
    let state = 1;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const seen = { accepted: 0, refused: 0 };
    for (let round = 0; round < MUTATIONS; round += 1) {
      const bytes = Buffer.from(small[below(small.length)]!);
      for (let change = below(4); change >= 0; change -= 1) {
        bytes[below(bytes.length - 10)] = below(3) === 0 ? [0, 0xff, 0x80, 0x81, 0xc3, 0xf0][below(6)]! : below(256);
      }
      const result = why(() => decodeValue(bytes[0]!, bytes.subarray(1, bytes.length - 10)));
      seen[result === 'accepted' ? 'accepted' : 'refused'] += 1;
    }
    expect(seen.accepted).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(1000);
  });
});

function words(of: RdbValue): readonly string[] {
  if (typeof of === 'string') return [of];
  if (of.kind === 'list') return of.items;
  if (of.kind === 'set') return of.members;
  if (of.kind === 'hash') return of.pairs;
  if (of.kind === 'stream') return of.entries.flatMap(({ id, pairs }) => [String(id), ...pairs]);
  const order = of.members.map((_, index) => index).sort((a, b) => of.scores[a]! - of.scores[b]!);
  return order.flatMap((index) => [of.members[index]!, String(of.scores[index]).replace('Infinity', 'inf')]);
}
