/**
 * Client libraries and redis-cli at an endpoint of three shards with their default options, plain and over TLS with a name to be
 * verified: connecting, pipelines, transactions, publish and subscribe, blocking, scanning, errors.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateCertificate, type TestCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { programAvailable } from '../support/programs.ts';
import { testDatabase, type TestDatabase } from './fixtures.ts';

const NAME = 'redis-12000.east.local';
const CLI_MS_MAX = 10_000;
const KEYS = Array.from({ length: 300 }, (_, at) => `key:${at}`);
const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 5000, what });

let certificate: TestCertificate;
beforeAll(async () => {
  certificate = await generateCertificate({ cn: NAME, san: [NAME] });
});

interface Way {
  readonly name: string;
  readonly secure: boolean;
}
const WAYS: readonly Way[] = [
  { name: 'plain', secure: false },
  { name: 'over TLS', secure: true },
];

const databaseFor = ({ secure }: Way): Promise<TestDatabase> =>
  testDatabase({
    settings: { passwords: ['secret'], tlsMode: secure ? 'enabled' : 'disabled' },
    tls: () => (secure ? { ...certificate, mode: 'required', clientCertificates: null, minVersion: 'TLSv1.2' } : null),
  });

describe.each(WAYS)('$name', (way) => {
  describe.each([
    ['ioredis 6', Redis],
    ['ioredis 5', Redis5 as unknown as typeof Redis],
  ])('%s', (_name, Client) => {
    it('connects, pipelines, transacts, subscribes, blocks, scans and sees errors', async () => {
      await using database = await databaseFor(way);
      const open = (): Redis =>
        new Client(database.port, '127.0.0.1', {
          password: 'secret',
          ...(way.secure && { tls: { ca: certificate.certificate, servername: NAME } }),
        });
      const [redis, other] = [open(), open()];
      try {
        expect(await redis.ping()).toBe('PONG');
        const replies = await redis.pipeline(KEYS.map((key, at) => ['set', key, String(at)])).exec();
        expect(replies!.every(([error, reply]) => error === null && reply === 'OK')).toBe(true);
        expect(await redis.mget(KEYS.slice(0, 4))).toEqual(['0', '1', '2', '3']);
        const found: string[] = [];
        for await (const keys of redis.scanStream({ count: 20 })) found.push(...(keys as string[]));
        expect(found.toSorted()).toEqual(KEYS.toSorted());
        expect(await redis.multi().incr('{t}n').hset('{t}h', { f: 'v' }).hgetall('{t}h').exec()).toEqual([
          [null, 1],
          [null, 1],
          [null, { f: 'v' }],
        ]);
        await redis.watch('{t}n');
        await other.incr('{t}n');
        expect(await redis.multi().incr('{t}n').exec()).toBeNull();

        const heard: string[] = [];
        other.on('message', (channel: string, message: string) => heard.push(`${channel} ${message}`));
        expect(await other.subscribe('news')).toBe(1);
        expect(await redis.publish('news', 'x')).toBe(1);
        await eventually(() => heard.length === 1, patience('the message arrives'));
        expect(heard).toEqual(['news x']);
        await other.unsubscribe('news');

        const popped = other.blpop('l', 0);
        await eventually(() => database.shards.some(({ blocking }) => blocking.count > 0), patience('it waits'));
        await redis.rpush('l', 'element');
        expect(await popped).toEqual(['l', 'element']);

        await expect(redis.rename('a', 'b')).rejects.toThrow(/^CROSSSLOT/);
        await expect(redis.lpush('key:1', 'x')).rejects.toThrow(/^WRONGTYPE/);
        await expect(redis.call('DEBUG', 'SLEEP', '0')).rejects.toThrow(/^ERR unknown command/);
      } finally {
        redis.disconnect();
        other.disconnect();
      }
    });
  });

  describe.each([['RESP2', 2] as const, ['RESP3', 3] as const])('node-redis with %s', (_name, RESP) => {
    it('connects, pipelines, transacts, subscribes, blocks, scans and sees errors', async () => {
      await using database = await databaseFor(way);
      const redis = createClient({
        RESP,
        password: 'secret',
        socket: way.secure
          ? { port: database.port, host: '127.0.0.1', tls: true, ca: certificate.certificate, servername: NAME }
          : { port: database.port, host: '127.0.0.1' },
      });
      redis.on('error', () => undefined);
      const other = redis.duplicate();
      other.on('error', () => undefined);
      try {
        await Promise.all([redis.connect(), other.connect()]);
        expect(await redis.ping()).toBe('PONG');
        await Promise.all(KEYS.map((key, at) => redis.set(key, String(at))));
        expect(await redis.mGet(KEYS.slice(0, 4))).toEqual(['0', '1', '2', '3']);
        const found: string[] = [];
        for await (const keys of redis.scanIterator({ COUNT: 20 })) found.push(...keys);
        expect(found.toSorted()).toEqual(KEYS.toSorted());
        const results = await redis.multi().incr('{t}n').hSet('{t}h', { f: 'v' }).hGetAll('{t}h').exec();
        expect(JSON.parse(JSON.stringify(results))).toEqual([1, 1, { f: 'v' }]);

        const heard: string[] = [];
        await other.subscribe('news', (message, channel) => heard.push(`${channel} ${message}`));
        expect(await redis.publish('news', 'x')).toBe(1);
        await eventually(() => heard.length === 1, patience('the message arrives'));
        expect(heard).toEqual(['news x']);
        await other.unsubscribe('news');

        const popped = other.blPop('l', 0);
        await eventually(() => database.shards.some(({ blocking }) => blocking.count > 0), patience('it waits'));
        await redis.rPush('l', 'element');
        // After an unsubscription in RESP2 this library gives bytes, from a redis-server too
        const { key, element } = (await popped)!;
        expect(Buffer.from(key).toString()).toBe('l');
        expect(Buffer.from(element).toString()).toBe('element');

        await expect(redis.rename('a', 'b')).rejects.toThrow(/^CROSSSLOT/);
        await expect(redis.lPush('key:1', 'x')).rejects.toThrow(/^WRONGTYPE/);
        await expect(redis.sendCommand(['DEBUG', 'SLEEP', '0'])).rejects.toThrow(/^ERR unknown command/);
      } finally {
        redis.destroy();
        other.destroy();
      }
    });
  });
});

const hasCli = programAvailable('redis-cli', '--version');
const directory = mkdtempSync(join(tmpdir(), 'proxy-clients-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What it prints; `input` goes to its standard input, which then ends. */
async function cli(database: TestDatabase, way: Way, args: readonly string[], input = ''): Promise<string> {
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, certificate.certificate);
  const tls = way.secure ? ['--tls', '--cacert', ca, '--sni', NAME] : [];
  const child = spawn('redis-cli', ['-p', String(database.port), ...tls, ...args], {
    env: { ...process.env, REDISCLI_AUTH: 'secret' },
    timeout: CLI_MS_MAX,
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stdin.end(input);
  await new Promise((resolve) => child.once('close', resolve));
  return printed;
}

describe.skipIf(!hasCli).each(WAYS)('redis-cli $name', (way) => {
  it('asks, scans, transacts, and loads a pipe of requests to its end', async () => {
    await using database = await databaseFor(way);
    expect(await cli(database, way, ['PING'])).toBe('PONG\n');
    const many = KEYS.map((key) => `SET ${key} x\r\n`).join('');
    expect(await cli(database, way, ['--pipe'], many)).toMatch(/errors: 0, replies: 300/);
    expect(await cli(database, way, ['-3', 'DBSIZE'])).toBe('300\n');
    const found = (await cli(database, way, ['--scan', '--pattern', 'key:*'])).trim().split('\n');
    expect(found.toSorted()).toEqual(KEYS.toSorted());
    expect(await cli(database, way, [], 'MULTI\nSET {t}a 1\nGET {t}a\nEXEC\n')).toBe('OK\nQUEUED\nQUEUED\nOK\n1\n');
    expect(await cli(database, way, [], 'MULTI\nSET a 1\nSET b 1\nEXEC\n')).toMatch(
      /^OK\nQUEUED\nCROSSSLOT .*\n+EXECABORT Transaction discarded because of previous errors\.\n+$/,
    );
    expect(await cli(database, way, ['SHUTDOWN', 'NOSAVE'])).toMatch(/^ERR unknown command 'SHUTDOWN'/);
    expect(await cli(database, way, ['--raw', 'INFO', 'server'])).toMatch(/redis_version:/);
  });
});
