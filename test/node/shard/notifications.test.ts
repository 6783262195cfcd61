import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { EVENT_RULES } from '../../../src/node/shard/notification-events.ts';
import type { Shard } from '../../../src/node/shard/shard.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';
import { recordWrites } from '../commands/writes.ts';

/** What a client hears that listens to a pattern. */
function listen(shard: Shard, pattern: string): () => string {
  let heard = '';
  const session = shard.openSession({
    local: { host: '127.0.0.1', port: 6379 },
    remote: { host: '127.0.0.1', port: 50_000 },
    write: (bytes) => (heard += bytes),
    end: () => undefined,
  });
  session.receive(Buffer.from(encodeRequest(['PSUBSCRIBE', pattern]), 'latin1'));
  return () => heard;
}

describe('keyspace notifications', () => {
  it('tell of a key whose time has come, also when nobody looks at it', async () => {
    using test = testShard({ commands: dataCommands });
    const heard = listen(test.shard, '__keyevent@0__:expired');
    const client = test.client();
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
    client.call('SET', 'soon', '1', 'PX', '1');
    await eventually(() => heard().includes('$4\r\nsoon\r\n'), { withinMs: 5_000, what: 'soon is told of' });
  });

  it('tell of a key that was deleted to make room', async () => {
    using test = testShard({ commands: dataCommands });
    const heard = listen(test.shard, '__keyspace@0__:*');
    const client = test.client();
    client.call('SET', 'large', 'x'.repeat(1000));
    client.call(
      'CONFIG',
      'SET',
      'notify-keyspace-events',
      'Ke',
      'maxmemory-policy',
      'allkeys-random',
      'maxmemory',
      '1',
    );
    await eventually(() => heard().includes('__keyspace@0__:large\r\n$7\r\nevicted\r\n'), {
      withinMs: 5_000,
      what: 'the eviction is told of',
    });
  });

  it('of LTRIM come also where it removes nothing: watchers are woken, and nothing is replicated', () => {
    using test = testShard({ commands: dataCommands });
    const [client, other] = [test.client(), test.client()];
    client.call('RPUSH', 'list', 'a', 'b');
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'Kl');
    const heard = listen(test.shard, '__key*');
    const writes = recordWrites(test.shard);
    client.call('WATCH', 'list');
    other.call('LTRIM', 'list', '0', '-1');
    client.call('MULTI');
    expect(client.call('EXEC')).toBeNull();
    expect(heard()).toContain('__keyspace@0__:list\r\n$5\r\nltrim\r\n');
    expect(writes).toEqual([]);
  });

  it('of LCS tell of a key that is missing also where the other is no string', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('SADD', 'set', 'a');
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'Km');
    const heard = listen(test.shard, '__key*');
    expect(client.call('LCS', 'set', 'none')).toBeInstanceOf(Error);
    expect(heard()).toContain('__keyspace@0__:none\r\n$7\r\nkeymiss\r\n');
  });

  it('tell of each of tens of thousands of keys that one request changes', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    const keys = Array.from({ length: 50_000 }, (_, at) => `key:${at}`);
    const heard = listen(test.shard, '__keyspace@0__:*');
    for (const words of [
      ['MSET', ...keys.flatMap((key) => [key, 'v'])],
      ['DEL', ...keys],
    ]) {
      client.send(...words);
    }
    const events = Array.from(
      heard().matchAll(/:(key:\d+)\r\n\$3\r\n(set|del)\r\n/g),
      ([, key, event]) => `${event} ${key}`,
    );
    expect(events).toEqual(['set', 'del'].flatMap((event) => keys.map((key) => `${event} ${key}`)));
  });

  it('are off at first, and refuse a class that is not known', () => {
    using test = testShard({ commands: dataCommands });
    const heard = listen(test.shard, '__key*');
    const client = test.client();
    const before = heard();
    client.call('SET', 'a', '1');
    expect(client.bytes('CONFIG', 'SET', 'notify-keyspace-events', 'KEq')).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.\r\n",
    );
    client.call('DEL', 'a');
    expect(heard()).toBe(before);
  });

  it('have a name for every command that changes a key', () => {
    /** Without events in Redis: nothing of one key, or no change that is told of. [redis t_stream.c xackCommand] */
    const silent = /^(FLUSHALL|FLUSHDB|SWAPDB|PFDEBUG|XACK|FUNCTION .*)$/;
    const writing = dataCommands.filter(({ isWrite, name }) => isWrite && !silent.test(name)).map(({ name }) => name);
    expect(writing.filter((name) => EVENT_RULES[name] === undefined)).toEqual([]);
  });
});
