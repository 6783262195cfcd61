import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';

const commands = [...stringCommands, ...transactionCommands, ...connectionCommands, ...serverCommands];

/** What the write log hands out, a line for each write. */
function writesOf(shard: ReturnType<typeof testShard>['shard']): string[] {
  const lines: string[] = [];
  shard.writeLog.subscribe({ write: (database, words) => lines.push(`${database} ${words.join(' ')}`) });
  return lines;
}

describe('EXEC', () => {
  it('is refused when a queued request would be by now: a replica became stale, data are loaded', () => {
    using test = testShard({ commands, config: { 'replica-serve-stale-data': 'no' } });
    const { shard } = test;
    const client = test.client();
    for (const words of [['GET', 'a'], ['PING']]) {
      client.call('MULTI');
      client.call(...words);
      shard.role = 'replica';
      expect(client.bytes('EXEC'), words.join(' ')).toMatch(
        /^-EXECABORT Transaction discarded because of: MASTERDOWN Link with MASTER is down/,
      );
      shard.role = 'primary';
      client.call('MULTI');
      client.call(...words);
      shard.loading = true;
      expect(client.bytes('EXEC')).toMatch(/^-EXECABORT Transaction discarded because of: LOADING /);
      shard.loading = false;
    }
    shard.role = 'replica';
    client.call('MULTI');
    expect(client.bytes('EXEC')).toBe('*0\r\n'); // nothing in it is too fresh for a stale replica
    shard.role = 'primary';
  });
});

describe('WATCH', () => {
  it('makes EXEC fail when another client changed a key, and only then', () => {
    using test = testShard({ commands });
    const [one, other] = [test.client(), test.client()];
    one.call('WATCH', 'a', 'b');
    other.call('SET', 'c', '1');
    one.call('MULTI');
    one.call('SET', 'x', '1');
    expect(one.bytes('EXEC')).toBe('*1\r\n+OK\r\n');

    one.call('WATCH', 'a', 'b');
    other.call('SET', 'b', '1');
    one.call('MULTI');
    one.call('SET', 'x', '2');
    expect(one.bytes('EXEC')).toBe('*-1\r\n');
    expect(one.call('GET', 'x')).toBe('1');
    // The failed EXEC ended the watch
    one.call('MULTI');
    expect(one.bytes('EXEC')).toBe('*0\r\n');
  });

  it('is ended by UNWATCH and DISCARD', () => {
    using test = testShard({ commands });
    const [one, other] = [test.client(), test.client()];
    for (const end of [['UNWATCH'], ['MULTI', 'DISCARD']]) {
      one.call('WATCH', 'a');
      for (const word of end) one.call(word);
      other.call('SET', 'a', '1');
      one.call('MULTI');
      expect(one.bytes('EXEC'), end.join(' ')).toBe('*0\r\n');
    }
  });

  it('sees a key that expires between WATCH and EXEC, though nobody has looked at it', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    test.shard.activeExpiry = false;
    client.call('SET', 'a', '1', 'PX', '50');
    client.call('WATCH', 'a');
    client.call('MULTI');
    await world.advance(100);
    expect(client.bytes('EXEC')).toBe('*-1\r\n');
  });

  it('does not take the deletion of a key that had expired before for a change', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const [one, other] = [test.client(), test.client()];
    test.shard.activeExpiry = false;
    one.call('SET', 'a', '1', 'PX', '50');
    await world.advance(100);
    one.call('WATCH', 'a');
    other.call('GET', 'a'); // deletes it
    one.call('MULTI');
    expect(one.bytes('EXEC')).toBe('*0\r\n');

    one.call('SET', 'a', '1', 'PX', '50');
    await world.advance(100);
    one.call('WATCH', 'a');
    other.call('SET', 'a', '2'); // deletes it, and then it is there again
    one.call('MULTI');
    expect(one.bytes('EXEC')).toBe('*-1\r\n');
  });

  it('takes no expired key that goes, comes or stays for a change when databases are flushed or swapped', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const [one, other] = [test.client(), test.client()];
    test.shard.activeExpiry = false;
    const stale = async (database: string): Promise<void> => {
      other.call('SELECT', database);
      other.call('SET', 'a', '1', 'PX', '50');
      await world.advance(100);
    };
    const exec = (): string => {
      one.call('MULTI');
      return one.bytes('EXEC');
    };
    await stale('0');
    one.call('WATCH', 'a');
    other.call('FLUSHDB');
    expect(exec()).toBe('*0\r\n');
    await stale('0');
    await stale('1');
    one.call('WATCH', 'a');
    other.call('SWAPDB', '0', '1'); // stale, and stale again
    expect(exec()).toBe('*0\r\n');
    other.call('FLUSHALL');
    await stale('1');
    one.call('WATCH', 'a');
    other.call('SWAPDB', '0', '1'); // nothing, then stale
    expect(exec()).toBe('*0\r\n');
    other.call('FLUSHALL');
    other.call('SELECT', '1');
    other.call('SET', 'a', '1');
    one.call('WATCH', 'a');
    other.call('SWAPDB', '0', '1'); // nothing, then something
    expect(exec()).toBe('*-1\r\n');
  });

  it('sees flushed and swapped databases where the key was there', () => {
    using test = testShard({ commands });
    const [one, other] = [test.client(), test.client()];
    const fails = (...change: string[]): boolean => {
      one.call('WATCH', 'a');
      other.call(...change);
      one.call('MULTI');
      return one.bytes('EXEC') === '*-1\r\n';
    };
    expect(fails('FLUSHALL')).toBe(false);
    one.call('SET', 'a', '1');
    expect(fails('FLUSHDB')).toBe(true);
    one.call('SET', 'a', '1');
    expect(fails('SWAPDB', '0', '1')).toBe(true); // it left
    expect(fails('SWAPDB', '0', '1')).toBe(true); // it came
    expect(fails('SWAPDB', '2', '3')).toBe(false);
  });
});

