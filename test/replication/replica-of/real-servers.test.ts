import { expect, it } from 'vitest';
import { CHECKPOINT_KEY } from '../../../src/replication/replica-of/checkpoint.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { replicateInto } from '../../support/replica-of.ts';

/** DEBUG DIGEST-VALUE of every key of the source, and how many keys the target has besides the checkpoint. */
async function equal(from: RealRedis, to: RealRedis): Promise<boolean> {
  const keys = ((await from.command('KEYS', '*')) as string[]).sort();
  const other = ((await to.command('KEYS', '*')) as string[]).filter((key) => key !== CHECKPOINT_KEY).sort();
  if (keys.join('\n') !== other.join('\n')) return false;
  const digests = async (redis: RealRedis) => (keys.length === 0 ? [] : await redis.command('DEBUG', 'DIGEST-VALUE', ...keys));
  return JSON.stringify(await digests(from)) === JSON.stringify(await digests(to));
}

describeReal('Replica Of between two real servers', () => {
  it('copies everything, follows writes, and resumes without a full sync', async () => {
    await using from = await startRealRedis({ password: 'p@ss:/%', args: ['--repl-diskless-sync-delay', '0'] });
    await using to = await startRealRedis();
    const world = new SystemWorld({ seed: 1 });
    await from.command('MSET', 'a', '1', 'b', '2');
    await from.command('RPUSH', 'list', 'x', 'y');
    await from.command('HSET', 'hash', 'f', 'v');
    await from.command('ZADD', 'zset', '1.5', 'm');
    await from.command('SADD', 'set', '1', '2', 'three');
    await from.command('SET', 'ttl', 'x', 'EX', '1000');
    await to.command('SET', 'leftover', '1');
    const first = replicateInto(world, [`redis://:p%40ss%3A%2F%25@127.0.0.1:${from.port}`], to.url);
    first.start();
    await eventually(() => first.inSync, { withinMs: 10_000, what: 'in sync' });
    expect(await equal(from, to)).toBe(true);
    await from.command('INCR', 'a');
    await from.command('DEL', 'b');
    await eventually(() => equal(from, to), { withinMs: 5_000, what: 'the stream to arrive' });
    first.close();
    await from.command('INCR', 'a');
    const second = replicateInto(world, [`redis://:p%40ss%3A%2F%25@127.0.0.1:${from.port}`], to.url);
    second.start();
    await eventually(() => second.inSync, { withinMs: 10_000, what: 'in sync again' });
    await eventually(() => equal(from, to), { withinMs: 5_000, what: 'the missed write' });
    expect([first.fullSyncs, second.fullSyncs, second.partialSyncs]).toEqual([1, 0, 1]);
    second.close();
  });

  it('stops on a wrong password and leaves the destination alone', async () => {
    await using from = await startRealRedis({ password: 'right' });
    await using to = await startRealRedis();
    await to.command('SET', 'precious', '1');
    const engine = replicateInto(new SystemWorld({ seed: 1 }), [`redis://:wrong@127.0.0.1:${from.port}`], to.url);
    engine.start();
    await eventually(() => engine.stopped !== null, { withinMs: 5_000, what: 'the stop' });
    expect(engine.stopped?.cause).toBe('authentication');
    expect(await to.command('GET', 'precious')).toBe('1');
  });

  it('refuses a stream by name and leaves the destination alone', async () => {
    await using from = await startRealRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    await using to = await startRealRedis();
    await from.command('XADD', 'the-stream', '*', 'f', 'v');
    await to.command('SET', 'precious', '1');
    const engine = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
    engine.start();
    await eventually(() => engine.stopped !== null, { withinMs: 5_000, what: 'the stop' });
    expect(engine.stopped).toMatchObject({ cause: 'unsupported', detail: expect.stringMatching(/stream.*the-stream/) });
    expect(await to.command('GET', 'precious')).toBe('1');
  });
});
