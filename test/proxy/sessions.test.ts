import { describe, expect, it } from 'vitest';
import { markCommands } from '../../src/replication/replica-of/marks.ts';
import { encodeReply, encodeRequest } from '../../src/resp/reply.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase, type RawClient } from './fixtures.ts';

const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 5000, what });

async function pipeline(client: RawClient, ...lines: string[]): Promise<string[]> {
  client.sendBytes(lines.map((line) => encodeRequest(line.split(' '))).join(''));
  return client.take(lines.length);
}

describe('a transaction through the proxy', () => {
  it('runs on the shard of its slot', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    expect(await pipeline(client, 'MULTI', 'PING', 'SET {b}1 x', 'MGET {b}1 {b}2', 'EXEC')).toEqual([
      '+OK\r\n', '+QUEUED\r\n', '+QUEUED\r\n', '+QUEUED\r\n', '*3\r\n+PONG\r\n+OK\r\n*2\r\n$1\r\nx\r\n$-1\r\n',
    ]); // prettier-ignore
  });

  it('is spoilt by a key of another slot', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const replies = await pipeline(client, 'MULTI', 'SET b 1', 'SET a 1', 'EXEC', 'GET b', 'EXEC');
    expect(replies[2]).toMatch(
      /^-CROSSSLOT .*context='within MULTI', command='SET', original-slot='3300', wrong-slot='15495', first-key='b', violating-key='a'/,
    );
    expect(replies.slice(3)).toEqual([
      '-EXECABORT Transaction discarded because of previous errors.\r\n',
      '$-1\r\n',
      '-ERR EXEC without MULTI\r\n',
    ]);
  });

  it('fails when a watched key changed, also by its own client', async () => {
    await using database = await testDatabase();
    const [client, other] = [await database.client(), await database.client()];
    await client.call('WATCH', 'b');
    await other.call('SET', 'b', '1');
    expect(await pipeline(client, 'MULTI', 'GET b', 'EXEC')).toEqual(['+OK\r\n', '+QUEUED\r\n', '*-1\r\n']);
    expect((await pipeline(client, 'WATCH b', 'SET b 2', 'MULTI', 'EXEC'))[3]).toBe('*-1\r\n');
    expect((await pipeline(client, 'SET b 3', 'WATCH b', 'MULTI', 'GET b', 'EXEC', 'GET b'))[4]).toBe(
      '*1\r\n$1\r\n3\r\n',
    );
    expect((await pipeline(client, 'WATCH b', 'SET b 4', 'UNWATCH', 'MULTI', 'GET b', 'EXEC'))[5]).toBe(
      '*1\r\n$1\r\n4\r\n',
    );
    expect((await pipeline(client, 'WATCH b', 'MULTI', 'SET a 1', 'DISCARD'))[2]).toMatch(
      /^-CROSSSLOT .*first-key='b'/,
    );
    expect((await pipeline(client, 'WATCH b', 'WATCH a'))[1]).toMatch(/^-CROSSSLOT/);
  });

  it('gives its connection back for the next watcher', async () => {
    await using database = await testDatabase({ shards: 1 });
    const client = await database.client();
    await client.call('PING');
    for (let n = 0; n < 20; n++) await pipeline(client, 'WATCH k', 'MULTI', 'INCR k', 'EXEC');
    expect(database.endpoint.pool.size).toBe(1);
  });
});

describe('a client that waits', () => {
  it('does not hold up others, and gets what comes', async () => {
    await using database = await testDatabase();
    const [waiting, other] = [await database.client(), await database.client()];
    waiting.sendBytes(encodeRequest(['BLPOP', 'l', '0']) + encodeRequest(['GET', 'l']));
    await eventually(() => database.shards.some(({ blocking }) => blocking.count > 0), patience('it waits'));
    expect(await other.call('GET', 'l')).toBe('$-1\r\n');
    await other.call('RPUSH', 'l', 'x');
    expect(await waiting.take(2)).toEqual(['*2\r\n$1\r\nl\r\n$1\r\nx\r\n', '$-1\r\n']);
  });

  it('frees the shard when it goes', async () => {
    await using database = await testDatabase();
    const waiting = await database.client();
    waiting.send('BLPOP', 'l', '0');
    await eventually(() => database.shards.some(({ blocking }) => blocking.count > 0), patience('it waits'));
    waiting.close();
    await eventually(() => database.shards.every(({ blocking }) => blocking.count === 0), patience('nobody waits'));
  });
});

