import { describe, expect, it } from 'vitest';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import type { SetValue } from '../../../src/node/keyspace/set.ts';
import { testShard } from '../../support/fixtures.ts';
import { recordWrites } from './writes.ts';

const commands = [...setCommands, ...sortedSetCommands];

describe('SADD, SREM, SMOVE', () => {
  it('replicates only what changed something, and removes an empty set', () => {
    using test = testShard({ commands });
    const writes = recordWrites(test.shard);
    const client = test.client();
    expect(client.call('SADD', 's', 'a', 'b', 'a')).toBe(2);
    expect(client.call('SADD', 's', 'a')).toBe(0);
    expect(client.call('SREM', 's', 'x')).toBe(0);
    expect(client.call('SMOVE', 's', 't', 'b')).toBe(1);
    expect(client.call('SMOVE', 's', 't', 'b')).toBe(0);
    expect(client.call('SREM', 's', 'a')).toBe(1);
    expect(test.shard.keyspaces[0]!.has('s')).toBe(false);
    expect(writes).toEqual([
      ['SADD', 's', 'a', 'b', 'a'],
      ['SMOVE', 's', 't', 'b'],
      ['SREM', 's', 'a'],
    ]);
  });

  it('moves a member to where it already is, or into the same set', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', 'a', 'b');
    client.call('SADD', 't', 'a');
    expect(client.call('SMOVE', 's', 's', 'a')).toBe(1);
    expect(client.call('SMOVE', 's', 's', 'x')).toBe(0);
    expect(client.call('SMOVE', 's', 't', 'a')).toBe(1);
    expect(client.call('SMEMBERS', 's')).toEqual(['b']);
    expect(client.call('SMEMBERS', 't')).toEqual(['a']);
  });

  it('is a dictionary at once when one request names too many members', () => {
    using test = testShard({ commands });
    const client = test.client();
    const encoding = (key: string): string => (test.shard.keyspaces[0]!.values.get(key) as SetValue).encoding;
    client.call('SADD', 'listpack', ...Array.from({ length: 128 }, (_, i) => `m${i}`));
    client.call('SADD', 'same', ...Array.from({ length: 129 }, () => 'm'));
    client.call('SADD', 'integers', ...Array.from({ length: 512 }, (_, i) => `${i}`));
    client.call('SADD', 'more', '1');
    client.call('SADD', 'more', ...Array.from({ length: 513 }, () => '1'));
    expect(['listpack', 'same', 'integers', 'more'].map(encoding)).toEqual([
      'listpack',
      'hashtable',
      'intset',
      'hashtable',
    ]);
  });
});

describe('SPOP', () => {
  it('replicates what was chosen, in writes of bounded size', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', ...Array.from({ length: 3000 }, (_, i) => `m${i}`));
    const writes = recordWrites(test.shard);
    const one = client.call('SPOP', 's') as string;
    const many = client.call('SPOP', 's', '2500') as string[];
    expect(new Set([one, ...many]).size).toBe(2501);
    expect(writes[0]).toEqual(['SREM', 's', one]);
    expect(writes.map((words) => words[0])).toEqual(['SREM', 'MULTI', 'SREM', 'SREM', 'SREM', 'EXEC']);
    expect(writes.slice(2, 5).flatMap((words) => words.slice(2))).toEqual(many);
    expect(client.call('SCARD', 's')).toBe(499);
  });

  it('replicates a deletion when everything was popped, and nothing for a count of nothing', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', 'a', 'b');
    const writes = recordWrites(test.shard);
    expect(client.call('SPOP', 's', '0')).toEqual([]);
    expect((client.call('SPOP', 's', '2') as string[]).sort()).toEqual(['a', 'b']);
    expect(client.call('SPOP', 's', '2')).toEqual([]);
    expect(client.call('SPOP', 's')).toBe(null);
    expect(writes).toEqual([['DEL', 's']]);
  });

  it('removes the key with the last member and replicates the member', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', 'a');
    const writes = recordWrites(test.shard);
    expect(client.call('SPOP', 's')).toBe('a');
    expect([writes, test.shard.keyspaces[0]!.size]).toEqual([[['SREM', 's', 'a']], 0]);
  });
});

