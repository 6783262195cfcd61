import { describe, expect, it } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { scanCommands } from '../../../src/node/commands/scan.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = [...keyCommands, ...scanCommands, ...setCommands, ...stringCommands, ...hashCommands];

describe('EXPIRE and its kin', () => {
  it('and SPOP and GETEX replicate a deletion by the word that was chosen for its cause', () => {
    for (const [lazy, word] of [
      ['no', 'DEL'],
      ['yes', 'UNLINK'],
    ] as const) {
      const config = { 'lazyfree-lazy-expire': lazy, 'lazyfree-lazy-server-del': lazy };
      using test = testShard({ commands, config });
      const client = test.client();
      for (const each of ['a', 'b', 'c']) client.call('SET', each, 'v');
      client.call('SADD', 's', 'm');
      const writes = collectWrites(test.shard);
      client.call('EXPIRE', 'a', '-1');
      client.call('GETEX', 'b', 'PXAT', '1');
      client.call('SPOP', 's', '5');
      client.call('GETDEL', 'c');
      expect(writes).toEqual([`${word} a`, `${word} b`, `${word} s`, 'DEL c']);
    }
  });

  it('know no option that is only a name every object has', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'v');
    for (const word of ['constructor', '__proto__']) {
      expect(client.call('EXPIRE', 'k', '10', word)).toMatchObject({ message: `ERR Unsupported option ${word}` });
    }
    expect(client.call('TTL', 'k')).toBe(-1);
  });

  it('replicate the absolute time without their conditions, and nothing when a condition fails', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'v');
    const writes = collectWrites(test.shard);
    client.call('EXPIRE', 'k', '100', 'NX');
    const at = test.shard.now + 100_000;
    client.call('EXPIRE', 'k', '50', 'GT');
    client.call('EXPIREAT', 'k', '4102444800', 'GT', 'XX');
    client.call('PERSIST', 'k');
    client.call('PERSIST', 'k');
    client.call('EXPIRE', 'none', '100');
    client.call('PEXPIRE', 'k', '-1');
    expect(writes).toEqual([`PEXPIREAT k ${at}`, 'PEXPIREAT k 4102444800000', 'PERSIST k', 'DEL k']);
  });

  it('keep a time that is over on a shard that does not expire by itself', () => {
    using test = testShard({ commands });
    test.shard.expiryPolicy = 'ignore';
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SET', 'k', 'v');
    client.call('PEXPIREAT', 'k', '1');
    expect(client.call('GET', 'k')).toBe('v');
    expect(client.call('PTTL', 'k')).toBe(0);
    expect(writes).toEqual(['SET k v', 'PEXPIREAT k 1']);
  });

  it("count by the world's clock", async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SET', 'k', 'v', 'PX', '1500');
    await world.advance(999);
    expect(client.call('TTL', 'k')).toBe(1);
    expect(client.call('PTTL', 'k')).toBe(501);
    await world.advance(500);
    expect(client.call('EXISTS', 'k')).toBe(1);
    await world.advance(1);
    expect(client.call('PTTL', 'k'), 'the last millisecond still counts').toBe(0);
    await world.advance(1);
    expect(client.call('TTL', 'k')).toBe(-2);
    expect(writes.at(-1)).toBe('DEL k');
  });

  it('hold the latest time that is stored within an int64', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'v');
    expect(client.call('PEXPIREAT', 'k', '9223372036854775807')).toBe(1);
    expect(BigInt(client.bytes('PEXPIRETIME', 'k').slice(1).trim())).toBeLessThan(2n ** 63n);
    expect(client.bytes('PEXPIRE', 'k', '9223372036854775807')).toBe(
      "-ERR invalid expire time in 'pexpire' command\r\n",
    );
  });
});

describe('keys under new names', () => {
  it('take their expiry along, and leave none of the old one', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'a', '1', 'EX', '100');
    client.call('SET', 'b', '2');
    client.call('RENAME', 'a', 'b');
    expect([client.call('GET', 'b'), client.call('TTL', 'b')]).toEqual(['1', 100]);
    client.call('SET', 'c', '3');
    client.call('RENAME', 'c', 'b');
    expect(client.call('TTL', 'b')).toBe(-1);
    expect(client.call('RENAMENX', 'b', 'b')).toBe(0);
  });

  it('are copies that do not change with the original', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('HSET', 'a', 'f', '1');
    expect(client.call('COPY', 'a', 'b')).toBe(1);
    client.call('HSET', 'a', 'f', '2');
    expect(client.call('HGET', 'b', 'f')).toBe('1');
  });

  it('reach other databases by COPY and MOVE', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'a', '1', 'EX', '100');
    expect(client.call('COPY', 'a', 'a', 'DB', '3')).toBe(1);
    expect(client.call('MOVE', 'a', '3')).toBe(0);
    expect(client.call('MOVE', 'a', '4')).toBe(1);
    expect(client.call('EXISTS', 'a')).toBe(0);
    client.session.database = 4;
    expect([client.call('GET', 'a'), client.call('TTL', 'a')]).toEqual(['1', 100]);
  });
});

