import fc from 'fast-check';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/resp/reply.ts';
import { generateCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { RawClient, testDatabase } from './fixtures.ts';

const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 5000, what });

describe('an endpoint', () => {
  it.each([
    ['ioredis 6', Redis],
    ['ioredis 5', Redis5 as unknown as typeof Redis],
  ])('serves %s with its default options', async (_name, Client) => {
    await using database = await testDatabase();
    const redis = new Client(database.port, '127.0.0.1');
    try {
      await redis.mset('a', '1', 'b', '2', 'c', '3');
      expect(await redis.mget('c', 'nothing', 'a', 'b')).toEqual(['3', null, '1', '2']);
      expect(await redis.dbsize()).toBe(3);
      expect((await redis.keys('*')).sort()).toEqual(['a', 'b', 'c']);
      expect(await redis.del('a', 'b', 'c', 'd')).toBe(3);
      expect(await redis.info()).toMatch(/redis_version:7\.4/);
      expect(await redis.multi().set('{t}a', '1').incr('{t}a').exec()).toEqual([
        [null, 'OK'],
        [null, 2],
      ]);
    } finally {
      redis.disconnect();
    }
  });

  it('scans every key of every shard once', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const wanted = Array.from({ length: 500 }, (_, at) => `key:${at}`);
    await client.call('MSET', ...wanted.flatMap((key) => [key, 'x']));
    const redis = new Redis(database.port, '127.0.0.1');
    try {
      const found: string[] = [];
      for await (const keys of redis.scanStream({ count: 50 })) found.push(...(keys as string[]));
      expect(found.sort()).toEqual(wanted.sort());
    } finally {
      redis.disconnect();
    }
  });

  it('combines KEYS and DBSIZE of all shards, and FLUSHALL and FLUSHDB empty them all', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const wanted = Array.from({ length: 30 }, (_, at) => `key:${at}`);
    for (const flush of ['FLUSHALL', 'FLUSHDB']) {
      await client.call('MSET', ...wanted.flatMap((key) => [key, 'x']));
      const sizes = () => database.shards.map(({ keyspaces }) => keyspaces[0]!.size);
      expect(sizes().every((size) => size > 0)).toBe(true);
      const found = await client.call('KEYS', 'key:*');
      expect(
        found
          .split('\r\n')
          .filter((line) => line.startsWith('key:'))
          .toSorted(),
      ).toEqual(wanted.toSorted());
      expect(await client.call('DBSIZE')).toBe(':30\r\n');
      expect(await client.call(flush)).toBe('+OK\r\n');
      expect(sizes()).toEqual([0, 0, 0]);
    }
  });

  it("has keys on all shards and passes the shards' password on", async () => {
    await using database = await testDatabase({ shardPassword: 'p' });
    const client = await database.client();
    await client.call('MSET', 'a', '1', 'b', '2', 'c', '3');
    const sizes = database.shards.map((shard) => shard.keyspaces[0]!.size);
    expect(sizes).toEqual([1, 1, 1]);
  });

  it('keeps the order of replies whatever answers', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const requests = [
      ['SET', 'a', '1'],
      ['PING'],
      ['GET', 'b'],
      ['MGET', 'b', 'a'],
      ['ECHO', 'x'],
      ['NOSUCH'],
      ['INCR', 'a'],
      ['DBSIZE'],
      ['BLPOP', 'l', '0.001'],
      ['GET', 'a'],
    ];
    client.sendBytes(requests.map(encodeRequest).join(''));
    expect(await client.take(requests.length)).toEqual([
      '+OK\r\n', '+PONG\r\n', '$-1\r\n', '*2\r\n$-1\r\n$1\r\n1\r\n', '$1\r\nx\r\n',
      "-ERR unknown command 'NOSUCH', with args beginning with: \r\n", ':2\r\n', ':1\r\n', '*-1\r\n', '$1\r\n2\r\n',
    ]); // prettier-ignore
  });

  it('takes in more clients than it may only after one has left', async () => {
    await using database = await testDatabase({ settings: { maxConnections: 1 } });
    const first = await database.client();
    await first.call('PING');
    const second = await database.client();
    expect(await second.next()).toBe('-ERR max number of clients reached\r\n');
    await second.untilClosed();
    first.close();
    await eventually(() => database.endpoint.connections === 0, patience('the first client is gone'));
    const third = await database.client();
    expect(await third.call('PING')).toBe('+PONG\r\n');
  });

  it('answers QUIT after everything before it, then closes', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    client.sendBytes([['SET', 'a', '1'], ['QUIT'], ['SET', 'a', '2']].map(encodeRequest).join(''));
    expect(await client.take(2)).toEqual(['+OK\r\n', '+OK\r\n']);
    await client.untilClosed();
    expect(await (await database.client()).call('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  it('hangs up on a web page that makes a browser speak to it, and runs nothing of its body', async () => {
    await using database = await testDatabase();
    const browser = await database.client();
    browser.sendBytes('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n');
    await browser.untilClosed();
    const other = await database.client();
    other.sendBytes('GET / HTTP/1.1\r\nHost: localhost\r\n\r\nSET a 1\r\n');
    await other.untilClosed();
    expect(await (await database.client()).call('GET', 'a')).toBe('$-1\r\n');
  });

  it('takes no more requests from a client that does not take its replies, and goes on when it does', async () => {
    await using database = await testDatabase({ shards: 1 });
    const client = await database.client();
    await client.call('SET', 'big', 'x'.repeat(20_000));
    const before = database.shards[0]!.stats.commands;
    client.socket.pause();
    const count = 4000;
    client.sendBytes(encodeRequest(['GET', 'big']).repeat(count));
    await eventually(() => database.shards[0]!.stats.commands > before, patience('the first are executed'));
    // What the kernel takes, what may be unsent, and one pipeline: then it stops, long before all are executed.
    let last = -1;
    await eventually(() => {
      const now = database.shards[0]!.stats.commands;
      const isStill = now === last;
      last = now;
      return isStill && now > before + 100;
    }, patience('it stops'));
    expect(last - before).toBeLessThanOrEqual(database.settings.clientPipelineMax + 500);
    client.socket.resume();
    for (const reply of await client.take(count)) expect(reply.length).toBe(20_010);
  });

  it('lives through whatever bytes a client sends', async () => {
    await using database = await testDatabase();
    const words = fc.array(
      fc.oneof(
        fc.constantFrom(
          '*3',
          '$3',
          'SET',
          'a',
          '\r\n',
          '*-1',
          '$-1',
          'MULTI',
          'EXEC',
          '>1',
          'SUBSCRIBE',
          'ANTIPODE',
          'PIN',
          '0',
        ),
        fc.string({ unit: 'binary', maxLength: 8 }),
      ),
      { maxLength: 12 },
    );
    const bytes = fc
      .tuple(fc.array(words, { maxLength: 6 }), fc.boolean())
      .map(([lists, isFramed]) =>
        lists.map((list) => (isFramed && list.length > 0 ? encodeRequest(list) : `${list.join(' ')}\r\n`)).join(''),
      );
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        const client = await RawClient.to(database.port);
        client.sendBytes(sent);
        client.sendBytes('QUIT\r\n');
        client.socket.end();
        await client.untilClosed();
      }),
      { numRuns: 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
    );
    expect(await (await database.client()).call('PING')).toBe('+PONG\r\n');
    await eventually(() => database.endpoint.connections === 1, patience('every other client is forgotten'));
  });

  it('tells a client that breaks the protocol, after its replies', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    client.sendBytes(`${encodeRequest(['GET', 'a'])}*1\r\n+x\r\n`);
    expect(await client.take(2)).toEqual(['$-1\r\n', "-ERR Protocol error: expected '$', got '+'\r\n"]);
    await client.untilClosed();
  });
});

