import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimQueue } from '../../src/world/sim-queue.ts';
import type { Timer } from '../../src/world/world.ts';

test('any timers fire by time and then by order of asking, without the cancelled ones', () => {
  const wish = fc.record({ delay: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 200 }), (wishes) => {
      const queue = new SimQueue(0);
      const fired: number[] = [];
      const timers: Timer[] = wishes.map(({ delay }, index) => queue.after(delay, () => fired.push(index)));
      wishes.forEach(({ cancelled }, index) => {
        if (cancelled) timers[index]!.cancel();
      });
      let last = 0;
      while (queue.step()) {
        expect(queue.elapsed()).toBeGreaterThanOrEqual(last);
        last = queue.elapsed();
      }
      const expected = wishes
        .map((wish, index) => ({ ...wish, index }))
        .filter(({ cancelled }) => !cancelled)
        .sort((one, other) => one.delay - other.delay || one.index - other.index);
      expect(fired).toEqual(expected.map(({ index }) => index));
    }),
  );
});

test('many cancelled timers are swept away, and the rest still fire in order', () => {
  const queue = new SimQueue(0);
  const fired: number[] = [];
  for (let index = 0; index < 10_000; index++) {
    const timer = queue.after(10_000 - index, () => fired.push(10_000 - index));
    if (index % 10 !== 0) timer.cancel();
  }
  while (queue.step());
  expect(fired).toEqual(Array.from({ length: 1000 }, (_, index) => (index + 1) * 10));
});

test('time does not go back, nor past an event', () => {
  const queue = new SimQueue(500);
  queue.after(10, () => undefined);
  expect(() => queue.moveTo(11)).toThrow();
  queue.moveTo(10);
  expect(() => queue.at(9, () => undefined)).toThrow();
  expect(queue.now()).toBe(510);
});
