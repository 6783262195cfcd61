import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/world/random.ts';

describe('seeded chance', () => {
  test('is the same in every version: recorded draws', () => {
    const random = new SeededRandom(42);
    expect([random.integer(0, 999), random.integer(0, 999), random.bytes(7).toString('hex')]).toMatchInlineSnapshot(`
      [
        294,
        52,
        "bd59688f97133d",
      ]
    `);
    expect(random.fork('one').integer(0, 999_999)).toMatchInlineSnapshot(`861065`);
  });

  test('a number and its text are the same seed, others are not', () => {
    expect(new SeededRandom('7').unit()).toBe(new SeededRandom(7).unit());
    expect(new SeededRandom('8').unit()).not.toBe(new SeededRandom(7).unit());
  });

  test('any integer lies in its range, both ends included', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1000), fc.nat(), (min, span, seed) => {
        const random = new SeededRandom(seed);
        for (let draw = 0; draw < 20; draw++) {
          const value = random.integer(min, min + span);
          expect(Number.isInteger(value) && value >= min && value <= min + span).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
    const random = new SeededRandom(1);
    const seen = new Set(Array.from({ length: 200 }, () => random.integer(-1, 1)));
    expect(seen).toEqual(new Set([-1, 0, 1]));
    expect(random.integer(5, 5)).toBe(5);
    expect(() => random.integer(2, 1)).toThrow();
    expect(() => random.integer(0, 0.5)).toThrow();
  });

  test('units are spread evenly', () => {
    const random = new SeededRandom('even');
    const buckets = Array.from({ length: 16 }, () => 0);
    for (let draw = 0; draw < 160_000; draw++) buckets[Math.floor(random.unit() * 16)]!++;
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test('bytes have the asked length and every value', () => {
    const random = new SeededRandom(1);
    for (let length = 0; length < 9; length++) expect(random.bytes(length).length).toBe(length);
    expect(new Set(random.bytes(10_000)).size).toBe(256);
  });

  test('names of forks do not run into each other', () => {
    const root = new SeededRandom(1);
    const draws = [root.fork('a').fork('b'), root.fork('a/b'), root.fork('ab'), root.fork('b').fork('a'), root];
    expect(new Set(draws.map((random) => random.unit())).size).toBe(draws.length);
  });
});
