import { describe, expect, it } from 'vitest';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { testShard } from '../../support/fixtures.ts';

const commands = [...listCommands, ...stringCommands];

function fresh(config: Record<string, string> = {}) {
  const { shard, client, [Symbol.dispose]: dispose } = testShard({ commands, config });
  const writes: string[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => writes.push(words.join(' ')) });
  return { shard, client: client(), writes, [Symbol.dispose]: dispose };
}

describe('pushing and popping', () => {
  it('puts each element in turn at the end asked for', () => {
    using world = fresh();
    const { client } = world;
    expect(client.call('LPUSH', 'l', 'b', 'a')).toBe(2);
    expect(client.call('RPUSH', 'l', 'c', 'd')).toBe(4);
    expect(client.call('LRANGE', 'l', '0', '-1')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('pushes with X only on a list that exists, and writes nothing otherwise', () => {
    using world = fresh();
    const { client, writes } = world;
    expect(client.call('LPUSHX', 'l', 'a')).toBe(0);
    client.call('RPUSH', 'l', 'a');
    expect(client.call('RPUSHX', 'l', 'b', 'c')).toBe(3);
    expect(client.call('LPUSHX', 'l', '0')).toBe(4);
    expect(writes).toEqual(['RPUSH l a', 'RPUSHX l b c', 'LPUSHX l 0']);
  });

  it('removes a list with its last element, and tells a missing list by the form of the request', () => {
    using world = fresh();
    const { client, shard } = world;
    client.call('RPUSH', 'l', 'a', 'b', 'c');
    expect(client.call('LPOP', 'l')).toBe('a');
    expect(client.call('RPOP', 'l', '0')).toEqual([]);
    expect(client.call('RPOP', 'l', '5')).toEqual(['c', 'b']);
    expect(shard.keyspaces[0]!.size).toBe(0);
    expect(client.bytes('LPOP', 'l')).toBe('$-1\r\n');
    expect(client.bytes('LPOP', 'l', '0')).toBe('*-1\r\n');
    client.session.wireProtocol = 3;
    expect(client.bytes('LPOP', 'l', '1')).toBe('_\r\n');
  });

  it('refuses a count that is none, a second one, and other types', () => {
    using world = fresh();
    const { client } = world;
    for (const count of ['-1', 'x', '1.5', '']) {
      expect(client.bytes('LPOP', 'l', count)).toBe('-ERR value is out of range, must be positive\r\n');
    }
    expect(client.bytes('RPOP', 'l', '1', '2')).toBe("-ERR wrong number of arguments for 'rpop' command\r\n");
    client.call('SET', 's', 'x');
    for (const name of ['LPUSH', 'RPUSHX', 'LPOP']) {
      const words = name === 'LPOP' ? [name, 's'] : [name, 's', 'a'];
      expect(client.bytes(...words)).toMatch(/^-WRONGTYPE /);
    }
  });

  it('replicates words as they came, and nothing when nothing was popped', () => {
    using world = fresh();
    const { client, writes } = world;
    client.call('LPOP', 'l');
    client.call('RPUSH', 'l', 'a', 'b');
    client.call('LPOP', 'l', '1');
    client.call('LPOP', 'l', '0');
    client.call('RPOP', 'l');
    expect(writes).toEqual(['RPUSH l a b', 'LPOP l 1', 'RPOP l']);
  });
});

describe('looking at and changing places', () => {
  it('counts indexes from either end', () => {
    using world = fresh();
    const { client } = world;
    client.call('RPUSH', 'l', 'a', 'b', 'c');
    expect(['0', '2', '-1', '-3', '3', '-4'].map((index) => client.call('LINDEX', 'l', index))).toEqual([
      'a',
      'c',
      'c',
      'a',
      null,
      null,
    ]);
    expect(client.call('LSET', 'l', '-1', 'C')).toBe('OK');
    expect(client.bytes('LSET', 'l', '3', 'x')).toBe('-ERR index out of range\r\n');
    expect(client.call('LRANGE', 'l', '-100', '100')).toEqual(['a', 'b', 'C']);
    expect(client.call('LRANGE', 'l', '2', '1')).toEqual([]);
  });

  it('looks for the key before it reads the index', () => {
    using world = fresh();
    const { client } = world;
    expect(client.bytes('LINDEX', 'l', 'x')).toBe('$-1\r\n');
    expect(client.bytes('LSET', 'l', 'x', 'a')).toBe('-ERR no such key\r\n');
    client.call('RPUSH', 'l', 'a');
    expect(client.bytes('LINDEX', 'l', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(client.bytes('LRANGE', 'no', 'x', '1')).toBe('-ERR value is not an integer or out of range\r\n');
  });

  it('inserts beside the first pivot', () => {
    using world = fresh();
    const { client, writes } = world;
    expect(client.call('LINSERT', 'l', 'BEFORE', 'a', 'x')).toBe(0);
    client.call('RPUSH', 'l', 'a', 'b', 'a');
    expect(client.call('LINSERT', 'l', 'before', 'a', '0')).toBe(4);
    expect(client.call('LINSERT', 'l', 'AFTER', 'a', '1')).toBe(5);
    expect(client.call('LINSERT', 'l', 'AFTER', 'z', '1')).toBe(-1);
    expect(client.call('LRANGE', 'l', '0', '-1')).toEqual(['0', 'a', '1', 'b', 'a']);
    expect(client.bytes('LINSERT', 'l', 'beside', 'a', 'x')).toBe('-ERR syntax error\r\n');
    expect(writes).toHaveLength(3);
  });

  it('trims, and removes the key when nothing is left', () => {
    using world = fresh();
    const { client, shard, writes } = world;
    client.call('RPUSH', 'l', 'a', 'b', 'c', 'd');
    client.call('LTRIM', 'l', '0', '-1');
    client.call('LTRIM', 'l', '1', '-2');
    expect(client.call('LRANGE', 'l', '0', '-1')).toEqual(['b', 'c']);
    expect(client.call('LTRIM', 'l', '5', '9')).toBe('OK');
    expect(client.call('LTRIM', 'l', '0', '0')).toBe('OK');
    expect(shard.keyspaces[0]!.size).toBe(0);
    expect(writes).toEqual(['RPUSH l a b c d', 'LTRIM l 1 -2', 'LTRIM l 5 9']);
  });

  it('removes equal elements from the head, the tail, or all', () => {
    using world = fresh();
    const { client, shard, writes } = world;
    client.call('RPUSH', 'l', 'a', 'b', 'a', 'a', 'c', 'a');
    expect(client.call('LREM', 'l', '1', 'a')).toBe(1);
    expect(client.call('LREM', 'l', '-2', 'a')).toBe(2);
    expect(client.call('LRANGE', 'l', '0', '-1')).toEqual(['b', 'a', 'c']);
    expect(client.call('LREM', 'l', '0', 'z')).toBe(0);
    for (const item of ['a', 'b', 'c']) client.call('LREM', 'l', '0', item);
    expect(shard.keyspaces[0]!.size).toBe(0);
    expect(writes).toHaveLength(6);
    expect(client.bytes('LREM', 'l', '-9223372036854775808', 'a')).toBe(
      '-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807\r\n',
    );
  });

  it('shows its encoding as Redis does, there and back', () => {
    using world = fresh({ 'list-max-listpack-size': '4' });
    const { client, shard } = world;
    const encoding = () => shard.keyspaces[0]!.readList('l')!.encoding;
    client.call('RPUSH', 'l', 'a', 'b', 'c', 'd');
    expect(encoding()).toBe('listpack');
    client.call('LINSERT', 'l', 'BEFORE', 'absent', 'x');
    expect(encoding()).toBe('quicklist'); // decided before the pivot is looked for [redis t_list.c linsertCommand]
    client.call('LTRIM', 'l', '0', '2');
    expect(encoding()).toBe('quicklist');
    client.call('LPOP', 'l');
    expect(encoding()).toBe('listpack');
    client.call('LMOVE', 'l', 'l', 'LEFT', 'RIGHT');
    expect(encoding()).toBe('listpack');
  });
});

function positions(...words: string[]) {
  using world = fresh();
  world.client.call('RPUSH', 'l', 'a', 'b', 'c', '1', '2', '3', 'c', 'c');
  return world.client.call('LPOS', 'l', ...words);
}

describe('LPOS', () => {
  it('finds the first, the nth, the last and several', () => {
    expect(positions('c')).toBe(2);
    expect(positions('z')).toBeNull();
    expect(positions('c', 'RANK', '2')).toBe(6);
    expect(positions('c', 'RANK', '-1')).toBe(7);
    expect(positions('c', 'RANK', '4')).toBeNull();
    expect(positions('c', 'COUNT', '2')).toEqual([2, 6]);
    expect(positions('c', 'RANK', '-1', 'COUNT', '2')).toEqual([7, 6]);
    expect(positions('c', 'COUNT', '0', 'RANK', '2')).toEqual([6, 7]);
    expect(positions('z', 'COUNT', '0')).toEqual([]);
  });

  it('compares no more than MAXLEN elements', () => {
    expect(positions('c', 'COUNT', '0', 'MAXLEN', '7')).toEqual([2, 6]);
    expect(positions('c', 'RANK', '-1', 'COUNT', '0', 'MAXLEN', '5')).toEqual([7, 6]);
    expect(positions('c', 'MAXLEN', '2')).toBeNull();
  });

  it('refuses what is no rank, count or length', () => {
    expect(String(positions('c', 'RANK', '0'))).toContain("RANK can't be zero");
    expect(String(positions('c', 'RANK', '-9223372036854775808'))).toContain('value is out of range');
    expect(String(positions('c', 'COUNT', '-1'))).toContain("COUNT can't be negative");
    expect(String(positions('c', 'MAXLEN', 'x'))).toContain("MAXLEN can't be negative");
    expect(String(positions('c', 'RANK'))).toContain('syntax error');
  });
});

describe('moves and pops of several', () => {
  it('moves between the ends of two lists, or turns one around', () => {
    using world = fresh();
    const { client, shard, writes } = world;
    client.call('RPUSH', 'a', '1', '2', '3');
    expect(client.call('LMOVE', 'a', 'b', 'LEFT', 'RIGHT')).toBe('1');
    expect(client.call('RPOPLPUSH', 'a', 'b')).toBe('3');
    expect(client.call('LRANGE', 'b', '0', '-1')).toEqual(['3', '1']);
    expect(client.call('RPOPLPUSH', 'a', 'a')).toBe('2');
    expect(client.call('LMOVE', 'b', 'b', 'right', 'left')).toBe('1');
    expect(client.call('LRANGE', 'b', '0', '-1')).toEqual(['1', '3']);
    client.call('LMOVE', 'a', 'b', 'LEFT', 'LEFT');
    expect(shard.keyspaces[0]!.has('a')).toBe(false);
    expect(client.bytes('LMOVE', 'a', 'b', 'LEFT', 'LEFT')).toBe('$-1\r\n');
    expect(writes.at(-1)).toBe('LMOVE a b LEFT LEFT');
    expect(writes).toHaveLength(6);
  });

  it('leaves both lists alone when the destination is none', () => {
    using world = fresh();
    const { client } = world;
    client.call('RPUSH', 'a', '1');
    client.call('SET', 's', 'x');
    expect(client.bytes('LMOVE', 'a', 's', 'LEFT', 'LEFT')).toMatch(/^-WRONGTYPE/);
    expect(client.bytes('RPOPLPUSH', 's', 'a')).toMatch(/^-WRONGTYPE/);
    expect(client.bytes('RPOPLPUSH', 'none', 's')).toBe('$-1\r\n');
    expect(client.call('LRANGE', 'a', '0', '-1')).toEqual(['1']);
  });

  it('pops from the first list that is there, replicated as a pop of as many as there were', () => {
    using world = fresh();
    const { client, writes } = world;
    client.call('RPUSH', 'b', '1', '2', '3');
    expect(client.call('LMPOP', '2', 'a', 'b', 'LEFT')).toEqual(['b', ['1']]);
    expect(client.call('LMPOP', '1', 'b', 'RIGHT', 'COUNT', '10')).toEqual(['b', ['3', '2']]);
    expect(client.bytes('LMPOP', '2', 'a', 'b', 'LEFT')).toBe('*-1\r\n');
    expect(writes).toEqual(['RPUSH b 1 2 3', 'LPOP b 1', 'RPOP b 2']);
  });

  it('refuses a missing end, keys that are not there and counts below 1', () => {
    using world = fresh();
    const { client } = world;
    expect(client.bytes('LMPOP', '0', 'a', 'LEFT')).toBe('-ERR numkeys should be greater than 0\r\n');
    expect(client.bytes('LMPOP', '2', 'a', 'LEFT')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('LMPOP', '1', 'a', 'UP')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('LMPOP', '1', 'a', 'LEFT', 'COUNT', '0')).toBe('-ERR count should be greater than 0\r\n');
    expect(client.bytes('LMPOP', '1', 'a', 'LEFT', 'COUNT', '1', 'COUNT', '1')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('LMPOP', '1', 'a', 'LEFT', 'COUNT')).toBe('-ERR syntax error\r\n');
  });
});

describe('snapshots', () => {
  it('keep the list of their moment while it is pushed to, popped, set and moved', () => {
    using world = fresh();
    const { client, shard } = world;
    for (const name of ['a', 'b', 'c', 'd', 'e']) client.call('RPUSH', name, '1', '2');
    const image = new Map<string, string[]>();
    const walk = shard.snapshots.start({
      entry: (_database, name, value) => {
        if (typeof value !== 'string' && value.kind === 'list') image.set(name, [...value]);
      },
    });
    client.call('LPUSH', 'a', '0');
    client.call('LPOP', 'b');
    client.call('LSET', 'c', '0', 'x');
    client.call('LMOVE', 'd', 'e', 'LEFT', 'LEFT');
    client.call('LREM', 'a', '0', '1');
    client.call('RPUSH', 'later', '1');
    while (!walk.step(1));
    expect(image).toEqual(new Map(['a', 'b', 'c', 'd', 'e'].map((name) => [name, ['1', '2']])));
  });
});
