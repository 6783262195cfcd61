import { describe, expect, it } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { testShard } from '../../support/fixtures.ts';

function fresh(config: Record<string, string> = {}) {
  const {
    shard,
    client,
    [Symbol.dispose]: dispose,
  } = testShard({ commands: [...hashCommands, ...stringCommands], config });
  const writes: string[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => writes.push(words.join(' ')) });
  return { shard, client: client(), writes, [Symbol.dispose]: dispose };
}

describe('setting and getting', () => {
  it('counts the new fields, and keeps the order of insertion', () => {
    using world = fresh();
    const { client } = world;
    expect(client.call('HSET', 'h', 'a', '1', 'b', '2', 'a', '3')).toBe(2);
    expect(client.call('HSET', 'h', 'b', '4')).toBe(0);
    expect(client.call('HMSET', 'h', 'c', '5')).toBe('OK');
    expect(client.call('HGETALL', 'h')).toEqual(['a', '3', 'b', '4', 'c', '5']);
    expect([client.call('HGET', 'h', 'b'), client.call('HGET', 'h', 'z'), client.call('HGET', 'no', 'z')]).toEqual([
      '4',
      null,
      null,
    ]);
    expect(client.call('HMGET', 'h', 'a', 'z', 'a')).toEqual(['3', null, '3']);
    expect(client.call('HMGET', 'no', 'a', 'b')).toEqual([null, null]);
  });

  it('refuses a field without a value and writes nothing', () => {
    using world = fresh();
    const { client, writes } = world;
    expect(client.bytes('HSET', 'h', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'hset' command\r\n");
    expect(client.bytes('HMSET', 'h', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'hmset' command\r\n");
    expect(writes).toEqual([]);
  });

  it('sets with NX only what is not there', () => {
    using world = fresh();
    const { client, writes } = world;
    expect([client.call('HSETNX', 'h', 'a', '1'), client.call('HSETNX', 'h', 'a', '2')]).toEqual([1, 0]);
    expect(client.call('HGET', 'h', 'a')).toBe('1');
    expect(writes).toEqual(['HSETNX h a 1']);
  });

  it('deletes fields, and the hash with the last of them', () => {
    using world = fresh();
    const { client, shard, writes } = world;
    client.call('HSET', 'h', 'a', '1', 'b', '2');
    expect(client.call('HDEL', 'h', 'z')).toBe(0);
    expect(client.call('HDEL', 'h', 'a', 'a', 'b')).toBe(2);
    expect(shard.keyspaces[0]!.size).toBe(0);
    expect(client.call('HDEL', 'h', 'a')).toBe(0);
    expect(writes).toEqual(['HSET h a 1 b 2', 'HDEL h a a b']);
  });

  it('tells sizes', () => {
    using world = fresh();
    const { client } = world;
    client.call('HSET', 'h', 'a', 'four', 'b', '');
    expect(client.call('HLEN', 'h')).toBe(2);
    expect(['a', 'b', 'z'].map((field) => client.call('HSTRLEN', 'h', field))).toEqual([4, 0, 0]);
    expect(['b', 'z'].map((field) => client.call('HEXISTS', 'h', field))).toEqual([1, 0]);
    expect([client.call('HKEYS', 'h'), client.call('HVALS', 'h')]).toEqual([
      ['a', 'b'],
      ['four', ''],
    ]);
    for (const name of ['HKEYS', 'HVALS', 'HGETALL']) expect(client.call(name, 'no')).toEqual([]);
    for (const name of ['HSTRLEN', 'HEXISTS']) expect(client.call(name, 'no', 'a')).toBe(0);
  });

  it('refuses keys of another type', () => {
    using world = fresh();
    const { client } = world;
    client.call('SET', 's', 'x');
    for (const words of [
      ['HSET', 's', 'a', '1'],
      ['HGET', 's', 'a'],
      ['HMGET', 's', 'a'],
      ['HDEL', 's', 'a'],
      ['HINCRBY', 's', 'a', '1'],
      ['HINCRBYFLOAT', 's', 'a', '1'],
      ['HGETALL', 's'],
      ['HRANDFIELD', 's'],
    ]) {
      expect(client.bytes(...words)).toMatch(/^-WRONGTYPE/);
    }
  });

  it('counts one hit or miss for each look', () => {
    using world = fresh();
    const { client, shard } = world;
    client.call('HSET', 'h', 'a', '1');
    for (const words of [
      ['HGET', 'h', 'a'],
      ['HGET', 'h', 'z'],
      ['HGET', 'no', 'a'],
      ['HLEN', 'h'],
    ])
      client.call(...words);
    expect([shard.hits, shard.misses]).toEqual([3, 1]);
  });

  it('uses as configured the encoding that Redis would', () => {
    using world = fresh({ 'hash-max-listpack-entries': '2', 'hash-max-listpack-value': '4' });
    const { client, shard } = world;
    const encoding = (name: string) => shard.keyspaces[0]!.readHash(name)!.encoding;
    client.call('HSET', 'small', 'a', '1', 'b', '1234');
    client.call('HSET', 'many', 'a', '1', 'b', '2', 'c', '3');
    client.call('HSET', 'long', 'a', '12345');
    client.call('HSET', 'said twice', 'a', '1', 'a', '2', 'a', '3');
    expect(['small', 'many', 'long', 'said twice'].map(encoding)).toEqual([
      'listpack',
      'hashtable',
      'hashtable',
      'hashtable',
    ]);
    client.call('HINCRBY', 'small', 'a', '99999');
    expect(encoding('small')).toBe('hashtable');
  });
});

describe('counting in fields', () => {
  it('counts exactly over the whole range of int64 and refuses to leave it', () => {
    using world = fresh();
    const { client } = world;
    expect(client.bytes('HINCRBY', 'h', 'a', '9007199254740993')).toBe(':9007199254740993\r\n');
    expect(client.bytes('HINCRBY', 'h', 'a', '9214364837600034814')).toBe(':9223372036854775807\r\n');
    expect(client.bytes('HINCRBY', 'h', 'a', '1')).toBe('-ERR increment or decrement would overflow\r\n');
    expect(client.bytes('HINCRBY', 'h', 'b', '-9223372036854775808')).toBe(':-9223372036854775808\r\n');
    expect(client.bytes('HINCRBY', 'h', 'b', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    client.call('HSET', 'h', 'c', ' 1');
    expect(client.bytes('HINCRBY', 'h', 'c', '1')).toBe('-ERR hash value is not an integer\r\n');
  });

  it('adds floating point numbers as long doubles, replicated as the sum', () => {
    using world = fresh();
    const { client, writes } = world;
    expect(client.call('HINCRBYFLOAT', 'h', 'a', '0.1')).toBe('0.1');
    expect(client.call('HINCRBYFLOAT', 'h', 'a', '0.2')).toBe('0.3');
    expect(client.call('HINCRBYFLOAT', 'h', 'a', '-0.3')).toBe('0');
    expect(client.call('HGET', 'h', 'a')).toBe('0');
    expect(writes).toEqual(['HSET h a 0.1', 'HSET h a 0.3', 'HSET h a 0']);
  });

  it('refuses what is no float, and infinity', () => {
    using world = fresh();
    const { client, writes } = world;
    client.call('HSET', 'h', 'word', 'x', 'huge', '1e4932', 'endless', 'inf');
    expect(client.bytes('HINCRBYFLOAT', 'h', 'a', 'x')).toBe('-ERR value is not a valid float\r\n');
    expect(client.bytes('HINCRBYFLOAT', 'h', 'a', 'nan')).toBe('-ERR value is not a valid float\r\n');
    expect(client.bytes('HINCRBYFLOAT', 'h', 'a', '-inf')).toBe('-ERR value is NaN or Infinity\r\n');
    expect(client.bytes('HINCRBYFLOAT', 'h', 'word', '1')).toBe('-ERR hash value is not a float\r\n');
    for (const field of ['huge', 'endless']) {
      expect(client.bytes('HINCRBYFLOAT', 'h', field, '1e4932')).toBe(
        '-ERR increment would produce NaN or Infinity\r\n',
      );
    }
    expect(writes).toHaveLength(1);
  });
});

describe('HRANDFIELD', () => {
  it('gives one field, different fields, or fields that come again', () => {
    using world = fresh();
    const { client, writes } = world;
    client.call('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    expect(['a', 'b', 'c']).toContain(client.call('HRANDFIELD', 'h'));
    expect(client.call('HRANDFIELD', 'h', '5')).toEqual(['a', 'b', 'c']);
    expect(new Set(client.call('HRANDFIELD', 'h', '2') as string[]).size).toBe(2);
    expect(client.call('HRANDFIELD', 'h', '-7')).toHaveLength(7);
    expect(client.call('HRANDFIELD', 'h', '0')).toEqual([]);
    expect([client.call('HRANDFIELD', 'no'), client.call('HRANDFIELD', 'no', '1')]).toEqual([null, []]);
    expect(writes).toHaveLength(1);
  });

  it('gives values beside their fields', () => {
    using world = fresh();
    const { client } = world;
    client.call('HSET', 'h', 'a', '1', 'b', '2');
    expect(client.call('HRANDFIELD', 'h', '2', 'withvalues')).toEqual(['a', '1', 'b', '2']);
    const flat = client.call('HRANDFIELD', 'h', '-3', 'WITHVALUES') as string[];
    expect(flat).toHaveLength(6);
    for (let i = 0; i < flat.length; i += 2) expect(flat[i + 1]).toBe(flat[i] === 'a' ? '1' : '2');
  });

  it('refuses counts and words that are none', () => {
    using world = fresh();
    const { client } = world;
    expect(client.bytes('HRANDFIELD', 'h', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(client.bytes('HRANDFIELD', 'h', '-9223372036854775808')).toMatch(
      /^-ERR value is out of range, value must between/,
    );
    expect(client.bytes('HRANDFIELD', 'h', '4611686018427387904', 'WITHVALUES')).toBe('-ERR value is out of range\r\n');
    expect(client.bytes('HRANDFIELD', 'h', '1', 'WITHSCORES')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('HRANDFIELD', 'h', '1', 'WITHVALUES', 'x')).toBe('-ERR syntax error\r\n');
    client.call('HSET', 'h', 'a', '1');
    expect(client.bytes('HRANDFIELD', 'h', '-4611686018427387903')).toBe('-ERR value is out of range\r\n');
  });
});

describe('in RESP3', () => {
  it('HGETALL is a map, HRANDFIELD WITHVALUES pairs, and what is missing a null', () => {
    using world = fresh();
    const { client } = world;
    client.call('HSET', 'h', 'a', '1');
    client.session.wireProtocol = 3;
    const bytes = (...words: string[]): string => {
      const before = client.raw.length;
      client.send(...words);
      return client.raw.slice(before);
    };
    expect(bytes('HGETALL', 'h')).toBe('%1\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(bytes('HGETALL', 'no')).toBe('%0\r\n');
    expect(bytes('HKEYS', 'h')).toBe('*1\r\n$1\r\na\r\n');
    expect(bytes('HRANDFIELD', 'h', '1', 'WITHVALUES')).toBe('*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n');
    expect(bytes('HGET', 'h', 'z')).toBe('_\r\n');
    expect(bytes('HINCRBYFLOAT', 'h', 'a', '0.5')).toBe('$3\r\n1.5\r\n');
  });
});

describe('snapshots', () => {
  it('keep the hash of their moment while fields come, change and go', () => {
    using world = fresh();
    const { client, shard } = world;
    for (const name of ['a', 'b', 'c', 'd']) client.call('HSET', name, 'f', '1');
    const image = new Map<string, string>();
    const walk = shard.snapshots.start({
      entry: (_database, name, value) => {
        if (typeof value !== 'string' && value.kind === 'hash') image.set(name, [...value.entries()].join());
      },
    });
    client.call('HSET', 'a', 'f', '2');
    client.call('HDEL', 'b', 'f');
    client.call('HINCRBY', 'c', 'f', '1');
    client.call('HINCRBYFLOAT', 'd', 'g', '1');
    while (!walk.step(1));
    expect(image).toEqual(new Map(['a', 'b', 'c', 'd'].map((name) => [name, 'f,1'])));
  });
});
