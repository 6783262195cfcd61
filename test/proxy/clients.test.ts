/** The client libraries that people use, with their default options, against the endpoint of a sharded database: plain and over TLS. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis as Redis6 } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { describeReal } from '../support/real-redis.ts';
import { testSubnet } from '../support/sandboxes.ts';

const PASSWORD = 'geh:eim';

interface Place {
  readonly host: string;
  readonly port: number;
  /** Null: plain. */
  readonly tls: { readonly ca: string; readonly servername: string } | null;
}

/** What every library can do, in its own way. */
interface Session extends AsyncDisposable {
  call(...words: string[]): Promise<unknown>;
  pipeline(requests: readonly string[][]): Promise<unknown[]>;
  transaction(requests: readonly string[][]): Promise<unknown[]>;
  /** Resolves when it is subscribed. */
  subscribe(channel: string, heard: (message: string) => void): Promise<void>;
}

const byIoredis =
  (Redis: typeof Redis6 | typeof Redis5) =>
  async ({ host, port, tls }: Place): Promise<Session> => {
    const options = { host, port, password: PASSWORD, ...(tls === null ? {} : { tls: { ...tls, host } }) };
    const client = new (Redis as typeof Redis6)(options);
    const subscriber = new (Redis as typeof Redis6)({ ...options, lazyConnect: true });
    const all = (requests: readonly string[][], chain: ReturnType<typeof client.pipeline>): typeof chain =>
      requests.reduce((each, [name, ...rest]) => each.call(name!, ...rest), chain);
    const values = (replies: [Error | null, unknown][] | null): unknown[] =>
      (replies ?? []).map(([error, value]) => error ?? value);
    return {
      call: (name = '', ...rest) => client.call(name, ...rest),
      pipeline: async (requests) => values(await all(requests, client.pipeline()).exec()),
      transaction: async (requests) => values(await all(requests, client.multi()).exec()),
      async subscribe(channel, heard) {
        subscriber.on('message', (_, message) => heard(message));
        await subscriber.subscribe(channel);
      },
      async [Symbol.asyncDispose]() {
        subscriber.disconnect();
        client.disconnect();
      },
    };
  };

const byNodeRedis =
  (RESP: 2 | 3) =>
  async ({ host, port, tls }: Place): Promise<Session> => {
    const socket = tls === null ? { host, port } : { host, port, tls: true as const, ...tls };
    const client = createClient({ RESP, password: PASSWORD, socket });
    const subscriber = client.duplicate();
    for (const each of [client, subscriber]) each.on('error', () => undefined);
    await client.connect();
    const all = <T extends { addCommand(words: string[]): T }>(requests: readonly string[][], chain: T): T =>
      requests.reduce((each, words) => each.addCommand(words), chain);
    return {
      call: (...words) => client.sendCommand(words),
      pipeline: (requests) => Promise.all(requests.map((words) => client.sendCommand(words))),
      transaction: (requests) => all(requests, client.multi()).exec() as Promise<unknown[]>,
      async subscribe(channel, heard) {
        await subscriber.connect();
        await subscriber.subscribe(channel, heard);
      },
      async [Symbol.asyncDispose]() {
        if (subscriber.isOpen) subscriber.destroy();
        client.destroy();
      },
    };
  };

const LIBRARIES = [
  ['ioredis 5', byIoredis(Redis5)],
  ['ioredis 6', byIoredis(Redis6)],
  ['node-redis, RESP2', byNodeRedis(2)],
  ['node-redis, RESP3', byNodeRedis(3)],
] as const;

const KEYS = Array.from({ length: 60 }, (_, at) => `key:${at}`);

let sandbox: Sandbox;
let places: Readonly<Record<'plain' | 'TLS', Place>>;