describe('users of an endpoint', () => {
  const settings = { passwords: ['one', 'zwei ü'] };

  it('must give a password where there is one; any of them will do', async () => {
    await using database = await testDatabase({ settings });
    const client = await database.client();
    expect(await client.call('GET', 'a')).toBe('-NOAUTH Authentication required\r\n');
    expect(await client.call('AUTH', 'wrong')).toMatch(/^-WRONGPASS/);
    expect(await client.call('AUTH', Buffer.from('zwei ü').latin1Slice())).toBe('+OK\r\n');
    expect(await client.call('AUTH', 'default', 'one')).toBe('+OK\r\n');
    expect(await client.call('AUTH', 'nobody', 'one')).toMatch(/^-WRONGPASS/);
    expect(await client.call('ACL', 'WHOAMI')).toBe('$7\r\ndefault\r\n');
    expect(await client.call('GET', 'a')).toBe('$-1\r\n');
  });

  it('are told when no password is needed', async () => {
    await using database = await testDatabase();
    expect(await (await database.client()).call('AUTH', 'x')).toMatch(/^-ERR AUTH <password> called without/);
  });

  it('may do all in HELLO', async () => {
    await using database = await testDatabase({ settings });
    const client = await database.client();
    expect(await client.call('HELLO', '3')).toMatch(/^-NOAUTH HELLO/);
    expect(await client.call('HELLO', '4')).toMatch(/^-NOPROTO/);
    expect(await client.call('HELLO', '3', 'AUTH', 'default', 'one', 'SETNAME', 'me')).toMatch(
      /^%7\r\n\$6\r\nserver\r\n\$5\r\nredis/,
    );
    expect(await client.call('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
    expect(await client.call('GET', 'a')).toBe('_\r\n');
    expect(await client.call('HGETALL', 'a')).toBe('%0\r\n');
    expect(await client.call('MGET', 'a', 'b')).toBe('*2\r\n_\r\n_\r\n');
  });

  it('admin has the internal password, and is cut when it is made anew', async () => {
    await using database = await testDatabase({ settings });
    const [admin, other] = [await database.client(), await database.client()];
    expect(await admin.call('AUTH', 'admin', 'internal-secret')).toBe('+OK\r\n');
    await other.call('AUTH', 'one');
    expect(await admin.call('SET', 'a', '1')).toBe('+OK\r\n');
    expect(database.endpoint.cutAdmin()).toBe(1);
    await admin.untilClosed();
    expect(await other.call('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  it('see each other in CLIENT LIST, and can end each other', async () => {
    await using database = await testDatabase();
    const [one, two] = [await database.client(), await database.client()];
    await one.call('CLIENT', 'SETNAME', 'first');
    const id = (await two.call('CLIENT', 'ID')).slice(1, -2);
    const list = await one.call('CLIENT', 'LIST');
    expect(list).toMatch(/name=first .*\n.*id=/s);
    expect(list.match(/^id=/gm)?.length ?? 0).toBe(2);
    expect(await one.call('CLIENT', 'KILL', 'ID', id)).toBe(':1\r\n');
    await two.untilClosed();
    expect(await one.call('CLIENT', 'KILL', '1.2.3.4:5')).toBe('-ERR No such client\r\n');
  });

  it('can switch replies off and on', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const requests = [
      ['CLIENT', 'REPLY', 'SKIP'],
      ['SET', 'a', '1'],
      ['GET', 'a'],
      ['CLIENT', 'REPLY', 'OFF'],
      ['GET', 'a'],
      ['MGET', 'a', 'b'],
      ['NOSUCH'],
      ['CLIENT', 'REPLY', 'ON'],
      ['PING'],
    ];
    client.sendBytes(requests.map(encodeRequest).join(''));
    expect(await client.take(3)).toEqual(['$1\r\n1\r\n', '+OK\r\n', '+PONG\r\n']);
  });
});

describe('TLS of an endpoint', () => {
  it('replica_ssl serves clients plain and over TLS, replication over TLS only', async () => {
    const certificate = await generateCertificate({ cn: 'east.local' });
    await using database = await testDatabase({
      shards: 1,
      settings: { tlsMode: 'replica_ssl' },
      tls: () => ({ ...certificate, mode: 'optional', clientCertificates: null, minVersion: 'TLSv1.2' }),
    });
    const plain = await database.client();
    expect(await plain.call('SET', 'a', '1')).toBe('+OK\r\n');
    await plain.call('AUTH', 'admin', 'internal-secret');
    for (const words of [
      ['REPLCONF', 'capa', 'eof'],
      ['PSYNC', '?', '-1'],
      ['ANTIPODE', 'PIN', '0'],
    ]) {
      expect(await plain.call(...words)).toMatch(/^-ERR .*TLS is required for replication/);
    }
    const secure = await RawClient.overTls(database.port);
    try {
      await secure.call('AUTH', 'admin', 'internal-secret');
      expect(await secure.call('ANTIPODE', 'PIN', '0')).toBe('+OK\r\n');
      expect(await secure.call('GET', 'a')).toBe('$1\r\n1\r\n');
    } finally {
      secure.close();
    }
  });
});

describe('an endpoint whose shard is gone', () => {
  it("says so promptly, serves the others, and comes back with the shard's successor", async () => {
    await using database = await testDatabase();
    const client = await database.client();
    await client.call('MSET', 'a', '1', 'b', '2');
    await database.servers[2]!.close();
    await eventually(
      async () => (await client.call('GET', 'a')).startsWith('-ERR shard 2 is not reachable'),
      patience('it is noticed'),
    );
    expect(await client.call('GET', 'b')).toBe('$1\r\n2\r\n');
    expect(await client.call('MGET', 'b', 'a')).toMatch(/^-ERR shard 2 is not reachable/);
    expect(await client.call('BLPOP', 'a', '0')).toMatch(/^-ERR shard 2 is not reachable/);
    const [first, second] = database.settings.shards;
    const successor = { index: 2, address: first!.address, password: null };
    database.settings = { ...database.settings, shards: [first!, second!, successor] };
    expect(await client.call('SET', 'a', 'moved')).toBe('+OK\r\n');
    expect(database.shards[0]!.keyspaces[0]!.has('a')).toBe(true);
  });

  it('answers what was on its way with an error that leaves open whether it ran', async () => {
    await using database = await testDatabase({ shards: 1 });
    const [client, waiting] = [await database.client(), await database.client()];
    await client.call('SET', 'a', '1');
    waiting.send('BLPOP', 'l', '0');
    await eventually(() => database.shards[0]!.blocking.count > 0, patience('it waits'));
    await database.servers[0]!.close();
    expect(await waiting.next()).toMatch(/^-ERR the connection to shard 0 was lost/);
  });
});
