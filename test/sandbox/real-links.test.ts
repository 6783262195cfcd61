/** Replica Of on real sockets: over TLS, compressed and cut, into other numbers of shards; and from a redis-server whose buffer is too small. */

import { describe, expect, it } from 'vitest';
import { compareServers } from '../../src/replication/compare/compare.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { sourceUrl } from '../support/replica-of.ts';
import { testSubnet } from '../support/sandboxes.ts';

describe('4 shards into 2, compressed, over TLS', () => {
  it('are equal after load and cuts, with one full sync', { timeout: 60_000 }, async () => {
    const [east, west] = [testSubnet(), testSubnet()];
    await using sandbox = await startSandbox({
      clusters: [
        {
          name: 'east.local',
          subnet: east,
          databases: [{ name: 'orders', shards: 4, tlsMode: 'replica_ssl', enforceClientAuthentication: false }],
        },
        { name: 'west.local', subnet: west, databases: [{ name: 'copy', shards: 2 }] },
      ],
    });
    const { control } = sandbox.cluster('east.local');
    const orders = sandbox.cluster('east.local').database('orders');
    const copy = sandbox.cluster('west.local').database('copy');
    const serverCertificate = control.state.certificates.proxy.certificate;
    await sandbox.cluster('west.local').updateDatabase('copy', {
      replicaSync: 'enabled',
      replicaSources: [{ uri: orders.sourceUrl(), encryption: true, serverCertificate, compression: 4 }],
    });
    const client = await orders.client();
    for (let round = 0; round < 30; round++) {
      const batch = client.pipeline();
      for (let i = 0; i < 100; i++) batch.incr(`count:${i % 17}`).hset(`hash:${i % 40}`, `f${round}`, `value ${round}`);
      await batch.exec();
      if (round % 10 === 5) sandbox.world.network.faults.cut(`${west}.`, `${east}.`, 'reset');
    }
    await copy.inSync();
    const read = compareServers({
      world: sandbox.world,
      from: { url: sourceUrl(orders.sourceUrl()) },
      to: { url: sourceUrl(copy.sourceUrl()) },
    });
    expect(await read).toMatchObject({ verdict: 'equal' });
    const { sources, fullSyncs } = copy.status();
    expect(fullSyncs).toBe(1);
    expect(sources[0]!.ingressBytes).toBeLessThan(sources[0]!.ingressBytesDecompressed / 2);
  });
});

describe('sources in trouble, on real sockets', () => {
  it('do not hold up those that are well', { timeout: 60_000 }, async () => {
    await using sandbox = await startSandbox({
      clusters: [
        {
          name: 'east.local',
          subnet: testSubnet(),
          databases: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'gone' }],
        },
        { name: 'west.local', subnet: testSubnet(), databases: [{ name: 'copy', shards: 2 }] },
      ],
    });
    const east = sandbox.cluster('east.local');
    const copy = sandbox.cluster('west.local').database('copy');
    const all = ['a', 'b', 'c', 'gone'].map((name) => ({ uri: east.database(name).sourceUrl() }));
    // A port that nobody listens at
    const nowhere = all[3]!.uri.replace(/redis-\d+\.east\.local:\d+/, `${east.database('gone').host}:19999`);
    await sandbox.cluster('west.local').updateDatabase('copy', {
      replicaSync: 'enabled',
      replicaSources: [...all.slice(0, 3), { uri: nowhere }],
    });
    const good = (): number => copy.status().sources.filter(({ status }) => status === 'in-sync').length;
    await eventually(() => good() === 3, { withinMs: 15_000, what: 'three sources in sync' });
    const clients = await Promise.all(['a', 'b', 'c'].map((name) => east.database(name).client()));
    let lagMs = 0;
    for (let n = 0; n < 50; n++) {
      await Promise.all(
        clients.map((client, i) => {
          const batch = client.pipeline();
          for (let k = 0; k < 60; k++) batch.set(`${i}:${n}:${k}`, 'x');
          return batch.exec();
        }),
      );
      lagMs = Math.max(
        lagMs,
        ...copy
          .status()
          .sources.slice(0, 3)
          .map((source) => source.lagMs),
      );
    }
    await eventually(() => copy.status().keys === 9_000, { withinMs: 10_000, what: 'all 9,000 keys' });
    expect(lagMs).toBeLessThan(1_000);
    expect(copy.status().sources[3]).toMatchObject({
      status: 'out-of-sync',
      lastError: expect.stringContaining('refused'),
    });
    expect(good()).toBe(3);
  });
});

describeReal('a redis-server whose buffer for replicas is too small', () => {
  it('fails repeatedly until CONFIG SET client-output-buffer-limit gives it more', { timeout: 60_000 }, async () => {
    await using redis = await startRealRedis({ args: ['--repl-diskless-sync-delay', '0'], password: 'secret' });
    const source = redis.client();
    const batch = source.pipeline();
    for (let i = 0; i < 2_000; i++) batch.set(`key:${i}`, 'x');
    await batch.exec();
    await redis.command('CONFIG', 'SET', 'repl-backlog-size', '16384');
    await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'slave 100000 0 0');
    // The snapshot takes a second
    await redis.command('CONFIG', 'SET', 'rdb-key-save-delay', '500');
    await using sandbox = await startSandbox({
      clusters: [
        { name: 'one.local', subnet: testSubnet(), databases: [{ name: 'copy', shards: 2, replicaOf: [redis.url] }] },
      ],
    });
    const copy = sandbox.cluster('one.local').database('copy');
    const writing = new AbortController();
    const writer = (async () => {
      for (let n = 0; !writing.signal.aborted; n++) {
        await source.set(`written:${n % 10}`, 'y'.repeat(20_000)).catch(() => writing.abort());
        await new Promise((resolve) => void sandbox.world.clock.after(10, () => resolve(null)));
      }
    })();
    const says = (): string => copy.status().sources[0]?.lastError ?? '';
    await eventually(() => says().includes('client-output-buffer-limit "slave'), {
      withinMs: 30_000,
      what: 'the advice',
    });
    expect(copy.status().replicaSync).toBe('enabled');
    await redis.command('CONFIG', 'SET', 'client-output-buffer-limit', 'slave 268435456 67108864 60');
    await eventually(() => copy.status().sources[0]?.status === 'in-sync', { withinMs: 30_000, what: 'in sync' });
    writing.abort();
    await writer;
    await eventually(() => copy.status().keys === 2_010, { withinMs: 5_000, what: 'all keys' });
  });
});
