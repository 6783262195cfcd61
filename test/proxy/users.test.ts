/** Users of a database through its endpoint: held to what their roles allow, at once when that changes. */

import { describe, expect, it } from 'vitest';
import { userOfRules } from '../../src/node/acl/rules.ts';
import type { User } from '../../src/node/acl/user.ts';
import { dataCommands } from '../../src/node/commands/index.ts';
import { scriptUserCommand } from '../../src/node/commands/script-user.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { scriptEngineReady } from '../../src/node/scripting/engine.ts';
import type { EndpointSettings } from '../../src/proxy/endpoint.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase, type RawClient, type TestDatabase } from './fixtures.ts';

const table = new CommandTable(dataCommands);

function user(name: string, rules: string, ...passwords: string[]): User {
  const made = userOfRules(name, rules, { table, allChannels: false });
  if (!made.ok) throw new Error(`${made.word}: ${made.detail}`);
  for (const password of passwords) made.user.apply(`>${password}`);
  return made.user;
}

const alice = user('alice', '+@all -@dangerous +sort ~a* ~{t}* &news', 'p', 'q');

async function as(database: TestDatabase, name: string, password: string): Promise<RawClient> {
  const client = await database.client();
  expect(await client.call('AUTH', name, password)).toBe('+OK\r\n');
  return client;
}

const change = (database: TestDatabase, settings: Partial<EndpointSettings>): void => {
  database.settings = { ...database.settings, ...settings };
};

