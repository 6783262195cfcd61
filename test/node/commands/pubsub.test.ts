import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { shardExchange } from '../../support/shard-exchange.ts';

const commands = [...pubsubCommands, ...connectionCommands, ...transactionCommands];

const message = (text: string): string => `>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n${text}\r\n`;

describe('publish and subscribe', () => {
  it('a message reaches listeners of the channel and of matching patterns, each once for each subscription', () => {
    using test = testShard({ commands });
    const [channel, pattern, deaf, publisher] = [test.client(), test.client(), test.client(), test.client()];
    channel.call('SUBSCRIBE', 'news');
    pattern.call('PSUBSCRIBE', 'n*', '*s');
    deaf.call('SUBSCRIBE', 'other');
    for (const client of [channel, pattern, deaf]) client.raw = '';
    expect(publisher.call('PUBLISH', 'news', 'm\r\n\xff')).toBe(3);
    expect(channel.raw).toBe('*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\nm\r\n\xff\r\n');
    expect(pattern.raw).toBe(
      '*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$4\r\nm\r\n\xff\r\n*4\r\n$8\r\npmessage\r\n$2\r\n*s\r\n$4\r\nnews\r\n$4\r\nm\r\n\xff\r\n',
    );
    expect(deaf.raw).toBe('');
  });

  it('shard channels are a world of their own', () => {
    using test = testShard({ commands });
    const [listener, publisher] = [test.client(), test.client()];
    listener.call('SSUBSCRIBE', 's');
    listener.raw = '';
    expect(publisher.call('PUBLISH', 's', 'm')).toBe(0);
    expect(publisher.call('SPUBLISH', 's', 'm')).toBe(1);
    expect(listener.raw).toBe('*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nm\r\n');
    expect(publisher.call('PUBSUB', 'SHARDCHANNELS')).toEqual(['s']);
    expect(publisher.call('PUBSUB', 'SHARDNUMSUB', 's', 't')).toEqual(['s', 1, 't', 0]);
    expect(publisher.call('PUBSUB', 'CHANNELS')).toEqual([]);
  });

  it('PUBSUB tells who listens, until the client goes', () => {
    using test = testShard({ commands });
    const [one, two, other] = [test.client(), test.client(), test.client()];
    one.call('SUBSCRIBE', 'a', 'b');
    two.call('SUBSCRIBE', 'b');
    two.call('PSUBSCRIBE', 'x*');
    expect(other.call('PUBSUB', 'NUMSUB', 'a', 'b')).toEqual(['a', 1, 'b', 2]);
    expect(other.call('PUBSUB', 'CHANNELS', 'b*')).toEqual(['b']);
    expect(other.call('PUBSUB', 'NUMPAT')).toBe(1);
    test.shard.closeSession(two.session);
    expect(other.call('PUBSUB', 'NUMSUB', 'b')).toEqual(['b', 1]);
    expect(other.call('PUBSUB', 'NUMPAT')).toBe(0);
  });

  it('a message to oneself follows the reply, also after EXEC', () => {
    using test = testShard({ commands });
    const bytes = shardExchange(
      test.shard,
      [['HELLO', '3'], ['SUBSCRIBE', 'a'], ['PUBLISH', 'a', '1'], ['MULTI'], ['PUBLISH', 'a', '2'], ['PING'], ['EXEC']]
        .map(encodeRequest)
        .join(''),
    );
    expect(bytes.slice(bytes.indexOf('>'))).toBe(
      `>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n:1\r\n${message('1')}+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n+PONG\r\n${message('2')}`,
    );
  });

  it('is confirmed, and messages arrive, even with replies switched off', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CLIENT', 'REPLY', 'OFF');
    expect(client.bytes('SUBSCRIBE', 'a')).toBe('*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n');
    client.raw = '';
    test.client().call('PUBLISH', 'a', 'm');
    expect(client.raw).toContain('message');
  });

  it('PUBLISH goes to replicas, whether or not anybody listens here', () => {
    using test = testShard({ commands });
    const lines: string[] = [];
    test.shard.writeLog.subscribe({ write: (_database, words) => lines.push(words.join(' ')) });
    test.client().call('PUBLISH', 'a', 'm');
    test.client().call('SPUBLISH', 's', 'm');
    expect(lines).toEqual(['PUBLISH a m', 'SPUBLISH s m']);
  });

  it('a RESP2 subscriber may only manage subscriptions; a RESP3 one may do anything', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SUBSCRIBE', 'a');
    expect(client.bytes('ECHO', 'x')).toBe(
      "-ERR Can't execute 'echo': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n",
    );
    expect(client.bytes('PING', 'x')).toBe('*2\r\n$4\r\npong\r\n$1\r\nx\r\n');
    expect(client.bytes('RESET')).toBe('+RESET\r\n');
    expect(client.bytes('ECHO', 'x')).toBe('$1\r\nx\r\n');
    expect(test.shard.subscriptions.count('channel')).toBe(0);
  });
});
