/** A Redis outside all clusters, with a password that must be percent-encoded, replicates into a database of three shards. */

import type { Scenario } from '../src/sandbox/scenario.ts';

export const scenario: Scenario = {
  name: 'external-source',
  description: 'a Redis outside the clusters, with a password, replicates into a sharded database and goes on live',

  async run(actors) {
    const redis = await actors.externalRedis({ password: 'p@ss:/%' });
    const writer = await actors.client(redis.url);
    for (let at = 0; at < 200; at++) {
      await writer.pipeline([
        ['SET', `key:${at}`, `value ${at}`],
        ['RPUSH', `list:${at}`, 'a', 'b', at],
        ['HSET', `hash:${at}`, 'field', at],
        ['SADD', `set:${at}`, 1, 2, 'three'],
        ['ZADD', `sorted:${at}`, at / 3, 'member'],
        ['EXPIRE', `set:${at}`, 1000 + at],
      ]);
    }

    const sandbox = await actors.sandbox({
      clusters: [{ name: 'west.local', databases: [{ name: 'copy', port: 12_000, shards: 3 }] }],
    });
    const west = sandbox.cluster('west.local');
    await west.updateDatabase('copy', { replicaSources: [{ uri: redis.url }], replicaSync: 'enabled' });
    const copy = west.database('copy');
    await copy.inSync();
    await actors.expectEqual(redis.url, copy);

    await writer.call('INCRBY', 'counter', 42);
    await writer.call('DEL', 'key:7');
    await writer.call('LPOP', 'list:8');
    const reader = await actors.client(copy);
    await actors.eventually(async () => (await reader.call('LLEN', 'list:8')) === 2, {
      withinMs: 5_000,
      what: 'the live writes at the destination',
    });
    await actors.expectEqual(redis.url, copy);
    actors.expect(copy.status().fullSyncs === 1, 'one full sync');
  },
};
