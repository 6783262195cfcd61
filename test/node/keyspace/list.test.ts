import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ListValue } from '../../../src/node/keyspace/list.ts';
import { testLimits } from './limits.ts';

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

interface Pair {
  list: ListValue;
  readonly model: string[];
}

type Step = (pair: Pair) => void;

/** Changes the list and an array alike; `where` is a fraction of what is there. */
const step: fc.Arbitrary<Step> = fc
  .record({
    action: fc.constantFrom('head', 'tail', 'pop-head', 'pop-tail', 'set', 'insert', 'remove', 'trim', 'clone'),
    where: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    times: fc.constantFrom(1, 1, 3, 40, 700),
    item: fc.constantFrom('a', 'b', 'c', '7'),
  })
  .map(({ action, where, times, item }): Step => {
    return (pair) => {
      const { list, model } = pair;
      const at = Math.floor(where * model.length);
      if (action === 'set') {
        if (model.length === 0) return;
        list.setAt(at, item);
        model[at] = item;
      } else if (action === 'trim') {
        list.trim(at >> 1, at);
        model.splice(0, model.length, ...model.slice(at >> 1, at + 1));
      } else if (action === 'clone') {
        pair.list = list.clone();
        list.pushHead('of the original alone');
      } else if (action === 'remove') {
        const count = times % 2 === 0 ? times : -times;
        const places = model.flatMap((each, i) => (each === item ? [i] : []));
        const chosen = new Set(count < 0 ? places.slice(count) : places.slice(0, count));
        expect(list.removeEqual(item, count)).toBe(chosen.size);
        model.splice(0, model.length, ...model.filter((_, i) => !chosen.has(i)));
      } else for (let i = 0; i < times; i++) move(pair, action, Math.min(at, model.length), item);
    };
  });

type Moving = 'head' | 'tail' | 'pop-head' | 'pop-tail' | 'insert';

function move({ list, model }: Pair, action: Moving, at: number, item: string): void {
  if (action === 'head') {
    list.pushHead(item);
    model.unshift(item);
  } else if (action === 'tail') {
    list.pushTail(item);
    model.push(item);
  } else if (action === 'pop-head') expect(list.popHead()).toBe(model.shift());
  else if (action === 'pop-tail') expect(list.popTail()).toBe(model.pop());
  else {
    list.insert(at, item);
    model.splice(at, 0, item);
  }
}

function agree({ list, model }: Pair): void {
  expect(list.size).toBe(model.length);
  expect([...list]).toEqual(model);
  expect([...list.reversed()]).toEqual(model.toReversed());
  for (const index of [0, 1, 511, 512, model.length >> 1, model.length - 2, model.length - 1, model.length]) {
    expect(list.at(index)).toBe(model[index]);
  }
  for (const item of ['a', '7', 'absent']) expect(list.indexOf(item)).toBe(model.indexOf(item));
  const quarter = model.length >> 2;
  expect(list.slice(quarter, model.length - 1)).toEqual(model.slice(quarter));
  expect(roomLeft(list)).toBe(roomLeft(ListValue.from(model, testLimits)));
}

/** Length of the longest word a listpack still takes, 0 when it is full: shows the bytes the list has counted. */
function roomLeft(list: ListValue): number {
  let fits = 0;
  for (let next = 8192; next >= 1; next >>= 1) {
    const copy = list.clone();
    copy.beforeGrowth(['x'.repeat(fits + next)], 0, 0, testLimits);
    if (copy.encoding === 'listpack') fits += next;
  }
  return fits;
}

describe('ListValue', () => {
  it('behaves as an array through any history', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const pair: Pair = { list: ListValue.from([], testLimits), model: [] };
        for (const each of steps) each(pair);
        agree(pair);
      }),
      { numRuns: 150 },
    );
  });

  it('answers undefined beyond its ends and when it is empty', () => {
    const list = ListValue.empty();
    expect([list.popHead(), list.popTail(), list.at(0), list.at(-1), list.indexOf('a')]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      -1,
    ]);
    list.pushHead('a');
    expect([list.at(0), list.at(1), list.popTail(), list.size]).toEqual(['a', undefined, 'a', 0]);
    list.pushTail('b');
    expect([...list]).toEqual(['b']);
  });

  it('stays even when the same place is filled and emptied for long', () => {
    const list = ListValue.from(numbered(2000), testLimits);
    for (let i = 0; i < 3000; i++) list.insert(1000, 'x');
    expect(list.removeEqual('x', 2999)).toBe(2999);
    for (let i = 0; i < 900; i++) expect(list.removeEqual(String(500 + i), 1)).toBe(1);
    expect(list.removeEqual('x', 0)).toBe(1);
    expect([...list]).toEqual([...numbered(500), ...numbered(2000).slice(1400)]);
    expect([list.at(499), list.at(500)]).toEqual(['499', '1400']);
  });

  it('is a listpack up to 8 KiB, and again at half of them', () => {
    // 7 bytes of frame, 102 or 103 for each item of 99 or 100 chars
    const fits = Array.from({ length: 79 }, () => 'x'.repeat(100));
    const list = ListValue.from(fits, testLimits);
    list.beforeGrowth(['x'.repeat(49)], 0, 0, testLimits);
    expect(list.encoding).toBe('quicklist');

    const packed = ListValue.from(fits, testLimits);
    packed.beforeGrowth(['x'.repeat(48)], 0, 0, testLimits);
    expect(packed.encoding).toBe('listpack');

    list.trim(0, 39);
    list.afterShrinking(testLimits);
    expect(list.encoding).toBe('quicklist'); // 7 + 40 * 103 = 4127
    list.popTail();
    list.afterShrinking(testLimits);
    expect(list.encoding).toBe('listpack');
  });

  it('counts entries when the limit is positive, and one entry at least', () => {
    const limits = { ...testLimits, listNodeSize: 4 };
    const list = ListValue.from(numbered(4), limits);
    expect(list.encoding).toBe('listpack');
    list.beforeGrowth(['a'], 0, 0, limits);
    list.pushTail('a');
    expect(list.encoding).toBe('quicklist');
    list.trim(0, 2);
    list.afterShrinking(limits);
    expect(list.encoding).toBe('quicklist');
    list.popHead();
    list.afterShrinking(limits);
    expect(list.encoding).toBe('listpack');
    expect(ListValue.from(['a'], { ...testLimits, listNodeSize: 0 }).encoding).toBe('listpack');
    expect(ListValue.from(['a', 'b'], { ...testLimits, listNodeSize: 0 }).encoding).toBe('quicklist');
    expect(ListValue.from(['x'.repeat(9000)], { ...testLimits, listNodeSize: 100 }).encoding).toBe('quicklist');
  });

  it.each([
    [-1, 4096],
    [-2, 8192],
    [-3, 16_384],
    [-4, 32_768],
    [-5, 65_536],
  ])('with list-max-listpack-size %i holds %i bytes in a listpack', (listNodeSize, bytes) => {
    const limits = { ...testLimits, listNodeSize };
    const overhead = 7 + (bytes > 4096 + 9 ? 5 : 2) + (bytes > 16_384 + 10 ? 3 : 2);
    expect(ListValue.from(['x'.repeat(bytes - overhead)], limits).encoding).toBe('listpack');
    expect(ListValue.from(['x'.repeat(bytes - overhead + 1)], limits).encoding).toBe('quicklist');
  });
});
