/** Where a shard listens, at start and as CONFIG SET moves it: ports, addresses, TLS, a socket in the file system. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { Listening } from '../../../src/node/shard/listening.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { generateCertificate, type TestCertificate } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';
import { freePort } from '../../support/real-redis.ts';

const folder = mkdtempSync(join(tmpdir(), 'listening-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

async function serve(config: Readonly<Record<string, string>>) {
  const world = new SystemWorld({ seed: 1 });
  const test = testShard({ commands: dataCommands, world, config: { bind: '127.0.0.1', ...config } });
  const listening = new Listening(test.shard, world.network);
  const outcome = await listening.start();
  if (!outcome.ok) {
    test.shard.close();
    throw new Error(outcome.detail);
  }
  const clients: Redis[] = [];
  const admin = test.client();
  return {
    shard: test.shard,
    listening,
    places: () => listening.places.map(({ kind, address: { host, port } }) => `${kind} ${host} ${port}`),
    /** Sent without a socket: it is answered wherever the shard listens. */
    async set(...words: string[]): Promise<unknown> {
      const reply = admin.call('CONFIG', 'SET', ...words);
      if (reply !== undefined) return reply;
      await eventually(() => admin.replies.length > 0, { withinMs: 5_000, what: 'CONFIG SET answers' });
      return admin.replies.shift();
    },
    get: (name: string) => test.shard.config.text(name),
    connect(options: Omit<RedisOptions, 'replyMapping'>): Redis {
      const client = new Redis({
        ...options,
        protocol: 2,
        maxRetriesPerRequest: 0,
        retryStrategy: () => null,
      });
      client.on('error', () => undefined);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      test.shard.close();
      await listening.close();
    },
  };
}

/** A port that is taken for the length of a test. */
async function taken(): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

const failed = (name: string, detail: string) => ({
  message: `ERR CONFIG SET failed (possibly related to argument '${name}') - ${detail}`,
});
const NO_PORT = 'Unable to listen on this port. Check server logs.';
const NO_TLS = 'Unable to update TLS configuration. Check server logs.';

describe('CONFIG SET port and bind', () => {
  it('moves the listener; clients stay connected, and port 0 ends it', async () => {
    await using server = await serve({ port: '0' });
    const first = Number(server.get('port'));
    expect(first).toBeGreaterThan(0);
    const client = server.connect({ port: first });
    expect(await client.ping()).toBe('PONG');
    const second = await freePort();
    expect(await client.config('SET', 'port', String(second))).toBe('OK');
    expect(server.places()).toEqual([`tcp 127.0.0.1 ${second}`]);
    expect(server.shard.address).toEqual({ host: '127.0.0.1', port: second });
    expect(await client.ping()).toBe('PONG');
    expect(await server.connect({ port: second }).ping()).toBe('PONG');
    await expect(server.connect({ port: first }).ping()).rejects.toThrow();
    expect(await server.set('port', '0', 'timeout', '10')).toBe('OK');
    expect([server.places(), server.shard.address, server.get('port')]).toEqual([[], null, '0']);
    await expect(server.connect({ port: second }).ping()).rejects.toThrow();
    expect(await server.set('port', String(first))).toBe('OK');
    expect(await server.connect({ port: first }).ping()).toBe('PONG');
  });

  it('leaves everything as it was when the new place cannot be had', async () => {
    await using server = await serve({ port: '0' });
    const port = Number(server.get('port'));
    await using other = await taken();
    expect(await server.set('timeout', '77', 'port', String(other.port))).toMatchObject(failed('port', NO_PORT));
    expect([server.get('port'), server.get('timeout')]).toEqual([String(port), '0']);
    const bad = failed('bind', 'Failed to bind to specified addresses.');
    expect(await server.set('bind', '127.0.0.1 203.0.113.7')).toMatchObject(bad);
    expect(server.get('bind')).toBe('127.0.0.1');
    expect(server.places()).toEqual([`tcp 127.0.0.1 ${port}`]);
    expect(await server.connect({ port }).ping()).toBe('PONG');
  });

  it('listens at every address of bind, without those that may be absent, at all, or at none', async () => {
    await using server = await serve({ port: '0', bind: '127.0.0.1 127.0.0.2 -203.0.113.7' });
    const port = Number(server.get('port'));
    expect(server.places()).toEqual([`tcp 127.0.0.1 ${port}`, `tcp 127.0.0.2 ${port}`]);
    expect(await server.connect({ host: '127.0.0.2', port }).ping()).toBe('PONG');
    expect(await server.set('bind', '* -::*')).toBe('OK');
    expect(server.places()[0]).toBe(`tcp 0.0.0.0 ${port}`);
    expect(await server.connect({ host: '127.0.0.3', port }).ping()).toBe('PONG');
    expect(await server.set('bind', '')).toBe('OK');
    expect(server.places()).toEqual([]);
    expect(await server.set('bind', '127.0.0.1')).toBe('OK');
    expect(await server.connect({ port }).ping()).toBe('PONG');
  });

  it('is refused inside a transaction, where nobody listens for itself, and for the socket in the file system', async () => {
    await using server = await serve({ port: '0' });
    const client = server.connect({ port: Number(server.get('port')) });
    const replies = await client.multi().config('SET', 'port', '1').exec();
    expect(replies?.[0]?.[0]?.message).toContain('cannot be part of a transaction');
    expect(await server.set('unixsocket', '/tmp/x')).toMatchObject(failed('unixsocket', "can't set immutable config"));
    using alone = testShard({ commands: dataCommands });
    expect(alone.client().call('CONFIG', 'SET', 'port', '1')).toMatchObject(
      failed('port', "can't set immutable config"),
    );
  });
});

