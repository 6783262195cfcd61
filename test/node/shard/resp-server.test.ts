import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { servedShard } from '../../support/served-shard.ts';

describe('ordinary clients', () => {
  it.each([
    [
      'ioredis 6',
      (port: number) => new Redis({ port, host: '127.0.0.1', password: 'p@ss', connectionName: 'me', db: 2 }),
    ],
    [
      'ioredis 5',
      (port: number) =>
        new Redis5({ port, host: '127.0.0.1', password: 'p@ss', connectionName: 'me', db: 2 }) as unknown as Redis,
    ],
  ])('%s connects with its defaults, and everything it does at first works', async (name, connectTo) => {
    await using served = await servedShard({ requirepass: 'p@ss' });
    const client = connectTo(served.port);
    try {
      expect(await client.set('key', 'välue')).toBe('OK');
      expect(await client.get('key')).toBe('välue');
      expect(await client.getBuffer('key')).toEqual(Buffer.from('välue'));
      expect(await client.multi().incr('n').incr('n').exec()).toEqual([
        [null, 1],
        [null, 2],
      ]);
      expect(client.status).toBe('ready');
      const [session] = [...served.shard.sessions.values()];
      expect(session).toMatchObject({
        protocol: name === 'ioredis 6' ? 3 : 2,
        libraryName: 'ioredis',
        name: 'me',
        database: 2,
      });
      expect(session!.libraryVersion).toMatch(/^[56]\./);
    } finally {
      client.disconnect();
    }
    await eventually(() => served.shard.sessions.size === 0, { withinMs: 5_000, what: 'the session is forgotten' });
  });

  it('ioredis subscribes, and hears', async () => {
    await using served = await servedShard();
    const [listener, publisher] = [new Redis(served.port, '127.0.0.1'), new Redis(served.port, '127.0.0.1')];
    try {
      const heard: string[] = [];
      listener.on('message', (channel, message) => heard.push(`${channel} ${message}`));
      await listener.subscribe('news');
      expect(await publisher.publish('news', 'hello')).toBe(1);
      await eventually(() => heard.length > 0, { withinMs: 5_000, what: 'the message' });
      expect(heard).toEqual(['news hello']);
    } finally {
      listener.disconnect();
      publisher.disconnect();
    }
  });
});

describe('the network side', () => {
  it('refuses clients beyond maxclients and says so', async () => {
    await using served = await servedShard({ maxclients: '1' });
    const first = connect(served.port, '127.0.0.1');
    await eventually(() => served.shard.sessions.size === 1, { withinMs: 5_000, what: 'the first client' });
    expect(await rawExchange(served.port, 'PING\r\n')).toBe('-ERR max number of clients reached\r\n');
    expect(served.shard.stats.rejectedConnections).toBe(1);
    first.destroy();
    await eventually(() => served.shard.sessions.size === 0, { withinMs: 5_000, what: 'the first client is gone' });
    expect(await rawExchange(served.port, 'PING\r\n')).toBe('+PONG\r\n');
  });

  it('cuts a client off that was told goodbye and does not go', async () => {
    await using served = await servedShard();
    const client = connect({ port: served.port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    client.on('data', (chunk) => (received += chunk.toString()));
    client.on('error', () => undefined);
    client.write('PING\r\n*x\r\n');
    await eventually(() => received.includes('Protocol error'), { withinMs: 5_000, what: 'the goodbye' });
    expect(served.shard.sessions.size).toBe(0);
    let isCut = false;
    client.on('close', () => (isCut = true));
    const what = 'the connection is cut';
    await eventually(() => isCut || !client.write('PING\r\n'), { withinMs: 10_000, what });
    expect(received).toBe('+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n');
    client.destroy();
  });

  it('disconnects a subscriber that does not read, at its hard limit', async () => {
    await using served = await servedShard({ 'client-output-buffer-limit': 'pubsub 4mb 0 0' });
    const deaf = connect(served.port, '127.0.0.1');
    deaf.on('error', () => undefined);
    deaf.write('SUBSCRIBE a\r\n');
    await eventually(() => served.shard.subscriptions.count('channel') === 1, {
      withinMs: 5_000,
      what: 'the subscription',
    });
    deaf.pause();
    const message = `*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$1000000\r\n${'x'.repeat(1_000_000)}\r\n`;
    await eventually(
      async () => {
        await rawExchange(served.port, message);
        return served.shard.subscriptions.count('channel') === 0;
      },
      { withinMs: 10_000, what: 'the subscriber is cut off' },
    );
    expect(await rawExchange(served.port, 'PING\r\n')).toBe('+PONG\r\n');
    deaf.destroy();
  });

  it('disconnects a client that has not said who it is and does not read', async () => {
    await using served = await servedShard({ requirepass: 'p' });
    const deaf = connect(served.port, '127.0.0.1');
    deaf.on('error', () => undefined);
    deaf.pause();
    await eventually(
      () => {
        deaf.write('PING\r\n'.repeat(100));
        return served.shard.stats.outputLimitDisconnections === 1;
      },
      { withinMs: 30_000, what: 'it is cut off' },
    );
    deaf.destroy();
  });

  it('runs no more requests of a client that does not read, until it reads; nothing is lost', async () => {
    await using served = await servedShard();
    const value = 4_000_000;
    const requests = 80;
    const client = connect(served.port, '127.0.0.1');
    let received = 0;
    client.write(`SETRANGE k ${value - 1} x\r\n${'GET k\r\n'.repeat(requests)}INCR ran\r\n`);
    await eventually(() => served.shard.stats.commands > 10, { withinMs: 5_000, what: 'some replies wait' });
    const ran = served.shard.stats.commands;
    expect(ran).toBeLessThan(40);
    expect(await rawExchange(served.port, 'EXISTS ran\r\n')).toBe(':0\r\n');
    expect(served.shard.stats.netOutputBytes).toBeLessThan(100_000_000);
    client.on('data', (chunk) => (received += chunk.length));
    const all = `:${value}\r\n`.length + requests * (value + `$${value}\r\n\r\n`.length) + ':1\r\n'.length;
    await eventually(() => received === all, {
      withinMs: 20_000,
      what: 'every reply',
    });
    client.destroy();
  });

  it('tells its port', async () => {
    await using served = await servedShard();
    expect(await rawExchange(served.port, 'INFO server\r\n')).toContain(`\r\ntcp_port:${served.port}\r\n`);
  });
});
