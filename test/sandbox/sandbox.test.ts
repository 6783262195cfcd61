import { describe, expect, it } from 'vitest';
import { ProblemError, startSandbox, SandboxError } from '../../src/sandbox/sandbox.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { inSimulation } from '../support/sandboxes.ts';

describe('a sandbox without options', () => {
  it('replicates orders of east into differently sharded orders-copy of west', () =>
    inSimulation({}, async ({ sandbox, connect }) => {
      const orders = sandbox.cluster('east.local').database('orders');
      const copy = sandbox.cluster('west.local').database('orders-copy');
      expect([orders.endpoint, orders.host, orders.shards]).toEqual(['redis-12000.east.local:12000', '127.0.1.1', 2]);
      expect([copy.endpoint, copy.host, copy.shards]).toEqual(['redis-12000.west.local:12000', '127.0.2.1', 3]);
      const source = await connect(orders);
      const target = await connect(copy);
      const pairs = Array.from({ length: 10 }, (_, index) => [`k${index}`, `v${index}`]).flat();
      expect(await source.ask('MSET', ...pairs)).toBe('OK');
      await copy.inSync();
      expect(await target.ask('MGET', ...pairs.filter((_, index) => index % 2 === 0))).toEqual(
        pairs.filter((_, index) => index % 2 === 1),
      );
      expect(copy.status()).toMatchObject({
        keys: 10,
        replicaSync: 'enabled',
        sources: [{ status: 'in-sync', lagBytes: 0 }],
      });
    }));

  it('resolves the endpoint names inside its world, and forgets them at its end', async () => {
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const sandbox = await startSandbox({ world });
      expect(await world.network.resolve('redis-12000.west.local')).toEqual({ ok: true, addresses: ['127.0.2.1'] });
      await sandbox.close();
      expect((await world.network.resolve('redis-12000.west.local')).ok).toBe(false);
    });
  });
});

describe('the status of a source', () => {
  it('is syncing from the first byte of its snapshot on', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      const source = await connect(sandbox.cluster('east.local').database('orders'));
      // Digits that do not repeat: a snapshot is compressed.
      const value = (at: number) =>
        Array.from({ length: 200 }, (_, part) => (at * 7919 + part * 104_729) % 999_983).join('');
      for (let at = 0; at < 300; at++) await source.ask('SET', `k${at}`, value(at));
      await copy.inSync();
      await west.updateDatabase('orders-copy', { replicaSync: 'paused' });
      await west.updateDatabase('orders-copy', { replicaSync: 'enabled' });
      sandbox.faults.conditions('east.local', 'west.local', { bandwidth: 200_000 });
      const seen = new Set<string>();
      while (!seen.has('in-sync')) {
        const [progress] = copy.status().sources;
        if ((progress?.rdbTransferred ?? 0) > 0) seen.add(progress!.status);
        await wait(5);
      }
      expect([...seen]).toEqual(['syncing', 'in-sync']);
    }));
});

describe('a key with an expiry', () => {
  it('outlives its time at the destination until the source deletes it, and expires by itself once Replica Of is disabled', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      const source = await connect(sandbox.cluster('east.local').database('orders'));
      const target = await connect(copy);
      await source.ask('SET', 'k', 'v', 'PX', '60000');
      await copy.inSync();
      sandbox.faults.partition('east.local', 'west.local');
      await wait(61_000);
      expect(await source.ask('GET', 'k')).toBeNull();
      expect(await target.ask('GET', 'k')).toBe('v');
      sandbox.faults.heal();
      await copy.inSync();
      expect(await target.ask('GET', 'k')).toBeNull();
      await source.ask('SET', 'k', 'v', 'PX', '60000');
      await copy.inSync();
      await west.updateDatabase('orders-copy', { replicaSync: 'disabled' });
      expect(await target.ask('GET', 'k')).toBe('v');
      await wait(61_000);
      expect(await target.ask('GET', 'k')).toBeNull();
    }));
});

describe('the internal password', () => {
  it('stops destinations that use the old one at once, until they are given the new one', () =>
    inSimulation({}, async ({ sandbox, connect, wait }) => {
      const east = sandbox.cluster('east.local');
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      await copy.inSync();
      const orders = await east.regeneratePassword('orders');
      await wait(3_000);
      expect(copy.status()).toMatchObject({ replicaSync: 'stopped', stopped: expect.stringMatching(/WRONGPASS/) });
      expect(west.control.events.events.map((event) => event.type)).toContain('authentication_err');
      await expect(copy.inSync({ timeoutMs: 100 })).rejects.toThrow(/replica_sync is "stopped"/);
      await (await connect(orders)).ask('SET', 'k', 'v');
      await west.updateDatabase('orders-copy', { replicaSources: [{ uri: orders.sourceUrl() }] });
      await copy.inSync();
      expect(await (await connect(copy)).ask('GET', 'k')).toBe('v');
      expect(copy.status().ledger.at(-1)?.cause).toBe('config-changed');
    }));
});

describe('pausing', () => {
  it('keeps the data and applies nothing; enabling again starts from scratch', () =>
    inSimulation({}, async ({ sandbox, connect }) => {
      const west = sandbox.cluster('west.local');
      const copy = west.database('orders-copy');
      const source = await connect(sandbox.cluster('east.local').database('orders'));
      const target = await connect(copy);
      await source.ask('SET', 'before', '1');
      await copy.inSync();
      const { fullSyncs } = copy.status();
      await west.updateDatabase('orders-copy', { replicaSync: 'paused' });
      await source.ask('SET', 'meanwhile', '1');
      await target.ask('SET', 'local', '1');
      expect(await target.ask('EXISTS', 'before', 'meanwhile', 'local')).toBe(2);
      await west.updateDatabase('orders-copy', { replicaSync: 'enabled' });
      await copy.inSync();
      expect(await target.ask('EXISTS', 'before', 'meanwhile')).toBe(2);
      expect(await target.ask('EXISTS', 'local')).toBe(0);
      expect(copy.status()).toMatchObject({
        fullSyncs: fullSyncs + 1,
        ledger: expect.arrayContaining([expect.objectContaining({ cause: 'operator-restart' })]),
      });
    }));
});

