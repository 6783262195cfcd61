import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { debugCommands } from '../../../src/node/commands/debug.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { POOLS } from '../../support/request-generator.ts';
import { writesOfEveryType } from '../../support/writes-of-every-type.ts';

const commands = [...debugCommands, ...stringCommands, ...keyCommands, ...setCommands];

describe('DEBUG SLEEP', () => {
  it('holds every session of its shard, and no other shard', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    using other = testShard({ commands, world });
    const sleeper = test.client();
    const waiter = test.client();
    expect(sleeper.bytes('DEBUG', 'SLEEP', '0.5')).toBe('');
    expect(waiter.bytes('SET', 'k', '1')).toBe('');
    waiter.send('INCR', 'k');
    await world.advance(499);
    expect([sleeper.raw, waiter.raw, test.shard.keyspaces[0]!.size]).toEqual(['', '', 0]);
    expect(other.client().call('SET', 'k', 'v')).toBe('OK');
    await world.advance(2);
    expect(sleeper.raw).toBe('+OK\r\n');
    expect(waiter.raw).toBe('+OK\r\n:2\r\n');
  });

  it('holds what was sent behind it in one piece, and two in a row add up', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    const sleep = encodeRequest(['DEBUG', 'SLEEP', '1']);
    client.session.receive(Buffer.from(sleep + sleep + encodeRequest(['SET', 'k', 'v']), 'latin1'));
    await world.advance(1999);
    expect(client.raw).toBe('+OK\r\n');
    await world.advance(3);
    expect(client.raw).toBe('+OK\r\n+OK\r\n+OK\r\n');
  });

  it('holds back active expiry too', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    client.call('SET', 'k', 'v', 'PX', '10');
    client.call('DEBUG', 'SLEEP', '5');
    await world.advance(4000);
    expect(test.shard.keyspaces[0]!.size).toBe(1);
    await world.advance(2000);
    expect(test.shard.keyspaces[0]!.size).toBe(0);
  });

  it('takes no time for what is no positive number', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const seconds of ['0', '-1', 'x', '']) expect(client.call('DEBUG', 'SLEEP', seconds)).toBe('OK');
  });
});

describe('DEBUG', () => {
  it.each([
    ['no', '127.0.0.1', false],
    ['no', '/tmp/socket', false],
    ['local', '127.0.0.1', true],
    ['local', '/tmp/socket', true],
    ['local', '10.0.0.7', false],
    ['yes', '10.0.0.7', true],
  ])('is there as enable-debug-command %s says for a client at %s', (setting, host, isAllowed) => {
    using test = testShard({ commands, config: { 'enable-debug-command': setting } });
    let answer = '';
    const session = test.shard.openSession({
      local: { host, port: 6379 },
      remote: { host, port: 50_000 },
      write: (bytes) => (answer += bytes),
      end: () => undefined,
    });
    session.receive(Buffer.from(encodeRequest(['DEBUG', 'SET-ACTIVE-EXPIRE', '1'])));
    if (isAllowed) expect(answer).toBe('+OK\r\n');
    else
      expect(answer).toMatch(
        /^-ERR DEBUG command not allowed\. If the enable-debug-command option is set to "local", /,
      );
  });

  it('digests an empty dataset to zeros, and the same data to the same sum whatever its history', () => {
    using one = testShard({ commands });
    using two = testShard({ commands });
    const [a, b] = [one.client(), two.client()];
    expect(a.call('DEBUG', 'DIGEST')).toBe('0'.repeat(40));
    expect(a.call('DEBUG', 'DIGEST-VALUE', 'none')).toEqual(['0'.repeat(40)]);
    a.call('MSET', 'x', '1', 'y', '22');
    b.call('SET', 'y', '2');
    b.call('APPEND', 'y', '2');
    b.call('SET', 'x', '1');
    expect(a.call('DEBUG', 'DIGEST')).toBe(b.call('DEBUG', 'DIGEST'));
    b.call('EXPIRE', 'x', '100');
    expect(a.call('DEBUG', 'DIGEST')).not.toBe(b.call('DEBUG', 'DIGEST'));
  });

  it('tells how full the hash tables of a database and of a large value are', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.call('DEBUG', 'HTSTATS', '3')).toBe(
      ['Dictionary', 'Expires']
        .map(
          (name) => `[${name} HT]\nHash table 0 stats (main hash table):\nNo stats available for empty dictionaries\n`,
        )
        .join(''),
    );
    client.call('SET', 'k', 'v');
    expect(client.call('DEBUG', 'HTSTATS', '0', 'full')).toContain(
      ' table size: 4\n number of elements: 1\n different slots: 1\n max chain length: 1\n',
    );
    expect(client.bytes('DEBUG', 'HTSTATS', '77')).toBe('-ERR Out of range database\r\n');
    expect(client.bytes('DEBUG', 'HTSTATS-KEY', 'k')).toBe(
      '-ERR The value stored at the specified key is not represented using an hash table\r\n',
    );
    client.call('SADD', 's', ...Array.from({ length: 1000 }, (_, at) => `m${at}`));
    const text = String(client.call('DEBUG', 'HTSTATS-KEY', 's', 'FULL'));
    expect(text).toContain(' number of elements: 1000\n');
    const counted = [...text.matchAll(/^ {3}(\d+): (\d+) /gm)].reduce(
      (sum, [, length, count]) => sum + Number(length) * Number(count),
      0,
    );
    expect(counted).toBe(1000);
  });

  it('tells about a value, matches patterns, and refuses what it does not know', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'text');
    expect(client.call('DEBUG', 'OBJECT', 'k')).toMatch(
      /^Value at:0x0 refcount:1 encoding:embstr serializedlength:5 lru:[1-9]\d* lru_seconds_idle:0$/,
    );
    expect(client.bytes('DEBUG', 'OBJECT', 'none')).toBe('-ERR no such key\r\n');
    expect(client.call('DEBUG', 'STRINGMATCH-LEN', 'a*c', 'abbc')).toBe(1);
    expect(client.bytes('DEBUG', 'SEGFAULT')).toBe(
      "-ERR unknown subcommand or wrong number of arguments for 'SEGFAULT'. Try DEBUG HELP.\r\n",
    );
    client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    expect(test.shard.activeExpiry).toBe(false);
    expect(client.call('DEBUG', 'HELP')).toContain('SLEEP <seconds>');
  });
});

