import { describe, expect, it } from 'vitest';
import { Rate } from '../../../src/node/shard/rate.ts';

describe('a rate', () => {
  it('is the average over the last samples', () => {
    const rate = new Rate();
    expect(rate.perSecond).toBe(0);
    for (let i = 0; i <= 40; i++) rate.sample(i * 50, i * 100);
    expect(rate.perSecond).toBe(500);
    rate.sample(100_000, 4_001); // too early to count
    expect(rate.perSecond).toBe(500);
    for (let i = 41; i <= 60; i++) rate.sample(2000, i * 100);
    expect(rate.perSecond).toBe(0);
  });

  it('begins again after a reset, though the counter it follows fell', () => {
    const rate = new Rate();
    for (let i = 0; i <= 5; i++) rate.sample(i * 100, i * 100);
    rate.reset();
    expect(rate.perSecond).toBe(0);
    rate.sample(0, 600);
    rate.sample(10, 700);
    expect(rate.perSecond).toBe(100);
  });
});