describe('sources with TLS, named by cluster and database', () => {
  it('are connected with the certificates of both sides', () =>
    inSimulation(
      {
        clusters: [
          { name: 'east.local', databases: [{ name: 'orders', port: 12_000, shards: 2, tlsMode: 'replica_ssl' }] },
          {
            name: 'west.local',
            nodes: 2,
            // What is not said of a source leaves what the reference brings.
            databases: [
              {
                name: 'copy',
                port: 12_000,
                replicaOf: [{ url: 'east.local/orders', compression: 6, encryption: undefined }],
              },
            ],
          },
        ],
      },
      async ({ sandbox, connect }) => {
        const copy = sandbox.cluster('west.local').database('copy');
        await (await connect(sandbox.cluster('east.local').database('orders'))).ask('SET', 'k', 'v');
        await copy.inSync();
        expect(await (await connect(copy)).ask('GET', 'k')).toBe('v');
      },
    ));
});

describe('several sources of one database', () => {
  it('come together, and the keys of one that is removed go', () =>
    inSimulation(
      {
        clusters: [
          {
            name: 'east.local',
            databases: [
              { name: 'a', port: 12_000 },
              { name: 'b', port: 12_001, shards: 2 },
            ],
          },
          { name: 'west.local', databases: [{ name: 'union', replicaOf: ['east.local/a', 'east.local/b'] }] },
        ],
      },
      async ({ sandbox, connect }) => {
        const east = sandbox.cluster('east.local');
        const west = sandbox.cluster('west.local');
        const union = west.database('union');
        await (await connect(east.database('a'))).ask('SET', 'from-a', '1');
        await (await connect(east.database('b'))).ask('SET', 'from-b', '1');
        await union.inSync();
        const client = await connect(union);
        expect(await client.ask('EXISTS', 'from-a', 'from-b')).toBe(2);
        await west.updateDatabase('union', { replicaSources: [{ uri: east.database('b').sourceUrl() }] });
        await union.inSync();
        expect(await client.ask('EXISTS', 'from-a')).toBe(0);
        expect(await client.ask('EXISTS', 'from-b')).toBe(1);
      },
    ));
});

describe('changes of a running sandbox', () => {
  it('create and delete databases, and free their ports', () =>
    inSimulation({ clusters: [{ name: 'one.local' }] }, async ({ sandbox, connect }) => {
      const cluster = sandbox.cluster('one.local');
      const first = await cluster.createDatabase({ name: 'first', port: 12_000, shardsCount: 2 });
      const client = await connect(first);
      expect(await client.ask('PING')).toBe('PONG');
      await cluster.deleteDatabase('first');
      expect(client.closed).toBe(true);
      expect(() => cluster.database('first')).toThrow('one.local has no database "first"; it has: none');
      const again = await cluster.createDatabase({ name: 'first', port: 12_000 });
      expect(again.uid).toBe(2);
      expect(await (await connect(again)).ask('PING')).toBe('PONG');
    }));

  it('are refused with the code of the API', () =>
    inSimulation({}, async ({ sandbox }) => {
      const create = sandbox.cluster('east.local').createDatabase({ name: 'b', port: 12_000 });
      await expect(create).rejects.toBeInstanceOf(ProblemError);
      await expect(create).rejects.toMatchObject({ code: 'port_unavailable' });
    }));
});

describe('a sandbox that cannot start', () => {
  it.each([
    [
      'an unknown source cluster',
      [{ name: 'a.local', databases: [{ name: 'x', replicaOf: ['b.local/y'] }] }],
      /no cluster "b.local"; there are: a.local/,
    ],
    [
      'an unknown source database',
      [{ name: 'a.local', databases: [{ name: 'x', replicaOf: ['a.local/y'] }] }],
      /no database "y"; it has: "x"/,
    ],
    [
      'a database that replicates itself',
      [{ name: 'a.local', databases: [{ name: 'x', replicaOf: ['a.local/x'] }] }],
      /itself/,
    ],
    [
      'a port twice',
      [
        {
          name: 'a.local',
          databases: [
            { name: 'x', port: 1 },
            { name: 'y', port: 1 },
          ],
        },
      ],
      /used by database 1/,
    ],
    ['a cluster twice', [{ name: 'a.local' }, { name: 'a.local' }], /two clusters/],
    ['a bad cluster name', [{ name: 'a' }], /two labels/],
    ['no clusters', [], /0 clusters/],
  ])('says why: %s', async (_, clusters, words) => {
    const world = new SimWorld({ seed: 1 });
    const started = world.run(() => startSandbox({ world, clusters }));
    await expect(started).rejects.toBeInstanceOf(SandboxError);
    await expect(started).rejects.toThrow(words);
  });
});

describe('a sandbox in a simulated world', () => {
  it('does the same for the same seed', async () => {
    expect(await logOf(7)).toBe(await logOf(7));
    expect(await logOf(7)).not.toBe(await logOf(8));
  });
});

const logOf = async (seed: number): Promise<string> => {
  const world = new SimWorld({ seed });
  await world.run(async () => {
    await using sandbox = await startSandbox({ world });
    await sandbox.cluster('west.local').database('orders-copy').inSync();
  });
  return world.eventLogHash();
};
