import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedOrder, RUN_MAX } from '../../../src/node/keyspace/score-order.ts';
import { SortedSetValue } from '../../../src/node/keyspace/sorted-set.ts';
import { SeededRandom } from '../../../src/world/random.ts';
import { testLimits } from './limits.ts';

const small = { ...testLimits, sortedSetEntries: 3, sortedSetValueBytes: 5 };

type Entry = [member: string, score: number];
const byOrder = (a: Entry, b: Entry): number => (a[1] !== b[1] ? (a[1] < b[1] ? -1 : 1) : a[0] < b[0] ? -1 : 1);
const entriesOf = (value: SortedSetValue): Entry[] => {
  const { members, scores } = value.entries();
  return members.map((member, i) => [member, scores[i]!]);
};

describe('SortedSetValue', () => {
  it('orders by score, equal scores by bytes, infinities at the ends', () => {
    const value = SortedSetValue.from(
      ['b', '\xff', 'a', 'low', 'high', ''],
      [1, 1, 1, -Infinity, Infinity, 1],
      testLimits,
    );
    expect(value.entries().members).toEqual(['low', '', 'a', 'b', '\xff', 'high']);
    expect(value.rank('b')).toBe(3);
    expect(value.rank('none')).toBe(undefined);
    expect(value.at(5)).toEqual(['high', Infinity]);
  });

  it('turns from a listpack into a skiplist by number, by length and by announcement', () => {
    const value = SortedSetValue.sized('a', 1, small);
    for (const member of ['a', 'b', 'c']) value.set(member, 1, small);
    value.set('c', 2, small);
    expect(value.encoding).toBe('listpack');
    value.set('d', 0, small);
    expect([value.encoding, value.entries().members]).toEqual(['skiplist', ['d', 'a', 'b', 'c']]);
    const long = SortedSetValue.from(['a'], [1], small);
    long.set('abcdef', 1, small);
    expect(long.encoding).toBe('skiplist');
    expect(SortedSetValue.sized('a', 4, small).encoding).toBe('skiplist');
    expect(SortedSetValue.sized('abcdef', 1, small).encoding).toBe('skiplist');
    const told = SortedSetValue.from(['a'], [1], small);
    told.prepare(4, small);
    expect([told.encoding, told.score('a')]).toEqual(['skiplist', 1]);
  });

  it('keeps minus zero only where Redis does, and does not take it for a change', () => {
    const packed = SortedSetValue.from(['a'], [-0], testLimits);
    expect(packed.score('a')).toBe(0);
    const large = SortedSetValue.sized('a', 200, testLimits);
    large.set('a', -0, testLimits);
    large.set('a', 0, testLimits);
    expect(large.score('a')).toBe(-0);
  });

  it('counts the last of the same member twice', () => {
    for (const limits of [testLimits, small]) {
      const value = SortedSetValue.from(['a', 'b', 'a', 'c', 'd'], [1, 2, 3, 4, 5], limits);
      expect(entriesOf(value)).toEqual([
        ['b', 2],
        ['a', 3],
        ['c', 4],
        ['d', 5],
      ]);
    }
  });

  it('behaves as a sorted array for any history, in both encodings', () => {
    const member = fc.integer({ min: 0, max: 12 }).map((n) => (n === 0 ? 'longer-one' : `m${n}`));
    const score = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(Infinity, -Infinity, 0.1, 1e300));
    const change = fc.tuple(fc.constantFrom('set', 'set', 'set', 'delete', 'range'), member, score);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.boolean(), (history, roomy) => {
        const limits = roomy ? testLimits : small;
        let value = SortedSetValue.from([], [], limits);
        const model = new Map<string, number>();
        for (const [what, member, score] of history) {
          if (what === 'set') {
            expect(value.set(member, score, limits)).toBe(model.get(member));
            model.set(member, score);
          } else if (what === 'delete') expect(value.delete(member)).toBe(model.delete(member));
          else if (model.size > 0) {
            const from = member.length % model.size;
            const to = Math.min(model.size, from + 2);
            for (const [gone] of [...model].sort(byOrder).slice(from, to)) model.delete(gone);
            expect(value.deleteRange(from, to)).toBe(to - from);
          }
          const expected = [...model].sort(byOrder);
          expect(entriesOf(value)).toEqual(expected);
          expect(value.rank(member)).toBe(
            model.has(member) ? expected.findIndex(([each]) => each === member) : undefined,
          );
          expect(value.countWhile((each) => each < score)).toBe(expected.filter(([, each]) => each < score).length);
          const copy = value.clone();
          expect(copy.encoding).toBe(value.encoding);
          value = copy;
        }
        const scanned: Entry[] = [];
        let cursor = 0;
        do cursor = value.scan(cursor, (...entry) => scanned.push(entry));
        while (cursor !== 0);
        expect(scanned.sort(byOrder)).toEqual([...model].sort(byOrder));
        const placed = Array.from({ length: value.size }, (_, index) => value.entryAt(index));
        expect(placed.sort(byOrder)).toEqual([...model].sort(byOrder));
      }),
    );
  });
});

const check = (order: ChunkedOrder, model: readonly Entry[], random: SeededRandom): void => {
  expect(order.size).toBe(model.length);
  const up: Entry[] = [];
  order.walk(0, order.size, false, (...entry) => up.push(entry));
  expect(up).toEqual(model);
  if (model.length === 0) return;
  for (let i = 0; i < 20; i++) {
    const rank = random.integer(0, model.length - 1);
    const [member, score] = model[rank]!;
    expect(order.rankOf(score, member)).toBe(rank);
    expect(order.countWhile((other, each) => other < score || (other === score && each <= member))).toBe(rank + 1);
    const count = random.integer(0, rank + 1);
    const down: Entry[] = [];
    order.walk(rank, count, true, (...entry) => down.push(entry));
    expect(down).toEqual(model.slice(rank + 1 - count, rank + 1).toReversed());
  }
};

describe('ChunkedOrder', () => {
  it('behaves as a sorted array over many runs, whatever is inserted, removed or cut out', () => {
    const step = fc.record({
      what: fc.constantFrom('insert', 'append', 'prepend', 'remove', 'cut', 'pop'),
      count: fc.integer({ min: 1, max: 2 * RUN_MAX }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 12 }), fc.integer(), (steps, seed) => {
        const random = new SeededRandom(seed);
        let order = new ChunkedOrder([], []);
        let model: Entry[] = [];
        let name = 0;
        for (const { what, count } of steps) {
          if (what === 'cut') {
            const from = random.integer(0, model.length);
            const to = Math.min(model.length, from + count);
            expect(order.removeRange(from, to)).toEqual(model.splice(from, to - from).map(([member]) => member));
          } else if (what === 'remove' || what === 'pop') {
            for (let i = 0; i < count && model.length > 0; i++) {
              const [gone] = model.splice(what === 'pop' ? 0 : random.integer(0, model.length - 1), 1);
              order.remove(gone![1], gone![0]);
            }
          } else {
            for (let i = 0; i < count; i++) {
              name++;
              const score = what === 'append' ? name : what === 'prepend' ? -name : random.integer(-50, 50);
              order.insert(score, `m${name}`);
              model.push([`m${name}`, score]);
              if (i % 400 === 0) order.rankOf(score, `m${name}`); // now and then the tree is valid while entries come
            }
            model = model.sort(byOrder);
          }
          check(order, model, random);
          order = order.clone();
        }
      }),
      { numRuns: 40 },
    );
  });
});
