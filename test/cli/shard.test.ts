import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { runProgram, startProgram } from '../support/antipode-program.ts';

interface Ready {
  readonly ready: boolean;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

const readyOf = async (running: ReturnType<typeof startProgram>): Promise<Ready> =>
  JSON.parse(await running.line(/^\{/)) as Ready;

describe('antipode shard', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('serves clients and ends with exit code 0 on %s', async (signal) => {
    await using running = startProgram(['shard', '--port', '0']);
    const line = await running.line(/^\d+:M .* \* Ready to accept connections on 127\.0\.0\.1:\d+(, \[::1\]:\d+)?$/);
    const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
    expect(line.includes('[::1]:')).toBe(hasIpv6);
    const redis = new Redis({ port: Number(/\d+$/.exec(line)![0]), host: hasIpv6 ? '::1' : '127.0.0.1' });
    redis.on('error', () => undefined);
    expect(await redis.set('key', 'value')).toBe('OK');
    running.child.kill(signal);
    expect(await running.finished).toMatchObject({ code: 0, stderr: '' });
    redis.disconnect();
  });

  it('lets in the users of its ACL file, and does not start with a wrong one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'shard-aclfile-'));
    const file = join(directory, 'users.acl');
    try {
      writeFileSync(file, 'user default off\nuser alice on >p ~* +@all\n');
      await using running = startProgram(['shard', '--port', '0', '--aclfile', file, '--json']);
      const { port } = await readyOf(running);
      const alice = new Redis({ port, username: 'alice', password: 'p' });
      expect(await alice.acl('WHOAMI')).toBe('alice');
      expect(await alice.call('CONFIG', 'GET', 'aclfile')).toEqual(['aclfile', file]);
      const stranger = new Redis({ port, lazyConnect: true, enableReadyCheck: false });
      stranger.on('error', () => undefined);
      await expect(stranger.get('key')).rejects.toThrow('NOAUTH');
      for (const client of [alice, stranger]) client.disconnect();
      writeFileSync(file, 'user alice +nosuch\n');
      const wrong = await runProgram('shard', '--port', '0', '--aclfile', file);
      expect(wrong.code).not.toBe(0);
      expect(wrong.stderr).toContain(`${file}:1: Unknown command or category name in ACL`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('follows another shard that has a password, and asks for one itself', async () => {
    await using primary = startProgram(['shard', '--port', '0', '--requirepass', 'gehéim', '--json']);
    const { port } = await readyOf(primary);
    const writer = new Redis({ port, password: 'gehéim' });
    await writer.set('key', 'value');
    const words = ['shard', '--port', '0', '--replicaof', `127.0.0.1:${port}`, '--masterauth', 'gehéim', '--json'];
    await using replica = startProgram(words);
    const ready = await readyOf(replica);
    expect(ready).toMatchObject({ ready: true, replica_of: { host: '127.0.0.1', port }, pid: replica.child.pid });
    const reader = new Redis(ready.port);
    await expect.poll(() => reader.get('key'), { timeout: 10_000, interval: 5 }).toBe('value');
    const stranger = new Redis({ port, protocol: 2, lazyConnect: true });
    stranger.on('error', () => undefined);
    await expect(stranger.get('key')).rejects.toThrow('NOAUTH');
    for (const client of [writer, reader, stranger]) client.disconnect();
  });

  it('says what to do when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await runProgram('shard', '--port', String(port))).toEqual({
      code: 1,
      stdout: '',
      stderr: `antipode: port ${port} of 127.0.0.1 is in use: end the program that has it, or choose another one with --port (0 takes a free one)\n`,
    });
    server.close();
  });

  it.each([
    [['--port', 'many'], /--port: "many" is no port: give a number from 0 to 65535/],
    [['--port', '65536'], /--port: "65536" is no port/],
    [['--port', '0', '--replicaof', 'nowhere'], /--replicaof: "nowhere" is not host:port/],
    [['--port', '0', '--host', '203.0.113.7'], /203\.0\.113\.7 is no address of this machine/],
  ])('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await runProgram('shard', ...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
  });
});
