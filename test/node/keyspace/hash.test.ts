import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashValue } from '../../../src/node/keyspace/hash.ts';
import { SeededRandom } from '../../../src/world/random.ts';
import { testLimits } from './limits.ts';

const limits = { ...testLimits, hashEntries: 4, hashValueBytes: 5 };

function scanned(hash: HashValue): Map<string, string> {
  const seen = new Map<string, string>();
  let cursor = 0;
  do cursor = hash.scan(cursor, (field, value) => seen.set(field, value));
  while (cursor !== 0);
  return seen;
}

describe('HashValue', () => {
  it('behaves as a Map through any history, small and large', () => {
    const field = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', '', 'a\0');
    const value = fc.constantFrom('', '1', 'a', 'b', 'abcde', 'abcdef');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), field, value), { maxLength: 30 }), (steps) => {
        let hash = HashValue.empty();
        const model = new Map<string, string>();
        let large = false;
        for (const [remove, name, text] of steps) {
          if (remove) expect(hash.delete(name)).toBe(model.delete(name));
          else {
            expect(hash.set(name, text, limits)).toBe(!model.has(name));
            model.set(name, text);
            large ||= text.length > 5 || model.size > 4;
          }
          const copy = hash.clone();
          hash.set('only the original', '1', testLimits);
          hash = copy;
          expect(hash.encoding).toBe(large ? 'hashtable' : 'listpack');
          expect([hash.size, hash.has(name), hash.get(name)]).toEqual([model.size, model.has(name), model.get(name)]);
        }
        expect(new Map(hash.entries())).toEqual(model);
        expect(scanned(hash)).toEqual(model);
        if (!large) expect([...hash.entries()]).toEqual([...model]);
      }),
    );
  });

  it('keeps the order of insertion while small, and a value does not pass for a field', () => {
    const hash = HashValue.from(['a', 'b', 'b', 'c', 'c', 'a', 'a', 'new'], limits);
    expect([...hash.entries()]).toEqual([
      ['a', 'new'],
      ['b', 'c'],
      ['c', 'a'],
    ]);
    expect([hash.delete('a'), hash.has('a'), hash.has('new'), hash.fieldAt(0), hash.valueAt(1)]).toEqual([
      true,
      false,
      false,
      'b',
      'a',
    ]);
  });

  it('becomes a dictionary by its entries, a long field or a long value, and stays one', () => {
    expect(HashValue.from(['a', '1', 'b', '2', 'c', '3', 'd', '4'], limits).encoding).toBe('listpack');
    const hash = HashValue.from(['a', '1', 'b', '2', 'c', '3', 'd', '4', 'e', '5'], limits);
    expect(hash.encoding).toBe('hashtable');
    for (const field of ['a', 'b', 'c', 'd', 'e']) expect(hash.delete(field)).toBe(true);
    expect([hash.encoding, hash.size]).toEqual(['hashtable', 0]);
    expect(HashValue.from(['abcdef', '1'], limits).encoding).toBe('hashtable');
    expect(HashValue.from(['a', '123456'], limits).encoding).toBe('hashtable');
    // pairs are counted, not fields
    expect(HashValue.from(['a', '1', 'a', '2', 'a', '3', 'a', '4', 'a', '5'], limits).encoding).toBe('hashtable');
  });

  it('gives every field as a random one, small and large', () => {
    const random = new SeededRandom(5);
    for (const size of [3, 100]) {
      const pairs = Array.from({ length: size }, (_, i) => [`field ${i}`, String(i)]).flat();
      const hash = HashValue.from(pairs, limits);
      const seen = new Set(Array.from({ length: size * 20 }, () => hash.randomField(random)));
      expect(seen.size).toBe(size);
    }
  });

  it('scans a large hash in steps that miss nothing while it grows', () => {
    const hash = HashValue.from(Array.from({ length: 200 }, (_, i) => [`field ${i}`, String(i)]).flat(), limits);
    const seen = new Set<string>();
    let cursor = 0;
    let steps = 0;
    do {
      cursor = hash.scan(cursor, (field) => seen.add(field));
      hash.set(`later ${steps++}`, '', limits);
    } while (cursor !== 0);
    expect(steps).toBeGreaterThan(10);
    for (let i = 0; i < 200; i++) expect(seen.has(`field ${i}`)).toBe(true);
  });
});