describe('a load', () => {
  it('that is short is not seen by clients, a longer one is', async () => {
    await using server = await serve({ port: '0' });
    const { port } = server.shard.address!;
    for (const isShort of [true, false]) {
      server.shard.loading = true;
      let end: () => void = () => undefined;
      server.listening.hold();
      const held = server.listening.letInAfter(new Promise<void>((resolve) => (end = resolve)));
      const client = server.connect({ port, enableReadyCheck: false });
      const answer = client.get('k').catch((error: Error) => error.message);
      await once(client, 'connect');
      if (isShort) {
        server.shard.loading = false;
        end();
        expect(await answer).toBe(null);
      } else expect(await answer).toMatch(/^LOADING /);
      await held;
      server.shard.loading = false;
      expect(await client.get('k')).toBe(null);
    }
  });
});

describe('unixsocket', () => {
  it('serves clients, which CLIENT LIST and MONITOR show by its path, until the end', async () => {
    const path = join(folder, 'redis.sock');
    const server = await serve({ port: '0', unixsocket: path, unixsocketperm: '700' });
    {
      await using _ = server;
      // A port that is not asked for is not opened
      expect(server.places()).toEqual([`unix ${path} 0`]);
      expect(statSync(path).mode & 0o777).toBe(0o700);
      const client = server.connect({ path });
      expect(await client.client('LIST')).toMatch(new RegExp(`addr=${path}:0 laddr=${path}:0 .* flags=U db=0 `));
      const monitor = await server.connect({ path }).monitor();
      const shown = once(monitor, 'monitor');
      await client.get('k');
      expect((await shown).slice(1, 3)).toEqual([['get', 'k'], `unix:${path}`]);
      monitor.disconnect();
    }
    expect(existsSync(path)).toBe(false);
  });

  it('is refused where the system would cut its path off', async () => {
    const path = join(folder, 'x'.repeat(110));
    await expect(serve({ port: '0', unixsocket: path })).rejects.toThrow(
      /path too long \(\d+\), must be under 10[48]$/,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('x'))).toEqual([]);
  });
});

