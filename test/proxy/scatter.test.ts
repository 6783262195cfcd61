import { describe, expect, it } from 'vitest';
import { defineCommand, type Tips } from '../../src/node/commands/command.ts';
import { mergeInfo } from '../../src/proxy/info-merge.ts';
import { bodyOf, countOf, itemsOf, textOf } from '../../src/proxy/reply-text.ts';
import {
  filteredPairs,
  scatterScan,
  splitByKey,
  wholeDatabaseFold,
  type FoldContext,
  onlyShard,
} from '../../src/proxy/scatter.ts';
import { encodeBulk, encodeReply, MapReply, Verbatim, type Reply } from '../../src/resp/reply.ts';

const facts: FoldContext = { unit: 0, connectedClients: 7, totalConnections: 9 };
const encoded = (...replies: Reply[]): string[] => replies.map((reply) => encodeReply(reply, 2));

const withTips = (tips: Tips, name = 'X'): ReturnType<typeof wholeDatabaseFold> =>
  wholeDatabaseFold(
    defineCommand({
      name,
      group: 'generic',
      since: '1.0.0',
      summary: '',
      flags: [],
      tips,
      arguments: {},
      run: () => null,
    }),
  );

describe('folds', () => {
  it.each([
    ['all_succeeded', ['+OK\r\n', '+OK\r\n'], '+OK\r\n'],
    ['all_succeeded', ['+OK\r\n', '-ERR x\r\n'], '-ERR x\r\n'],
    ['one_succeeded', ['-NOTBUSY\r\n', '+OK\r\n'], '+OK\r\n'],
    ['one_succeeded', ['-a\r\n', '-b\r\n'], '-a\r\n'],
    ['agg_sum', encoded(1, 2, 30), ':33\r\n'],
    ['agg_sum', [':1\r\n', '-ERR x\r\n'], '-ERR x\r\n'],
    ['agg_min', encoded(3, 2, 30), ':2\r\n'],
    ['agg_max', encoded(3, 2, 30), ':30\r\n'],
    ['agg_logical_and', encoded([1, 1, 0], [1, 0, 0]), '*3\r\n:1\r\n:0\r\n:0\r\n'],
    ['agg_logical_or', encoded(0, 1), ':1\r\n'],
  ] as const)('%s of %j', (response, replies, expected) => {
    expect(withTips({ request: 'all_shards', response })!(replies, facts)).toBe(expected);
  });

  it('without a response tip arrays are put together', () => {
    const fold = withTips({ request: 'all_shards' })!;
    expect(fold(encoded(['a'], [], ['b', 'c']), facts)).toBe(encodeReply(['a', 'b', 'c'], 2));
  });

  it('commands of one shard have none', () => {
    expect(withTips({})).toBeNull();
  });

  it('RANDOMKEY takes a key of any shard that has one', () => {
    const fold = withTips({}, 'RANDOMKEY')!;
    expect(fold(encoded(null, 'a', null), { ...facts, unit: 0.99 })).toBe(encodeBulk('a'));
    expect(fold(encoded('b', 'a', null), { ...facts, unit: 0.99 })).toBe(encodeBulk('a'));
    expect(fold(encoded(null, null), facts)).toBe('$-1\r\n');
  });

  it('CONFIG GET shows permitted names only, in both protocols', () => {
    const fold = filteredPairs((name) => name === 'b');
    const pairs = new MapReply(['a', '1', 'b', '2']);
    expect(fold([encodeReply(pairs, 2)], facts)).toBe(encodeReply(['b', '2'], 2));
    expect(fold([encodeReply(pairs, 3)], facts)).toBe(encodeReply(new MapReply(['b', '2']), 3));
  });
});

describe('splitting by key', () => {
  it('puts the values of MGET back in the order of the keys', () => {
    const { parts, fold } = splitByKey(['mget', 'a', 'b', 'c', 'd'], 1, [1, 0, 1, 2]);
    expect(parts).toEqual([
      { shard: 1, words: ['mget', 'a', 'c'] },
      { shard: 0, words: ['mget', 'b'] },
      { shard: 2, words: ['mget', 'd'] },
    ]);
    const replies = [...encoded(['A', 'C']), ...encoded([null]), ...encoded(['$-1\r\n'])];
    expect(fold(replies, facts)).toBe(encodeReply(['A', null, 'C', '$-1\r\n'], 2));
  });

  it('keeps keys and values of MSET together, in order', () => {
    const { parts, fold } = splitByKey(['MSET', 'a', '1', 'b', '2', 'a', '3'], 2, [0, 1, 0]);
    expect(parts.map(({ words }) => words)).toEqual([
      ['MSET', 'a', '1', 'a', '3'],
      ['MSET', 'b', '2'],
    ]);
    expect(fold(['+OK\r\n', '-OOM\r\n'], facts)).toBe('-OOM\r\n');
  });
});

