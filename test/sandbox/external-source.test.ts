import { expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { testSubnet } from '../support/sandboxes.ts';

describeReal('a real redis-server as the source of a sharded database', () => {
  it('is replicated, its password percent-encoded in the URL, and followed', async () => {
    await using redis = await startRealRedis({ password: 'p@ss:w/o%rd' });
    const source = redis.client();
    for (let each = 0; each < 200; each++) await source.set(`k${each}`, `v${each}`);
    await source.rpush('list', 'a', 'b');
    await using sandbox = await startSandbox({
      clusters: [
        { name: 'one.local', subnet: testSubnet(), databases: [{ name: 'copy', shards: 3, replicaOf: [redis.url] }] },
      ],
    });
    const copy = sandbox.cluster('one.local').database('copy');
    await copy.inSync();
    expect(copy.status().keys).toBe(201);
    const client = await copy.client();
    expect(await client.lrange('list', 0, -1)).toEqual(['a', 'b']);
    await source.rpush('list', 'c');
    await expect.poll(() => client.lrange('list', 0, -1), { timeout: 5_000, interval: 5 }).toEqual(['a', 'b', 'c']);
  });

  it('whose password is wrong stops Replica Of and leaves the data of the destination alone', async () => {
    await using redis = await startRealRedis({ password: 'right' });
    await using sandbox = await startSandbox({
      clusters: [{ name: 'one.local', subnet: testSubnet(), databases: [{ name: 'copy' }] }],
    });
    const cluster = sandbox.cluster('one.local');
    const copy = cluster.database('copy');
    const client = await copy.client();
    await client.set('mine', '1');
    await cluster.updateDatabase('copy', {
      replicaSync: 'enabled',
      replicaSources: [{ uri: redis.url.replace('right', 'wrong') }],
    });
    await expect(copy.inSync()).rejects.toThrow(/replica_sync is "stopped".*(WRONGPASS|invalid)/);
    expect(await client.get('mine')).toBe('1');
    await cluster.updateDatabase('copy', { replicaSources: [{ uri: redis.url }] });
    await copy.inSync();
    expect(await client.get('mine')).toBeNull();
  });
});