describe('SRANDMEMBER and ZRANDMEMBER', () => {
  it('picks distinct members for a count from 0 up and any for one below', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (let i = 0; i < 300; i++) {
      client.call('SADD', 's', `m${i}`);
      client.call('ZADD', 'z', String(i), `m${i}`);
    }
    for (const words of [
      ['SRANDMEMBER', 's'],
      ['ZRANDMEMBER', 'z'],
    ]) {
      const picked = client.call(...words, '200') as string[];
      expect([picked.length, new Set(picked).size]).toEqual([200, 200]);
      expect((client.call(...words, '-1000') as string[]).length).toBe(1000);
      expect((client.call(...words, '1000') as string[]).length).toBe(300);
      expect(client.call(...words)).toMatch(/^m\d+$/);
    }
    expect(client.call('ZRANDMEMBER', 'z', '1', 'WITHSCORES')).toHaveLength(2);
  });

  it('refuses more picks than fit into memory', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 's', 'a');
    expect(client.bytes('SRANDMEMBER', 's', '-9223372036854775807')).toBe('-ERR value is out of range\r\n');
    client.call('ZADD', 'z', '1', 'a');
    expect(client.bytes('ZRANDMEMBER', 'z', '-4000000000000000000', 'WITHSCORES')).toBe(
      '-ERR value is out of range\r\n',
    );
  });
});

describe('set algebra', () => {
  it('overwrites a destination of any type and deletes it when the result is empty', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'd', '1', 'x');
    client.call('SADD', 'a', '1', '2', '3');
    client.call('SADD', 'b', '3', '2');
    const writes = recordWrites(test.shard);
    expect(client.call('SINTERSTORE', 'd', 'a', 'b')).toBe(2);
    expect((test.shard.keyspaces[0]!.values.get('d') as SetValue).encoding).toBe('intset');
    expect(client.call('SDIFFSTORE', 'd', 'b', 'a')).toBe(0);
    expect(client.call('SDIFFSTORE', 'd', 'b', 'a')).toBe(0);
    expect(test.shard.keyspaces[0]!.has('d')).toBe(false);
    expect(writes).toEqual([
      ['SINTERSTORE', 'd', 'a', 'b'],
      ['SDIFFSTORE', 'd', 'b', 'a'],
    ]);
  });

  it('may store into one of its sources', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 'a', 'x', 'y');
    client.call('SADD', 'b', 'y', 'z');
    expect(client.call('SUNIONSTORE', 'a', 'a', 'b')).toBe(3);
    expect(client.call('SDIFFSTORE', 'b', 'a', 'b')).toBe(1);
    expect(client.call('SMEMBERS', 'b')).toEqual(['x']);
  });

  it('stops counting at the limit', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SADD', 'a', 'x', 'y', 'z');
    expect(client.call('SINTERCARD', '2', 'a', 'a')).toBe(3);
    expect(client.call('SINTERCARD', '2', 'a', 'a', 'LIMIT', '2')).toBe(2);
    expect(client.call('SINTERCARD', '1', 'a', 'LIMIT', '0')).toBe(3);
  });

  it('answers in RESP3 with sets', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.session.wireProtocol = 3;
    let sent = '';
    client.session.output.write = (bytes) => void (sent += bytes);
    for (const words of [
      ['SADD', 'a', '1'],
      ['SMEMBERS', 'a'],
      ['SINTER', 'a', 'none'],
      ['SPOP', 'a', '1'],
      ['SPOP', 'a', '1'],
    ]) {
      client.send(...words);
    }
    expect(sent).toBe(':1\r\n~1\r\n$1\r\n1\r\n~0\r\n~1\r\n$1\r\n1\r\n~0\r\n');
  });
});