describe('EXEC', () => {
  it('is one unit in the write log, and a single write stands alone', () => {
    using test = testShard({ commands });
    const lines = writesOf(test.shard);
    const client = test.client();
    for (const request of [['MULTI'], ['SET', 'a', '1'], ['SELECT', '2'], ['SET', 'b', '2'], ['GET', 'a'], ['EXEC']])
      client.call(...request);
    expect(lines).toEqual(['0 MULTI', '0 SET a 1', '2 SET b 2', '2 EXEC']);
    lines.length = 0;
    for (const request of [['MULTI'], ['SET', 'a', '1'], ['EXEC']]) client.call(...request);
    expect(lines).toEqual(['2 SET a 1']);
    expect(client.session.database).toBe(2);
  });

  it('goes on after an error in the middle', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'a', 'text');
    for (const request of [['MULTI'], ['INCR', 'a'], ['SET', 'b', '1'], ['EXEC']]) client.call(...request);
    expect(client.raw).toBe('*2\r\n-ERR value is not an integer or out of range\r\n+OK\r\n');
  });

  it('is refused by a read-only replica when its queue writes', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MULTI');
    client.call('SET', 'a', '1');
    test.shard.role = 'replica';
    expect(client.bytes('EXEC')).toBe(
      "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.\r\n",
    );
    expect(client.bytes('EXEC')).toBe('-ERR EXEC without MULTI\r\n');
    client.call('MULTI');
    client.call('GET', 'a');
    expect(client.bytes('EXEC')).toBe('*1\r\n$-1\r\n');
    client.call('MULTI');
    expect(client.bytes('SET', 'a', '1')).toBe("-READONLY You can't write against a read only replica.\r\n");
    expect(client.bytes('EXEC')).toBe('-EXECABORT Transaction discarded because of previous errors.\r\n');
  });

  it('changes protocol in the middle with HELLO', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const request of [['MULTI'], ['GET', 'a'], ['HELLO', '3'], ['GET', 'a']]) client.call(...request);
    client.session.receive(Buffer.from('EXEC\r\n'));
    expect(client.raw).toMatch(/\*3\r\n\$-1\r\n%7\r\n[^]*_\r\n$/);
  });
});

describe('EXEC', () => {
  it('runs all that is queued though the replies together do not fit in one', () => {
    using test = testShard({ commands });
    const bytes = 60_000_000;
    test.client().call('SET', 'long', 'x'.repeat(bytes));
    let sent = 0;
    const session = test.shard.openSession({
      local: { host: '127.0.0.1', port: 6379 },
      remote: { host: '127.0.0.1', port: 50_000 },
      write: (text) => (sent += text.length),
      end: () => undefined,
    });
    const ask = (request: string): void => session.receive(Buffer.from(`${request}\r\n`));
    ask('MULTI');
    for (let i = 0; i < 12; i++) ask('GET long');
    ask('INCR ran');
    sent = 0;
    ask('EXEC');
    expect(test.shard.keyspaces[0]!.peek('ran')).toBe('1');
    // Eight whole ones, four refusals, and the number
    expect(Math.floor(sent / bytes)).toBe(8);
  });

  it('ends a client that queues requests without end, however short they are', () => {
    using test = testShard({ commands });
    const client = test.client();
    Object.assign(test.shard.decoderLimits, { requestBytesMax: 100_000 });
    client.call('MULTI');
    for (let i = 0; i < 1_000 && !client.closed; i++) client.send('PING');
    expect(client.closed).toBe(true);
    expect(String(client.replies.at(-1))).toMatch(/transaction longer than/);
  });
});
