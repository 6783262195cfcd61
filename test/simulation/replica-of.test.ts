import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { live } from './deployment.ts';
import { dropping } from './networks.ts';
import { storyOf } from './stories.ts';

const SCALE = Number(process.env['ANTIPODE_RUNS'] ?? 1);
const SEED = Number(process.env['ANTIPODE_SEED'] ?? 20261122);

describe(`Replica Of in the simulated world (seed ${SEED}, ANTIPODE_SEED changes it)`, () => {
  it.each([
    [1, 120],
    [3, 60],
  ])(
    'with %i source(s), any writes, cuts, partitions and restarts of the syncer converge',
    { timeout: 240_000 },
    async (sources, runs) => {
      let full = 0;
      let partial = 0;
      await fc.assert(
        fc.asyncProperty(storyOf(sources), async (story) => {
          const ending = await live(story);
          expect(ending.difference).toBeNull();
          full += ending.fullSyncs;
          partial += ending.partialSyncs;
        }),
        { seed: SEED, numRuns: runs * SCALE, endOnFailure: process.env['ANTIPODE_SHRINK'] === undefined },
      );
      // The stories reached what they are for: links that went on, and sources that had lost their backlog.
      expect(partial).toBeGreaterThan(runs / 10);
      expect(full).toBeGreaterThan(runs);
    },
  );

  it('one seed replays the same events, byte for byte, and another does not', async () => {
    const [story, other] = fc.sample(storyOf(3), { seed: SEED, numRuns: 2 });
    const hashes = [await live(story!), await live(story!), await live(other!)].map((ending) => ending.hash);
    process.stderr.write(`event log of seed ${SEED}: ${hashes[0]}\n`);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('catches a planted bug, a write dropped now and then, and shrinks it', { timeout: 120_000 }, async () => {
    const details = await fc.check(
      fc.asyncProperty(storyOf(1), async (story) => {
        const { difference } = await live(story, { network: (network) => dropping(network, '127.0.2.', 4) });
        return difference === null;
      }),
      { seed: SEED, numRuns: 100 },
    );
    expect(details.failed).toBe(true);
    const [story] = details.counterexample!;
    expect((await live(story)).difference, 'without the bug the same story converges').toBeNull();
    const writes = story.steps.filter((step) => step.do === 'write').length;
    expect(writes, 'the smallest story that shows it has few writes').toBeLessThanOrEqual(12);
  });
});
