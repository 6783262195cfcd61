import { describe, expect, it } from 'vitest';
import { scenario as externalSource } from '../../scenarios/external-source.ts';
import { scenario as oneSource } from '../../scenarios/one-source.ts';
import { scenario as partition } from '../../scenarios/partition.ts';
import { scenario as passwordRegenerated } from '../../scenarios/password-regenerated.ts';
import { runScenario, type Scenario } from '../../src/sandbox/scenario.ts';

const SCENARIOS = [oneSource, externalSource, partition, passwordRegenerated];
const story = (run: Scenario['run']): Scenario => ({ name: 'a story', description: 'told by a test', run });
const simulated = (seed: number) => ({ world: 'simulated' as const, seed });

describe.each(SCENARIOS)('the scenario $name', (scenario) => {
  it.each([1, 2, 3])('passes in the simulated world with seed %i, and repeats itself', async (seed) => {
    const result = await runScenario(scenario, simulated(seed));
    expect(result).toMatchObject({ outcome: 'passed', detail: '', seed });
    expect((await runScenario(scenario, simulated(seed))).eventLogHash).toBe(result.eventLogHash);
  });

  it('differs from seed to seed', async () => {
    const hashes = [
      (await runScenario(scenario, simulated(1))).eventLogHash,
      (await runScenario(scenario, simulated(2))).eventLogHash,
    ];
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});

describe('runScenario', () => {
  it('says what a failed scenario waited for, with the latest events', async () => {
    const never = story(async (actors) => {
      actors.world.log.event('planted', { at: 'the end' });
      await actors.eventually(() => false, { withinMs: 90_000, what: 'the impossible' });
    });
    const result = await runScenario(never, simulated(5));
    expect(result).toMatchObject({
      outcome: 'failed',
      detail: 'not within 90000 ms: the impossible',
      waitedFor: 'the impossible',
    });
    expect(result.events.join('\n')).toContain('planted at="the end"');
    expect(result.elapsedMs).toBeGreaterThanOrEqual(90_000);
    expect(result.realMs).toBeLessThan(30_000);
  });

  it('shows where a scenario threw', async () => {
    const broken = story(() => Promise.reject(new TypeError('a mistake in the story')));
    expect(await runScenario(broken, simulated(1))).toMatchObject({
      outcome: 'failed',
      detail: expect.stringMatching(/TypeError: a mistake in the story\n.*scenario\.test\.ts/s),
    });
  });

  it('fails a story that never ends', async () => {
    const endless = story(async (actors) => {
      for (;;) await actors.pass(1_000);
    });
    expect(await runScenario(endless, simulated(1))).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('within the limits'),
    });
  });

  it('skips with the reason given', async () => {
    const elsewhere = story(async (actors) => actors.skip('this machine has no printer'));
    expect(await runScenario(elsewhere, simulated(1))).toMatchObject({
      outcome: 'skipped',
      detail: 'this machine has no printer',
      events: [],
    });
  });

  it('fails a comparison of unequal servers and names the key', async () => {
    const unequal = story(async (actors) => {
      const sandbox = await actors.sandbox();
      const [east, west] = [
        sandbox.cluster('east.local').database('orders'),
        sandbox.cluster('west.local').database('orders-copy'),
      ];
      await west.inSync();
      await (await actors.client(west)).call('SET', 'planted', 'x');
      await actors.expectEqual(east, west);
    });
    expect(await runScenario(unequal, simulated(1))).toMatchObject({
      outcome: 'failed',
      detail: 'source and destination: diverged: extra "planted": none | string "x"',
    });
  });

  it('plays on real sockets too, and tells ordinary strings from errors', async () => {
    const real = story(async (actors) => {
      const sandbox = await actors.sandbox();
      const client = await actors.client(sandbox.cluster('east.local').database('orders'));
      await client.call('SET', 'k', 'Zürich');
      actors.expect((await client.call('GET', 'k')) === 'Zürich', 'text comes back as it went');
      const [error] = await client.pipeline([['INCR', 'k']]);
      actors.expect(error instanceof Error && error.message.startsWith('ERR value'), 'an error reply is an Error');
    });
    expect(await runScenario(real, { world: 'system', seed: 1 })).toMatchObject({
      outcome: 'passed',
      detail: '',
      eventLogHash: null,
    });
  });
});
