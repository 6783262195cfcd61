import { expect, test } from 'vitest';
import { SystemWorld } from '../../src/world/system-world.ts';
import { eventually } from '../support/eventually.ts';
import { worldContract } from '../support/world-contract.ts';

const WITHIN_MS = 15_000;

const draw = (world: SystemWorld): string => world.random.bytes(16).toString('hex');

worldContract('system', () =>
  Promise.resolve({
    world: new SystemWorld(),
    run: (work) => work,
    until: (holds, what) => eventually(holds, { withinMs: WITHIN_MS, what }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }),
);

test('chance repeats with a seed and differs without one', () => {
  expect(draw(new SystemWorld({ seed: 7 }))).toBe(draw(new SystemWorld({ seed: 7 })));
  expect(draw(new SystemWorld())).not.toBe(draw(new SystemWorld()));
});