describe('RANDOMKEY and KEYS', () => {
  it('pass over what has expired', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    test.shard.activeExpiry = false;
    const client = test.client();
    for (let n = 0; n < 50; n++) client.call('SET', `gone:${n}`, 'v', 'PX', '1');
    client.call('SET', 'stays', 'v');
    await world.advance(10);
    const [keyspace] = test.shard.keyspaces;
    expect([client.call('KEYS', '*'), keyspace!.size]).toEqual([['stays'], 51]);
    expect(client.call('RANDOMKEY')).toBe('stays');
    expect(keyspace!.size).toBeLessThan(51); // only what it came upon
  });

  it('and SCAN replicate each key that expires meanwhile by itself', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    for (const each of ['a', 'b', 'c']) client.call('SET', each, 'v', 'PX', '1');
    test.shard.activeExpiry = false;
    await world.advance(10);
    const writes: string[] = [];
    test.shard.writeLog.subscribe({ write: (_database, words) => writes.push(words.join(' ')) });
    client.call('SCAN', '0');
    expect(writes.splice(0).sort()).toEqual(['DEL a', 'DEL b', 'DEL c']);
    for (const each of ['d', 'e']) client.call('SET', each, 'v', 'PX', '1');
    await world.advance(10);
    writes.length = 0;
    expect(client.call('RANDOMKEY')).toBeNull();
    expect(writes.sort()).toEqual(['DEL d', 'DEL e']);
  });

  it('match nothing with more stars than Redis follows', () => {
    using test = testShard({ commands });
    const client = test.client();
    const key = 'a'.repeat(1500);
    client.call('SET', key, 'v');
    expect(client.call('KEYS', '*?'.repeat(1000))).toEqual([key]);
    expect(client.call('KEYS', '*?'.repeat(1001))).toEqual([]);
  });

  it('end on a replica whose keys have all expired: RANDOMKEY with one of those', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    client.call('SET', 'gone', 'v', 'PX', '1');
    test.shard.expiryPolicy = 'hide';
    await world.advance(10);
    expect(client.call('RANDOMKEY')).toBe('gone');
    expect(test.shard.keyspaces[0]!.size).toBe(1);
  });
});

describe('OBJECT', () => {
  it('counts an access to a key that was in the way of COPY, MOVE and RENAMENX', () => {
    using test = testShard({ commands, config: { 'maxmemory-policy': 'allkeys-lfu', 'lfu-log-factor': '0' } });
    const client = test.client();
    client.call('MSET', 'a', '1', 'k', '2');
    client.call('COPY', 'k', 'k', 'DB', '1');
    const countsAfter = (words: readonly string[], database: number, key: string): unknown => {
      expect(client.call(...words)).toBe(0);
      client.session.database = database;
      const count = client.call('OBJECT', 'FREQ', key);
      client.session.database = 0;
      return count;
    };
    expect(countsAfter(['COPY', 'k', 'a'], 0, 'a')).toBe(6);
    expect(countsAfter(['RENAMENX', 'k', 'a'], 0, 'a')).toBe(7);
    expect(countsAfter(['MOVE', 'k', '1'], 1, 'k')).toBe(6);
  });

  it('tells encodings and shared integers as Redis does', () => {
    using test = testShard({ commands });
    const client = test.client();
    const encodingAfter = (value: string): unknown => {
      client.call('SET', 'k', value);
      return client.call('OBJECT', 'ENCODING', 'k');
    };
    expect(['12', '01', 'x'.repeat(44), 'x'.repeat(45)].map(encodingAfter)).toEqual(['int', 'embstr', 'embstr', 'raw']);
    client.call('MSET', 'a', '9999', 'b', '10000');
    expect([client.call('OBJECT', 'REFCOUNT', 'a'), client.call('OBJECT', 'REFCOUNT', 'b')]).toEqual([2147483647, 1]);
    using limited = testShard({ commands, config: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' } });
    const other = limited.client();
    other.call('SET', 'a', '9999');
    expect(other.call('OBJECT', 'REFCOUNT', 'a')).toBe(1); // each key has its own accesses
    expect(client.bytes('OBJECT', 'FREQ', 'a')).toMatch(/^-ERR An LFU/);
    expect(client.bytes('OBJECT', 'IDLETIME', 'none')).toBe('$-1\r\n');
  });
});
