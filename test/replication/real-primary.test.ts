/** A shard follows stock redis-servers, hands their stream on, and goes on by itself when it is promoted. */

import { expect, it } from 'vitest';
import { scriptEngineReady } from '../../src/node/scripting/engine.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis, type RealRedis } from '../support/real-redis.ts';
import {
  inSync,
  listeningWorld,
  realNode,
  servedShard,
  type ReplicationNode,
  type ServedShard,
} from '../support/replication.ts';
import { workload } from '../support/workload.ts';

const REQUESTS = 1000;
const EMPTY = '0'.repeat(40);
const seed = Number(process.env['ANTIPODE_SEED'] ?? 1);
const NO_DELAY = ['--repl-diskless-sync-delay', '0'];

const follow = (replica: ReplicationNode, primary: ReplicationNode): Promise<unknown> =>
  replica.call('REPLICAOF', primary.host, String(primary.port));

const startPrimary = async (...args: string[]): Promise<RealRedis> => startRealRedis({ args: [...NO_DELAY, ...args] });

const linkError = async (shard: ServedShard): Promise<string> =>
  (await shard.info('replication'))['master_link_error'] ?? '';

describeReal(`a shard that follows a redis-server (seed ${seed})`, () => {
  it.each(['yes', 'no'])('has the data of before, of meanwhile and of after (diskless sync %s)', async (diskless) => {
    await using redis = await startRealRedis({
      password: 'pa ss',
      args: [...NO_DELAY, '--repl-diskless-sync', diskless],
    });
    const primary = realNode(redis);
    await workload(primary, seed, REQUESTS);
    const { world, events } = listeningWorld();
    await using shard = await servedShard({ world, config: { masterauth: 'pa ss' } });
    await shard.call('SET', 'old', 'is replaced');
    await follow(shard, primary);
    await workload(primary, seed + 1, REQUESTS);
    expect(await inSync(primary, shard)).not.toBe(EMPTY);
    await primary.call('FLUSHALL');
    await workload(primary, seed + 2, REQUESTS);
    expect(await inSync(primary, shard)).not.toBe(EMPTY);
    expect(events.map(({ name }) => name)).toEqual(['replica-of', 'full-sync', 'full-sync-done']);
    expect(await primary.info('stats')).toMatchObject({ sync_full: '1', sync_partial_ok: '0' });
  });

  it('goes on where it was when the connection was cut, in whatever database that was', async () => {
    await using redis = await startPrimary();
    const primary = realNode(redis);
    await using shard = await servedShard();
    await follow(shard, primary);
    await primary.call('SELECT', '5');
    await primary.call('SET', 'a', '1');
    await inSync(primary, shard);
    for (let round = 1; round <= 3; round++) {
      expect(shard.world.network.faults.cut('127.0.0.1', '127.0.0.1', 'reset')).toBeGreaterThan(0);
      await primary.call('SET', `a${round}`, 'in database 5');
      await inSync(primary, shard);
      expect(await primary.info('stats')).toMatchObject({ sync_full: '1', sync_partial_ok: String(round) });
    }
  });

  it('is sent everything again when the backlog has been overrun', async () => {
    const { world, events } = listeningWorld();
    await using redis = await startPrimary('--repl-backlog-size', '16kb');
    const primary = realNode(redis);
    await using shard = await servedShard({ world });
    await follow(shard, primary);
    await inSync(primary, shard);
    await shard.call('DEBUG', 'SLEEP', '0.2');
    world.network.faults.cut('127.0.0.1', '127.0.0.1', 'reset');
    for (let i = 0; i < 40; i++) await primary.call('SET', `key${i}`, 'x'.repeat(100_000));
    await inSync(primary, shard);
    const reasons = events.filter(({ name }) => name === 'full-sync').map(({ fields }) => fields['because']);
    expect(reasons[0]).toBe('no-offset');
    // Whether the writes overran the backlog before the link was up again is a race; if they did, it is said
    expect(reasons.slice(1).every((reason) => reason === 'backlog-lost')).toBe(true);
  });

  it('says what is wrong with the password, and follows when it is right', async () => {
    await using redis = await startRealRedis({ password: 'secret', args: NO_DELAY });
    const primary = realNode(redis);
    await primary.call('SET', 'a', '1');
    await using shard = await servedShard({ config: { masterauth: 'wrong' } });
    await follow(shard, primary);
    await eventually(async () => (await linkError(shard)) !== '', { withinMs: 5000, what: 'a verdict' });
    expect(await linkError(shard)).toMatch(/: auth-failed: WRONGPASS/);
    await shard.call('CONFIG', 'SET', 'masterauth', 'secret');
    expect(await inSync(primary, shard)).not.toBe(EMPTY);
  });

  it('refuses writes, shows expired keys to nobody and deletes none by itself', async () => {
    await using redis = await startPrimary();
    const primary = realNode(redis);
    await using shard = await servedShard();
    await follow(shard, primary);
    await primary.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await primary.call('SET', 'a', '1', 'PX', '60');
    await inSync(primary, shard);
    await expect(shard.call('SET', 'b', '1')).rejects.toThrow("READONLY You can't write against a read only replica.");
    await eventually(async () => (await shard.call('GET', 'a')) === null, {
      withinMs: 5000,
      what: 'its time has come',
    });
    expect(await shard.call('DBSIZE')).toBe(1);
    expect(await primary.call('GET', 'a')).toBeNull();
    await eventually(async () => (await shard.call('DBSIZE')) === 0, {
      withinMs: 5000,
      what: 'the deletion has arrived',
    });
  });

  it('hands the stream on to its own replicas, byte for byte', async () => {
    await using redis = await startPrimary();
    const primary = realNode(redis);
    await workload(primary, seed, 200);
    await using shard = await servedShard();
    await follow(shard, primary);
    await primary.call('SELECT', '2');
    await primary.call('SET', 'in database 2', '1');
    await inSync(primary, shard);
    await using real = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    await using ours = await servedShard();
    await follow(ours, shard);
    await inSync(shard, realNode(real));
    await inSync(shard, ours);
    await primary.call('SET', 'in database 2 without SELECT', '1');
    await workload(primary, seed + 1, 500);
    await inSync(primary, shard);
    await inSync(primary, realNode(real));
    await inSync(primary, ours);
    const { master_replid: id, master_repl_offset: offset } = await primary.info('replication');
    for (const node of [shard, realNode(real), ours]) {
      expect(await node.info('replication')).toMatchObject({ master_replid: id, master_repl_offset: offset });
    }
  });

  it('goes on as a primary when promoted, and its former primary and its replicas go on with it by partial sync', async () => {
    await using redis = await startPrimary();
    const former = realNode(redis);
    // Nothing that expires: a former primary that still deletes a key has left the common history
    for (let n = 0; n < 100; n++) await former.call('SET', `key${n}`, 'x'.repeat(n));
    await using shard = await servedShard();
    await follow(shard, former);
    await inSync(former, shard);
    await using sub = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    await inSync(shard, realNode(sub));
    const before = await shard.info('replication');
    await shard.call('REPLICAOF', 'NO', 'ONE');
    await shard.call('SET', 'after promotion', '1');
    expect(await shard.info('replication')).toMatchObject({
      role: 'master',
      master_replid2: before['master_replid'],
      second_repl_offset: String(Number(before['master_repl_offset']) + 1),
    });
    await follow(former, shard);
    await workload(shard, seed + 1, 300);
    await inSync(shard, former);
    await inSync(shard, realNode(sub));
    expect(await shard.info('stats')).toMatchObject({ sync_full: '1', sync_partial_ok: '2' });
  });

  it('follows another primary of the same history without a full sync', async () => {
    await using redis = await startPrimary();
    const first = realNode(redis);
    await using shard = await servedShard();
    await using redis2 = await startPrimary('--replicaof', `127.0.0.1 ${redis.port}`);
    const second = realNode(redis2);
    await follow(shard, first);
    await workload(first, seed, 300);
    await inSync(first, shard);
    await inSync(first, second);
    await second.call('REPLICAOF', 'NO', 'ONE');
    await follow(shard, second);
    await workload(second, seed + 1, 300);
    expect(await inSync(second, shard)).not.toBe(EMPTY);
    expect(await second.info('stats')).toMatchObject({ sync_full: '0', sync_partial_ok: '1' });
  });

  it('takes function libraries of a dump and of the stream, and carries them on', async () => {
    await using redis = await startPrimary();
    const primary = realNode(redis);
    const code = "#!lua name=mine\nredis.register_function('f', function() return 7 end)";
    await primary.call('FUNCTION', 'LOAD', code);
    await using shard = await servedShard();
    await follow(shard, primary);
    await inSync(primary, shard);
    await primary.call(
      'FUNCTION',
      'LOAD',
      code.replaceAll(/mine|'f'/g, (word) => (word === 'mine' ? 'second' : "'g'")),
    );
    await primary.call('FUNCTION', 'LOAD', 'REPLACE', code.replace('7', '8'));
    await inSync(primary, shard);
    await scriptEngineReady();
    await shard.call('REPLICAOF', 'NO', 'ONE');
    expect([await shard.call('FCALL', 'f', '0'), await shard.call('FCALL', 'g', '0')]).toEqual([8, 7]);
    await using redis2 = await startRealRedis({ args: ['--replicaof', `127.0.0.1 ${shard.port}`] });
    await inSync(shard, realNode(redis2));
    // A server lists them in the order of its own hash table
    const libraries = async (node: ReplicationNode): Promise<string[]> =>
      ((await node.call('FUNCTION', 'LIST', 'WITHCODE')) as unknown[]).map((each) => JSON.stringify(each)).sort();
    expect(await libraries(realNode(redis2))).toEqual(await libraries(primary));
  });

  it('holds a stream of a dump that has groups', async () => {
    await using redis = await startPrimary();
    const primary = realNode(redis);
    await primary.call('XADD', 'stream', '1-1', 'field', 'value');
    await primary.call('XADD', 'stream', '2-1', 'field', 'other');
    await primary.call('XGROUP', 'CREATE', 'stream', 'group', '0');
    await primary.call('XREADGROUP', 'GROUP', 'group', 'reader', 'COUNT', '1', 'STREAMS', 'stream', '>');
    await using shard = await servedShard();
    await follow(shard, primary);
    await inSync(primary, shard);
    expect(await shard.call('DEBUG', 'DIGEST-VALUE', 'stream')).toEqual(
      await primary.call('DEBUG', 'DIGEST-VALUE', 'stream'),
    );
    for (const request of [
      'XADD stream 3-1 field more',
      'XREADGROUP GROUP group other STREAMS stream >',
      'XREADGROUP GROUP group silent NOACK STREAMS stream >',
      'XCLAIM stream group third 0 2-1',
      'XACK stream group 1-1',
      'XGROUP CREATE stream second 2-1 ENTRIESREAD 2',
    ]) {
      await primary.call(...request.split(' '));
    }
    await inSync(primary, shard);
    // Before 7.2 a primary does not say how many entries a group has read
    const groups = async (node: ReplicationNode): Promise<unknown> =>
      ((await node.call('XINFO', 'GROUPS', 'stream')) as unknown[][]).map((facts) => facts.slice(0, 8));
    expect(await groups(shard)).toEqual(await groups(primary));
    expect(await shard.call('XPENDING', 'stream', 'group')).toEqual(await primary.call('XPENDING', 'stream', 'group'));
    expect(await shard.call('XPENDING', 'stream', 'group')).toEqual([
      2,
      '2-1',
      '3-1',
      [
        ['other', '1'],
        ['third', '1'],
      ],
    ]);
  });

  it('stops by name at a write in the stream that it cannot make', async () => {
    const { world, events } = listeningWorld();
    await using redis = await startPrimary('--rename-command', 'APPEND', 'NOSUCH');
    const primary = realNode(redis);
    await using shard = await servedShard({ world });
    await follow(shard, primary);
    await primary.call('SET', 'a', '1');
    await inSync(primary, shard);
    await primary.call('NOSUCH', 'a', '2');
    await primary.call('SET', 'a', '2');
    await eventually(() => events.some(({ name }) => name === 'replica-stopped'), {
      withinMs: 5000,
      what: 'it stopped',
    });
    expect(await linkError(shard)).toMatch(/^stopped: refused-write: "NOSUCH a .*unknown command 'NOSUCH'/);
    expect(await shard.call('GET', 'a')).toBe('1');
  });
});
