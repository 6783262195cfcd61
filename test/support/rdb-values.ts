/**
 * Values for the dump format's tests: edges that every suite should meet, and generators of arbitrary values.
 *
 * Border: what a value is, is `src/rdb/values.ts`; this only makes them. Words are binary strings.
 */
import fc from 'fast-check';
import type { RdbValue } from '../../src/rdb/values.ts';

/** All 256 bytes in order. */
export const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

/** Integers on both sides of every width that an encoding knows, and texts that only look like integers. */
export const INTEGER_EDGES: readonly string[] = [
  ...[0n, 12n, 127n, 128n, 4095n, 4096n, 2n ** 15n, 2n ** 23n, 2n ** 31n, 2n ** 53n, 10n ** 15n, 10n ** 16n]
    .flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge - 1n, -edge, -edge + 1n])
    .map(String),
  String(2n ** 63n - 1n),
  String(-(2n ** 63n)),
  String(2n ** 63n),
  String(-(2n ** 63n) - 1n),
  '-0',
  '+1',
  '00',
  '01',
  '-',
  '',
  ' 1',
  '1 ',
  '1e3',
  '0x10',
].filter((text, index, all) => all.indexOf(text) === index);

/** Lengths on both sides of every form of length, as texts that compress and texts that do not. */
export const LONG_WORDS: readonly string[] = [
  20, 21, 63, 64, 65, 127, 128, 4095, 4096, 8191, 8192, 8193, 16383, 16384, 16385, 65535, 65536, 70_000,
].flatMap((length) => ['ab'.repeat(length).slice(0, length), noise(length)]);

/** Bytes without repetition, the same each time. */
export function noise(length: number, seed = length): string {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  let text = '';
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += String.fromCharCode(state >>> 24);
  }
  return text;
}

export const SCORE_EDGES: readonly number[] = [
  0,
  1,
  -1,
  0.1,
  1e21,
  -1e-7,
  17,
  1.5,
  Math.PI,
  5e-324,
  1.7976931348623157e308,
  Infinity,
  -Infinity,
  2 ** 53 + 2,
  123456789012,
];

const binary = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 })
  .map((bytes) => String.fromCharCode(...bytes));

export const word: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'field', 'member', '7', '-1', 'ÿ\u0000') },
  { weight: 2, arbitrary: fc.constantFrom(...INTEGER_EDGES) },
  { weight: 2, arbitrary: binary },
  { weight: 1, arbitrary: fc.constantFrom(...LONG_WORDS) },
);

const score = fc.oneof(
  fc.constantFrom(...SCORE_EDGES),
  fc.double({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
);

export const value: fc.Arbitrary<RdbValue> = fc.oneof(
  word,
  fc.array(word, { minLength: 1, maxLength: 12 }).map((items): RdbValue => ({ kind: 'list', items })),
  fc.uniqueArray(word, { minLength: 1, maxLength: 12 }).map((members): RdbValue => ({ kind: 'set', members })),
  fc
    .uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), { minLength: 1, maxLength: 12 })
    .map((members): RdbValue => ({ kind: 'set', members })),
  fc
    .uniqueArray(fc.tuple(word, score), { minLength: 1, maxLength: 12, selector: ([member]) => member })
    .map((pairs): RdbValue => ({ kind: 'zset', members: pairs.map(([m]) => m), scores: pairs.map(([, s]) => s) })),
  fc
    .uniqueArray(fc.tuple(word, word), { minLength: 1, maxLength: 12, selector: ([field]) => field })
    .map((pairs): RdbValue => ({ kind: 'hash', pairs: pairs.flat() })),
);

/** The value without what an encoding may change: the order of a set, hash or sorted set. */
export function unordered(of: RdbValue): unknown {
  if (typeof of === 'string') return of;
  if (of.kind === 'list') return of.items;
  if (of.kind === 'set') return new Set(of.members);
  if (of.kind === 'zset') return new Map(of.members.map((member, index) => [member, of.scores[index]]));
  if (of.kind === 'stream') return of.entries;
  const fields = new Map<string, string>();
  for (let index = 0; index < of.pairs.length; index += 2) fields.set(of.pairs[index]!, of.pairs[index + 1]!);
  return fields;
}