describe('subscriptions through the proxy', () => {
  it('confirm, deliver, and end', async () => {
    await using database = await testDatabase();
    const [listener, speaker] = [await database.client(), await database.client()];
    listener.sendBytes(encodeRequest(['SUBSCRIBE', 'a', 'b']) + encodeRequest(['PSUBSCRIBE', 'c*']));
    expect(await listener.take(3)).toEqual([
      encodeReply(['subscribe', 'a', 1], 2),
      encodeReply(['subscribe', 'b', 2], 2),
      encodeReply(['psubscribe', 'c*', 3], 2),
    ]);
    expect(await speaker.call('PUBLISH', 'cx', 'hello')).toBe(':1\r\n');
    expect(await listener.next()).toBe(encodeReply(['pmessage', 'c*', 'cx', 'hello'], 2));
    expect(await listener.call('GET', 'a')).toMatch(/^-ERR Can't execute 'get'/);
    expect(await listener.call('PING')).toBe(encodeReply(['pong', ''], 2));
    expect(await speaker.call('PUBSUB', 'NUMPAT')).toBe(':1\r\n');
    listener.sendBytes([['UNSUBSCRIBE'], ['PUNSUBSCRIBE'], ['GET', 'a'], ['UNSUBSCRIBE']].map(encodeRequest).join(''));
    const ended = await listener.take(5);
    for (const confirmation of ended.slice(0, 2))
      expect(confirmation).toMatch(/unsubscribe\r\n\$1\r\n[ab]\r\n:[12]\r\n$/);
    expect(ended.slice(2)).toEqual([
      encodeReply(['punsubscribe', 'c*', 0], 2),
      '$-1\r\n',
      encodeReply(['unsubscribe', null, 0], 2),
    ]);
  });

  it('come as pushes in RESP3, between replies to other requests', async () => {
    await using database = await testDatabase();
    const [listener, speaker] = [await database.client(), await database.client()];
    await listener.call('HELLO', '3');
    listener.sendBytes(encodeRequest(['SUBSCRIBE', 'a']) + encodeRequest(['SET', 'b', '1']));
    expect(await listener.take(2)).toEqual(['>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n', '+OK\r\n']);
    await speaker.call('PUBLISH', 'a', 'x');
    expect(await listener.next()).toBe('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n');
    expect(await listener.call('GET', 'b')).toBe('$1\r\n1\r\n');
  });
});

describe('a pinned client', () => {
  it('learns the topology and reaches one shard', async () => {
    await using database = await testDatabase({ extraCommands: markCommands });
    const client = await database.client();
    expect(await client.call('ANTIPODE', 'TOPOLOGY')).toBe(
      encodeReply(
        [
          'hashing',
          ['.*\\{(?<tag>.*)\\}.*', '(?<tag>.*)'],
          'shards',
          [
            [0, 0, 5460],
            [1, 5461, 10922],
            [2, 10923, 16383],
          ],
          'origins',
          [],
        ],
        2,
      ),
    );
    expect(await client.call('ANTIPODE', 'MARKS')).toMatch(/^-ERR .*ANTIPODE PIN/);
    expect(await client.call('ANTIPODE', 'PIN', '7')).toMatch(/^-ERR this database has no shard 7/);
    const replies = await pipeline(
      client,
      'SET a 1',
      'ANTIPODE PIN 1',
      'SET c here',
      'DBSIZE',
      'ANTIPODE MARK source 1:2',
      'ANTIPODE MARKS',
      'DEBUG JMAP',
      'CLIENT ID',
    );
    expect(replies.slice(0, 6)).toEqual([
      '+OK\r\n',
      '+OK\r\n',
      '+OK\r\n',
      ':1\r\n',
      '+OK\r\n',
      encodeReply(['source', '1:2'], 2),
    ]);
    expect(replies[6]).toMatch(/^-ERR unknown command 'DEBUG'/);
    expect(database.shards[1]!.keyspaces[0]!.has('c')).toBe(true);
    expect((await pipeline(client, 'ANTIPODE PIN 2', 'GET a'))[1]).toBe('$1\r\n1\r\n');
  });

  it('puts and reads no key that belongs to another shard, also within MULTI', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    await client.call('ANTIPODE', 'PIN', '1');
    const foreign =
      "-ERR key 'a' belongs to shard 2 and this connection is pinned to shard 1: pin it to 2, or use one that is not pinned\r\n";
    expect(await pipeline(client, 'SET a 1', 'MGET c a', 'MULTI', 'SET c 1', 'SET a 1', 'EXEC')).toEqual([
      foreign,
      foreign,
      '+OK\r\n',
      '+QUEUED\r\n',
      foreign,
      '-EXECABORT Transaction discarded because of previous errors.\r\n',
    ]);
    expect(await pipeline(client, 'SET c 1', 'RENAME c {c}2', 'GET', 'DBSIZE')).toEqual([
      '+OK\r\n',
      '+OK\r\n',
      "-ERR wrong number of arguments for 'get' command\r\n",
      ':1\r\n',
    ]);
  });

  it('has MULTI, blocking and subscriptions of the shard itself, with refusals in their place', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    await client.call('ANTIPODE', 'PIN', '0');
    const replies = await pipeline(client, 'MULTI', 'SET b 1', 'SAVE', 'EXEC', 'BLPOP {b}nothing 0.001', 'PING');
    expect(replies[2]).toMatch(/^-ERR unknown command 'SAVE'/);
    expect(replies.slice(3)).toEqual([
      '-EXECABORT Transaction discarded because of previous errors.\r\n',
      '*-1\r\n',
      '+PONG\r\n',
    ]);
    client.sendBytes(
      [['SUBSCRIBE', 'a', 'b'], ['SAVE'], ['GET', 'b'], ['UNSUBSCRIBE'], ['PING']].map(encodeRequest).join(''),
    );
    const subscribed = await client.take(7);
    expect(subscribed[1]).toBe(encodeReply(['subscribe', 'b', 2], 2));
    expect(subscribed[2]).toMatch(/^-ERR unknown command 'SAVE'/);
    expect(subscribed[3]).toMatch(/^-ERR Can't execute 'get'/);
    expect(subscribed[6]).toBe('+PONG\r\n');
  });

  it('is closed when its shard is', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    await client.call('ANTIPODE', 'PIN', '1');
    await database.servers[1]!.close();
    await client.untilClosed();
  });
});

