/** The stream of a shard: what is in it, what it costs when nobody wants it, and under which ids it is known. */

import { describe, expect, it } from 'vitest';
import { Feed, NO_REPLICATION_ID } from '../../src/replication/feed.ts';
import { WriteLog } from '../../src/node/shard/write-log.ts';
import { SimWorld } from '../../src/world/sim-world.ts';

const request = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

function newFeed(): {
  feed: Feed;
  writeLog: WriteLog;
  world: SimWorld;
  received: string[];
  write: (database: number, ...words: string[]) => void;
} {
  const world = new SimWorld({ seed: 1 });
  const writeLog = new WriteLog();
  const feed = new Feed({ clock: world.clock, random: world.random, writeLog, backlogBytes: () => 1024 * 1024 });
  const received: string[] = [];
  const write = (database: number, ...words: string[]): void => {
    writeLog.append(database, words);
    writeLog.commit();
  };
  return { feed, writeLog, world, received, write };
}

const receiver = (received: string[]): { receive(bytes: Buffer): void } => ({
  receive: (bytes) => void received.push(bytes.toString('latin1')),
});

describe('a feed', () => {
  it('names the database inside a transaction, and what belongs to nothing but chance is no transaction', () => {
    const { feed, writeLog } = newFeed();
    feed.begin();
    for (const each of ['a', 'b']) writeLog.append(3, ['SET', each, '1']);
    writeLog.commit();
    for (const each of ['a', 'b']) writeLog.append(3, ['DEL', each]);
    writeLog.commitEach();
    feed.flush();
    expect(feed.backlog!.from(1).toString('latin1')).toBe(
      [
        request('MULTI'),
        request('SELECT', '3'),
        request('SET', 'a', '1'),
        request('SET', 'b', '1'),
        request('EXEC'),
        request('DEL', 'a'),
        request('DEL', 'b'),
      ].join(''),
    );
  });

  it('encodes and counts nothing until somebody wants it', () => {
    const { feed, writeLog, write } = newFeed();
    write(0, 'SET', 'a', '1');
    expect(writeLog.active).toBe(false);
    expect(feed).toMatchObject({ mode: 'idle', offset: 0, backlog: null });
    feed.begin();
    expect(writeLog.active).toBe(true);
  });

  it('names the database once, and again for a new replica', () => {
    const { feed, write } = newFeed();
    feed.begin();
    write(0, 'SET', 'a', '1');
    write(0, 'SET', 'b', '1');
    write(2, 'SET', 'c', '1');
    feed.selectAgain();
    write(2, 'SET', 'd', '1');
    feed.append(['PING']);
    feed.flush();
    const expected = [
      request('SELECT', '0'),
      request('SET', 'a', '1'),
      request('SET', 'b', '1'),
      request('SELECT', '2'),
      request('SET', 'c', '1'),
      request('SELECT', '2'),
      request('SET', 'd', '1'),
      request('PING'),
    ].join('');
    expect(feed.backlog!.from(1).toString('latin1')).toBe(expected);
    expect(feed.offset).toBe(expected.length);
  });

  it('sends what one turn of the event loop wrote as one buffer, which all receivers share', async () => {
    const { feed, world, write } = newFeed();
    feed.begin();
    const buffers: Buffer[] = [];
    feed.receivers.add({ receive: (bytes) => void buffers.push(bytes) });
    feed.receivers.add({ receive: (bytes) => void buffers.push(bytes) });
    for (let i = 0; i < 10; i++) write(0, 'SET', 'a', String(i));
    expect(buffers).toHaveLength(0);
    await world.advance(1);
    expect(buffers).toHaveLength(2);
    expect(buffers[0]).toBe(buffers[1]);
    expect(buffers[0]).toHaveLength(feed.offset);
  });

  it('does not gather without limit, nor put long words together', () => {
    const { feed, received, write } = newFeed();
    feed.begin();
    feed.receivers.add(receiver(received));
    const long = 'x'.repeat(1_000_000);
    write(0, 'SET', long, long);
    feed.flush();
    expect(received.join('')).toBe(request('SELECT', '0') + request('SET', long, long));
    expect(received.every((bytes) => bytes.length <= long.length)).toBe(true);
  });

  it('keeps the name of its history for those who knew it when it is promoted', () => {
    const { feed, write } = newFeed();
    const id = 'c'.repeat(40);
    feed.follow(id, 1000);
    feed.relay(Buffer.from(request('SET', 'a', '1')));
    expect(feed).toMatchObject({ mode: 'relayed', replicationId: id, secondId: NO_REPLICATION_ID });
    const { offset } = feed;
    write(0, 'SET', 'local writes of a replica', 'are not replicated');
    expect(feed.offset).toBe(offset);
    feed.promote();
    expect(feed).toMatchObject({ mode: 'own', secondId: id, secondOffset: offset + 1, offset });
    expect(feed.replicationId).not.toBe(id);
    write(0, 'SET', 'a', '2');
    feed.flush();
    expect(feed.backlog!.from(1001).toString('latin1')).toBe(
      request('SET', 'a', '1') + request('SELECT', '0') + request('SET', 'a', '2'),
    );
  });

  it('begins a new history after one that was given up', () => {
    const { feed, write } = newFeed();
    feed.begin();
    const { replicationId } = feed;
    write(0, 'SET', 'a', '1');
    feed.end();
    write(0, 'SET', 'unseen', '1');
    feed.begin();
    expect(feed.replicationId).not.toBe(replicationId);
    expect(feed.secondId).toBe(NO_REPLICATION_ID);
    expect(feed.backlog!.firstOffset).toBe(feed.offset + 1);
  });
});
