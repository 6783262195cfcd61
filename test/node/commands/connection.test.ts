import { describe, expect, it, vi } from 'vitest';
import { blockingListCommands } from '../../../src/node/commands/blocking-lists.ts';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const commands = [
  ...connectionCommands,
  ...pubsubCommands,
  ...transactionCommands,
  ...serverCommands,
  ...blockingListCommands,
];

/** The fields of this client's line. */
function facts(client: TestClient): Record<string, string> {
  const line = String(client.call('CLIENT', 'INFO')).trimEnd();
  return Object.fromEntries(line.split(' ').map((field) => field.split(/=(.*)/s).slice(0, 2)));
}

describe('CLIENT', () => {
  it('UNBLOCK counts the error it makes, and whoever is told goodbye is no client any more', () => {
    using test = testShard({ commands });
    const [one, waiting, killed] = [test.client(), test.client(), test.client()];
    waiting.send('BLPOP', 'k', '0');
    expect(one.call('CLIENT', 'UNBLOCK', String(waiting.session.id), 'ERROR')).toBe(1);
    const info = String(one.call('INFO', 'commandstats', 'errorstats'));
    expect(info).toMatch(/errorstat_UNBLOCKED:count=1\r\n/);
    expect(info).toMatch(/cmdstat_blpop:calls=1,.*failed_calls=1\r\n/);
    vi.spyOn(killed.session.output, 'end').mockImplementation(() => undefined); // its connection takes a while to end
    one.call('CLIENT', 'KILL', 'ID', String(killed.session.id));
    expect(String(one.call('CLIENT', 'LIST'))).not.toContain(`id=${killed.session.id} `);
  });

  it('INFO and LIST describe connections field by field', () => {
    using test = testShard({ commands });
    const [one, two] = [test.client(), test.client()];
    one.call('CLIENT', 'SETNAME', 'name');
    one.call('CLIENT', 'SETINFO', 'LIB-NAME', 'ioredis');
    one.call('CLIENT', 'SETINFO', 'lib-ver', '5.0');
    one.call('SELECT', '3');
    one.call('WATCH', 'a', 'b');
    expect(facts(one)).toMatchObject({
      id: '1',
      addr: '127.0.0.1:50000',
      laddr: '127.0.0.1:6379',
      name: 'name',
      flags: 'N',
      db: '3',
      multi: '-1',
      watch: '2',
      cmd: 'client|info',
      user: 'default',
      resp: '2',
      'lib-name': 'ioredis',
      'lib-ver': '5.0',
    });
    two.call('SUBSCRIBE', 'a');
    expect(String(one.call('CLIENT', 'LIST', 'TYPE', 'pubsub'))).toMatch(
      /^id=2 .* flags=P .* sub=1 psub=0 ssub=0 [^\n]*\n$/,
    );
    expect(String(one.call('CLIENT', 'LIST')).trimEnd().split('\n')).toHaveLength(2);
    expect(String(one.call('CLIENT', 'LIST', 'ID', '2', '77', '1'))).toMatch(/^id=2 [^\n]*\nid=1 [^\n]*\n$/);
  });

  it('SETINFO refuses what CLIENT LIST could not show', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('CLIENT', 'SETINFO', 'lib-name', 'a b')).toBe(
      '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(client.bytes('CLIENT', 'SETINFO', 'nope', 'x')).toBe("-ERR Unrecognized option 'nope'\r\n");
  });

  it('KILL closes those that fit all of the filters', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const clients = [test.client(), test.client(), test.client()] as const;
    clients[2].call('SUBSCRIBE', 'a');
    await world.advance(5_000);
    const young = test.client();
    expect(young.call('CLIENT', 'KILL', 'ID', '1', 'TYPE', 'pubsub')).toBe(0);
    expect(young.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1);
    expect(clients.map((client) => client.closed)).toEqual([false, false, true]);
    expect(young.call('CLIENT', 'KILL', 'MAXAGE', '4')).toBe(2);
    expect(young.call('CLIENT', 'KILL', 'ADDR', '127.0.0.1:50000')).toBe(0); // itself is spared
    expect(young.bytes('CLIENT', 'KILL', 'ADDR', '127.0.0.1:50000', 'SKIPME', 'no')).toBe(':1\r\n');
    expect(young.closed).toBe(true);
    expect(test.shard.sessions.size).toBe(0);
  });

  it('KILL by address alone includes oneself', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('CLIENT', 'KILL', '1.2.3.4:5')).toBe('-ERR No such client\r\n');
    expect(client.bytes('CLIENT', 'KILL', '127.0.0.1:50000')).toBe('+OK\r\n');
    expect(client.closed).toBe(true);
  });

  it('UNBLOCK ends a wait, as a timeout or as an error, and the client goes on', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const [waiter, other] = [test.client(), test.client()];
    for (const [reason, reply] of [
      [[], '*-1\r\n'],
      [['TIMEOUT'], '*-1\r\n'],
      [['error'], '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'],
    ] as const) {
      expect(waiter.call('BLPOP', 'list', '0')).toBeUndefined();
      waiter.send('PING');
      expect(facts(other)['cmd']).toBe('client|info');
      expect(other.call('CLIENT', 'UNBLOCK', '1', ...reason)).toBe(1);
      await world.advance(1);
      expect(waiter.raw).toBe(`${reply}+PONG\r\n`);
    }
    expect(other.call('CLIENT', 'UNBLOCK', '1')).toBe(0);
    expect(other.call('CLIENT', 'UNBLOCK', '99')).toBe(0);
  });

  it('NO-EVICT and NO-TOUCH are remembered', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CLIENT', 'NO-EVICT', 'on');
    client.call('CLIENT', 'NO-TOUCH', 'on');
    expect(facts(client)['flags']).toBe('eT');
    client.call('RESET');
    expect(facts(client)['flags']).toBe('N');
  });

  it('HELP lists what there is, nothing else', () => {
    using test = testShard({ commands });
    const lines = test.client().call('CLIENT', 'HELP') as string[];
    const named = lines
      .slice(1)
      .filter((line) => !line.startsWith(' '))
      .map((line) => line.split(' ')[0]);
    const real = test.shard.commands.find('CLIENT')!.subcommands!;
    expect(new Set(named)).toEqual(new Set(real.keys()));
  });
});