describe('a user of an endpoint', () => {
  it('gets in by any of its passwords, by AUTH and by HELLO', async () => {
    await using database = await testDatabase({ settings: { users: [alice], passwords: ['secret'] } });
    for (const password of ['p', 'q']) await as(database, 'alice', password);
    const client = await database.client();
    for (const words of [
      ['AUTH', 'alice', 'x'],
      ['AUTH', 'bob', 'p'],
      ['AUTH', 'p'],
      ['HELLO', '3', 'AUTH', 'alice', 'x'],
    ]) {
      expect(await client.call(...words), words.join(' ')).toMatch(/^-WRONGPASS/);
    }
    expect(await client.call('GET', 'a')).toBe('-NOAUTH Authentication required\r\n');
    expect(await client.call('HELLO', '3', 'AUTH', 'alice', 'p')).toMatch(/^%/);
    expect(await client.call('ACL', 'WHOAMI')).toBe('$5\r\nalice\r\n');
    expect(await client.call('CLIENT', 'INFO')).toMatch(/ user=alice /);
  });

  it('is held to its commands, keys and channels', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const client = await as(database, 'alice', 'p');
    expect(await client.call('SET', 'a', '1')).toBe('+OK\r\n');
    expect(await client.call('PUBLISH', 'news', 'x')).toBe(':0\r\n');
    const refusals = [
      ['-NOPERM No permissions to access a key\r\n', ['SET', 'b', '1'], ['MGET', 'a', 'b'], ['BLPOP', 'b', '0'], ['WATCH', 'b']],
      ['-NOPERM No permissions to access a channel\r\n', ['PUBLISH', 'x', '1'], ['SUBSCRIBE', 'news', 'x'], ['PSUBSCRIBE', 'news*']],
      [/^-NOPERM User alice has no permissions to run the '(flushall|keys|info|client\|list)' command/, ['FLUSHALL'], ['KEYS', '*'], ['INFO'], ['CLIENT', 'LIST']],
      [/^-ERR BY option of SORT denied/, ['SORT', 'a', 'BY', 'x*']],
    ] as const; // prettier-ignore
    for (const [text, ...requests] of refusals) {
      for (const words of requests) {
        const reply = await client.call(...words);
        if (typeof text === 'string') expect(reply, words.join(' ')).toBe(text);
        else expect(reply, words.join(' ')).toMatch(text);
      }
    }
    expect(await (await database.client()).call('GET', 'b')).toBe('$-1\r\n');
  });

  it('may always begin, run and discard a transaction; what it may not queue spoils it', async () => {
    const reader = user('reader', '+get ~*', 'p');
    await using database = await testDatabase({ settings: { users: [reader] } });
    const client = await as(database, 'reader', 'p');
    expect(await client.call('MULTI')).toBe('+OK\r\n');
    expect(await client.call('GET', 'a')).toBe('+QUEUED\r\n');
    expect(await client.call('EXEC')).toBe('*1\r\n$-1\r\n');
    await client.call('MULTI');
    expect(await client.call('SET', 'a', '1')).toMatch(/^-NOPERM/);
    expect(await client.call('EXEC')).toMatch(/^-EXECABORT/);
    await client.call('MULTI');
    expect(await client.call('DISCARD')).toBe('+OK\r\n');
    expect(await client.call('PING')).toMatch(/^-NOPERM/);
  });

  it('is held to them when it is pinned to a shard, too', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const client = await as(database, 'alice', 'p');
    expect(await client.call('ANTIPODE', 'PIN', '0')).toBe('+OK\r\n');
    for (const words of [['SET', 'b', '1'], ['FLUSHALL'], ['CLIENT', 'LIST'], ['SUBSCRIBE', 'x'], ['WATCH', 'b']]) {
      expect(await client.call(...words), words.join(' ')).toMatch(/^-NOPERM/);
    }
    expect(await client.call('ACL', 'WHOAMI')).toBe('$5\r\nalice\r\n');
  });

  it('is held to them by the calls of its scripts: alone, in a transaction, and pinned to a shard', async () => {
    const scripter = user('scripter', '+eval +evalsha +eval_ro +fcall +script|load +set +get +multi +exec ~c*', 'p');
    await using database = await testDatabase({ settings: { users: [scripter] }, extraCommands: [scriptUserCommand] });
    const client = await as(database, 'scripter', 'p');
    const run = (script: string, ...words: string[]): Promise<string> => client.call('EVAL', script, ...words);
    const denied = /^-ERR ACL failure in script: (User scripter has no permissions|No permissions to access a key)/;
    await scriptEngineReady();
    const inOrder = async (): Promise<void> => {
      expect(await run("return redis.call('SET', KEYS[1], ARGV[1])", '1', 'c', '7')).toBe('+OK\r\n');
      expect(await run("return redis.call('GET', 'c')", '1', 'c')).toBe('$1\r\n7\r\n');
      expect(await run("return redis.call('FLUSHALL')", '1', 'c')).toMatch(denied);
      expect(await run("return redis.call('SET', 'a', '1')", '1', 'c')).toMatch(denied);
      expect(await run("return redis.call('DEL', KEYS[1])", '1', 'c')).toMatch(denied);
      expect(await run('return redis.call()', '1', 'c')).toMatch(/^-ERR Please specify/);
      expect(await client.call('EVAL_RO', "return redis.call('KEYS', '*')", '1', 'c')).toMatch(denied);
    };
    await inOrder();
    const admin = await database.client();
    const library =
      "#!lua name=lib\nredis.register_function('set', function(keys) return redis.call('SET', keys[1], 'x') end)";
    expect(await admin.call('FUNCTION', 'LOAD', library)).toBe('$3\r\nlib\r\n');
    expect(await client.call('FUNCTION', 'LOAD', 'REPLACE', library)).toMatch(/^-NOPERM/);
    expect(await client.call('FCALL', 'set', '1', 'c')).toBe('+OK\r\n');
    expect(await client.call('FCALL', 'set', '1', 'a')).toMatch(/^-/);
    await client.call('MULTI');
    expect(await run("return redis.call('FLUSHALL')", '1', 'c')).toBe('+QUEUED\r\n');
    expect(await run("return redis.call('SET', 'c', '8')", '1', 'c')).toBe('+QUEUED\r\n');
    expect(await client.call('EXEC')).toMatch(/^\*2\r\n-ERR ACL failure in script.*\r\n\+OK\r\n$/);
    expect(await client.call('ANTIPODE', 'PIN', '1')).toBe('+OK\r\n');
    await inOrder();
    expect(await client.call('ANTIPODE', 'AS', 'x', '+@all ~*', 'EVAL', 'return 1', '0')).toMatch(/^-ERR unknown/);
    expect(await (await database.client()).call('EVAL', "return redis.call('FLUSHALL')", '1', 'c')).toBe('+OK\r\n');
  });

  it('obeys new rules at its next request, and a transaction begun under old ones does not run', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const client = await as(database, 'alice', 'p');
    await client.call('MULTI');
    await client.call('SET', 'a', '1');
    change(database, { users: [user('alice', '+@read +@transaction ~*', 'p')] });
    expect(await client.call('EXEC')).toMatch(/^-EXECABORT/);
    expect(await client.call('SET', 'a', '1')).toMatch(/^-NOPERM/);
    expect(await client.call('GET', 'b')).toBe('$-1\r\n');
    await client.call('MULTI');
    await client.call('GET', 'a');
    change(database, { maxConnections: 5 });
    expect(await client.call('EXEC')).toBe('*1\r\n$-1\r\n');
  });

  it('is let go when it has no role here any more', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const [client, listener] = [await as(database, 'alice', 'p'), await as(database, 'alice', 'p')];
    await listener.call('SUBSCRIBE', 'news');
    change(database, { users: [] });
    client.send('GET', 'a');
    await client.untilClosed();
    expect(client.replies).toEqual([]);
    await (await database.client()).call('PUBLISH', 'news', 'secret');
    await listener.untilClosed();
    expect(listener.replies).toEqual([]);
  });

  it('hears no channel that it may not hear any more', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const listener = await as(database, 'alice', 'p');
    await listener.call('SUBSCRIBE', 'news');
    change(database, { users: [user('alice', '+@all ~* &other', 'p')] });
    await (await database.client()).call('PUBLISH', 'news', 'secret');
    await listener.untilClosed();
    expect(listener.replies).toEqual([]);
  });

  it('shares its name with nobody: admin is by the internal password alone', async () => {
    await using database = await testDatabase({ settings: { users: [user('admin', '+ping', 'p')] } });
    const own = await as(database, 'admin', 'p');
    expect(await own.call('REPLCONF', 'capa', 'eof')).toMatch(/^-ERR unknown command/);
    const internal = await as(database, 'admin', 'internal-secret');
    expect(await internal.call('REPLCONF', 'capa', 'eof')).toMatch(/choose one with ANTIPODE PIN/);
  });
});

