import { expect, it } from 'vitest';
import { describeReal, startRealRedis } from './real-redis.ts';

describeReal('a real redis-server for judging', () => {
  it('answers in binary strings, with a password that needs percent-encoding', async () => {
    await using server = await startRealRedis({ password: 'p@:/%', args: ['--maxmemory', '100mb'] });
    expect(server.url).toBe(`redis://:p%40%3A%2F%25@127.0.0.1:${server.port}`);
    await server.command('SET', 'k\xff', '\x00\xfe');
    expect(await server.command('GET', 'k\xff')).toBe('\x00\xfe');
    expect(await server.command('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '104857600']);
    expect(await server.client().ping()).toBe('PONG');
    await expect(server.command('NOSUCH')).rejects.toThrow('unknown command');
  });

  it('is gone after it is killed, and says why it did not start', async () => {
    const server = await startRealRedis();
    await server.kill();
    await server.kill();
    await expect(server.command('PING')).rejects.toThrow();
    await server.stop();
    await expect(startRealRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow('no-such-option');
  });
});
