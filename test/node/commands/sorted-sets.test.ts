import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import type { SortedSetValue } from '../../../src/node/keyspace/sorted-set.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { CommandTable } from '../../../src/node/commands/table.ts';
import { SystemWorld } from '../../../src/world/system-world.ts';
import { TestClient, testShard } from '../../support/fixtures.ts';
import { recordWrites } from './writes.ts';

const commands = [...setCommands, ...sortedSetCommands, ...stringCommands];

describe('ZADD', () => {
  it('shares its options with ZINCRBY, where an increment that names one is a syntax error', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const word of ['NX', 'incr', 'Gt']) {
      expect(client.call('ZINCRBY', 'z', word, 'a')).toMatchObject({ message: 'ERR syntax error' });
    }
    expect(client.call('ZINCRBY', 'z', 'x', 'a')).toMatchObject({ message: 'ERR value is not a valid float' });
    expect(client.call('ZINCRBY', 'z', '2', 'NX')).toBe('2');
  });

  it('has ranges whose bounds end at a zero byte, as C reads them', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'z', '0', 'a', '1', 'b', '2', 'c');
    expect(client.call('ZCOUNT', 'z', '\0', '1\0x')).toBe(2);
    expect(client.call('ZCOUNT', 'z', '(\0', 'inf')).toBe(2);
  });

  it('adds, moves and counts as its options say', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.call('ZADD', 'z', '1', 'a', '2', 'b')).toBe(2);
    expect(client.call('ZADD', 'z', 'CH', '1', 'a', '3', 'b', '4', 'c')).toBe(2);
    expect(client.call('ZADD', 'z', 'NX', '9', 'a', '9', 'd')).toBe(1);
    expect(client.call('ZADD', 'z', 'XX', 'CH', '5', 'a', '5', 'e')).toBe(1);
    expect(client.call('ZADD', 'z', 'GT', 'CH', '4', 'a', '10', 'd', '1', 'f')).toBe(2);
    expect(client.call('ZADD', 'z', 'LT', 'CH', '4', 'a', '11', 'd')).toBe(1);
    expect(client.call('ZRANGE', 'z', '0', '-1', 'WITHSCORES')).toEqual('f 1 b 3 a 4 c 4 d 10'.split(' '));
  });

  it('increments, and answers null where a condition forbids it', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.call('ZADD', 'z', 'XX', 'INCR', '1', 'a')).toBe(null);
    expect(client.call('ZADD', 'z', 'INCR', '1.5', 'a')).toBe('1.5');
    expect(client.call('ZADD', 'z', 'NX', 'INCR', '1', 'a')).toBe(null);
    expect(client.call('ZADD', 'z', 'GT', 'INCR', '-1', 'a')).toBe(null);
    expect(client.call('ZADD', 'z', 'LT', 'INCR', '-1', 'a')).toBe('0.5');
    expect(client.bytes('ZADD', 'z', 'INCR', '1', 'a', '2', 'b')).toContain('INCR option supports a single');
    client.call('ZADD', 'z', 'inf', 'a');
    expect(client.bytes('ZINCRBY', 'z', '-inf', 'a')).toBe('-ERR resulting score is not a number (NaN)\r\n');
  });

  it('replicates its own words when something changed, and nothing otherwise', () => {
    using test = testShard({ commands });
    const writes = recordWrites(test.shard);
    const client = test.client();
    client.call('ZADD', 'z', 'GT', '1', 'a');
    client.call('ZADD', 'z', 'GT', '1', 'a');
    client.call('ZADD', 'z', 'GT', '0', 'a');
    client.call('ZINCRBY', 'z', '0', 'a');
    client.call('ZINCRBY', 'z', '2', 'a');
    client.call('ZREM', 'z', 'none');
    client.call('ZREMRANGEBYSCORE', 'z', '5', '6');
    client.call('ZRANGESTORE', 'none', 'empty', '0', '-1');
    expect(writes).toEqual([
      ['ZADD', 'z', 'GT', '1', 'a'],
      ['ZINCRBY', 'z', '2', 'a'],
    ]);
  });
});

