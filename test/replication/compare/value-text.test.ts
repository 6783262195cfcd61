import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENCODE_OPTIONS } from '../../../src/rdb/encode-value.ts';
import { dumpPayload } from '../../../src/rdb/payload.ts';
import type { RdbValue } from '../../../src/rdb/values.ts';
import { factsOfDump, shownText } from '../../../src/replication/compare/value-text.ts';

const LARGE_ENCODINGS = {
  ...ENCODE_OPTIONS,
  setIntsetEntriesMax: 0,
  zsetListpackEntriesMax: 0,
  hashListpackEntriesMax: 0,
  compress: false,
};
const facts = (value: RdbValue, options = ENCODE_OPTIONS) =>
  factsOfDump(dumpPayload(value, options).toString('latin1'));

const word = fc.constantFrom('', 'a', '1', '2', '10', 'aa', 'a1', '\xff', '3:abc');
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 5 });
const value: fc.Arbitrary<RdbValue> = fc.oneof(
  word,
  fc.array(word, { minLength: 1, maxLength: 5 }).map((items) => ({ kind: 'list' as const, items })),
  words.map((members) => ({ kind: 'set' as const, members })),
  words.map((members) => ({ kind: 'zset' as const, members, scores: members.map((_, index) => index / 3) })),
  words.map((fields) => ({ kind: 'hash' as const, pairs: fields.flatMap((field) => [field, `${field}!`]) })),
);

const seed = Date.now() % 2 ** 31;

describe(`a value's fingerprint (seed ${seed})`, () => {
  it('does not depend on the encoding', () => {
    fc.assert(
      fc.property(value, (some) => {
        expect(facts(some, LARGE_ENCODINGS)).toEqual(facts(some));
      }),
      { seed },
    );
  });

  it('is the same for two values only when they are the same', () => {
    const normal = (some: RdbValue): string => {
      if (typeof some === 'string' || some.kind === 'list') return JSON.stringify(some);
      if (some.kind === 'set') return JSON.stringify(some.members.toSorted());
      if (some.kind === 'zset')
        return JSON.stringify([some.members.map((m, i) => JSON.stringify([m, some.scores[i]])).toSorted(), 'zset']);
      if (some.kind === 'stream') throw new Error('streams are made elsewhere');
      const pairs: string[] = [];
      for (let i = 0; i < some.pairs.length; i += 2) pairs.push(JSON.stringify(some.pairs.slice(i, i + 2)));
      return JSON.stringify([pairs.toSorted(), 'hash']);
    };
    fc.assert(
      fc.property(value, value, (one, other) => {
        expect(facts(one).fingerprint === facts(other).fingerprint).toBe(normal(one) === normal(other));
      }),
      { seed, numRuns: 500 },
    );
  });

  it('is that of the bytes where the value cannot be decoded', () => {
    const stream = `\x15${'x'.repeat(20)}`;
    expect(factsOfDump(stream)).toMatchObject({ isExact: false, words: 'a value of type number 21' });
    expect(factsOfDump('').isExact).toBe(false);
  });
});

describe('shownText', () => {
  it.each([
    ['key:1', 'key:1'],
    ['Z\xc3\xbcrich', 'Zürich'],
    ['\xff\x00a', '\\xff\\x00a'],
    ['a\nb\\', 'a\\x0ab\\\\'],
  ])('shows %j as %j', (text, shown) => {
    expect(shownText(text)).toBe(shown);
  });
});
