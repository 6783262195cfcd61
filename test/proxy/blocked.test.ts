/**
 * What Redis Enterprise blocks, tried for real: every entry of the table answers its error in whatever way it is sent, and changes
 * nothing. The arguments are such that each would do something on a shard that knows the command.
 */

import { describe, expect, it } from 'vitest';
import { datasetDigest } from '../../src/node/keyspace/digest.ts';
import { BLOCKED_COMMANDS, CONFIG_PARAMETERS } from '../../src/proxy/blocked-commands.ts';
import { replicationCommands } from '../../src/replication/commands.ts';
import { testDatabase, type RawClient, type TestDatabase } from './fixtures.ts';

/** Others get two words. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  CLUSTER: 'RESET HARD',
  'CLIENT NO-EVICT': 'ON',
  'CLIENT PAUSE': '60000 ALL',
  MIGRATE: '127.0.0.1 1 {t}a 0 10',
  MOVE: '{t}a 1',
  SWAPDB: '0 0',
  'ACL DELUSER': 'default',
  'ACL SETUSER': 'evil on nopass +@all ~*',
  DEBUG: 'SET-ACTIVE-EXPIRE 0',
  SHUTDOWN: 'NOSAVE FORCE',
  'SCRIPT DEBUG': 'YES',
  LATENCY: 'RESET',
  PSYNC: '? -1',
  REPLCONF: 'listening-port 1',
  REPLICAOF: '127.0.0.1 1',
  SLAVEOF: '127.0.0.1 1',
  'RESTORE-ASKING': '{t}c 0 x REPLACE',
  SUBSTR: '{t}a 0 1',
  LMOVEM: '{t}a {t}b LEFT LEFT',
  INCREX: '{t}n',
};

const entries = Object.entries(BLOCKED_COMMANDS).flatMap(([family, names]) =>
  names.map((name) => ({ family, name, words: [...name.split(' '), ...(ARGUMENTS[name] ?? 'x y').split(' ')] })),
);

const mixed = (word: string): string =>
  word.replace(/[A-Z]/g, (letter, at: number) => (at % 2 ? letter.toLowerCase() : letter));

/** Everything that a request could have changed. */
const stateOf = ({ shards }: TestDatabase): unknown =>
  shards.map((shard) => ({
    data: datasetDigest(shard.keyspaces),
    config: [...shard.config.entries()],
    users: shard.permissions.users.text,
    role: shard.role,
    activeExpiry: shard.activeExpiry,
    held: shard.held,
  }));

async function expectBlocked(client: RawClient, words: readonly string[]): Promise<void> {
  const reply = await client.call(...words);
  expect(reply.toLowerCase(), words.join(' ')).toMatch(
    new RegExp(`^-err unknown command '${words[0]!.toLowerCase()}', with args beginning with: `),
  );
}

describe.each([
  ['a sharded database', 3],
  ['a database of one shard', 1],
])('blocked commands of %s', (_name, shards) => {
  it('answer their error and change nothing: alone, in any case, inside MULTI, in a pinned connection', async () => {
    await using database = await testDatabase({ shards, extraCommands: replicationCommands });
    const [client, inside, pinned, modern] = await Promise.all([1, 2, 3, 4].map(() => database.client()));
    for (const words of ['SET {t}a value', 'RPUSH {t}l 1 2', 'SET {t}n 1', 'SET other 1 PX 100000000']) {
      expect(await client!.call(...words.split(' '))).not.toMatch(/^-/);
    }
    expect(await pinned!.call('ANTIPODE', 'PIN', '0')).toBe('+OK\r\n');
    await modern!.call('HELLO', '3');
    const before = stateOf(database);
    for (const { name, words } of entries) {
      await expectBlocked(client!, words);
      await expectBlocked(
        client!,
        words.map((word) => word.toLowerCase()),
      );
      await expectBlocked(modern!, words.map(mixed));
      await expectBlocked(client!, name.split(' '));
      await expectBlocked(pinned!, words);
      await inside!.call('MULTI');
      await inside!.call('SET', '{t}a', 'changed');
      await expectBlocked(inside!, words);
      expect(await inside!.call('EXEC'), name).toBe('-EXECABORT Transaction discarded because of previous errors.\r\n');
      expect(await pinned!.call('MULTI'), name).toBe('+OK\r\n');
      await expectBlocked(pinned!, words);
      expect(await pinned!.call('EXEC'), name).toMatch(/^-EXECABORT/);
    }
    expect(stateOf(database)).toEqual(before);
    for (const each of [client!, inside!, pinned!, modern!]) expect(await each.call('PING')).toBe('+PONG\r\n');
  });

  it('of replication are for admin alone', async () => {
    await using database = await testDatabase({
      shards,
      settings: { passwords: ['p'] },
      extraCommands: replicationCommands,
    });
    const client = await database.client();
    await client.call('AUTH', 'p');
    for (const words of ['PSYNC ? -1', 'SYNC', 'REPLCONF capa eof', 'REPLICAOF NO ONE', 'SLAVEOF NO ONE', 'ROLE']) {
      await expectBlocked(client, words.split(' '));
    }
    const admin = await database.client();
    await admin.call('AUTH', 'admin', 'internal-secret');
    expect(await admin.call('ROLE')).toMatch(/master/);
    expect(await admin.call('AUTH', 'admin', 'p')).toMatch(/^-WRONGPASS/);
    await admin.call('ANTIPODE', 'PIN', '0');
    expect(await admin.call('REPLCONF', 'capa', 'eof')).toBe('+OK\r\n');
  });
});

describe('CONFIG through an endpoint', () => {
  it('shows the parameters of the table, and no others', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const pairs = (reply: string): string[] => reply.split('\r\n').filter((_, at) => at % 4 === 2);
    const shown = pairs(await client.call('CONFIG', 'GET', '*'));
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.filter((name) => !CONFIG_PARAMETERS.has(name))).toEqual([]);
    const hidden = [...database.shards[0]!.config.entries()]
      .map(([name]) => name)
      .filter((name) => !CONFIG_PARAMETERS.has(name));
    expect(hidden).toContain('requirepass');
    for (const name of hidden) {
      expect(await client.call('CONFIG', 'GET', name), name).toBe('*0\r\n');
      expect(await client.call('CONFIG', 'SET', name, '1'), name).toMatch(/^-ERR Unknown option/);
      expect(await client.call('config', 'set', name.toUpperCase(), '1'), name).toMatch(/^-ERR Unknown option/);
    }
  });

  it('sets a parameter on every shard, and all of several or none', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const values = () => database.shards.map(({ config }) => config.get('hash-max-listpack-entries'));
    expect(await client.call('CONFIG', 'SET', 'hash-max-listpack-entries', '7')).toBe('+OK\r\n');
    expect(values()).toEqual([7, 7, 7]);
    expect(await client.call('CONFIG', 'SET', 'hash-max-listpack-entries', '8', 'requirepass', 'x')).toMatch(/^-ERR/);
    expect(values()).toEqual([7, 7, 7]);
    expect(await client.call('CONFIG', 'GET', 'hash-max-*-entries')).toContain('$1\r\n7\r\n');
  });
});
