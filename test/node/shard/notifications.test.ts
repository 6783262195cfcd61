import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { EVENT_RULES } from '../../../src/node/shard/notification-events.ts';
import type { Shard } from '../../../src/node/shard/shard.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';

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
    /** Without events in Redis: nothing of one key, or no change that is told of. */
    const silent = /^(FLUSHALL|FLUSHDB|SWAPDB|PFDEBUG)$/;
    const writing = dataCommands.filter(({ isWrite, name }) => isWrite && !silent.test(name)).map(({ name }) => name);
    expect(writing.filter((name) => EVENT_RULES[name] === undefined)).toEqual([]);
  });
});