describe('HELLO', () => {
  it('tells who answers, and changes the protocol', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.call('HELLO', '2', 'SETNAME', 'me')).toEqual([
      'server',
      'redis',
      'version',
      '7.4.0',
      'proto',
      2,
      'id',
      1,
      'mode',
      'standalone',
      'role',
      'master',
      'modules',
      [],
    ]);
    expect(client.session.name).toBe('me');
    test.shard.role = 'replica';
    expect(client.call('HELLO')).toContain('replica');
  });

  it('names nobody when the login fails', () => {
    using test = testShard({ commands, config: { requirepass: 'pw' } });
    const client = test.client();
    expect(client.bytes('HELLO', '2', 'SETNAME', 'me', 'AUTH', 'default', 'no')).toMatch(/^-WRONGPASS/);
    expect(client.session.name).toBe('');
  });
});

describe('passwords', () => {
  it('a new password concerns new clients; taking it away lets everybody in', () => {
    using test = testShard({ commands });
    const admin = test.client();
    admin.call('CONFIG', 'SET', 'requirepass', 'pw');
    expect(admin.bytes('PING')).toBe('+PONG\r\n');
    const late = test.client();
    expect(late.bytes('PING')).toBe('-NOAUTH Authentication required.\r\n');
    admin.call('CONFIG', 'SET', 'requirepass', '');
    expect(late.bytes('PING')).toBe('+PONG\r\n');
  });
});
