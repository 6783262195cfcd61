/** What stops a Replica Of, each by its cause, its event and words that say what to do; and what starts it again. */

import { describe, expect, it } from 'vitest';
import type { SandboxDatabase, Sandbox } from '../../src/sandbox/sandbox.ts';
import { FakeSource } from '../support/fake-source.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';
import { startShardAt } from '../support/sim-shards.ts';

const clusters = [{ name: 'west.local', databases: [{ name: 'copy', shards: 2, memorySizeBytes: 50_000_000 }] }];
const OUTSIDE = '127.9.0.1';

const copy = (sandbox: Sandbox): SandboxDatabase => sandbox.cluster('west.local').database('copy');

const replicate = (sandbox: Sandbox, uris: readonly string[]): void => {
  const { control } = sandbox.cluster('west.local');
  const edit = { replicaSources: uris.map((uri) => ({ uri })), replicaSync: 'enabled' as const };
  expect(control.submit(control.edit(copy(sandbox).uid, edit))).toMatchObject({ ok: true });
};

/** Waits for the stop; what was said, by the database and by the log. */
async function stopped({ sandbox, wait }: SimStory): Promise<{ detail: string; events: string[]; sources: string[] }> {
  for (let i = 0; i < 100 && copy(sandbox).status().replicaSync !== 'stopped'; i++) await wait(200);
  const { replicaSync, stopped: detail, sources } = copy(sandbox).status();
  expect(replicaSync).toBe('stopped');
  const { events } = sandbox.cluster('west.local').control.events;
  return {
    detail,
    events: events.map(({ type }) => type).filter((type) => type.endsWith('_err') || type.endsWith('_error')),
    sources: sources.map(({ status }) => status),
  };
}

async function keys({ sandbox, wait }: SimStory, wanted: number): Promise<void> {
  for (let i = 0; i < 100 && copy(sandbox).status().keys !== wanted; i++) await wait(100);
  expect(copy(sandbox).status().keys).toBe(wanted);
}

