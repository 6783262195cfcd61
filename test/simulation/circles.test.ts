/** A destination that is filled, over however many others, from itself: a write would go round for ever. */

import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';

const cluster = (name: string) => ({ name, databases: [{ name: 'db', shards: 2 }] });

const database = (sandbox: Sandbox, name: string) => sandbox.cluster(name).database('db');

const replicate = (sandbox: Sandbox, from: string, to: string): void => {
  const { control } = sandbox.cluster(to);
  const replicaSources = [{ uri: database(sandbox, from).sourceUrl() }];
  const outcome = control.submit(control.edit(database(sandbox, to).uid, { replicaSources, replicaSync: 'enabled' }));
  expect(outcome).toMatchObject({ ok: true });
};

const states = (sandbox: Sandbox, names: readonly string[]): string[] =>
  names.map((name) => database(sandbox, name).status().replicaSync);

const count = async ({ sandbox, connect }: SimStory, name: string): Promise<unknown> => {
  const client = await connect(database(sandbox, name));
  const reply = await client.ask('GET', 'count');
  client.close();
  return reply;
};

describe('a circle of Replica Of', () => {
  it('of two databases is found when it is closed, and stops the one that closed it', () =>
    inSimulation({ clusters: ['a.local', 'b.local'].map(cluster) }, async (story) => {
      const { sandbox, wait } = story;
      replicate(sandbox, 'a.local', 'b.local');
      await database(sandbox, 'b.local').inSync();
      replicate(sandbox, 'b.local', 'a.local');
      await wait(5_000);
      expect(states(sandbox, ['a.local', 'b.local'])).toEqual(['stopped', 'enabled']);
      expect(database(sandbox, 'a.local').status().stopped).toMatch(/itself filled from this destination.*circle/);
    }));

  it.each([
    ['two at the same moment', ['a.local', 'b.local']],
    ['three at the same moment', ['a.local', 'b.local', 'c.local']],
  ])('of %s is found soon after, and nothing is counted for ever', (_what, names) =>
    inSimulation({ clusters: names.map(cluster) }, async (story) => {
      const { sandbox, world, wait, connect } = story;
      world.network.faults.conditions('127.0.', '127.0.', { latencyMs: 2 });
      for (const [index, name] of names.entries()) replicate(sandbox, names.at(index - 1)!, name);
      await wait(20_000);
      expect(states(sandbox, names)).toContain('stopped');
      const client = await connect(database(sandbox, names[0]!));
      await client.ask('INCR', 'count');
      client.close();
      await wait(10_000);
      const before = await Promise.all(names.map((name) => count(story, name)));
      await wait(10_000);
      expect(await Promise.all(names.map((name) => count(story, name)))).toEqual(before);
      expect(before).toContain('1');
      for (const each of before) expect(['1', null]).toContain(each);
    }),
  );

  it('leaves chains alone, whatever their length', () =>
    inSimulation({ clusters: ['a.local', 'b.local', 'c.local'].map(cluster) }, async (story) => {
      const { sandbox, wait, connect } = story;
      replicate(sandbox, 'a.local', 'b.local');
      replicate(sandbox, 'b.local', 'c.local');
      const client = await connect(database(sandbox, 'a.local'));
      expect(await client.ask('SET', 'count', '7')).toBe('OK');
      client.close();
      await wait(60_000);
      expect(states(sandbox, ['b.local', 'c.local'])).toEqual(['enabled', 'enabled']);
      for (const name of ['a.local', 'b.local', 'c.local'])
        expect([name, await count(story, name)]).toEqual([name, '7']);
    }));
});
