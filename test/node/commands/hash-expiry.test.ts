/** Fields of hashes that expire: by the clock, in dumps and logs, at replicas, and what is told of it. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { toRdbValue } from '../../../src/node/keyspace/rdb-values.ts';
import type { Shard } from '../../../src/node/shard/shard.ts';
import { dumpPayload, parsePayload, payloadFrom } from '../../../src/rdb/payload.ts';
import { decodeValue } from '../../../src/rdb/values.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';

const open = () => {
  const world = new SimWorld({ seed: 1 });
  const test = testShard({ commands: dataCommands, world });
  return { world, test, client: test.client(), [Symbol.dispose]: () => test[Symbol.dispose]() };
};

/** What is replicated, a line for each write. */
function writesOf(shard: Shard): string[] {
  const lines: string[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => lines.push(words.join(' ')) });
  return lines;
}

describe('fields that expire', () => {
  it('go when their time has come, with the hash when none is left', async () => {
    using at = open();
    const { world, client, test } = at;
    const lines = writesOf(test.shard);
    client.call('HSET', 'h', 'a', '1', 'b', '2', 'c', '3');
    expect(client.call('HPEXPIRE', 'h', '50', 'FIELDS', '2', 'a', 'b')).toEqual([1, 1]);
    expect(client.call('HPTTL', 'h', 'FIELDS', '3', 'a', 'c', 'x')).toEqual([50, -1, -2]);
    test.shard.activeExpiry = false;
    await world.advance(51);
    expect(client.call('HGETALL', 'h')).toEqual(['c', '3']);
    expect(client.call('HLEN', 'h')).toBe(3);
    expect(client.call('HMGET', 'h', 'b', 'c', 'a', 'b')).toEqual([null, '3', null, null]);
    expect(client.call('HLEN', 'h')).toBe(1);
    expect(client.call('HEXPIRE', 'h', '1', 'FIELDS', '1', 'c')).toEqual([1]);
    await world.advance(1_001);
    expect(client.call('HGET', 'h', 'c')).toBeNull();
    expect(client.call('EXISTS', 'h')).toBe(0);
    const start = world.clock.now() - 1_052;
    expect(lines).toEqual([
      'HSET h a 1 b 2 c 3',
      `HPEXPIREAT h ${start + 50} FIELDS 2 a b`,
      'MULTI',
      'HDEL h b',
      'HDEL h a',
      'EXEC',
      `HPEXPIREAT h ${start + 1_051} FIELDS 1 c`,
      'HDEL h c',
    ]);
    expect(test.shard.stats.expiredFields).toBe(3);
  });

  it('go by themselves too, however many hashes have some', async () => {
    using at = open();
    const { world, client, test } = at;
    for (let i = 0; i < 2_500; i++) {
      client.call('HSET', `h${i}`, 'a', '1', 'b', '2');
      client.call('HPEXPIRE', `h${i}`, '50', 'FIELDS', '1', 'a');
    }
    await world.advance(2_000);
    expect(test.shard.stats.expiredFields).toBe(2_500);
    expect(client.bytes('INFO', 'keyspace')).toMatch(/db0:keys=2500,expires=0,avg_ttl=0,subexpiry=0/);
  });

  it('keep their time over HINCRBY and HINCRBYFLOAT, lose it by HSET, and replicas are told so', () => {
    using at = open();
    const { client, test } = at;
    client.call('HSET', 'h', 'a', '1', 'b', '1');
    client.call('HPEXPIREAT', 'h', '4102444800000', 'FIELDS', '2', 'a', 'b');
    const lines = writesOf(test.shard);
    client.call('HINCRBYFLOAT', 'h', 'a', '0.5');
    client.call('HINCRBY', 'h', 'b', '1');
    expect(client.call('HPEXPIRETIME', 'h', 'FIELDS', '2', 'a', 'b')).toEqual([4102444800000, 4102444800000]);
    client.call('HSET', 'h', 'a', '1');
    expect(client.call('HPEXPIRETIME', 'h', 'FIELDS', '2', 'a', 'b')).toEqual([-1, 4102444800000]);
    client.call('HSETEX', 'h', 'KEEPTTL', 'FIELDS', '2', 'a', 'x', 'b', 'y');
    expect(lines).toEqual([
      'MULTI',
      'HSET h a 1.5',
      'HPEXPIREAT h 4102444800000 FIELDS 1 a',
      'EXEC',
      'HINCRBY h b 1',
      'HSET h a 1',
      'MULTI',
      'HSET h a x b y',
      'HPEXPIREAT h 4102444800000 FIELDS 1 b',
      'EXEC',
    ]);
  });

  it('come first in a small hash, the earliest before the others, and the last one set before those of the same time', () => {
    using at = open();
    const { client } = at;
    client.call('HSET', 'h', 'a', '1', 'b', '1', 'c', '1', 'd', '1');
    client.call('HPEXPIREAT', 'h', '4102444900000', 'FIELDS', '2', 'c', 'b');
    client.call('HPEXPIREAT', 'h', '4102444800000', 'FIELDS', '1', 'd');
    expect(client.call('HKEYS', 'h')).toEqual(['d', 'b', 'c', 'a']);
    client.call('DEBUG', 'RELOAD');
    expect(client.call('HKEYS', 'h')).toEqual(['d', 'b', 'c', 'a']);
  });

  it('go one by one as they are looked up; until then they are counted, and may be written over, deleted, given a time', async () => {
    using at = open();
    const { world, client, test } = at;
    test.shard.activeExpiry = false;
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    client.call('HSETEX', 'h', 'PX', '50', 'FIELDS', '7', ...names.flatMap((name) => [name, '5']));
    client.call('EXPIRE', 'h', '100');
    await world.advance(51);
    const lines = writesOf(test.shard);
    expect(client.call('HGETALL', 'h')).toEqual([]);
    expect(client.call('HSCAN', 'h', '0')).toEqual(['0', []]);
    expect(client.call('HPTTL', 'h', 'FIELDS', '1', 'a')).toEqual([-2]);
    expect(client.call('HPERSIST', 'h', 'FIELDS', '1', 'a')).toEqual([-2]);
    expect(client.call('HLEN', 'h')).toBe(7);
    expect(lines).toEqual([]);
    expect(client.call('HEXISTS', 'h', 'a')).toBe(0);
    expect(client.call('HDEL', 'h', 'b')).toBe(1);
    expect(client.call('HSET', 'h', 'c', '6')).toBe(0);
    expect(client.call('HINCRBY', 'h', 'd', '1')).toBe(1);
    expect(client.call('HPEXPIREAT', 'h', '4102444800000', 'XX', 'FIELDS', '1', 'e')).toEqual([1]);
    expect(client.call('HLEN', 'h')).toBe(5);
    expect((client.call('HRANDFIELD', 'h', '10') as string[]).toSorted()).toEqual(['c', 'd', 'e']);
    expect(lines).toEqual([
      'HDEL h a',
      'HDEL h b',
      'HSET h c 6',
      'MULTI',
      'HDEL h d',
      'HINCRBY h d 1',
      'EXEC',
      'HPEXPIREAT h 4102444800000 XX FIELDS 1 e',
      'MULTI',
      'HDEL h f',
      'HDEL h g',
      'EXEC',
    ]);
    expect(test.shard.stats.expiredFields).toBe(4);
  });

  it('leave a new hash to the command that looked up the last of them', async () => {
    using at = open();
    const { world, client, test } = at;
    test.shard.activeExpiry = false;
    for (const [reply, ...words] of [
      [1, 'HSETNX', 'h', 'a', '1'],
      [1, 'HINCRBY', 'h', 'a', '1'],
      ['1', 'HINCRBYFLOAT', 'h', 'a', '1'],
      [1, 'HSETEX', 'h', 'FNX', 'FIELDS', '1', 'a', '1'],
    ] as const) {
      client.call('DEL', 'h');
      client.call('HSETEX', 'h', 'PX', '50', 'FIELDS', '1', 'a', '5');
      client.call('EXPIRE', 'h', '100');
      await world.advance(51);
      expect(client.call(...words)).toBe(reply);
      expect(client.call('HGETALL', 'h')).toEqual(['a', '1']);
      expect(client.call('TTL', 'h')).toBe(-1);
      expect(client.call('OBJECT', 'ENCODING', 'h')).toBe('listpack');
    }
    expect(client.bytes('INFO', 'keyspace')).toMatch(/subexpiry=0/);
  });

  it('are removed by the cycle in a unit each, and only the hashes that have some are counted', async () => {
    using at = open();
    const { world, client, test } = at;
    const expiring = (): unknown => /subexpiry=(\d+)/.exec(client.bytes('INFO', 'keyspace'))?.[1];
    for (const name of ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7']) {
      client.call('HSET', name, 'a', '1', 'b', '2', 'c', '3');
      client.call('HPEXPIRE', name, '50', 'FIELDS', '2', 'a', 'b');
    }
    expect(expiring()).toBe('7');
    client.call('HDEL', 'h2', 'a', 'b');
    expect(expiring()).toBe('6');
    client.call('HGETDEL', 'h3', 'FIELDS', '2', 'a', 'b');
    expect(expiring()).toBe('5');
    client.call('HPERSIST', 'h4', 'FIELDS', '2', 'a', 'b');
    expect(expiring()).toBe('4');
    client.call('HSET', 'h5', 'a', '1', 'b', '2');
    expect(expiring()).toBe('3');
    client.call('SET', 'h6', 'text');
    expect(expiring()).toBe('2');
    client.call('RENAME', 'h7', 'h8');
    expect(expiring()).toBe('2');
    client.call('DEL', 'h8');
    expect(expiring()).toBe('1');
    const lines = writesOf(test.shard);
    await world.advance(200);
    expect(lines).toEqual(['HDEL h1 a', 'HDEL h1 b']);
    expect(expiring()).toBe('0');
    expect(client.call('HLEN', 'h1')).toBe(1);
  });

  it('are the same wherever what is replicated is repeated', () => {
    const key = fc.constantFrom('a', 'b');
    const fields = fc.uniqueArray(fc.constantFrom('f', 'g', 'h'), { minLength: 1 });
    const listed = (names: readonly string[]): string[] => ['FIELDS', String(names.length), ...names];
    const time = fc.constantFrom('4102444800000', '4102444900000', '1');
    const request = fc.oneof(
      fc.tuple(key, fields).map(([name, names]) => ['HSET', name, ...names.flatMap((field) => [field, '1'])]),
      fc.tuple(key, time, fields).map(([name, ms, names]) => ['HPEXPIREAT', name, ms, ...listed(names)]),
      fc.tuple(key, time, fields).map(([name, ms, names]) => ['HGETEX', name, 'PXAT', ms, ...listed(names)]),
      fc.tuple(key, fields).map(([name, names]) => ['HGETEX', name, 'PERSIST', ...listed(names)]),
      fc.tuple(key, fields).map(([name, names]) => ['HPERSIST', name, ...listed(names)]),
      fc.tuple(key, fields).map(([name, names]) => ['HGETDEL', name, ...listed(names)]),
      fc.tuple(key, fc.constantFrom('KEEPTTL', 'PXAT'), time, fields).map(([name, how, ms, names]) => {
        const pairs = names.flatMap((field) => [field, '2']);
        return ['HSETEX', name, how, ...(how === 'PXAT' ? [ms] : []), 'FIELDS', String(names.length), ...pairs];
      }),
      fc.tuple(key, fc.constantFrom('f', 'g')).map(([name, field]) => ['HINCRBYFLOAT', name, field, '1.5']),
      fc.tuple(key, key).map(([from, to]) => ['COPY', from, to, 'REPLACE']),
    );
    fc.assert(
      fc.property(fc.array(request, { maxLength: 20 }), (requests) => {
        using at = open();
        using other = open();
        const { client, test } = at;
        test.shard.writeLog.subscribe({ write: (_database, words) => void other.client.call(...words) });
        for (const words of requests) client.call(...words);
        expect(other.client.call('DEBUG', 'DIGEST')).toBe(client.call('DEBUG', 'DIGEST'));
        for (const name of ['a', 'b']) {
          const times = (of: typeof client): unknown => of.call('HPEXPIRETIME', name, 'FIELDS', '3', 'f', 'g', 'h');
          expect(times(other.client)).toEqual(times(client));
        }
      }),
    );
  });

  it('of a destination that does not expire by itself stay until they are removed', async () => {
    using at = open();
    const { world, client, test } = at;
    test.shard.expiryPolicy = 'ignore';
    client.call('HSET', 'h', 'a', '1');
    client.call('HPEXPIRE', 'h', '50', 'FIELDS', '1', 'a');
    await world.advance(1_000);
    expect(client.call('HGET', 'h', 'a')).toBe('1');
    expect(client.call('HVALS', 'h')).toEqual(['1']);
    test.shard.expiryPolicy = 'hide';
    expect(client.call('HGET', 'h', 'a')).toBeNull();
    expect(client.call('HMGET', 'h', 'a')).toEqual([null]);
    expect(client.call('HVALS', 'h')).toEqual([]);
    expect(client.call('HLEN', 'h')).toBe(1);
    expect(client.call('EXISTS', 'h')).toBe(1);
    test.shard.expiryPolicy = 'delete';
    expect(client.call('HGET', 'h', 'a')).toBeNull();
    expect(client.call('EXISTS', 'h')).toBe(0);
  });

  it('are told of as keyspace events', async () => {
    using at = open();
    const { world, client, test } = at;
    client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KA');
    const listener = test.client();
    listener.call('PSUBSCRIBE', '__keyspace@0__:*');
    const told = async (...requests: string[][]): Promise<string[]> => {
      listener.raw = '';
      for (const words of requests) client.call(...words);
      await world.advance(1_000);
      test.shard.endTurn();
      return Array.from(listener.raw.matchAll(/__:h\r\n\$\d+\r\n(\S+)/g), ([, event]) => event!);
    };
    expect(await told(['HSETEX', 'h', 'PX', '10', 'FIELDS', '1', 'a', '1'])).toEqual([
      'hset',
      'hexpire',
      'hexpired',
      'del',
    ]);
    expect(await told(['HSET', 'h', 'a', '1', 'b', '2'], ['HEXPIRE', 'h', '0', 'FIELDS', '1', 'a'])).toEqual([
      'hset',
      'hdel',
    ]);
    expect(await told(['HEXPIRE', 'h', '100', 'FIELDS', '1', 'b'], ['HPERSIST', 'h', 'FIELDS', '1', 'b'])).toEqual([
      'hexpire',
      'hpersist',
    ]);
    expect(await told(['HGETDEL', 'h', 'FIELDS', '1', 'b'])).toEqual(['hdel', 'del']);
  });

  it('go through dumps of 7.4, small and large, and of the releases before it', () => {
    using at = open();
    const { client, test } = at;
    for (const size of [2, 600]) {
      const pairs = Array.from({ length: size }, (_, i) => [`f${i}`, `v${i}`]);
      client.call('HSET', 'h', ...pairs.flat());
      client.call('HPEXPIREAT', 'h', '4102444800000', 'FIELDS', '1', 'f1');
      client.call('HPEXPIREAT', 'h', '4102444800500', 'FIELDS', '1', 'f0');
      const dumped = client.bytes('DUMP', 'h');
      const payload = dumped.slice(dumped.indexOf('\n') + 1, -2);
      expect(payload.charCodeAt(0)).toBe(size === 2 ? 25 : 24);
      expect(client.call('RESTORE', 'copy', '0', payload, 'REPLACE')).toBe('OK');
      expect(client.call('HPEXPIRETIME', 'copy', 'FIELDS', '2', 'f0', 'f1')).toEqual([4102444800500, 4102444800000]);
      const value = toRdbValue(test.shard.keyspaces[0]!.peek('h')!);
      const parsed = parsePayload(dumpPayload(value));
      if (!parsed.ok) throw new Error('a payload that was just made is sound');
      expect(decodeValue(parsed.type, parsed.raw)).toEqual(value);
    }
    const early = Buffer.from('\x02\0\x01a\x011\x81\0\0\x03\xbb\x2c\xc3\xd8\0\x01b\x012', 'latin1');
    expect(client.call('RESTORE', 'early', '0', payloadFrom(22, early).latin1Slice())).toBe('OK');
    expect(client.call('HPEXPIRETIME', 'early', 'FIELDS', '2', 'a', 'b')).toEqual([-1, 4102444800000]);
  });
});