describe('DEBUG RELOAD', () => {
  it('brings every value back as it was, with its expiry and its encoding', () => {
    fc.assert(
      fc.property(fc.array(writesOfEveryType(POOLS.key), { maxLength: 30 }), (writes) => {
        using test = testShard({ commands: dataCommands });
        const client = test.client();
        for (const words of writes) client.call(...words);
        client.call('SELECT', '3');
        client.call('XADD', 'other', '1-1', 'f', 'v');
        client.call('XGROUP', 'CREATE', 'other', 'g', '0');
        client.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'other', '>');
        client.call('SELECT', '0');
        const look = (): unknown => [
          client.call('DEBUG', 'DIGEST'),
          POOLS.key.map((key) =>
            ['OBJECT ENCODING', 'PEXPIRETIME'].map((name) => client.call(...name.split(' '), key)),
          ),
          test.shard.memory.keys.bytes,
        ];
        const before = look();
        client.call('WATCH', ...POOLS.key);
        expect(client.call('DEBUG', 'RELOAD')).toBe('OK');
        expect(look()).toEqual(before);
        client.call('MULTI');
        expect(client.call('EXEC')).toEqual([]); // the data are the same: no watched key has changed
        client.call('SELECT', '3');
        expect(client.call('XPENDING', 'other', 'g')).toEqual([1, '1-1', '1-1', [['c', '1']]]);
      }),
    );
  });

  it('refuses what it does not know, and what needs files where there are none', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    expect(client.bytes('DEBUG', 'RELOAD', 'NOW')).toMatch(/^-ERR DEBUG RELOAD only supports/);
    expect(client.bytes('DEBUG', 'RELOAD', 'NOSAVE')).toMatch(/^-ERR this server keeps nothing on disk/);
    expect(client.bytes('DEBUG', 'LOADAOF')).toMatch(/^-ERR this server keeps nothing on disk/);
  });
});

describeReal('DEBUG PROTOCOL and its like', () => {
  it.each([2, 3] as const)('answer as redis-server does with RESP%i', async (protocol) => {
    await using real = await startRealRedis();
    using client = await RawClient.to(real.port);
    using test = testShard({ commands: dataCommands });
    const ours = test.client();
    ours.session.wireProtocol = protocol;
    const types = [
      'string',
      'integer',
      'double',
      'bignum',
      'null',
      'array',
      'set',
      'map',
      'attrib',
      'verbatim',
      'true',
      'false',
      'x',
    ];
    const requests = [
      ...types.map((type) => ['DEBUG', 'PROTOCOL', type]),
      ['DEBUG', 'ERROR', 'MY error\r\nof two lines'],
      ['DEBUG', 'POPULATE', '5', 'k', '10'],
      ['DEBUG', 'DIGEST'],
      ['DEBUG', 'LISTPACK', 'none'],
      ['DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '100b'],
    ];
    const [, ...theirs] = await client.exchange([['HELLO', String(protocol)], ...requests]);
    expect(requests.map((words) => ours.bytes(...words))).toEqual(theirs);
  });
});
