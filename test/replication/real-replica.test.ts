/** Stock redis-servers follow a shard: whatever the shard does, they have the same data. */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { inSync, listeningWorld, realNode, servedShard } from '../support/replication.ts';
import { workload } from '../support/workload.ts';

const REQUESTS = 1500;
const EMPTY = '0'.repeat(40);
const seed = Number(process.env['ANTIPODE_SEED'] ?? 1);

describeReal(`a redis-server that follows a shard (seed ${seed})`, () => {
  const modes = [
    { diskless: 'yes', load: 'disabled' },
    { diskless: 'yes', load: 'swapdb' },
    { diskless: 'no', load: 'disabled' },
    { diskless: 'no', load: 'swapdb' },
  ];
  it.each(modes)(
    'has the data of before, of meanwhile and of after (diskless sync $diskless, load $load)',
    async ({ diskless, load }) => {
      await using shard = await servedShard({ config: { requirepass: 'secret', 'repl-diskless-sync': diskless } });
      await workload(shard, seed, REQUESTS);
      const args = ['--repl-diskless-load', load, '--masterauth', 'secret', '--replicaof', `127.0.0.1 ${shard.port}`];
      await using redis = await startRealRedis({ args });
      await workload(shard, seed + 1, REQUESTS);
      expect(await inSync(shard, realNode(redis))).not.toBe(EMPTY);
      await shard.call('FLUSHALL');
      await workload(shard, seed + 2, REQUESTS);
      expect(await inSync(shard, realNode(redis))).not.toBe(EMPTY);
      expect(await shard.info('stats')).toMatchObject({ sync_full: '1', sync_partial_ok: '0' });
    },
  );

  it('is let in only with the password', async () => {
    await using shard = await servedShard({ config: { requirepass: 'secret' } });
    await using redis = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    const replica = realNode(redis);
    await eventually(async () => (await replica.info('replication'))['master_link_status'] === 'down', {
      withinMs: 5000,
      what: 'a verdict',
    });
    expect(await shard.info('stats')).toMatchObject({ sync_full: '0' });
    await replica.call('CONFIG', 'SET', 'masterauth', 'secret');
    await shard.call('SET', 'a', '1');
    expect(await inSync(shard, replica)).not.toBe(EMPTY);
  });

  it('goes on where it was when the connection was cut', async () => {
    await using shard = await servedShard();
    await workload(shard, seed, 200);
    await using redis = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    const replica = realNode(redis);
    await inSync(shard, replica);
    for (let round = 1; round <= 2; round++) {
      await workload(shard, seed + round, 100);
      expect(shard.world.network.faults.cut('127.0.0.1', '127.0.0.1', 'reset')).toBeGreaterThan(0);
      await workload(shard, seed + 10 + round, 100);
      await inSync(shard, replica);
      expect(await shard.info('stats')).toMatchObject({
        sync_full: '1',
        sync_partial_ok: String(round),
        sync_partial_err: '0',
      });
    }
  });

  it('is sent everything again when the backlog has been overrun', async () => {
    const { world, events } = listeningWorld();
    await using shard = await servedShard({ world, config: { 'repl-backlog-size': '16kb' } });
    await shard.call('SET', 'a', '1');
    await using redis = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    const replica = realNode(redis);
    await inSync(shard, replica);
    world.network.faults.cut('127.0.0.1', '127.0.0.1', 'reset');
    for (let i = 0; i < 50; i++) await shard.call('SET', `key${i}`, 'x'.repeat(1000));
    await inSync(shard, replica);
    expect(await shard.info('stats')).toMatchObject({ sync_full: '2', sync_partial_ok: '0', sync_partial_err: '1' });
    expect(events.filter(({ name }) => name === 'replica-full-sync')).toHaveLength(2);
  });

  it('acknowledges what WAIT waits for', async () => {
    await using shard = await servedShard();
    await using redis = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    await inSync(shard, realNode(redis));
    const waiting = shard.client();
    waiting.call('SET', 'a', '1');
    expect(waiting.call('WAIT', '1', '0')).toBeUndefined();
    await eventually(() => waiting.replies.length > 0, { withinMs: 5000, what: 'the replica has acknowledged' });
    expect(waiting.replies).toEqual([1]);
    waiting.call('SET', 'a', '2');
    expect(waiting.call('WAIT', '2', '50')).toBeUndefined();
    await eventually(() => waiting.replies.length > 0, { withinMs: 5000, what: 'the time is up' });
    expect(waiting.replies).toEqual([1]);
  });

  it('is shown by INFO and ROLE', async () => {
    await using shard = await servedShard();
    await using redis = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    await inSync(shard, realNode(redis));
    await eventually(async () => String((await shard.info('replication'))['slave0']).includes('state=online'), {
      withinMs: 5000,
      what: 'the replica is online',
    });
    expect((await shard.info('replication'))['slave0']).toMatch(
      /^ip=127\.0\.0\.1,port=\d+,state=online,offset=\d+,lag=[01]$/,
    );
    expect(await shard.call('ROLE')).toEqual([
      'master',
      expect.any(Number),
      [['127.0.0.1', String(redis.port), expect.any(String)]],
    ]);
    expect(await realNode(redis).call('ROLE')).toEqual([
      'slave',
      '127.0.0.1',
      shard.port,
      'connected',
      expect.any(Number),
    ]);
  });

  it('can have replicas of its own, which see the shard through it', async () => {
    await using shard = await servedShard();
    await using middle = await startRealRedis({
      args: ['--replicaof', `127.0.0.1 ${shard.port}`, '--repl-diskless-sync-delay', '0'],
    });
    await workload(shard, seed, 300);
    await inSync(shard, realNode(middle));
    await using last = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${middle.port}`] });
    await workload(shard, seed + 1, 300);
    await inSync(shard, realNode(middle));
    expect(await inSync(shard, realNode(last))).not.toBe(EMPTY);
  });

  it('takes a dump of a running shard by redis-cli --rdb', async () => {
    await using shard = await servedShard();
    await shard.call('SET', 'a', 'of the dump');
    await using dumped = await startRealRedis();
    const { execFile } = await import('node:child_process');
    const file = `${dumped.directory}/dump.rdb`;
    await new Promise<void>((resolve, reject) => {
      execFile('redis-cli', ['-p', String(shard.port), '--rdb', file], (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    await using loaded = await startRealRedis({ args: ['--dir', dumped.directory, '--dbfilename', 'dump.rdb'] });
    expect(await realNode(loaded).digest()).toBe(await shard.digest());
  });
});
