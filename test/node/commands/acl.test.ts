/** ACL of a shard, where one connection is not enough; the rest is in `test/node/acl/against-redis.test.ts`. */

import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { testShard } from '../../support/fixtures.ts';

const shardWith = (config: Readonly<Record<string, string>> = {}) => testShard({ commands: dataCommands, config });

describe('users of a shard', () => {
  it('are asked again when what they waited for has come', () => {
    using test = shardWith();
    const [admin, waiting] = [test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', '~*', '+@all');
    waiting.call('AUTH', 'alice', 'p');
    waiting.send('BLPOP', 'l', '0');
    admin.call('ACL', 'SETUSER', 'alice', 'resetkeys');
    admin.call('RPUSH', 'l', 'v');
    expect(waiting.replies.map(String)).toEqual(['ReplyError: NOPERM No permissions to access a key']);
    expect(admin.call('LRANGE', 'l', '0', '-1')).toEqual(['v']);
    expect(String(admin.call('INFO', 'commandstats'))).toMatch(
      /cmdstat_blpop:calls=0,.*rejected_calls=1,failed_calls=0/,
    );
    expect(admin.bytes('ACL', 'SETUSER', 'bob', '%RW', '(+get (+set (+del', ')')).toContain('modifier');
    expect(admin.call('ACL', 'SETUSER', 'bob', '%RW')).toBe('OK');
  });

  it('are who a connection is once it has said so', () => {
    using test = shardWith();
    const [admin, client] = [test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', '>p', '~a*', '+@string', '+acl|whoami', '+client|info');
    expect(client.call('ACL', 'WHOAMI')).toBe('default');
    expect(client.bytes('AUTH', 'alice', 'q')).toMatch(/^-WRONGPASS/);
    expect(client.call('ACL', 'WHOAMI')).toBe('default');
    expect(client.call('AUTH', 'alice', 'p')).toBe('OK');
    expect(client.call('ACL', 'WHOAMI')).toBe('alice');
    expect(client.call('CLIENT', 'INFO')).toMatch(/ user=alice /);
    expect(client.call('SET', 'ab', '1')).toBe('OK');
    expect(client.bytes('SET', 'b', '1')).toBe('-NOPERM No permissions to access a key\r\n');
    expect(client.bytes('DEL', 'ab')).toBe("-NOPERM User alice has no permissions to run the 'del' command\r\n");
    expect(client.bytes('ACL', 'LIST')).toBe("-NOPERM User alice has no permissions to run the 'acl|list' command\r\n");
  });

  it('hear every channel after a reset, or none, as acl-pubsub-default says at that time', () => {
    using test = shardWith({ 'acl-pubsub-default': 'allchannels' });
    const admin = test.client();
    admin.call('ACL', 'SETUSER', 'default', 'reset', 'on', 'nopass', '~*', '+@all');
    expect(admin.call('PUBLISH', 'c', 'm')).toBe(0);
    admin.call('CONFIG', 'SET', 'acl-pubsub-default', 'resetchannels');
    expect(admin.call('PUBLISH', 'c', 'm')).toBe(0);
    admin.call('ACL', 'SETUSER', 'default', 'reset', 'on', 'nopass', '~*', '+@all');
    expect(admin.bytes('PUBLISH', 'c', 'm')).toMatch(/^-NOPERM/);
    admin.call('CONFIG', 'SET', 'acl-pubsub-default', 'allchannels');
    admin.call('ACL', 'SETUSER', 'default', '(+get ~a)');
    expect(admin.call('ACL', 'LIST')).toEqual([expect.stringMatching(/resetchannels \+@all \(~a &\* -@all \+get\)$/)]);
  });

  it('obey a change at once, in connections that are open', () => {
    using test = shardWith();
    const [admin, client] = [test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', 'allkeys', '+@all');
    client.call('AUTH', 'alice', 'x');
    client.call('MULTI');
    client.call('SET', 'a', '1');
    admin.call('ACL', 'SETUSER', 'alice', '-set');
    expect(client.bytes('EXEC')).toBe(
      '*1\r\n-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand\r\n',
    );
    expect(client.bytes('SET', 'a', '1')).toMatch(/^-NOPERM/);
    expect(client.call('GET', 'a')).toBeNull();
  });

  it('lose their connections when they are deleted, by themselves too', () => {
    using test = shardWith();
    const [admin, one, other] = [test.client(), test.client(), test.client()];
    for (const name of ['alice', 'bob']) admin.call('ACL', 'SETUSER', name, 'on', 'nopass', 'allkeys', '+@all');
    one.call('AUTH', 'alice', 'x');
    other.call('AUTH', 'bob', 'x');
    expect(admin.call('ACL', 'DELUSER', 'alice', 'nobody')).toBe(1);
    expect([one.closed, other.closed]).toEqual([true, false]);
    expect(other.call('ACL', 'DELUSER', 'bob')).toBe(1);
    expect(other.closed).toBe(true);
    expect(admin.call('ACL', 'USERS')).toEqual(['default']);
  });

  it('are cut off from channels they may no longer hear, and only then', () => {
    using test = shardWith();
    const [admin, one, other] = [test.client(), test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', '+@all', '&a', '&b');
    for (const client of [one, other]) client.call('AUTH', 'alice', 'x');
    one.call('SUBSCRIBE', 'a');
    other.call('SUBSCRIBE', 'b');
    admin.call('ACL', 'SETUSER', 'alice', 'resetchannels', '&b');
    expect([one.closed, other.closed]).toEqual([true, false]);
  });

  it('are found by CLIENT KILL USER', () => {
    using test = shardWith();
    const [admin, client] = [test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass');
    client.call('AUTH', 'alice', 'x');
    expect(admin.call('CLIENT', 'KILL', 'USER', 'alice')).toBe(1);
    expect([client.closed, admin.closed]).toEqual([true, false]);
  });
});

describe('the default user', () => {
  it('has the password of requirepass, and others beside it', () => {
    using test = shardWith({ requirepass: 'p' });
    const client = test.client();
    expect(client.bytes('GET', 'a')).toMatch(/^-NOAUTH/);
    client.call('AUTH', 'p');
    client.call('ACL', 'SETUSER', 'default', '>q');
    for (const password of ['p', 'q']) expect(test.client().call('AUTH', password)).toBe('OK');
    client.call('CONFIG', 'SET', 'requirepass', '');
    expect(test.client().call('GET', 'a')).toBeNull();
    expect(client.call('ACL', 'LIST')).toEqual(['user default on nopass sanitize-payload ~* &* +@all']);
  });

  it('keeps what ACL SETUSER made of it when another parameter is set', () => {
    using test = shardWith();
    const client = test.client();
    client.call('ACL', 'SETUSER', 'default', '>q');
    client.call('CONFIG', 'SET', 'hz', '20');
    expect(test.client().bytes('GET', 'a')).toMatch(/^-NOAUTH/);
  });

  it('switched off lets nobody in who is not in already', () => {
    using test = shardWith();
    const client = test.client();
    client.call('ACL', 'SETUSER', 'default', 'off');
    expect(client.call('PING')).toBe('PONG');
    expect(test.client().bytes('PING')).toMatch(/^-NOAUTH/);
    expect(test.client().bytes('AUTH', 'default', 'x')).toMatch(/^-WRONGPASS/);
  });
});

describe('ACL LOG', () => {
  it('counts equal denials together, newest first, up to acllog-max-len', () => {
    using test = shardWith();
    const [admin, client] = [test.client(), test.client()];
    admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', '+get', '+multi', '~a');
    client.call('AUTH', 'alice', 'x');
    for (const words of [['GET', 'b'], ['SET', 'a', '1'], ['GET', 'b'], ['MULTI'], ['SET', 'a', '1']])
      client.call(...words);
    test.client().call('AUTH', 'alice2', 'x');
    const log = admin.call('ACL', 'LOG') as string[][];
    const facts = log.map((entry) =>
      Object.fromEntries(entry.flatMap((word, at) => (at % 2 ? [] : [[word, entry[at + 1]]]))),
    );
    expect(
      facts.map(({ count, reason, context, object, username }) => [count, reason, context, object, username]),
    ).toEqual([
      [1, 'auth', 'toplevel', 'AUTH', 'alice2'],
      [1, 'command', 'multi', 'set', 'alice'],
      [2, 'key', 'toplevel', 'b', 'alice'],
      [1, 'command', 'toplevel', 'set', 'alice'],
    ]);
    expect(facts[1]!['client-info']).toMatch(/^id=2 .* user=alice /);
    expect(facts.map((each) => each['entry-id'])).toEqual([3, 2, 0, 1]);
    admin.call('CONFIG', 'SET', 'acllog-max-len', '1');
    client.call('SET', 'a', '2');
    expect(admin.call('ACL', 'LOG', '5')).toHaveLength(1);
    expect(admin.call('ACL', 'LOG', 'RESET')).toBe('OK');
    expect(admin.call('ACL', 'LOG')).toEqual([]);
  });
});

it('ACL GENPASS makes passwords of so many bits, none twice', () => {
  using test = shardWith();
  const client = test.client();
  expect(client.call('ACL', 'GENPASS')).toMatch(/^[0-9a-f]{64}$/);
  expect(client.call('ACL', 'GENPASS', '5')).toMatch(/^[0-9a-f]{2}$/);
  expect(client.call('ACL', 'GENPASS')).not.toBe(client.call('ACL', 'GENPASS'));
});

it('SORT with patterns needs every key', () => {
  using test = shardWith();
  const [admin, client] = [test.client(), test.client()];
  admin.call('ACL', 'SETUSER', 'alice', 'on', 'nopass', '+@all', '~l', '%RW~m');
  client.call('AUTH', 'alice', 'x');
  expect(client.bytes('SORT', 'l', 'BY', 'w*')).toBe(
    '-ERR BY option of SORT denied due to insufficient ACL permissions.\r\n',
  );
  expect(client.bytes('SORT', 'l', 'GET', 'w*')).toMatch(/^-ERR GET option/);
  expect(client.call('SORT', 'l', 'BY', 'nosort')).toEqual([]);
  admin.call('ACL', 'SETUSER', 'alice', '%R~*');
  expect(client.call('SORT', 'l', 'BY', 'w*')).toEqual([]);
});
