/**
 * `antipode shard --data`: on a real disk, killed under load, and its files in the hands of a real redis-server and back. What the
 * data are is compared by DEBUG DIGEST.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram, startProgram, type Running } from '../support/antipode-program.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'antipode-shard-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = async (...more: string[]): Promise<{ running: Running; redis: Redis }> => {
  const running = startProgram(['shard', '--port', '0', '--json', '--data', folder, ...more]);
  const { port } = JSON.parse(await running.line(/^\{/)) as { port: number };
  const redis = new Redis({ port, protocol: 2, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => undefined);
  return { running, redis };
};

const digestOf = async (redis: Redis): Promise<unknown> => redis.call('DEBUG', 'DIGEST');

const fill = async (redis: Redis): Promise<void> => {
  await redis.mset('string', 'v', 'number', '17', 'binary', Buffer.from([0, 255, 13, 10]));
  await redis.set('ttl', 'v', 'PXAT', 4_000_000_000_000);
  await redis.rpush('list', ...Array.from({ length: 300 }, (_, i) => `item ${i}`));
  await redis.sadd('ints', 1, 2, 3);
  await redis.sadd('set', ...Array.from({ length: 200 }, (_, i) => `member ${i}`));
  await redis.zadd('zset', 1.5, 'a', -2, 'b', 1e20, 'c');
  await redis.hset('hash', Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`f${i}`, `v${i}`])));
  await redis.select(5);
  await redis.set('elsewhere', 'v');
  await redis.select(0);
};

describe('antipode shard --data', () => {
  it('has answered nothing with an append log that SIGKILL under load can take away', async () => {
    const first = await start('--appendonly', 'yes');
    const answered = [0, 0, 0, 0];
    let total = 0;
    const load = async (lane: number): Promise<void> => {
      for (;;) {
        const reply = await first.redis.incr(`n${lane}`).catch(() => null);
        if (reply === null) return;
        answered[lane] = reply;
        if (++total === 4_000) first.running.child.kill('SIGKILL');
      }
    };
    await Promise.all(answered.map((_, lane) => load(lane)));
    await first.running.finished;
    const second = await start('--appendonly', 'yes');
    for (const [lane, count] of answered.entries()) {
      const found = Number(await second.redis.get(`n${lane}`));
      expect(found - count).toBeGreaterThanOrEqual(0);
      expect(found - count).toBeLessThanOrEqual(1); // the one under way
    }
    second.redis.disconnect();
    await second.running[Symbol.asyncDispose]();
  });

  it('saves on SIGTERM and on SHUTDOWN, and not on SHUTDOWN NOSAVE', async () => {
    const ends: readonly (readonly [string, (running: Running, redis: Redis) => unknown, string | null])[] = [
      ['first', (running) => running.child.kill('SIGTERM'), 'first'],
      ['second', (_running, redis) => redis.call('SHUTDOWN').catch(() => null), 'second'],
      ['third', (_running, redis) => redis.call('SHUTDOWN', 'NOSAVE').catch(() => null), 'second'],
    ];
    for (const [value, end, left] of ends) {
      const { running, redis } = await start();
      await redis.set('k', value);
      await end(running, redis);
      expect(await running.finished).toMatchObject({ code: 0, stderr: '' });
      redis.disconnect();
      const again = await start();
      expect(await again.redis.get('k')).toBe(left);
      again.redis.disconnect();
      await again.running[Symbol.asyncDispose]();
    }
  });

  it('ends while it loads as soon as it is told to, and leaves what is on disk as it was', async () => {
    const { running, redis } = await start('--enable-debug-command', 'yes');
    await redis.call('DEBUG', 'POPULATE', 400_000);
    await redis.call('SHUTDOWN').catch(() => null);
    expect((await running.finished).code).toBe(0);
    const { ino } = statSync(join(folder, 'dump.rdb'));
    const ends: readonly ((running: Running, redis: Redis) => unknown)[] = [
      ({ child }) => child.kill('SIGTERM'),
      (_running, client) => client.call('SHUTDOWN').catch(() => null),
    ];
    for (const end of ends) {
      await using again = startProgram(['shard', '--port', '0', '--data', folder, '--always-show-logo', 'yes']);
      const port = Number(/\d+/.exec(await again.line(/^Port: /))![0]);
      const client = new Redis({ port, maxRetriesPerRequest: 0, retryStrategy: () => null, enableReadyCheck: false });
      client.on('error', () => undefined);
      await expect(client.ping()).rejects.toThrow('LOADING');
      end(again, client);
      expect((await again.finished).code).toBe(0);
      client.disconnect();
      expect(again.printed()).not.toContain('Ready to accept connections');
      expect(readdirSync(folder)).toEqual(['dump.rdb']);
      expect(statSync(join(folder, 'dump.rdb')).ino).toBe(ino);
    }
  });

  it('serves on, and saves, when nobody reads its log any more', async () => {
    const running = startProgram(['shard', '--port', '0', '--data', folder, '--enable-debug-command', 'yes']);
    const port = Number(/:(\d+),?/.exec((await running.line(/Ready to accept/)).split(' on ')[1]!)![1]);
    const redis = new Redis({ port, maxRetriesPerRequest: 0, retryStrategy: () => null });
    redis.on('error', () => undefined);
    running.child.stdout!.destroy();
    for (let i = 0; i < 3; i++) expect(await redis.call('DEBUG', 'LOG', `${i}`)).toBe('OK');
    await redis.set('k', 'v');
    await redis.call('SHUTDOWN').catch(() => null);
    expect((await running.finished).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['dump.rdb']);
  });

  it('serves on when nobody reads its warnings', async () => {
    const { running, redis } = await start('--enable-debug-command', 'yes');
    running.child.stderr!.destroy();
    for (let i = 0; i < 3; i++) expect(await redis.call('DEBUG', 'LOG', `${i}`)).toBe('OK');
    await redis.call('SHUTDOWN').catch(() => null);
    expect((await running.finished).code).toBe(0);
  });

  it('finishes what SIGTERM began when that comes again', async () => {
    const { running, redis } = await start('--enable-debug-command', 'yes');
    await redis.call('DEBUG', 'POPULATE', 200_000);
    running.child.kill('SIGTERM');
    await eventually(() => readdirSync(folder).some((name) => name.endsWith('~')), {
      withinMs: 15_000,
      what: 'it saves',
    });
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['dump.rdb']);
  });

  it('goes on when it cannot save, unless it is told not to, or forced', async () => {
    mkdirSync(join(folder, 'dump.rdb', 'in the way'), { recursive: true });
    const ends: readonly (readonly string[])[] = [
      ['SHUTDOWN', 'NOSAVE'],
      ['SHUTDOWN', 'FORCE'],
    ];
    for (const end of ends) {
      const { running, redis } = await start('--dbfilename', 'other.rdb', '--enable-protected-configs', 'yes');
      await redis.set('k', 'v');
      await redis.config('SET', 'dbfilename', 'dump.rdb');
      await expect(redis.call('SHUTDOWN')).rejects.toThrow('ERR Errors trying to SHUTDOWN. Check logs.');
      running.child.kill('SIGTERM');
      const failures = (): number =>
        running.warnings().split(/Error trying to save the DB \(.*\), can't exit/).length - 1;
      await eventually(() => failures() === 2, { withinMs: 10_000, what: 'it could not save at the signal either' });
      expect(await redis.set('k', 'w')).toBe('OK');
      await redis.call(...(end as [string, ...string[]])).catch(() => null);
      expect(await running.finished).toMatchObject({ code: 0 });
      redis.disconnect();
    }
  });

  it('ends at a signal as shutdown-on-sigterm says', async () => {
    const { running, redis } = await start('--shutdown-on-sigterm', 'nosave', 'now');
    await redis.set('k', 'not saved');
    running.child.kill('SIGTERM');
    expect(await running.finished).toMatchObject({ code: 0, stderr: '' });
    redis.disconnect();
    expect(existsSync(join(folder, 'dump.rdb'))).toBe(false);
  });

  it('answers SAVE, LASTSAVE and INFO, and refuses a second process and a wrong option', async () => {
    const { running, redis } = await start('--save', '900 1');
    await redis.set('k', 'v');
    expect(await redis.config('GET', 'save')).toEqual(['save', '900 1']);
    expect(await redis.call('INFO', 'persistence')).toContain('rdb_changes_since_last_save:1');
    expect(await redis.save()).toBe('OK');
    expect(await redis.lastsave()).toBeGreaterThan(1_700_000_000);
    expect(await redis.call('INFO', 'persistence')).toContain('rdb_changes_since_last_save:0');
    const second = await runProgram('shard', '--port', '0', '--data', folder);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining(`held by process ${running.child.pid}`) });
    redis.disconnect();
    await running[Symbol.asyncDispose]();
    const wrong = await runProgram('shard', '--port', '0', '--data', folder, '--appendfsync', 'sometimes');
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('appendfsync') });
  });
});

describe('antipode shard without a folder', () => {
  const here = (...more: string[]): Running => startProgram(['shard', '--port', '0', ...more], {}, folder);
  const clientOf = async (running: Running): Promise<Redis> => {
    const line = await running.line(/Ready to accept connections/);
    return new Redis({ port: Number(/:(\d+)$/.exec(line)![1]), protocol: 2, retryStrategy: () => null });
  };

  it('leaves nothing in the current one until it is asked, then as redis-server does, and begins with that', async () => {
    await using first = here();
    await using second = here();
    const [one, two] = [await clientOf(first), await clientOf(second)];
    await one.set('k', 'v');
    expect(readdirSync(folder)).toEqual([]);
    expect(await one.config('GET', 'save')).toEqual(['save', '']);
    expect(await one.config('GET', 'dir')).toEqual(['dir', folder]);
    expect(await one.save()).toBe('OK');
    expect(readdirSync(folder)).toEqual(['antipode.lock', 'dump.rdb']);
    await expect(two.save()).rejects.toThrow(`held by process ${first.child.pid}`);
    await one.shutdown().catch(() => undefined);
    expect((await first.finished).code).toBe(0);
    expect(await two.save()).toBe('OK'); // nobody holds it any more
    await two.set('k', 'of the second');
    await two.call('SHUTDOWN', 'SAVE').catch(() => undefined);
    expect((await second.finished).code).toBe(0);
    expect(readdirSync(folder)).toEqual(['dump.rdb']);
    await using third = here();
    const again = await clientOf(third);
    expect(await again.get('k')).toBe('of the second');
    expect(third.printed()).toContain(`its data come from ${folder}: --dir chooses another folder`);
    again.disconnect();
  });

  it('says so when that is gone', async () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" shard --port 0';
    const program = resolve('dist/src/cli/main.js');
    const ended = promisify(execFile)('sh', ['-c', script, process.execPath, program], { cwd: folder });
    await expect(ended).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('name one with --dir') });
  });

  it('keeps an append log there, and refuses a broken snapshot with what to do', async () => {
    await using first = here('--appendonly', 'yes');
    const one = await clientOf(first);
    await one.set('k', 'v');
    const second = here('--appendonly', 'yes');
    expect(await second.finished).toMatchObject({ code: 1, stderr: expect.stringContaining('held by process') });
    first.child.kill('SIGKILL');
    await first.finished;
    await using third = here('--appendonly', 'yes');
    const again = await clientOf(third);
    expect(await again.get('k')).toBe('v');
    again.disconnect();
    await third[Symbol.asyncDispose]();
    rmSync(join(folder, 'appendonlydir'), { recursive: true });
    writeFileSync(join(folder, 'dump.rdb'), 'REDIS0011 and no more');
    const broken = await here().finished;
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringContaining('--dir chooses another folder') });
    expect(broken.stderr).toContain('dump.rdb');
  });
});

describeReal('files of a shard and of redis-server', () => {
  const real = (...args: string[]) =>
    startRealRedis({ args: ['--dir', folder, '--enable-debug-command', 'yes', ...args] });

  it('are the same snapshot: each loads what the other saved', async () => {
    const shard = await start();
    await fill(shard.redis);
    const digest = await digestOf(shard.redis);
    await shard.redis.save();
    shard.redis.disconnect();
    await shard.running[Symbol.asyncDispose]();
    {
      await using server = await real('--save', '');
      const client = server.client();
      expect(await digestOf(client)).toBe(digest);
      await client.set('of redis', 'v');
      await client.save();
    }
    const again = await start();
    expect(await again.redis.get('of redis')).toBe('v');
    await again.redis.del('of redis');
    expect(await digestOf(again.redis)).toBe(digest);
    again.redis.disconnect();
    await again.running[Symbol.asyncDispose]();
  });

  it('are the same append log: each goes on with the other’s', async () => {
    const shard = await start('--appendonly', 'yes', '--save', '');
    await fill(shard.redis);
    await shard.redis.multi().incr('a').incr('b').exec();
    const digest = await digestOf(shard.redis);
    shard.redis.disconnect();
    shard.running.child.kill('SIGTERM');
    await shard.running.finished;
    let after: unknown;
    {
      await using server = await real('--appendonly', 'yes', '--save', '');
      const client = server.client();
      expect(await digestOf(client)).toBe(digest);
      await client.multi().incr('a').rpush('list', 'of redis').exec();
      after = await digestOf(client);
      await server.stop();
    }
    const again = await start('--appendonly', 'yes', '--save', '');
    expect(await digestOf(again.redis)).toBe(after);
    again.redis.disconnect();
    await again.running[Symbol.asyncDispose]();
  });
});
