/** What clients of a writable replica give a time to live goes at that time, though no primary says so. */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { inSync, realNode, servedShard, type ReplicationNode } from '../support/replication.ts';

const DAY_SECONDS = '86400';

const checkReplica = async (primary: ReplicationNode, replica: ReplicationNode): Promise<void> => {
  const tracked = async (): Promise<number> => Number((await replica.info('stats'))['slave_expires_tracked_keys']);
  const becomes = async (count: number): Promise<void> =>
    await eventually(async () => (await tracked()) === count, { withinMs: 10_000, what: `${count} keys are tracked` });
  await primary.call('SET', 'theirs', 'v', 'PX', '50');
  await primary.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  await replica.call('REPLICAOF', primary.host, String(primary.port));
  await inSync(primary, replica);
  await replica.call('CONFIG', 'SET', 'replica-read-only', 'no');
  await replica.call('CONFIG', 'RESETSTAT');
  await replica.call('SET', 'set', 'v', 'PX', '20');
  await replica.call('SADD', 'expired', 'm');
  await replica.call('PEXPIRE', 'expired', '20');
  await replica.call('SET', 'kept', 'v', 'EX', DAY_SECONDS);
  await replica.call('SET', 'persisted', 'v', 'EX', DAY_SECONDS);
  expect(await tracked()).toBe(4);
  await replica.call('PERSIST', 'persisted');
  await becomes(1);
  expect(await replica.call('GET', 'kept')).toBe('v');
  expect((await replica.info('stats'))['expired_keys']).toBe('2');
  // What the primary has is the primary's to delete
  expect((await replica.info('keyspace'))['db0']).toMatch(/^keys=3,expires=2,/);
  await replica.call('REPLICAOF', 'NO', 'ONE');
};

/** What the primary has not deleted yet is gone to the replica's own clients. */
const checkStoredAnew = async (primary: ReplicationNode, replica: ReplicationNode): Promise<void> => {
  await primary.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  await primary.call('SET', 'number', '5', 'PX', '10');
  await primary.call('RPUSH', 'list', 'old');
  await primary.call('PEXPIRE', 'list', '10');
  await replica.call('REPLICAOF', primary.host, String(primary.port));
  await inSync(primary, replica);
  await replica.call('CONFIG', 'SET', 'replica-read-only', 'no');
  await eventually(async () => (await replica.call('EXISTS', 'number', 'list')) === 0, {
    withinMs: 5_000,
    what: 'both keys are hidden',
  });
  expect(await replica.call('DBSIZE')).toBe(2);
  expect(await replica.call('INCR', 'number')).toBe(1);
  expect(await replica.call('RPUSH', 'list', 'new')).toBe(1);
  for (const key of ['number', 'list']) expect(await replica.call('TTL', key)).toBe(-1);
  expect(await replica.call('GET', 'number')).toBe('1');
  expect(await replica.call('LRANGE', 'list', '0', '-1')).toEqual(['new']);
  await replica.call('REPLICAOF', 'NO', 'ONE');
};

describeReal('a writable replica', () => {
  it('expires its own keys as redis-server does', async () => {
    await using primary = await servedShard();
    await using real = await startRealRedis();
    await checkReplica(primary, realNode(real));
    await using second = await servedShard();
    await using replica = await servedShard();
    await checkReplica(second, replica);
    expect((await replica.info('stats'))['slave_expires_tracked_keys']).toBe('0');
  });

  it('stores anew what has expired, as redis-server does', async () => {
    await using primary = await servedShard();
    await using real = await startRealRedis();
    await checkStoredAnew(primary, realNode(real));
    await using second = await servedShard();
    await using replica = await servedShard();
    await checkStoredAnew(second, replica);
  });
});