describe('a SCAN over shards', () => {
  const step = (cursor: string, shards: number, next: string): { asked: string; shard: number; cursor: string } => {
    const { parts, fold } = scatterScan(['SCAN', cursor, 'COUNT', '5'], shards);
    const reply = fold(encoded([next, ['k']]), facts);
    return { asked: parts[0]!.words[1]!, shard: parts[0]!.shard, cursor: textOf(itemsOf(reply)[0]!)! };
  };

  it('walks one shard after the other and ends with 0', () => {
    expect(step('0', 3, '17')).toEqual({ asked: '0', shard: 0, cursor: '51' });
    expect(step('51', 3, '0')).toEqual({ asked: '17', shard: 0, cursor: '1' });
    expect(step('1', 3, '4294967295')).toEqual({ asked: '0', shard: 1, cursor: '12884901886' });
    expect(step('12884901886', 3, '0')).toEqual({ asked: '4294967295', shard: 1, cursor: '2' });
    expect(step('2', 3, '0')).toEqual({ asked: '0', shard: 2, cursor: '0' });
  });

  it('has cursors that any client can hold', () => {
    const { cursor } = step('511', 512, String(2 ** 53 - 1));
    expect(BigInt(cursor) < 2n ** 63n).toBe(true);
    expect(step(cursor, 512, '0').asked).toBe(String(2 ** 53 - 1));
  });

  it('refuses what is no cursor without asking a shard', () => {
    const { parts, fold } = scatterScan(['SCAN', 'x'], 3);
    expect(parts).toEqual([]);
    expect(fold([], facts)).toBe('-ERR invalid cursor\r\n');
  });
});

describe('INFO of a sharded database', () => {
  const one =
    '# Server\r\nredis_version:7.4.0\r\nrun_id:aa\r\n\r\n# Clients\r\nconnected_clients:1\r\n\r\n# Stats\r\nkeyspace_hits:3\r\n\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=100\r\n';
  const other =
    '# Server\r\nredis_version:7.4.0\r\nrun_id:bb\r\n\r\n# Clients\r\nconnected_clients:1\r\n\r\n# Stats\r\nkeyspace_hits:4\r\n\r\n# Keyspace\r\ndb0:keys=5,expires=3,avg_ttl=200\r\n';

  it("adds up what can be, and tells the endpoint's own clients", () => {
    const merged = textOf(mergeInfo([encodeBulk(one), encodeBulk(other)], facts))!;
    expect(merged).toBe(
      one
        .replace('clients:1', 'clients:7')
        .replace('hits:3', 'hits:7')
        .replace('keys=2,expires=1,avg_ttl=100', 'keys=7,expires=4,avg_ttl=175'),
    );
  });

  it('has the keyspace of a shard that is not the first', () => {
    const empty = one.replace(/db0.*\r\n/, '');
    expect(textOf(mergeInfo([encodeBulk(empty), encodeBulk(other)], facts))).toContain('# Keyspace\r\ndb0:keys=5,');
  });

  it('stays a verbatim string in RESP3, and an error an error', () => {
    expect(mergeInfo([encodeReply(new Verbatim(one), 3)], facts)).toMatch(/^=\d+\r\ntxt:# Server/);
    expect(mergeInfo(['-LOADING x\r\n', encodeBulk(one)], facts)).toBe('-LOADING x\r\n');
  });
});

describe('reading encoded replies', () => {
  it('finds the items of nested and RESP3 arrays', () => {
    const items = [
      '$1\r\na\r\n',
      '*2\r\n:1\r\n*1\r\n$-1\r\n',
      '%1\r\n+a\r\n,1.5\r\n',
      '|1\r\n+x\r\n:1\r\n#t\r\n',
      '_\r\n',
      '*-1\r\n',
      '$2\r\n\r\n\r\n',
    ];
    expect(itemsOf(`*${items.length}\r\n${items.join('')}`)).toEqual(items);
    expect(countOf('~2\r\n:1\r\n:2\r\n')).toBe(2);
    expect(countOf(':1\r\n')).toBe(-1);
    expect(bodyOf('*1\r\n:1\r\n')).toBe(':1\r\n');
  });
});

describe('DEBUG by admin', () => {
  it('is the reply of the only shard, and refused where there are several', () => {
    const facts = { unit: 0 } as unknown as Parameters<typeof onlyShard>[1];
    expect(onlyShard(['+digest\r\n'], facts)).toBe('+digest\r\n');
    expect(onlyShard(['+a\r\n', '+b\r\n'], facts)).toMatch(
      /^-ERR DEBUG concerns one shard: choose it first with ANTIPODE PIN/,
    );
  });
});