describe('encodings', () => {
  it('pass over the limits as Redis does', () => {
    using test = testShard({ commands, config: { 'zset-max-listpack-entries': '3', 'zset-max-listpack-value': '5' } });
    const client = test.client();
    const encoding = (key: string): string => (test.shard.keyspaces[0]!.values.get(key) as SortedSetValue).encoding;
    client.call('ZADD', 'few', '1', 'a', '1', 'b', '1', 'c');
    client.call('ZADD', 'named', '1', 'a', '2', 'a', '3', 'a', '4', 'a');
    client.call('ZADD', 'long', '1', 'abcdef');
    client.call('ZRANGESTORE', 'cut', 'named', '0', '0');
    client.call('ZUNIONSTORE', 'sum', '2', 'few', 'long');
    expect(['few', 'named', 'long', 'cut', 'sum'].map(encoding)).toEqual([
      'listpack',
      'skiplist',
      'skiplist',
      'listpack',
      'skiplist',
    ]);
  });
});

describe('ZRANK with WITHSCORE', () => {
  it('answers rank and score, a null array when there is none', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'z', '1', 'a', '2.5', 'b');
    expect(client.call('ZRANK', 'z', 'b', 'withscore')).toEqual([1, '2.5']);
    expect(client.call('ZREVRANK', 'z', 'b', 'WITHSCORE')).toEqual([0, '2.5']);
    expect(client.bytes('ZRANK', 'z', 'x', 'WITHSCORE')).toBe('*-1\r\n');
    expect(client.bytes('ZRANK', 'z', 'x')).toBe('$-1\r\n');
    expect(client.bytes('ZRANK', 'none', 'x', 'WITHSCORE')).toBe('*-1\r\n');
    expect(client.bytes('ZRANK', 'z', 'a', 'WITHSCORES')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('ZRANK', 'z', 'a', 'WITHSCORE', 'x')).toBe(
      "-ERR wrong number of arguments for 'zrank' command\r\n",
    );
  });
});

describe('scores', () => {
  it('are printed in the shortest digits of Redis 7.4', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const [given, printed] of [
      ['0.1', '0.1'],
      ['1e21', '1e+21'],
      ['4611686018427387904', '4611686018427387904'],
      ['1e-7', '1e-7'],
      ['0.000001', '0.000001'],
      ['12345.678901234567', '1.2345678901234567e+4'],
      ['3.0', '3'],
      ['-inf', '-inf'],
    ]) {
      client.call('ZADD', 'z', given!, 'a');
      expect(client.call('ZSCORE', 'z', 'a')).toBe(printed);
    }
  });

  it('are doubles in RESP3, in pairs where members come with them', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.session.wireProtocol = 3;
    let sent = '';
    client.session.output.write = (bytes) => void (sent += bytes);
    client.send('ZADD', 'z', '1', 'a');
    const expected: [reply: string, ...words: string[]][] = [
      [',1\r\n', 'ZSCORE', 'z', 'a'],
      ['_\r\n', 'ZSCORE', 'z', 'x'],
      ['*1\r\n*2\r\n$1\r\na\r\n,1\r\n', 'ZRANGE', 'z', '0', '-1', 'WITHSCORES'],
      ['*1\r\n*2\r\n$1\r\na\r\n,1\r\n', 'ZUNION', '1', 'z', 'WITHSCORES'],
      ['*1\r\n*2\r\n$1\r\na\r\n,1\r\n', 'ZRANDMEMBER', 'z', '1', 'WITHSCORES'],
      [',3\r\n', 'ZADD', 'z', 'INCR', '2', 'a'],
      ['*2\r\n$1\r\na\r\n,3\r\n', 'ZPOPMIN', 'z'],
      ['*0\r\n', 'ZPOPMIN', 'z'],
      ['_\r\n', 'ZMPOP', '1', 'z', 'MIN'],
    ];
    for (const [reply, ...words] of expected) {
      sent = '';
      client.send(...words);
      expect([words, sent]).toEqual([words, reply]);
    }
  });
});

