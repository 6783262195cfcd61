import { describe, expect, it } from 'vitest';
import { defineCommand } from '../../../src/node/commands/command.ts';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const commands = [
  ...stringCommands,
  ...connectionCommands,
  ...pubsubCommands,
  ...serverCommands,
  ...transactionCommands,
  ...listCommands,
];

const send = (client: TestClient, bytes: string): string => {
  client.raw = '';
  client.session.receive(Buffer.from(bytes, 'latin1'));
  return client.raw;
};

describe('a session that ends', () => {
  it.each(['POST / HTTP/1.1\r\nHost: x\r\n\r\n', 'GET / HTTP/1.1 x\r\nhost: x\r\n\r\n'])(
    'runs nothing that a web page has sent behind %j',
    (request) => {
      using test = testShard({ commands });
      const client = test.client();
      send(client, `${request}SET stolen 1\r\n`);
      expect(client.closed).toBe(true);
      expect(send(test.client(), encodeRequest(['GET', 'stolen']))).toBe('$-1\r\n');
    },
  );

  it('answers what came before a protocol error, says the error, closes and reads no more', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(send(client, 'SET a 1\r\n*1\r\n$x\r\nSET b 2\r\n')).toBe(
      '+OK\r\n-ERR Protocol error: invalid bulk length\r\n',
    );
    expect(client.closed).toBe(true);
    expect(send(client, 'SET b 2\r\n')).toBe('');
    expect(test.shard.keyspaces[0]!.has('b')).toBe(false);
    expect(test.shard.sessions.size).toBe(0);
  });

  it('says no protocol error to a client that wants no replies', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(send(client, 'CLIENT REPLY OFF\r\n*x\r\n')).toBe('');
    expect(client.closed).toBe(true);
  });

  it('answers QUIT, and nothing after it', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(send(client, 'PING\r\nQUIT\r\nPING\r\n')).toBe('+PONG\r\n+OK\r\n');
    expect(client.closed).toBe(true);
  });

  it('leaves nothing behind: waits, watches, subscriptions', () => {
    using test = testShard({ commands });
    const [waiter, watcher, listener] = [test.client(), test.client(), test.client()];
    waiter.call('BLPOP', 'l', '0');
    watcher.call('WATCH', 'a');
    listener.call('SUBSCRIBE', 'a');
    listener.call('PSUBSCRIBE', '*');
    for (const client of [waiter, watcher, listener]) test.shard.closeSession(client.session);
    expect(test.shard.blocking.count).toBe(0);
    expect(test.shard.watchers.count).toBe(0);
    expect(test.shard.subscriptions.count('channel') + test.shard.subscriptions.count('pattern')).toBe(0);
    test.client().call('RPUSH', 'l', 'x');
    expect(test.shard.keyspaces[0]!.has('l')).toBe(true);
  });

  it('that was killed while it waited takes no element with it, though its connection is still closing', () => {
    using test = testShard({ commands });
    const waiter = test.shard.openSession({
      local: { host: '127.0.0.1', port: 1 },
      remote: { host: '127.0.0.1', port: 2 },
      write: () => undefined,
      end: () => undefined,
    });
    waiter.receive(Buffer.from('BLPOP l 0\r\n'));
    const client = test.client();
    expect(client.call('CLIENT', 'KILL', 'ID', String(waiter.id))).toBe(1);
    client.call('RPUSH', 'l', 'v');
    expect(client.call('LRANGE', 'l', '0', '-1')).toEqual(['v']);
    expect(test.shard.sessions.has(waiter.id)).toBe(false);
  });

  it('goes with its shard', () => {
    const test = testShard({ commands });
    const clients = [test.client(), test.client()];
    clients[0]!.call('BLPOP', 'l', '0');
    test.shard.close();
    expect(clients.every((client) => client.closed)).toBe(true);
    expect(test.shard.sessions.size).toBe(0);
    expect(test.shard.blocking.count).toBe(0);
  });
});

