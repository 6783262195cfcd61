import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SetValue } from '../../../src/node/keyspace/set.ts';
import { SeededRandom } from '../../../src/world/random.ts';
import { testLimits } from './limits.ts';

const limits = { ...testLimits, intsetEntries: 4, setEntries: 3, setValueBytes: 5 };

describe('SetValue', () => {
  it('keeps integers by value, then words as they came, then a dictionary', () => {
    const set = SetValue.sized('10', 1, limits);
    for (const member of ['10', '-9223372036854775808', '9', '9223372036854775807']) set.add(member, limits);
    expect(set.members()).toEqual(['-9223372036854775808', '9', '10', '9223372036854775807']);
    expect(set.encoding).toBe('intset');
    set.add('11', limits);
    expect(set.encoding).toBe('hashtable');

    const words = SetValue.from(['2', '1'], limits);
    words.add('z', limits);
    expect([words.encoding, words.members()]).toEqual(['listpack', ['1', '2', 'z']]);
    words.add('5', limits);
    expect(words.encoding).toBe('hashtable');
  });

  it('takes no word for an integer that prints differently, nor one beyond 64 bits', () => {
    for (const member of ['007', '+1', '-0', '1.0', '', '9223372036854775808', ' 1', '-']) {
      const set = SetValue.from([], testLimits);
      expect(set.has(member)).toBe(false);
      set.add(member, testLimits);
      expect([member, set.encoding, set.has(member)]).toEqual([member, 'listpack', true]);
    }
  });

  it('becomes a dictionary when a word is too long, whatever it held', () => {
    const set = SetValue.from(['1'], limits);
    set.add('123456', limits);
    expect(set.encoding).toBe('intset');
    set.add('a', limits);
    expect(set.encoding).toBe('hashtable'); // 123456 is too long for a listpack
    const words = SetValue.from(['a'], limits);
    words.add('abcdef', limits);
    expect(words.encoding).toBe('hashtable');
  });

  it('goes by how many members a request names before it adds them', () => {
    expect(SetValue.sized('1', 4, limits).encoding).toBe('intset');
    expect(SetValue.sized('1', 5, limits).encoding).toBe('hashtable');
    expect(SetValue.sized('a', 3, limits).encoding).toBe('listpack');
    expect(SetValue.sized('a', 4, limits).encoding).toBe('hashtable');
    const set = SetValue.from(['a'], limits);
    set.prepare(4, limits);
    expect([set.encoding, set.members()]).toEqual(['hashtable', ['a']]);
  });

  it('behaves as a Set for any history, in every encoding', () => {
    const member = fc.oneof(
      fc.integer({ min: -9, max: 9 }).map(String),
      fc.constantFrom('a', 'b', '', '01', 'longer-one'),
    );
    const change = fc.tuple(fc.constantFrom('add', 'add', 'delete', 'pop'), member);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.boolean(), fc.integer(), (history, roomy, seed) => {
        const given = roomy ? testLimits : limits;
        const random = new SeededRandom(seed);
        let set = SetValue.from([], given);
        const model = new Set<string>();
        for (const [what, member] of history) {
          if (what === 'add') {
            expect(set.add(member, given)).toBe(!model.has(member));
            model.add(member);
          } else if (what === 'delete') expect(set.delete(member)).toBe(model.delete(member));
          else if (set.size > 0) expect(model.delete(set.pop(random))).toBe(true);
          expect(set.size).toBe(model.size);
          expect(set.has(member)).toBe(model.has(member));
          const copy = set.clone();
          expect(copy.encoding).toBe(set.encoding);
          set = copy;
        }
        expect(set.members().sort()).toEqual([...model].sort());
        const scanned: string[] = [];
        let cursor = 0;
        do cursor = set.scan(cursor, (each) => scanned.push(each));
        while (cursor !== 0);
        expect(scanned.sort()).toEqual([...model].sort());
        expect(SetValue.from([...model, ...model], given).size).toBe(model.size);
      }),
    );
  });
});
