/**
 * Fillings of a destination that break off, wherever they do: nothing of older data may be left, nothing missing. And a destination
 * says that it is in sync only when it has what the source has.
 */

import { describe, expect, it } from 'vitest';
import { live, type Step, type Story } from './deployment.ts';
import { cuttingOutput, type ByteCut } from './networks.ts';

const KEYS = ['a', 'b', 'c', 'd'];
const STEP = process.env['ANTIPODE_RUNS'] === undefined ? 4 : 1;

const first: readonly Step[] = [
  { do: 'write', source: 0, words: KEYS.map((key) => ['SET', key, 'old']) },
  { do: 'wait', ms: 400 },
  // Its offset is now higher than that of the history to come.
  { do: 'write', source: 0, words: KEYS.map((key) => ['APPEND', key, 'x'.repeat(200)]) },
  { do: 'wait', ms: 100 },
];

const second: readonly Step[] = [
  { do: 'new-history', source: 0 },
  { do: 'write', source: 0, words: [['DEL', 'a', 'b'], ...KEYS.slice(2).map((key) => ['SET', key, 'new'])] },
  { do: 'wait', ms: 1500 },
  { do: 'write', source: 0, words: KEYS.slice(2).map((key) => ['APPEND', key, '.']) },
];

const story = (steps: readonly Step[]): Story => ({
  seed: 11,
  sources: 1,
  targets: 2,
  conditions: { latencyMs: 1 },
  steps,
});

async function bytesOf(steps: readonly Step[]): Promise<number> {
  const whole: ByteCut = { passed: 0, at: Infinity, done: false };
  await live(story(steps), { network: (network) => cuttingOutput(network, '127.0.2.', whole) });
  return whole.passed;
}

describe('a destination', () => {
  it('that holds data and marks is filled anew: equal wherever the connection to it is cut', async () => {
    const begin = await bytesOf(first);
    const end = await bytesOf([...first, ...second]);
    const failures: string[] = [];
    for (let at = begin; at < end; at += STEP) {
      const cut: ByteCut = { passed: 0, at, done: false };
      const { difference } = await live(story([...first, ...second]), {
        network: (network) => cuttingOutput(network, '127.0.2.', cut),
      });
      if (difference !== null || !cut.done) failures.push(`cut at byte ${at}: ${difference ?? 'it never happened'}`);
    }
    expect(failures.slice(0, 5)).toEqual([]);
    expect(end - begin).toBeGreaterThan(200);
  });

  it('keeps no key that the source deleted while its link was cut at any moment of the filling', async () => {
    for (let ms = 0; ms < 1000; ms += 5) {
      const steps: readonly Step[] = [
        { do: 'write', source: 0, words: KEYS.map((key) => ['SET', key, '1']) },
        { do: 'wait', ms },
        { do: 'cut', side: 'source', how: 'reset' },
        { do: 'write', source: 0, words: [['DEL', ...KEYS]] },
      ];
      const { difference } = await live({ ...story(steps), conditions: { latencyMs: 20 } });
      expect(difference, `cut after ${ms} ms`).toBeNull();
    }
  });

  it('is in sync only when it has what the source has, however slowly that arrives', async () => {
    const steps: readonly Step[] = [
      { do: 'write', source: 0, words: [['SET', 'a', '1']] },
      { do: 'wait', ms: 4000 }, // filled: what INFO says alone takes a second or two,
      { do: 'cut', side: 'source', how: 'reset' },
      { do: 'wait', ms: 50 },
      { do: 'write', source: 0, words: KEYS.map((key) => ['SET', key, 'x'.repeat(2000)]) },
    ];
    const ending = await live({ ...story(steps), conditions: { latencyMs: 20, bandwidth: 5_000 } });
    expect(ending).toMatchObject({ difference: null, differenceWhenInSync: null, fullSyncs: 1, partialSyncs: 1 });
  });
});
