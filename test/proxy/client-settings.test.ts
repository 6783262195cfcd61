/** Settings of a database that its clients feel: protocol, pipelines, and what becomes of a client that has said all. */

import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ReplyFramer } from '../../src/resp/reply-framer.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase } from './fixtures.ts';

const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 5000, what });

describe('resp3', () => {
  it('is not spoken where it is switched off; who speaks it already goes on', async () => {
    await using database = await testDatabase();
    const modern = await database.client();
    expect(await modern.call('HELLO', '3')).toMatch(/^%/);
    database.settings = { ...database.settings, resp3: false };
    const client = await database.client();
    expect(await client.call('HELLO', '3')).toBe('-NOPROTO unsupported protocol version\r\n');
    expect(await client.call('HELLO', '2')).toMatch(/^\*/);
    expect(await modern.call('GET', 'a')).toBe('_\r\n');
  });
});

describe('pipeline limits', () => {
  it('hold a client back until replies have come, and refuse nothing', async () => {
    await using database = await testDatabase({ shards: 1, settings: { clientPipelineMax: 10 } });
    const client = await database.client();
    const shard = database.shards[0]!;
    await client.call('PING');
    const before = shard.stats.commands;
    shard.hold(300);
    client.sendBytes(encodeRequest(['INCR', 'a']).repeat(1000));
    const other = await database.client();
    other.send('INCR', 'b');
    const replies = await client.take(1000);
    expect(replies.at(-1)).toBe(':1000\r\n');
    expect(await other.next()).toBe(':1\r\n');
    expect(shard.stats.commands - before).toBe(1001);
  });

  it('let no more requests wait at a shard than a database allows, however many clients ask', async () => {
    await using database = await testDatabase({ shards: 1, settings: { shardPipelineMax: 4 } });
    const shard = database.shards[0]!;
    const clients = await Promise.all(Array.from({ length: 5 }, () => database.client()));
    await clients[0]!.call('SET', 'a', '0');
    shard.hold(200);
    for (const client of clients) client.sendBytes(encodeRequest(['INCR', 'a']).repeat(50));
    const replies = await Promise.all(clients.map((client) => client.take(50)));
    expect(replies.flat()).toHaveLength(250);
    expect(await clients[0]!.call('GET', 'a')).toBe('$3\r\n250\r\n');
  });
});

describe('a client that ends right after its requests', () => {
  /** Every reply until the endpoint ends. */
  async function ask(port: number, requests: readonly string[][]): Promise<string[]> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(Buffer.from(requests.map(encodeRequest).join(''), 'latin1'));
    const replies: string[] = [];
    const framer = new ReplyFramer();
    socket.on('data', (chunk) => framer.push(chunk, (bytes) => replies.push(bytes.latin1Slice())));
    await new Promise((resolve, reject) => socket.once('end', resolve).once('error', reject));
    return replies;
  }

  it('gets all its replies', async () => {
    await using database = await testDatabase({ settings: { clientPipelineMax: 7 } });
    const requests = Array.from({ length: 500 }, (_, at) =>
      at % 50 === 49 ? ['MGET', 'a', 'b', 'c'] : ['SET', `k${at}`, 'x'],
    );
    const replies = await ask(database.port, requests);
    expect(replies).toHaveLength(500);
    expect(replies.filter((reply) => reply === '+OK\r\n')).toHaveLength(490);
    await eventually(() => database.endpoint.connections === 0, patience('the client is forgotten'));
  });

  it('gets those of a transaction and of WATCH', async () => {
    await using database = await testDatabase();
    const replies = await ask(database.port, [['WATCH', 'a'], ['MULTI'], ['SET', 'a', '1'], ['EXEC'], ['GET', 'a']]);
    expect(replies).toEqual(['+OK\r\n', '+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n', '$1\r\n1\r\n']);
  });

  it('takes no element away by a request that waits', async () => {
    await using database = await testDatabase();
    const socket = connect({ port: database.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(encodeRequest(['BLPOP', 'l', '0']));
    await eventually(() => database.shards.some((shard) => shard.blocking.count > 0), patience('it waits'));
    socket.end();
    await eventually(() => database.endpoint.connections === 0, patience('it is let go'));
    await eventually(() => database.shards.every((shard) => shard.blocking.count === 0), patience('nobody waits'));
    const client = await database.client();
    await client.call('RPUSH', 'l', 'x');
    expect(await client.call('LLEN', 'l')).toBe(':1\r\n');
    socket.destroy();
  });
});