describe('Replica Of stops', () => {
  it('at one wrong password, for all sources, and starts anew when the source is mended', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world } = story;
      using good = await startShardAt(world, OUTSIDE);
      using secret = await startShardAt(world, '127.9.0.2', { requirepass: 'secret' });
      good.client.call('SET', 'good', '1');
      secret.client.call('AUTH', 'secret');
      secret.client.call('SET', 'secret', '1');
      replicate(sandbox, [good.url, secret.url.replace('secret', 'wrong')]);
      const { detail, events, sources } = await stopped(story);
      expect(detail).toMatch(/source 127\.9\.0\.2:6379.*WRONGPASS/);
      expect(events).toEqual(['authentication_err']);
      expect(sources).toEqual(['out-of-sync', 'out-of-sync']);
      replicate(sandbox, [good.url, secret.url]);
      await copy(sandbox).inSync();
      expect(copy(sandbox).status()).toMatchObject({ keys: 2, replicaSync: 'enabled', stopped: '' });
    }));

  it.each([
    ['a rename across shards', ['RENAME', 'a', 'b'], 'crossslot_err', /CROSSSLOT.*RENAME/],
    [
      'a move of list elements across shards',
      ['LMOVE', 'list', 'b', 'LEFT', 'LEFT'],
      'crossslot_err',
      /CROSSSLOT.*LMOVE/,
    ],
    [
      'a key in another logical database',
      ['MOVE', 'a', '5'],
      'replica_src_syncer_general_error',
      /logical database 5.*only database 0/,
    ],
    ['swapped databases', ['SWAPDB', '0', '1'], 'replica_src_syncer_general_error', /logical database 1.*SWAPDB/],
    [
      'a copy into another one',
      ['COPY', 'a', 'c', 'DB', '3'],
      'replica_src_syncer_general_error',
      /logical database 3.*COPY/,
    ],
  ])('at %s, and keeps what it had', (_what, words, event, text) =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world } = story;
      using source = await startShardAt(world, OUTSIDE);
      for (const key of ['a', 'other']) source.client.call('SET', key, 'x');
      source.client.call('RPUSH', 'list', 'x', 'y');
      replicate(sandbox, [source.url]);
      await copy(sandbox).inSync();
      source.client.call(...words);
      const { detail, events } = await stopped(story);
      expect(detail).toMatch(text);
      expect(events).toEqual([event]);
      expect(copy(sandbox).status().keys).toBe(3);
    }),
  );

  it('at keys of the snapshot that are in another logical database', () =>
    inSimulation({ clusters }, async (story) => {
      using source = await startShardAt(story.world, OUTSIDE);
      source.client.call('SELECT', '7');
      source.client.call('SET', 'a', '1');
      replicate(story.sandbox, [source.url]);
      const { detail, events } = await stopped(story);
      expect(detail).toMatch(/keys in logical database 7/);
      expect(events).toEqual(['replica_src_syncer_general_error']);
    }));

  it('when a transaction has keys on different shards', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world } = story;
      using source = await startShardAt(world, OUTSIDE);
      replicate(sandbox, [source.url]);
      await copy(sandbox).inSync();
      for (const words of [['MULTI'], ['INCR', '{x}1'], ['INCR', '{x}2'], ['EXEC']]) source.client.call(...words);
      await keys(story, 2);
      for (const words of [['MULTI'], ['INCR', 'a'], ['INCR', 'b'], ['EXEC']]) source.client.call(...words);
      const { detail, events } = await stopped(story);
      expect(detail).toMatch(/a transaction with keys on different shards/);
      expect(events).toEqual(['crossslot_err']);
      expect(copy(sandbox).status().keys, 'neither half of it').toBe(2);
    }));

  it.each([
    [
      '-ERR unknown command `PSYNC`, with args beginning with:',
      'PSYNC',
      'replica_src_syncer_general_error',
      /psync-not-supported.*unknown command/,
    ],
    ["-OOM command not allowed when used memory > 'maxmemory'.", 'PSYNC', 'oom_err', /source-out-of-memory.*OOM/],
    ["-OOM command not allowed when used memory > 'maxmemory'.", 'PING', 'oom_err', /source-out-of-memory.*OOM/],
  ])('when a source answers "%s" to %s', (answer, request, event, text) =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world } = story;
      const history = { replicationId: 'a'.repeat(40), offset: 0, snapshot: Buffer.alloc(0), stream: Buffer.alloc(0) };
      const at = { host: OUTSIDE, port: 6379 };
      const source = new FakeSource({ world, at, history, format: 'sized', answers: { [request]: `${answer}\r\n` } });
      await source.listen();
      replicate(sandbox, [`redis://${OUTSIDE}:6379`]);
      const { detail, events } = await stopped(story);
      expect(detail).toMatch(text);
      expect(events).toEqual([event]);
      await source.listener.close();
    }),
  );

  it('when a write of a client at the destination makes a replicated one impossible', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, connect } = story;
      using source = await startShardAt(world, OUTSIDE);
      replicate(sandbox, [source.url]);
      await copy(sandbox).inSync();
      const client = await connect(copy(sandbox));
      expect(await client.ask('SET', 'list', 'not a list')).toBe('OK');
      source.client.call('RPUSH', 'list', 'x');
      const { detail, events } = await stopped(story);
      expect(detail).toMatch(/refused RPUSH list.*WRONGTYPE/);
      expect(events).toEqual(['replica_src_syncer_general_error']);
      expect(await client.ask('GET', 'list')).toBe('not a list');
      client.close();
    }));

  it('but goes on through flushes, messages, and the end of keys, which are the source to say', () =>
    inSimulation({ clusters }, async (story) => {
      const { sandbox, world, wait } = story;
      using one = await startShardAt(world, OUTSIDE);
      using other = await startShardAt(world, '127.9.0.2');
      one.client.call('SET', 'one', '1');
      other.client.call('SET', 'other', '1');
      other.client.call('SET', 'short', '1', 'PX', '4000');
      replicate(sandbox, [one.url, other.url]);
      await copy(sandbox).inSync();
      one.client.call('PUBLISH', 'channel', 'message');
      expect(copy(sandbox).status().keys).toBe(3);
      await wait(5_000);
      await keys(story, 2);
      one.client.call('FLUSHALL');
      one.client.call('SET', 'after', '1');
      await keys(story, 1);
      expect(copy(sandbox).status(), 'all of it by the stream').toMatchObject({ replicaSync: 'enabled', fullSyncs: 1 });
    }));
});
