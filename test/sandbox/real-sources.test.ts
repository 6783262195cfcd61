/** What a redis-server decides by itself reaches a destination by its stream: keys it evicts, and the effects of its scripts. */

import { expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis, type RealRedis } from '../support/real-redis.ts';
import { testSubnet } from '../support/sandboxes.ts';

const ARGUMENTS = ['--repl-diskless-sync-delay', '0', '--protected-mode', 'no'];
const SCRIPT = `
  for index = 1, tonumber(ARGV[1]) do redis.call('RPUSH', KEYS[1], index) end
  redis.call('SET', KEYS[2], redis.call('LLEN', KEYS[1]), 'EX', 1000)
  redis.call('SADD', KEYS[3], redis.call('LPOP', KEYS[1]), redis.call('RPOP', KEYS[1]))
  return redis.call('TIME')[1]`;

const startCopy = (redis: RealRedis): Promise<Sandbox> =>
  startSandbox({
    clusters: [
      { name: 'one.local', subnet: testSubnet(), databases: [{ name: 'copy', shards: 3, replicaOf: [redis.url] }] },
    ],
  });

describeReal('a redis-server as source', () => {
  it('tells the destination what it evicts', { timeout: 30_000 }, async () => {
    await using redis = await startRealRedis({ args: [...ARGUMENTS, '--maxmemory-policy', 'allkeys-random'] });
    const source = redis.client();
    for (let at = 0; at < 100; at++) await source.set(`k${at}`, 'x'.repeat(20_000));
    await using sandbox = await startCopy(redis);
    const copy = sandbox.cluster('one.local').database('copy');
    await copy.inSync();
    expect(copy.status().keys).toBe(100);
    const used = Number(/used_memory:(\d+)/.exec(await source.info('memory'))![1]);
    await source.config('SET', 'maxmemory', String(used - 500_000));
    await source.set('one more', 'x');
    const left = await source.keys('*');
    expect(left.length).toBeLessThan(90);
    await eventually(() => copy.status().keys === left.length, { withinMs: 10_000, what: 'what was evicted is gone' });
    const client = await copy.client();
    expect((await client.keys('*')).toSorted()).toEqual(left.toSorted());
    expect(copy.status()).toMatchObject({ replicaSync: 'enabled', fullSyncs: 1 });
  });

  it('sends the effects of its scripts, not the scripts', { timeout: 30_000 }, async () => {
    await using redis = await startRealRedis({ args: ARGUMENTS });
    await using sandbox = await startCopy(redis);
    const copy = sandbox.cluster('one.local').database('copy');
    await copy.inSync();
    const source = redis.client();
    // Keys of one slot: a script is one transaction.
    const keys = ['{s}list', '{s}length', '{s}ends'];
    await source.eval(SCRIPT, 3, ...keys, '10');
    const client = await copy.client();
    await eventually(() => copy.status().keys === 3, { withinMs: 10_000, what: 'the three keys of the script' });
    for (const each of [source, client]) {
      expect(await each.lrange(keys[0]!, 0, -1)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9']);
      expect(await each.get(keys[1]!)).toBe('10');
      expect((await each.smembers(keys[2]!)).toSorted()).toEqual(['1', '10']);
    }
    expect(await client.pexpiretime(keys[1]!)).toBe(await source.pexpiretime(keys[1]!));
    expect(copy.status()).toMatchObject({ replicaSync: 'enabled', fullSyncs: 1 });
  });

  it(
    'has its libraries of functions copied to every shard, with what is changed of them',
    { timeout: 30_000 },
    async () => {
      const library = (name: string, result: string): string =>
        `#!lua name=${name}\nredis.register_function('${name}', function(keys) return redis.call('SET', keys[1], '${result}') end)`;
      await using redis = await startRealRedis({ args: ARGUMENTS });
      await redis.command('FUNCTION', 'LOAD', library('early', 'a'));
      await using sandbox = await startCopy(redis);
      const copy = sandbox.cluster('one.local').database('copy');
      await copy.inSync();
      await redis.command('FUNCTION', 'LOAD', library('late', 'a'));
      await redis.command('FUNCTION', 'LOAD', 'REPLACE', library('early', 'b'));
      await redis.command('FUNCTION', 'LOAD', library('gone', 'a'));
      await redis.command('FUNCTION', 'DELETE', 'gone');
      await redis.command('SET', 'end', 'x');
      await eventually(() => copy.status().keys === 1, { withinMs: 10_000, what: 'the last write' });
      expect(copy.status()).toMatchObject({ replicaSync: 'enabled', fullSyncs: 1 });
      const client = await copy.client();
      for (let at = 0; at < 20; at++) {
        expect(await client.fcall('early', 1, `k${at}`)).toBe('OK');
        expect(await client.get(`k${at}`)).toBe('b');
        expect(await client.fcall('late', 1, `k${at}`)).toBe('OK');
      }
      await expect(client.fcall('gone', 1, 'k')).rejects.toThrow('Function not found');
      expect(await client.call('FUNCTION', 'LOAD', library('own', 'c'))).toBe('own');
      for (let at = 0; at < 20; at++) expect(await client.fcall('own', 1, `k${at}`)).toBe('OK');
      expect(await client.call('FUNCTION', 'STATS')).toMatchObject({ length: 4 });
    },
  );

  it(
    'that is in protected mode is out of sync with the cause, and in sync once it is mended',
    { timeout: 30_000 },
    async () => {
      await using redis = await startRealRedis({ args: ['--repl-diskless-sync-delay', '0'] });
      await redis.command('SET', 'k', 'v');
      await using sandbox = await startCopy(redis);
      const copy = sandbox.cluster('one.local').database('copy');
      const says = (): string => copy.status().sources[0]?.lastError ?? '';
      await eventually(() => /^refused: .*protected mode.*set a password there/.test(says()), {
        withinMs: 10_000,
        what: 'the cause',
      });
      expect(copy.status().replicaSync).toBe('enabled');
      await redis.command('CONFIG', 'SET', 'protected-mode', 'no');
      await copy.inSync();
      expect(copy.status().keys).toBe(1);
    },
  );
});
