/** What an administrator of sources and destinations relies on: who is told what, who may replicate, whose writes stay. */

import { describe, expect, it } from 'vitest';
import { asking } from '../support/api.ts';
import { FakeSource } from '../support/fake-source.ts';
import { buildDump } from '../support/rdb-bytes.ts';
import { inSimulation, type SimStory } from '../support/sandboxes.ts';

const ONE = 'one.local';
const oneCluster = (more: object = {}) => [
  { name: ONE, databases: [{ name: 'orders', port: 12_000 }, { name: 'copy', port: 12_001, shards: 2, ...more }] },
]; // prettier-ignore

const follow = async ({ sandbox }: SimStory, uri: string): Promise<void> => {
  const cluster = sandbox.cluster(ONE);
  await cluster.updateDatabase('copy', { replicaSources: [{ uri }], replicaSync: 'enabled' });
  await cluster.database('copy').inSync();
};

const pair = async ({ sandbox, connect }: SimStory) => {
  const [orders, copy] = [sandbox.cluster(ONE).database('orders'), sandbox.cluster(ONE).database('copy')];
  return { orders, copy, source: await connect(orders), target: await connect(copy) };
};

describe('Replica Of', () => {
  it('is a matter of the destination alone: nothing in the object of the source says that somebody copies it', () =>
    inSimulation({}, async ({ sandbox }) => {
      const ask = asking(sandbox.cluster('east.local'));
      const west = sandbox.cluster('west.local');
      await west.database('orders-copy').inSync();
      const used = (await ask('GET', '/v1/bdbs/1')).json;
      expect(used).toMatchObject({ replica_sources: [], replica_sync: 'disabled' });
      await west.updateDatabase('orders-copy', { replicaSync: 'disabled', replicaSources: [] });
      expect((await ask('GET', '/v1/bdbs/1')).json).toEqual(used);
      expect((await asking(west)('GET', '/v1/bdbs/1')).json).toMatchObject({ replica_sources: [] });
    }));

  it('from a database of the same cluster needs what the list of databases has: name, endpoint and internal password', () =>
    inSimulation({ clusters: oneCluster() }, async (story) => {
      const { source, target, copy } = await pair(story);
      const ask = asking(story.sandbox.cluster(ONE));
      expect(await source.ask('SET', 'k', 'v')).toBe('OK');
      const { json } = await ask('GET', '/v1/bdbs?fields=uid,name,port,endpoints,authentication_admin_pass');
      const candidates = json.filter((each: { uid: number }) => each.uid !== copy.uid);
      expect(candidates).toHaveLength(1);
      const [{ name, port, endpoints, authentication_admin_pass: password }] = candidates;
      // As a console shows it; the name before it is taken off.
      const uri = `${name}: redis://admin:${password}@${endpoints[0].dns_name}:${port}`;
      const put = await ask('PUT', `/v1/bdbs/${copy.uid}`, { replica_sources: [{ uri }], replica_sync: 'enabled' });
      expect(put).toMatchObject({ status: 200, json: { replica_sync: 'enabled' } });
      await copy.inSync();
      expect(await target.ask('GET', 'k')).toBe('v');
    }));

  it.each([
    ['a wrong internal password', (url: string) => url.replace(/admin:[^@]+@/, 'admin:wrong@'), 'authentication_err'],
    ['no password', (url: string) => url.replace(/admin:[^@]+@/, ''), 'authentication_err'],
    [
      "the database's own password",
      (url: string) => url.replace(/admin:[^@]+@/, ':own@'),
      'replica_src_syncer_general_error',
    ],
  ] as const)('with %s is not granted, though clients are served', (_what, spoil, event) =>
    // prettier-ignore
    inSimulation({ clusters: oneCluster() }, async (story) => {
      const { orders, copy, source, target } = await pair(story);
      await story.sandbox.cluster(ONE).updateDatabase('orders', { passwords: ['own'] });
      expect(await source.ask('AUTH', 'own')).toBe('OK');
      expect(await source.ask('SET', 'k', 'v')).toBe('OK');
      await expect(follow(story, spoil(orders.sourceUrl()))).rejects.toThrow(/replica_sync is "stopped"/);
      expect(story.sandbox.cluster(ONE).control.events.events.map(({ type }) => type)).toContain(event);
      expect(await target.ask('EXISTS', 'k')).toBe(0);
      await follow(story, orders.sourceUrl());
      expect([copy.status().replicaSync, await target.ask('GET', 'k')]).toEqual(['enabled', 'v']);
    }),
  );
});

