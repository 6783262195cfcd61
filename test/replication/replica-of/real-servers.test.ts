import { expect, it } from 'vitest';
import { CHECKPOINT_KEY } from '../../../src/replication/replica-of/checkpoint.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { eventually } from '../../support/eventually.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { equalData, replicateInto } from '../../support/replica-of.ts';

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
    expect(await equalData(from, to)).toBe(true);
    await from.command('INCR', 'a');
    await from.command('DEL', 'b');
    await eventually(() => equalData(from, to), { withinMs: 5_000, what: 'the stream to arrive' });
    first.close();
    await from.command('INCR', 'a');
    const second = replicateInto(world, [`redis://:p%40ss%3A%2F%25@127.0.0.1:${from.port}`], to.url);
    second.start();
    await eventually(() => second.inSync, { withinMs: 10_000, what: 'in sync again' });
    await eventually(() => equalData(from, to), { withinMs: 5_000, what: 'the missed write' });
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

  it('copies a stream with its groups', async () => {
    await using from = await startRealRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    await using to = await startRealRedis();
    await from.command('XADD', 'the-stream', '1-1', 'f', 'v');
    await from.command('XGROUP', 'CREATE', 'the-stream', 'g', '0');
    await from.command('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'the-stream', '>');
    const engine = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
    engine.start();
    await eventually(() => engine.inSync, { withinMs: 10_000, what: 'in sync' });
    await from.command('XADD', 'the-stream', '2-1', 'f', 'w');
    await eventually(() => equalData(from, to), { withinMs: 5_000, what: 'equal data' });
    expect(await to.command('XPENDING', 'the-stream', 'g')).toEqual([1, '1-1', '1-1', [['c', '1']]]);
  });

  it('copies function libraries, of the snapshot and of the stream, and the effects of their calls', async () => {
    const library = (name: string): string =>
      `#!lua name=${name}\nredis.register_function('${name}_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)`;
    await using from = await startRealRedis({ args: ['--repl-diskless-sync-delay', '0'] });
    await using to = await startRealRedis();
    await from.command('FUNCTION', 'LOAD', library('early'));
    const engine = replicateInto(new SystemWorld({ seed: 1 }), [from.url], to.url);
    engine.start();
    await eventually(() => engine.inSync, { withinMs: 10_000, what: 'in sync' });
    await from.command('FUNCTION', 'LOAD', library('late'));
    await from.command('FCALL', 'late_set', 1, 'k', 'by a function');
    await eventually(() => equalData(from, to), { withinMs: 5_000, what: 'the effect of the call' });
    expect(await to.command('GET', 'k')).toBe('by a function');
    for (const name of ['early', 'late'])
      expect(await to.command('FCALL', `${name}_set`, 1, 'own', name), name).toBe('OK');
    expect(engine.stopped).toBeNull();
    engine.close();
  });

  it('keeps checkpoints apart in a chain: each target has its own', async () => {
    const args = ['--repl-diskless-sync-delay', '0'];
    await using first = await startRealRedis({ args });
    await using second = await startRealRedis({ args });
    await using third = await startRealRedis();
    const world = new SystemWorld({ seed: 1 });
    const near = replicateInto(world, [first.url], second.url, { engine: 'near', generation: 'near' });
    const far = replicateInto(world, [second.url], third.url, { engine: 'far', generation: 'far' });
    near.start();
    await eventually(() => near.inSync, { withinMs: 10_000, what: 'the first link' });
    far.start();
    await eventually(() => far.inSync, { withinMs: 10_000, what: 'the second link' });
    await first.command('INCR', 'n');
    await eventually(() => equalData(first, third), { withinMs: 5_000, what: 'the write to pass both' });
    const [mine, theirs] = [
      await second.command('HGETALL', CHECKPOINT_KEY),
      await third.command('HGETALL', CHECKPOINT_KEY),
    ];
    expect(mine).toContain('near');
    expect(theirs).toContain('far');
    expect(theirs).not.toContain('near');
    near.close();
    far.close();
  });
});
