import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dict } from '../../../src/node/keyspace/dict.ts';

const pool = fc.integer({ min: 0, max: 200 }).map((n) => `k${n}`);

describe('Dict', () => {
  it('behaves as a Map for any history of set and take', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), pool, fc.nat()), { maxLength: 600 }), (history) => {
        const dict = new Dict<number>();
        const model = new Map<string, number>();
        for (const [add, key, value] of history) {
          if (add) {
            expect(dict.set(key, value)).toBe(!model.has(key));
            model.set(key, value);
          } else {
            expect(dict.take(key)).toBe(model.get(key));
            model.delete(key);
          }
          expect(dict.size).toBe(model.size);
        }
        expect(new Map(dict.entries())).toEqual(model);
        for (const [key, value] of model) expect(dict.get(key)).toBe(value);
      }),
    );
  });

  it('returns every key that stays throughout a scan, whatever is added or removed meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.array(fc.tuple(fc.integer({ min: -300, max: 300 }), fc.integer({ min: 1, max: 8 })), { maxLength: 60 }),
        (stable, changes) => {
          const dict = new Dict<number>();
          for (let i = 0; i < stable; i++) dict.set(`stay${i}`, i);
          let extra = 0;
          const seen = new Set<string>();
          let cursor = 0;
          let step = 0;
          do {
            const change = changes[step++];
            if (change !== undefined) {
              const [grow, steps] = change;
              for (let i = 0; i < Math.abs(grow); i++) {
                if (grow > 0) dict.set(`extra${extra++}`, 0);
                else if (extra > 0) dict.take(`extra${--extra}`);
              }
              for (let i = 0; i < steps; i++) {
                cursor = dict.scan(cursor, (key) => seen.add(key));
                if (cursor === 0) break;
              }
            } else cursor = dict.scan(cursor, (key) => seen.add(key));
          } while (cursor !== 0);
          for (let i = 0; i < stable; i++) expect(seen.has(`stay${i}`)).toBe(true);
        },
      ),
    );
  });

  it('holds and releases a hundred thousand keys over many blocks', () => {
    const dict = new Dict<number>();
    for (let i = 0; i < 100_000; i++) dict.set(`key:${i}`, i);
    for (let i = 0; i < 100_000; i += 2) expect(dict.take(`key:${i}`)).toBe(i);
    expect(dict.size).toBe(50_000);
    for (let i = 1; i < 100_000; i += 2) if (dict.get(`key:${i}`) !== i) throw new Error(`lost key:${i}`);
    for (let i = 1; i < 100_000; i += 2) dict.take(`key:${i}`);
    expect([dict.size, dict.bucketCount]).toEqual([0, 4]);
  });
});