describe('pops', () => {
  it('take from the ends and replicate as plain pops', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'z', '1', 'a', '2', 'b', '3', 'c', '4', 'd', '5', 'e');
    const writes = recordWrites(test.shard);
    expect(client.call('ZPOPMIN', 'z')).toEqual(['a', '1']);
    expect(client.call('ZPOPMAX', 'z', '2')).toEqual(['e', '5', 'd', '4']);
    expect(client.call('ZMPOP', '2', 'none', 'z', 'MAX', 'COUNT', '9')).toEqual([
      'z',
      [
        ['c', '3'],
        ['b', '2'],
      ],
    ]);
    expect(test.shard.keyspaces[0]!.has('z')).toBe(false);
    expect(writes).toEqual([
      ['ZPOPMIN', 'z'],
      ['ZPOPMAX', 'z', '2'],
      ['ZPOPMAX', 'z', '2'],
    ]);
  });

  it('wait in turn, and each gets one entry', () => {
    using test = testShard({ commands });
    const [first, second, third, adder] = [test.client(), test.client(), test.client(), test.client()];
    first.send('BZPOPMIN', 'x', 'z', '0');
    second.send('BZPOPMAX', 'z', '0');
    third.send('BZMPOP', '0', '2', 'z', 'x', 'MIN', 'COUNT', '5');
    const writes = recordWrites(test.shard);
    adder.call('ZADD', 'z', '1', 'a', '2', 'b', '3', 'c', '4', 'd');
    expect(first.replies).toEqual([['z', 'a', '1']]);
    expect(second.replies).toEqual([['z', 'd', '4']]);
    expect(third.replies).toEqual([
      [
        'z',
        [
          ['b', '2'],
          ['c', '3'],
        ],
      ],
    ]);
    expect(writes.slice(1)).toEqual([
      ['ZPOPMIN', 'z'],
      ['ZPOPMAX', 'z'],
      ['ZPOPMIN', 'z', '2'],
    ]);
    expect(test.shard.blocking.count).toBe(0);
  });

  it('go on waiting when the key becomes something else', () => {
    using test = testShard({ commands });
    const [waiting, other] = [test.client(), test.client()];
    waiting.send('BZPOPMIN', 'z', '0');
    other.call('SADD', 'z', 'a');
    expect(waiting.replies).toEqual([]);
    other.call('SPOP', 'z', '1');
    other.call('ZUNIONSTORE', 'z', '1', 'none');
    expect(waiting.replies).toEqual([]);
    other.call('ZADD', 'z', '1', 'a');
    expect(waiting.replies).toEqual([['z', 'a', '1']]);
  });

  it('refuse a key of another type, even behind one that is not there', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 's', 'x');
    expect(client.bytes('BZPOPMIN', 'none', 's', '0')).toMatch(/^-WRONGTYPE/);
    expect(client.bytes('ZMPOP', '2', 'none', 's', 'MIN')).toMatch(/^-WRONGTYPE/);
  });
});