describe('tls-port', () => {
  let authority: TestCertificate;
  let trusted: Record<'client' | 'ca', string>;
  let files: Record<string, string>;
  let client: TestCertificate;

  beforeAll(async () => {
    authority = await generateCertificate({ cn: 'ca', authority: true });
    const of = (cn: string) => generateCertificate({ cn, san: ['localhost'], issuer: authority });
    const [server, other, own] = await Promise.all([of('server'), of('other'), of('client')]);
    client = own;
    trusted = { client: own.certificate, ca: authority.certificate };
    files = {
      'tls-cert-file': written('server.crt', server.certificate),
      'tls-key-file': written('server.key', server.key),
      'tls-ca-cert-file': written('ca.crt', authority.certificate),
      other: written('other.crt', other.certificate),
      otherKey: written('other.key', other.key),
    };
  });

  const options = (change: Record<string, string> = {}): Record<string, string> => {
    const { other: _, otherKey: __, ...named } = files;
    return { port: '0', ...named, ...change };
  };
  const withCertificate = () => ({ ca: trusted.ca, cert: client.certificate, key: client.key });
  const commonName = (redis: Redis): unknown =>
    (redis.stream as unknown as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN;

  it('serves TLS beside the plain port, and asks for a certificate unless told otherwise', async () => {
    const port = await freePort();
    await using server = await serve(options({ 'tls-port': String(port) }));
    expect(server.places()).toEqual([`tls 127.0.0.1 ${port}`]);
    expect(await server.connect({ port, tls: withCertificate() }).ping()).toBe('PONG');
    await expect(server.connect({ port, tls: { ca: trusted.ca } }).ping()).rejects.toThrow();
    await expect(server.connect({ port }).ping()).rejects.toThrow();
    expect(await server.set('tls-auth-clients', 'optional')).toBe('OK');
    expect(await server.connect({ port, tls: { ca: trusted.ca } }).ping()).toBe('PONG');
    const stranger = await generateCertificate({ cn: 'stranger' });
    const wrong = { ca: trusted.ca, cert: stranger.certificate, key: stranger.key };
    await expect(server.connect({ port, tls: wrong }).ping()).rejects.toThrow();
    expect(await server.set('tls-auth-clients', 'no')).toBe('OK');
    expect(await server.connect({ port, tls: wrong }).ping()).toBe('PONG');
    const plain = await freePort();
    expect(await server.set('port', String(plain))).toBe('OK');
    expect(await server.connect({ port: plain }).ping()).toBe('PONG');
    expect(await server.connect({ port, tls: withCertificate() }).ping()).toBe('PONG');
    expect(await server.set('tls-port', '0')).toBe('OK');
    await expect(server.connect({ port, tls: withCertificate() }).ping()).rejects.toThrow();
  });

  it('reloads certificates, and keeps those it has when the new ones do not fit', async () => {
    const port = await freePort();
    await using server = await serve(options({ 'tls-port': String(port), 'tls-auth-clients': 'no' }));
    const subject = async (): Promise<unknown> => {
      const redis = server.connect({ port, tls: { ca: trusted.ca } });
      await redis.ping();
      return commonName(redis);
    };
    expect(await subject()).toBe('server');
    expect(await server.set('tls-cert-file', files['other']!)).toMatchObject(failed('tls-cert-file', NO_TLS));
    expect([await subject(), server.get('tls-cert-file')]).toEqual(['server', files['tls-cert-file']]);
    expect(await server.set('tls-cert-file', files['other']!, 'tls-key-file', files['otherKey']!)).toBe('OK');
    expect(await subject()).toBe('other');
  });

  it('speaks the versions of tls-protocols', async () => {
    const port = await freePort();
    await using server = await serve(
      options({ 'tls-port': String(port), 'tls-auth-clients': 'no', 'tls-protocols': 'TLSv1.2' }),
    );
    const ask = (minVersion: 'TLSv1.2' | 'TLSv1.3') =>
      server.connect({ port, tls: { ca: trusted.ca, minVersion } }).ping();
    expect(await ask('TLSv1.2')).toBe('PONG');
    await expect(ask('TLSv1.3')).rejects.toThrow();
    expect(await server.set('tls-protocols', 'TLSv1.3')).toBe('OK');
    expect(await ask('TLSv1.3')).toBe('PONG');
    expect(await server.set('tls-protocols', 'TLSv1.1')).toMatchObject(failed('tls-protocols', NO_TLS));
  });

  it.each([
    [{ 'tls-cert-file': '' }, 'no tls-cert-file is configured'],
    [{ 'tls-key-file': '/nosuch/key' }, 'tls-key-file: /nosuch/key: ENOENT'],
    [{ 'tls-ca-cert-file': '' }, 'tls-auth-clients needs tls-ca-cert-file or tls-ca-cert-dir to know whom to trust'],
    [{ 'tls-ciphers': 'nonsense' }, 'tls-ciphers: nonsense names no cipher'],
    [{ 'tls-ciphersuites': 'TLS_NO' }, 'tls-ciphersuites: TLS_NO is no cipher suite'],
  ])('does not start with %j', async (change, detail) => {
    await expect(serve(options({ 'tls-port': '1', ...change }))).rejects.toThrow(detail);
  });

  it('trusts the authorities of a folder, and opens a key with its passphrase', async () => {
    const port = await freePort();
    const { createPrivateKey } = await import('node:crypto');
    const { readFileSync } = await import('node:fs');
    const key = createPrivateKey(readFileSync(files['tls-key-file']!));
    const secret = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' }).toString();
    const change = {
      'tls-port': String(port),
      'tls-ca-cert-file': '',
      'tls-ca-cert-dir': folder,
      'tls-key-file': written('secret.key', secret),
      'tls-key-file-pass': 'p',
    };
    await using server = await serve(options(change));
    expect(await server.connect({ port, tls: withCertificate() }).ping()).toBe('PONG');
    expect(await server.set('tls-key-file-pass', 'wrong')).toMatchObject(failed('tls-key-file-pass', NO_TLS));
  });
});