describe('admin pinned to a shard', () => {
  it('passes through untouched, both ways, also what would be blocked', async () => {
    await using database = await testDatabase({ shardPassword: 'p' });
    const admin = await database.client();
    await admin.call('AUTH', 'admin', 'internal-secret');
    admin.sendBytes(
      [['ANTIPODE', 'PIN', '1'], ['PING'], ['SET', 'a', 'x'.repeat(300_000)], ['GET', 'a'], ['NOSUCH']]
        .map(encodeRequest)
        .join('') + 'PING inline\r\n',
    );
    const replies = await admin.take(6);
    expect(replies[0]).toBe('+OK\r\n');
    expect(replies[1]).toBe('+PONG\r\n');
    expect(replies[3]!.length).toBe(300_011);
    expect(replies[4]).toMatch(/^-ERR unknown command 'NOSUCH'/);
    expect(replies[5]).toBe('$6\r\ninline\r\n');
    expect(database.endpoint.cutAdmin()).toBe(1);
    await admin.untilClosed();
    await eventually(() => database.endpoint.connections === 0, patience('it is forgotten'));
  });

  it("is closed with its shard, and the shard's session with it", async () => {
    await using database = await testDatabase();
    const [one, two] = [await database.client(), await database.client()];
    for (const admin of [one, two]) {
      await admin.call('AUTH', 'admin', 'internal-secret');
      await admin.call('ANTIPODE', 'PIN', '1');
      await admin.call('PING');
    }
    expect(database.shards[1]!.sessions.size).toBe(2);
    one.socket.end();
    await eventually(() => database.shards[1]!.sessions.size === 1, patience("the shard's session ends"));
    await database.servers[1]!.close();
    await two.untilClosed();
    await eventually(() => database.endpoint.connections === 0, patience('both are forgotten'));
  });

  it('must choose a shard before it replicates from a sharded database', async () => {
    await using database = await testDatabase();
    const admin = await database.client();
    await admin.call('AUTH', 'admin', 'internal-secret');
    expect(await admin.call('PSYNC', '?', '-1')).toMatch(
      /^-ERR this database has 3 shards: choose one with ANTIPODE PIN <index>/,
    );
  });

  it('reaches the one shard of a small database with its first REPLCONF', async () => {
    await using database = await testDatabase({ shards: 1 });
    const admin = await database.client();
    await admin.call('AUTH', 'admin', 'internal-secret');
    admin.sendBytes([['PING'], ['REPLCONF', 'capa', 'eof'], ['DBSIZE']].map(encodeRequest).join(''));
    expect(await admin.next()).toBe('+PONG\r\n');
    // This shard has no replication commands: its own words come back, and then it is a raw connection to it.
    expect(await admin.next()).toMatch(/^-ERR unknown command 'REPLCONF'/);
    expect(await admin.next()).toBe(':0\r\n');
    expect(await admin.call('CLIENT', 'NO-EVICT', 'ON')).toBe('+OK\r\n');
  });
});