describe('a database without a default user', () => {
  it('lets in users of the cluster only, whatever passwords it has', async () => {
    await using database = await testDatabase({
      settings: { users: [alice], defaultUser: false, passwords: ['secret'] },
    });
    const client = await database.client();
    expect(await client.call('GET', 'a')).toMatch(/^-NOAUTH/);
    expect(await client.call('AUTH', 'secret')).toMatch(/^-WRONGPASS/);
    expect(await client.call('AUTH', 'default', 'secret')).toMatch(/^-WRONGPASS/);
    expect(await client.call('AUTH', 'alice', 'p')).toBe('+OK\r\n');
    expect(await client.call('ACL', 'USERS')).toMatch(/^-NOPERM/);
  });

  it('lets go who came as the default user, when it loses it', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    await client.call('PING');
    change(database, { defaultUser: false });
    client.send('PING');
    await client.untilClosed();
    expect(client.replies).toEqual([]);
  });
});

describe('ACL through an endpoint', () => {
  it('shows the users that there are, and what they may do', async () => {
    await using database = await testDatabase({ settings: { users: [alice], passwords: ['secret'] } });
    const client = await as(database, 'default', 'secret');
    expect(await client.call('ACL', 'USERS')).toBe('*2\r\n$7\r\ndefault\r\n$5\r\nalice\r\n');
    expect(await client.call('ACL', 'WHOAMI')).toBe('$7\r\ndefault\r\n');
    expect(await client.call('ACL', 'LIST')).toMatch(
      /user default on sanitize-payload #[0-9a-f]{64} ~\* &\* \+@all\r\n.*\r\nuser alice on sanitize-payload #[0-9a-f]{64} #[0-9a-f]{64} ~a\* ~\{t\}\* resetchannels &news \+@all -@dangerous \+sort\r\n$/,
    );
    expect(await client.call('ACL', 'GETUSER', 'alice')).toMatch(/commands\r\n\$\d+\r\n\+@all -@dangerous \+sort\r\n/);
    expect(await client.call('ACL', 'GETUSER', 'admin')).toMatch(/^[*$]-1\r\n$/);
    expect(await client.call('ACL', 'CAT', 'transaction')).toContain('watch');
    expect(await client.call('ACL', 'DRYRUN', 'alice', 'GET', 'a')).toBe('+OK\r\n');
    expect(await client.call('ACL', 'DRYRUN', 'alice', 'GET', 'b')).toContain("no permissions to access the 'b' key");
    expect(await client.call('ACL', 'HELP')).toMatch(/^\*/);
  });

  it('changes no user', async () => {
    await using database = await testDatabase({ settings: { users: [alice] } });
    const client = await database.client();
    const before = await client.call('ACL', 'LIST');
    for (const words of ['SETUSER alice +flushall', 'DELUSER alice', 'LOAD', 'SAVE', 'GENPASS', 'LOG', 'LOG RESET']) {
      expect(await client.call('ACL', ...words.split(' ')), words).toMatch(/^-ERR unknown command 'ACL'/);
    }
    expect(await client.call('ACL', 'LIST')).toBe(before);
    for (const shard of database.shards)
      expect(shard.permissions.users.users.map(({ name }) => name)).toEqual(['default']);
  });
});

it('a client that has authenticated goes on when the passwords change', async () => {
  await using database = await testDatabase({ settings: { passwords: ['one'] } });
  const client = await as(database, 'default', 'one');
  change(database, { passwords: ['two'] });
  expect(await client.call('PING')).toBe('+PONG\r\n');
  const late = await database.client();
  expect(await late.call('AUTH', 'one')).toMatch(/^-WRONGPASS/);
  expect(await late.call('AUTH', 'two')).toBe('+OK\r\n');
  change(database, { passwords: [] });
  await eventually(async () => (await (await database.client()).call('PING')) === '+PONG\r\n', {
    withinMs: 2000,
    what: 'no password',
  });
});
