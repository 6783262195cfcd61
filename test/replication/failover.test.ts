/** FAILOVER: the role of the primary goes to a replica without a write being lost; with what may hinder it, and beside redis-server. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { TestReply } from '../support/fixtures.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { inSync, realNode, servedShard, type ReplicationNode } from '../support/replication.ts';

const WITHIN_MS = 15_000;

const follow = async (replica: ReplicationNode, primary: ReplicationNode): Promise<void> => {
  await replica.call('REPLICAOF', primary.host, String(primary.port));
  await inSync(primary, replica);
  const isOnline = async (): Promise<boolean> => !/state=(?!online)/.test(JSON.stringify(await replicationOf(primary)));
  await eventually(isOnline, { withinMs: WITHIN_MS, what: 'the replica is online' });
};

const replicationOf = (node: ReplicationNode): Promise<Record<string, string>> => node.info('replication');

const roleBecomes = (node: ReplicationNode, role: 'master' | 'slave') =>
  eventually(async () => (await replicationOf(node))['role'] === role, {
    withinMs: WITHIN_MS,
    what: `it is a ${role}`,
  });

const stateBecomes = (node: ReplicationNode, state: string) =>
  eventually(async () => (await replicationOf(node))['master_failover_state'] === state, {
    withinMs: WITHIN_MS,
    what: state,
  });

const said = async (reply: Promise<TestReply | undefined>): Promise<unknown> =>
  reply.catch((error: Error) => error.message);

const REFUSED: readonly (readonly string[])[] = [
  ['FAILOVER', 'ABORT'],
  ['FAILOVER', 'NOW'],
  ['FAILOVER', 'TIMEOUT', '0'],
  ['FAILOVER', 'TIMEOUT', 'x'],
  ['FAILOVER', 'TO', '127.0.0.1', 'x'],
  ['FAILOVER', 'TO', '127.0.0.1'],
  ['FAILOVER', 'FORCE', 'FORCE'],
];
const REFUSED_WITH_REPLICA: readonly (readonly string[])[] = [
  ['FAILOVER', 'FORCE', 'TIMEOUT', '100'],
  ['FAILOVER', 'TO', '127.0.0.1', '1', 'FORCE'],
  ['FAILOVER', 'TO', '127.0.0.1', '1'],
  ['FAILOVER', 'TO', 'nowhere', '1', 'FORCE', 'TIMEOUT', '1'],
];

describe('FAILOVER', () => {
  it('makes the replica the primary and the primary its replica, and refuses what was to be written meanwhile', async () => {
    await using primary = await servedShard();
    await using replica = await servedShard();
    await using other = await servedShard();
    await primary.call('SET', 'k', 'v');
    await follow(replica, primary);
    await follow(other, primary);
    const before = await replicationOf(primary);
    expect(await primary.call('FAILOVER', 'TO', replica.host, String(replica.port))).toBe('OK');
    expect((await replicationOf(primary))['master_failover_state']).toBe('waiting-for-sync');
    const writer = primary.client();
    expect(writer.call('SET', 'k', 'late')).toBeUndefined();
    expect(primary.client().call('GET', 'k')).toBe('v');
    expect(await said(primary.call('REPLICAOF', 'NO', 'ONE'))).toBe('ERR REPLICAOF not allowed while failing over.');
    expect(await said(primary.call('FAILOVER'))).toBe('ERR FAILOVER already in progress.');
    await roleBecomes(replica, 'master');
    await stateBecomes(primary, 'no-failover');
    await eventually(() => writer.replies.length === 1, { withinMs: WITHIN_MS, what: 'the write is answered' });
    expect(writer.replies[0]).toMatchObject({ message: expect.stringMatching(/^READONLY/) });
    expect(await primary.call('CONFIG', 'GET', 'replicaof')).toEqual(['replicaof', `${replica.host} ${replica.port}`]);
    await replica.call('SET', 'k', 'new');
    await inSync(replica, primary);
    expect(await primary.call('GET', 'k')).toBe('new');
    const after = await replicationOf(replica);
    expect(after['master_replid2']).toBe(before['master_replid']);
    expect(replica.replication.primary.stats).toMatchObject({ full: 0, partial: 1 });
    // The third goes on with the new one where it was
    await other.call('REPLICAOF', replica.host, String(replica.port));
    await inSync(replica, other);
    expect(replica.replication.primary.stats).toMatchObject({ full: 0, partial: 2 });
  });

  it('takes whichever replica has everything, and goes on with who cannot be found', async () => {
    await using primary = await servedShard();
    await using replica = await servedShard();
    await follow(replica, primary);
    expect(await primary.call('FAILOVER')).toBe('OK');
    await roleBecomes(replica, 'master');
    await roleBecomes(primary, 'slave');
    await inSync(replica, primary);
    expect(await replica.call('FAILOVER', 'TIMEOUT', '10000')).toBe('OK');
    await roleBecomes(primary, 'master');
    await inSync(primary, replica);
  });

  it('ends by hand or by time, and then what waited is written here', async () => {
    await using primary = await servedShard();
    await using replica = await servedShard();
    await follow(replica, primary);
    // It takes nothing more, so it never has everything
    replica.shard.hold(WITHIN_MS);
    await primary.call('SET', 'behind', 'v');
    for (const [words, end] of [
      [[], () => primary.call('FAILOVER', 'ABORT')],
      [['TIMEOUT', '50'], () => Promise.resolve('OK')],
    ] as const) {
      expect(await primary.call('FAILOVER', ...words)).toBe('OK');
      const writer = primary.client();
      expect(writer.call('INCR', 'n')).toBeUndefined();
      // CLIENT UNPAUSE is about CLIENT PAUSE
      expect(await primary.call('CLIENT', 'UNPAUSE')).toBe('OK');
      expect(writer.replies).toEqual([]);
      expect(await end()).toBe('OK');
      await stateBecomes(primary, 'no-failover');
      await eventually(() => writer.replies.length === 1, { withinMs: WITHIN_MS, what: 'the write is answered' });
      expect((await replicationOf(primary))['role']).toBe('master');
    }
    expect(await primary.call('GET', 'n')).toBe('2');
  });

  it('is forced when the time is up, and given up by hand when nobody is there', async () => {
    await using primary = await servedShard();
    const replica = await servedShard();
    await follow(replica, primary);
    replica.shard.hold(WITHIN_MS);
    await primary.call('SET', 'behind', 'v');
    const to = ['TO', replica.host, String(replica.port)];
    expect(await primary.call('FAILOVER', ...to, 'FORCE', 'TIMEOUT', '50')).toBe('OK');
    await stateBecomes(primary, 'failover-in-progress');
    await replica[Symbol.asyncDispose]();
    expect((await replicationOf(primary))['role']).toBe('slave');
    expect(await primary.call('FAILOVER', 'ABORT')).toBe('OK');
    expect(await replicationOf(primary)).toMatchObject({ role: 'master', master_failover_state: 'no-failover' });
    expect(await primary.call('SET', 'k', 'v')).toBe('OK');
  });

  it('is refused by who is no replica of that history', async () => {
    await using primary = await servedShard();
    await using replica = await servedShard();
    await follow(replica, primary);
    const id = 'a'.repeat(40);
    expect(await said(primary.call('PSYNC', id, '1', 'FAILOVER'))).toBe(
      "ERR PSYNC FAILOVER can't be sent to a master.",
    );
    expect(await said(replica.call('PSYNC', id, '1', 'FAILOVER'))).toBe(
      'ERR PSYNC FAILOVER replid must match my replid.',
    );
    expect((await replicationOf(replica))['role']).toBe('slave');
  });
});

describeReal('FAILOVER beside redis-server', () => {
  it('is refused in the same words', async () => {
    await using real = await startRealRedis();
    await using ours = await servedShard();
    const theirs = realNode(real);
    for (const words of [...REFUSED, ...REFUSED_WITH_REPLICA]) {
      expect([words, await said(ours.call(...words))]).toEqual([words, await said(theirs.call(...words))]);
    }
    await using follower = await servedShard();
    await using otherFollower = await servedShard();
    await follow(follower, ours);
    await follow(otherFollower, theirs);
    for (const words of [...REFUSED, ...REFUSED_WITH_REPLICA]) {
      expect([words, await said(ours.call(...words))]).toEqual([words, await said(theirs.call(...words))]);
    }
    expect(await said(follower.call('FAILOVER'))).toBe('ERR FAILOVER is not valid when server is a replica.');
  });

  it('hands the role to a redis-server, and is handed it back', async () => {
    await using real = await startRealRedis();
    await using ours = await servedShard();
    const theirs = realNode(real);
    await ours.call('SET', 'k', '1');
    await follow(theirs, ours);
    expect(await ours.call('FAILOVER', 'TO', real.host, String(real.port), 'TIMEOUT', '10000')).toBe('OK');
    await roleBecomes(theirs, 'master');
    await roleBecomes(ours, 'slave');
    await theirs.call('SET', 'k', '2');
    await inSync(theirs, ours);
    expect(await ours.call('GET', 'k')).toBe('2');
    expect((await theirs.info('stats'))['sync_full']).toBe('0');
    expect(await theirs.call('FAILOVER')).toBe('OK');
    await roleBecomes(ours, 'master');
    await ours.call('SET', 'k', '3');
    await inSync(ours, theirs);
    expect(await theirs.call('GET', 'k')).toBe('3');
    expect((await replicationOf(theirs))['master_failover_state']).toBe('no-failover');
  });
});