describe('computing from several', () => {
  it('adds infinities of both signs to 0 and takes plain sets for scores of 1', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'a', 'inf', 'm', '2', 'n');
    client.call('ZADD', 'b', '-inf', 'm');
    client.call('SADD', 's', 'm', 'n');
    expect(client.call('ZUNION', '2', 'a', 'b', 'WITHSCORES')).toEqual(['m', '0', 'n', '2']);
    expect(client.call('ZINTER', '2', 'a', 's', 'WEIGHTS', '1', '10', 'WITHSCORES')).toEqual(['n', '12', 'm', 'inf']);
    expect(client.call('ZUNION', '1', 'a', 'WEIGHTS', '0', 'WITHSCORES')).toEqual(['m', '0', 'n', '0']);
    expect(client.call('ZDIFF', '2', 'a', 'b', 'WITHSCORES')).toEqual(['n', '2']);
    expect(client.call('ZINTERCARD', '2', 'a', 's', 'LIMIT', '1')).toBe(1);
  });

  it('may store into one of its sources', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'a', '1', 'x');
    client.call('ZADD', 'b', '2', 'y');
    expect(client.call('ZUNIONSTORE', 'a', '2', 'a', 'b', 'WEIGHTS', '2', '3')).toBe(2);
    expect(client.call('ZRANGE', 'a', '0', '-1', 'WITHSCORES')).toEqual(['x', '2', 'y', '6']);
    expect(client.call('ZRANGESTORE', 'a', 'a', '+inf', '5', 'BYSCORE', 'REV')).toBe(1);
    expect(client.call('ZRANGE', 'a', '0', '-1')).toEqual(['y']);
  });
});

describe('what is replicated', () => {
  it('makes any second shard the same, whatever chance chose', () => {
    const member = fc.constantFrom('a', 'b', 'c', '1', '2', 'd');
    const set = fc.constantFrom('s', 't');
    const sorted = fc.constantFrom('z', 'y');
    const count = fc.integer({ min: 0, max: 4 }).map(String);
    const score = fc.oneof(
      fc.double({ noNaN: true }).map((n) => (n === Infinity ? 'inf' : n === -Infinity ? '-inf' : String(n))),
    );
    const request = fc.oneof(
      fc.tuple(fc.constant('SADD'), set, member, member),
      fc.tuple(fc.constant('SPOP'), set),
      fc.tuple(fc.constant('SPOP'), set, count),
      fc.tuple(fc.constant('SMOVE'), set, set, member),
      fc.tuple(fc.constant('SUNIONSTORE'), set, set, set),
      fc.tuple(fc.constant('ZADD'), sorted, score, member),
      fc.tuple(fc.constant('ZADD'), sorted, fc.constantFrom('GT', 'LT', 'NX', 'XX'), score, member),
      fc.tuple(fc.constant('ZINCRBY'), sorted, score, member),
      fc.tuple(fc.constantFrom('ZPOPMIN', 'ZPOPMAX'), sorted, count),
      fc.tuple(fc.constant('ZMPOP'), fc.constant('2'), fc.constant('z'), fc.constant('y'), fc.constant('MAX')),
      fc.tuple(fc.constant('ZUNIONSTORE'), sorted, fc.constant('2'), sorted, fc.oneof(set, sorted)),
      fc.tuple(fc.constant('ZREMRANGEBYRANK'), sorted, count, count),
    );
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        using test = testShard({ commands });
        const writes = recordWrites(test.shard);
        const client = test.client();
        for (const words of requests) client.call(...words);
        // DEL belongs to another group; a set that was popped whole is the only thing deleted here.
        const replica = new Shard({ world: new SystemWorld({ seed: 2 }), commands: new CommandTable(commands) });
        const link = new TestClient(replica);
        for (const words of writes) {
          if (words[0] === 'DEL') replica.keyspaces[0]!.remove(words[1]!);
          else link.call(...words);
        }
        for (const key of ['s', 't', 'z', 'y']) {
          const words = key === 's' || key === 't' ? ['SMEMBERS', key] : ['ZRANGE', key, '0', '-1', 'WITHSCORES'];
          const [there, here] = [client.call(...words), link.call(...words)] as string[][];
          expect(words[0] === 'SMEMBERS' ? here!.sort() : here).toEqual(
            words[0] === 'SMEMBERS' ? there!.sort() : there,
          );
        }
        replica.close();
      }),
      { numRuns: 200 },
    );
  });
});