describe('replies', () => {
  it('CLIENT REPLY silences replies, errors included, and comes back', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(send(client, 'CLIENT REPLY OFF\r\nPING\r\nNOPE\r\nCLIENT REPLY ON\r\nPING\r\n')).toBe('+OK\r\n+PONG\r\n');
    expect(send(client, 'CLIENT REPLY SKIP\r\nNOPE\r\nPING\r\n')).toBe('+PONG\r\n');
    expect(send(client, 'CLIENT REPLY SKIP\r\n')).toBe('');
    expect(send(client, 'PING\r\n')).toBe('');
    expect(send(client, 'PING\r\n')).toBe('+PONG\r\n');
  });

  it('answers an EXEC in which CLIENT REPLY SKIP was asked for, and skips what follows it', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(send(client, 'MULTI\r\nPING\r\nCLIENT REPLY SKIP\r\nEXEC\r\nPING\r\nPING\r\n')).toBe(
      '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+PONG\r\n+PONG\r\n',
    );
  });

  it('a reply too long for a string is refused, and the session lives on', () => {
    const long = 'x'.repeat(2 ** 28);
    const double = defineCommand({
      name: 'TWICE',
      group: 'generic',
      since: '1.0.0',
      summary: 'Answers more than a string can hold.',
      flags: [],
      arguments: {},
      run: () => [long, long],
    });
    using test = testShard({ commands: [...commands, double] });
    let last = '';
    const session = test.shard.openSession({
      local: { host: '127.0.0.1', port: 1 },
      remote: { host: '127.0.0.1', port: 2 },
      write: (bytes) => (last = bytes),
      end: () => undefined,
    });
    session.receive(Buffer.from('TWICE\r\n'));
    expect(last).toBe('-ERR reply exceeds the largest string this server can hold (512 MiB)\r\n');
    session.receive(Buffer.from('MULTI\r\nTWICE\r\nEXEC\r\nPING\r\n'));
    expect(last).toMatch(/\*1\r\n-ERR reply exceeds the largest string [^\r]*\r\n\+PONG\r\n$/);
  });

  it('messages to a client that is not asking leave at the end of the turn, those of a transaction together', () => {
    using test = testShard({ commands });
    const [listener, publisher] = [test.client(), test.client()];
    listener.call('SUBSCRIBE', 'a');
    listener.raw = '';
    send(publisher, 'MULTI\r\nPUBLISH a 1\r\nPUBLISH a 2\r\n');
    expect(listener.raw).toBe('');
    send(publisher, 'EXEC\r\nPUBLISH a 3\r\n');
    expect(listener.raw).toBe('');
    test.shard.endTurn();
    expect(listener.raw.match(/message/g)).toHaveLength(3);
  });
});

describe('what a blocked client sends meanwhile', () => {
  it('is run after the wait, in order', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const [waiter, other] = [test.client(), test.client()];
    expect(send(waiter, 'BLPOP l 0\r\nPING\r\nECHO')).toBe('');
    expect(send(waiter, ' x\r\n')).toBe('');
    for (const byte of encodeRequest(['ECHO', 'y'])) send(waiter, byte);
    waiter.raw = '';
    other.call('RPUSH', 'l', 'v');
    // The wait is over, the next turn has not come yet
    waiter.session.receive(Buffer.from('ECHO z\r\n'));
    await world.advance(1);
    expect(waiter.raw).toBe('*2\r\n$1\r\nl\r\n$1\r\nv\r\n+PONG\r\n$1\r\nx\r\n$1\r\ny\r\n$1\r\nz\r\n');
  });

  it('is limited', () => {
    using test = testShard({ commands });
    Object.assign(test.shard.decoderLimits, { requestBytesMax: 1000 });
    const waiter = test.client();
    waiter.call('BLPOP', 'l', '0');
    expect(send(waiter, 'x'.repeat(999))).toBe('');
    expect(send(waiter, 'xx')).toBe('-ERR Protocol error: more than 1000 bytes of unread requests\r\n');
    expect(waiter.closed).toBe(true);
    expect(test.shard.blocking.count).toBe(0);
  });
});

describe('limits', () => {
  it('a transaction may not queue without end', () => {
    using test = testShard({ commands });
    Object.assign(test.shard.decoderLimits, { requestBytesMax: 3000 });
    const client = test.client();
    send(client, 'MULTI\r\n');
    for (let i = 0; i < 9; i++) expect(send(client, `ECHO ${'x'.repeat(100)}\r\n`)).toBe('+QUEUED\r\n');
    expect(send(client, `ECHO ${'x'.repeat(100)}\r\n`)).toBe(
      '-ERR Protocol error: transaction longer than 3000 bytes\r\n',
    );
    expect(client.closed).toBe(true);
  });

  it('proto-max-bulk-len concerns connections that are already open', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CONFIG', 'SET', 'proto-max-bulk-len', '1mb');
    expect(send(client, '*1\r\n$1048577\r\n')).toBe('-ERR Protocol error: invalid bulk length\r\n');
  });

  it('idle clients are closed after `timeout`, those who wait or listen are not', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world, config: { timeout: '10' } });
    const [idle, busy, waiter, listener] = [test.client(), test.client(), test.client(), test.client()];
    waiter.call('BLPOP', 'l', '0');
    listener.call('SUBSCRIBE', 'a');
    await world.advance(8_000);
    busy.call('PING');
    await world.advance(4_000);
    expect([idle, busy, waiter, listener].map((client) => client.closed)).toEqual([true, false, false, false]);
  });
});
