/** A stock redis-server as replica of a one-shard database's endpoint, as the user `admin`. */

import { expect, it } from 'vitest';
import { replicationCommands } from '../../src/replication/commands.ts';
import { attachReplication } from '../../src/replication/replication.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { testDatabase } from './fixtures.ts';

const KEYS = 1000;

describeReal('a stock redis-server', () => {
  it('replicates through the endpoint with the internal password, and loses its link when that is made anew', async () => {
    await using database = await testDatabase({ shards: 1, shardPassword: 'p', extraCommands: replicationCommands });
    for (const shard of database.shards) attachReplication(shard);
    const client = await database.client();
    for (let n = 0; n < KEYS; n++) client.send('SET', `key:${n}`, `value ${n}`);
    await client.take(KEYS);
    await using redis = await startRealRedis();
    await redis.command('CONFIG', 'SET', 'masteruser', 'admin');
    await redis.command('CONFIG', 'SET', 'masterauth', 'internal-secret');
    await redis.command('REPLICAOF', '127.0.0.1', database.port);
    await client.call('SET', 'last', 'written');
    await eventually(async () => (await redis.command('GET', 'last')) === 'written', {
      withinMs: 10_000,
      what: 'it has all',
    });
    expect(await redis.command('DBSIZE')).toBe(KEYS + 1);
    expect(await client.call('WAIT', '1', '5000')).toBe(':1\r\n');
    database.settings = { ...database.settings, adminPassword: 'another' };
    expect(database.endpoint.cutAdmin()).toBe(1);
    await eventually(async () => /master_link_status:down/.test(String(await redis.command('INFO', 'replication'))), {
      withinMs: 10_000,
      what: 'the link is down',
    });
  });
});