beforeAll(async () => {
  const plain = { name: 'plain', port: 12_000, shards: 3, password: PASSWORD };
  const secure = { name: 'secure', port: 12_001, shards: 3, password: PASSWORD, tlsMode: 'enabled' } as const;
  sandbox = await startSandbox({
    clusters: [
      {
        name: 'east.local',
        subnet: testSubnet(),
        databases: [plain, { ...secure, enforceClientAuthentication: false }],
      },
    ],
  });
  const east = sandbox.cluster('east.local');
  const { host } = east.database('plain');
  places = {
    plain: { host, port: 12_000, tls: null },
    TLS: { host, port: 12_001, tls: { ca: east.proxyCertificate, servername: 'redis-12001.east.local' } },
  };
});

afterAll(() => sandbox.close());

describe.each(LIBRARIES)('%s', (_, open) => {
  it.each(['plain', 'TLS'] as const)('works against a sharded database, %s', async (kind) => {
    await using session = await open(places[kind]);
    await session.call('FLUSHALL');
    expect(await session.pipeline(KEYS.map((key, at) => ['SET', key, String(at)]))).toEqual(KEYS.map(() => 'OK'));
    expect(await session.call('MGET', ...KEYS)).toEqual(KEYS.map((__, at) => String(at)));
    expect(await session.call('DBSIZE')).toBe(KEYS.length);

    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, keys] = (await session.call('SCAN', cursor, 'COUNT', '7')) as [string, string[]];
      for (const key of keys) seen.add(key);
      cursor = next;
    } while (cursor !== '0');
    expect([...seen].toSorted()).toEqual(KEYS.toSorted());

    expect(
      await session.transaction([
        ['INCR', '{a}n'],
        ['RPUSH', '{a}l', 'x', 'y'],
        ['GET', '{a}n'],
      ]),
    ).toEqual([1, 2, '1']);
    await expect(session.call('RENAME', 'key:0', 'key:1')).rejects.toThrow(/CROSSSLOT/);
    await expect(session.call('LPUSH', 'key:0', 'x')).rejects.toThrow(/WRONGTYPE/);
    await expect(session.call('DEBUG', 'SLEEP', '0')).rejects.toThrow(/unknown command/);

    await using other = await open(places[kind]);
    const popped = session.call('BLPOP', 'queue', '10');
    await other.call('RPUSH', 'queue', 'job');
    expect(await popped).toEqual(['queue', 'job']);

    const heard: string[] = [];
    await other.subscribe('news', (message) => heard.push(message));
    expect(await session.call('PUBLISH', 'news', 'hello')).toBe(1);
    await expect.poll(() => heard, { timeout: 5_000, interval: 5 }).toEqual(['hello']);
  });
});

const runCli = async (words: readonly string[], input: string): Promise<string> => {
  const child = spawn('redis-cli', words, { stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stdin.end(input);
  await once(child, 'close');
  return printed;
};

describeReal('redis-cli', () => {
  it.each(['plain', 'TLS'] as const)('works against a sharded database, %s', async (kind) => {
    const { host, port, tls } = places[kind];
    const folder = mkdtempSync(join(tmpdir(), 'antipode-cli-'));
    try {
      const ca = join(folder, 'ca.pem');
      writeFileSync(ca, tls?.ca ?? '');
      const secure = tls === null ? [] : ['--tls', '--cacert', ca, '--sni', tls.servername];
      const words = ['-h', host, '-p', String(port), '-a', PASSWORD, '--no-auth-warning', ...secure];
      const printed = await runCli(
        words,
        'FLUSHALL\nSET a 1\nMSET b 2 c 3\nMGET a b c\nRENAME a b\nMULTI\nINCR a\nEXEC\nDBSIZE\n',
      );
      const lines = printed.split('\n').map((line) => line.replace(/CROSSSLOT.*/, 'CROSSSLOT'));
      expect(lines.filter((line) => line !== '')).toEqual([
        'OK',
        'OK',
        'OK',
        '1',
        '2',
        '3',
        'CROSSSLOT',
        'OK',
        'QUEUED',
        '2',
        '3',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