describe('a source outside', () => {
  const history = {
    replicationId: 'a'.repeat(40),
    offset: 0,
    snapshot: buildDump('REDIS0010'),
    stream: Buffer.alloc(0),
  };

  it.each([
    ['no password', '', []],
    ['a password', ':p%40ss%2F1@', [['AUTH', 'p@ss/1']]],
    ['a user and a password', 'app:p%40ss@', [['AUTH', 'app', 'p@ss']]],
  ])('whose URL has %s is asked accordingly', (_what, credentials, asked) =>
    inSimulation({ clusters: oneCluster() }, async (story) => {
      const at = { host: '127.9.0.1', port: 6379 };
      const source = new FakeSource({ world: story.world, at, history, format: 'sized' });
      await source.listen();
      await follow(story, `redis://${credentials}127.9.0.1:6379`);
      const said = source.requests.filter(([name]) => name === 'AUTH');
      // Once by each connection: the first questions, and the link.
      expect([...new Set(said.map((words) => JSON.stringify(words)))]).toEqual(
        asked.map((words) => JSON.stringify(words)),
      );
      expect(source.full).toBe(1);
      await source.listener.close();
    }),
  );
});

describe('a read-only destination', () => {
  it('refuses every write of clients, and takes those of its source', () =>
    inSimulation({ clusters: oneCluster({ replicaReadOnly: true }) }, async (story) => {
      const { orders, source, target } = await pair(story);
      await source.ask('SET', 'k', 'v');
      await follow(story, orders.sourceUrl());
      for (const words of [['SET', 'k', 'mine'], ['DEL', 'k', 'l'], ['FLUSHALL'], ['MSET', 'a', '1', 'b', '2']])
        // prettier-ignore
        expect(await target.ask(...words)).toBe("READONLY You can't write against a read only replica.");
      await source.ask('APPEND', 'k', '!');
      await story.wait(100);
      expect([await target.ask('GET', 'k'), await target.ask('DBSIZE')]).toEqual(['v!', 1]);
      expect(await source.ask('GET', 'k')).toBe('v!');
    }));
});

describe('failing over to the destination', () => {
  it('keeps what applications write there when Replica Of is disabled first', () =>
    inSimulation({ clusters: oneCluster() }, async (story) => {
      const { orders, copy, source, target } = await pair(story);
      await source.ask('SET', 'k', 'old');
      await follow(story, orders.sourceUrl());
      await story.sandbox.cluster(ONE).updateDatabase('copy', { replicaSync: 'disabled' });
      expect(await target.ask('MSET', 'k', 'new', 'more', '1')).toBe('OK');
      // The source comes back with what it had, and takes writes.
      await source.ask('SET', 'k', 'late');
      await story.wait(60_000);
      expect(await target.ask('MGET', 'k', 'more')).toEqual(['new', '1']);
      expect(copy.status().keys).toBe(2);
    }));

  it('loses what applications write there when Replica Of stays enabled and the source comes back with another history', () =>
    inSimulation({ clusters: oneCluster() }, async (story) => {
      const { orders, copy, source, target } = await pair(story);
      await source.ask('SET', 'k', 'old');
      await follow(story, orders.sourceUrl());
      const cluster = story.sandbox.cluster(ONE);
      await cluster.deleteDatabase('orders');
      await story.wait(5_000);
      expect(await target.ask('MSET', 'k', 'new', 'more', '1')).toBe('OK');
      const again = await cluster.createDatabase({ name: 'orders', port: 12_000 });
      await (await story.connect(again)).ask('SET', 'k', 'restored');
      // Its new internal password stops the sync, and saves the data until somebody mends it.
      for (let i = 0; i < 100 && copy.status().replicaSync === 'enabled'; i++) await story.wait(500);
      expect(copy.status()).toMatchObject({ replicaSync: 'stopped', keys: 2 });
      expect(await target.ask('MGET', 'k', 'more')).toEqual(['new', '1']);
      await follow(story, again.sourceUrl());
      expect(await target.ask('MGET', 'k', 'more')).toEqual(['restored', null]);
    }));
});
