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
});
