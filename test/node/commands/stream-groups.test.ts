/** Consumer groups where redis-server 7.0 is no judge: waiting, what is replicated, and what 7.2 and 7.4 do otherwise. */

import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const read = (consumer: string, ...more: readonly string[]): string[] => [
  ...['XREADGROUP', 'GROUP', 'g', consumer],
  ...more,
];
const waiting = (consumer: string, ...more: readonly string[]): string[] =>
  read(consumer, 'BLOCK', '1000', ...more, 'STREAMS', 's', '>');

/** Facts by name, of the group `g` of the stream `s`. */
function groupFacts(client: TestClient): Record<string, unknown> {
  const [facts] = client.call('XINFO', 'GROUPS', 's') as unknown[][];
  return Object.fromEntries(facts!.flatMap((name, at) => (at % 2 === 0 ? [[name as string, facts![at + 1]]] : [])));
}

function streamWithGroup(seed = 1) {
  const world = new SimWorld({ seed });
  const test = testShard({ world, commands: dataCommands });
  const client = test.client();
  client.call('XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM');
  return { world, test, client, [Symbol.dispose]: () => test[Symbol.dispose]() };
}

describe('a consumer that waits', () => {
  it('reads many new entries as one change, acknowledged at once or not', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    for (let id = 1; id <= 4; id++) client.call('XADD', 'x', `${id}-0`, 'f', 'v');
    client.call('XGROUP', 'CREATE', 'x', 'g', '0');
    client.call('XGROUP', 'CREATECONSUMER', 'x', 'g', 'a');
    for (const noAck of [[], ['NOACK']]) {
      const before = test.shard.dirty;
      client.call('XREADGROUP', 'GROUP', 'g', 'a', ...noAck, 'COUNT', '2', 'STREAMS', 'x', '>');
      expect(test.shard.dirty).toBe(before + 1);
    }
  });

  it('is given an entry in the order in which consumers began to wait, and each entry goes to one of them', () => {
    using made = streamWithGroup();
    const [first, second] = [made.test.client(), made.test.client()];
    expect(first.call(...waiting('c'))).toBeUndefined();
    expect(second.call(...waiting('d'))).toBeUndefined();
    made.client.call('XADD', 's', '1-1', 'f', 'v');
    expect([first.replies.splice(0), second.replies.splice(0)]).toEqual([[[['s', [['1-1', ['f', 'v']]]]]], []]);
    made.client.call('XADD', 's', '2-1', 'f', 'w');
    expect([first.replies.splice(0), second.replies.splice(0)]).toEqual([[], [[['s', [['2-1', ['f', 'w']]]]]]]);
    expect(made.client.call('XPENDING', 's', 'g')).toEqual([
      2,
      '1-1',
      '2-1',
      [
        ['c', '1'],
        ['d', '1'],
      ],
    ]);
  });

  it('is answered with null when its time is up', async () => {
    using made = streamWithGroup();
    const reader = made.test.client();
    reader.call(...waiting('c'));
    await made.world.advance(999);
    expect(reader.replies).toEqual([]);
    await made.world.advance(2);
    expect(reader.replies).toEqual([null]);
  });

  it.each([
    [
      'the group is destroyed',
      ['XGROUP', 'DESTROY', 's', 'g'],
      /^NOGROUP No such key 's' or consumer group 'g' in XREADGROUP/,
    ],
    ['the key is deleted', ['DEL', 's'], /^NOGROUP No such key 's' or consumer group 'g' in XREADGROUP/],
    ['everything is deleted', ['FLUSHALL'], /^NOGROUP/],
    ['the key is renamed', ['RENAME', 's', 't'], /^NOGROUP/],
    ['the key becomes a string', ['SET', 's', 'x'], /^WRONGTYPE/],
    ['CLIENT UNBLOCK says so', ['CLIENT', 'UNBLOCK', 'its id', 'ERROR'], /^UNBLOCKED/],
  ])('is refused when %s', (_when, request, refusal) => {
    using made = streamWithGroup();
    const reader = made.test.client();
    reader.call(...waiting('c'));
    made.client.call(...request.map((word) => (word === 'its id' ? String(reader.session.id) : word)));
    expect(reader.replies).toHaveLength(1);
    expect((reader.replies[0] as Error).message).toMatch(refusal);
  });

  it('goes on waiting when its key is deleted and made again with the group in one transaction', () => {
    using made = streamWithGroup();
    const reader = made.test.client();
    reader.call(...waiting('c'));
    for (const request of ['MULTI', 'DEL s', 'XGROUP CREATE s g 0 MKSTREAM', 'EXEC']) {
      made.client.call(...request.split(' '));
    }
    expect(reader.replies).toEqual([]);
    made.client.call('XADD', 's', '1-1', 'f', 'v');
    expect(reader.replies).toEqual([[['s', [['1-1', ['f', 'v']]]]]]);
  });

  it('does not wait inside a transaction, nor for what it was given before', () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call('MULTI');
    client.call(...waiting('c'));
    expect(client.call('EXEC')).toEqual([null]);
    expect(client.call(...read('c', 'BLOCK', '0', 'STREAMS', 's', '0'))).toEqual([['s', []]]);
  });

  it('is no change of a watched key, and neither is acknowledging', () => {
    using made = streamWithGroup();
    const { client } = made;
    const other = made.test.client();
    client.call('XADD', 's', '1-1', 'f', 'v');
    client.call('WATCH', 's');
    other.call(...read('c', 'STREAMS', 's', '>'));
    other.call('XACK', 's', 'g', '1-1');
    client.call('MULTI');
    expect(client.call('EXEC')).toEqual([]);
  });
});

describe('what is replicated of consumer groups', () => {
  it('is who has which entry, and how far the group has read', () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call('XADD', 's', '1-1', 'f', 'v');
    client.call('XADD', 's', '2-1', 'f', 'v');
    const writes = collectWrites(made.test.shard);
    const now = String(made.world.clock.now());
    client.call(...read('c', 'COUNT', '1', 'STREAMS', 's', '>'));
    client.call(...read('c', 'STREAMS', 's', '0'));
    client.call('XCLAIM', 's', 'g', 'd', '0', '1-1');
    client.call(...read('n', 'NOACK', 'STREAMS', 's', '>'));
    client.call('XACK', 's', 'g', '1-1', '2-1');
    client.call('XCLAIM', 's', 'g', 'd', '0', '1-1', 'LASTID', '9-1');
    expect(writes.filter((write) => write !== 'MULTI' && write !== 'EXEC')).toEqual([
      `XCLAIM s g c 0 1-1 TIME ${now} RETRYCOUNT 1 FORCE JUSTID LASTID 1-1`,
      'XGROUP SETID s g 1-1 ENTRIESREAD 1',
      `XCLAIM s g d 0 1-1 TIME ${now} RETRYCOUNT 3 FORCE JUSTID LASTID 1-1`,
      'XGROUP CREATECONSUMER s g n',
      'XGROUP SETID s g 2-1 ENTRIESREAD 2',
      'XACK s g 1-1 2-1',
      'XGROUP SETID s g 9-1 ENTRIESREAD 2',
    ]);
  });

  it('is also that a claimed entry, deleted from the stream, is nobody’s any more', () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call('XADD', 's', '1-1', 'f', 'v');
    client.call('XADD', 's', '2-1', 'f', 'v');
    client.call(...read('c', 'STREAMS', 's', '>'));
    client.call('XDEL', 's', '1-1');
    const writes = collectWrites(made.test.shard);
    expect(client.call('XAUTOCLAIM', 's', 'g', 'd', '0', '-', 'COUNT', '1')).toEqual(['2-1', [], ['1-1']]);
    expect(writes).toEqual([`XCLAIM s g c 0 1-1 TIME ${made.world.clock.now()} RETRYCOUNT 1 FORCE JUSTID LASTID 2-1`]);
    expect(client.call('XPENDING', 's', 'g')).toEqual([1, '2-1', '2-1', [['c', '1']]]);
  });
});

describe('consumer groups since 7.2', () => {
  it('have the consumer of a request that finds nothing for it', () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call(...read('c', 'STREAMS', 's', '>'));
    client.call('XCLAIM', 's', 'g', 'd', '0', '1-1');
    client.call('XAUTOCLAIM', 's', 'g', 'e', '0', '-');
    expect((client.call('XINFO', 'CONSUMERS', 's', 'g') as unknown[][]).map(([, name]) => name)).toEqual([
      'c',
      'd',
      'e',
    ]);
  });

  it('tell since when a consumer asked for nothing, and was given nothing', async () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call('XADD', 's', '1-1', 'f', 'v');
    client.call(...read('c', 'STREAMS', 's', '>'));
    await made.world.advance(30);
    client.call(...read('c', 'STREAMS', 's', '>'));
    client.call('XGROUP', 'CREATECONSUMER', 's', 'g', 'd');
    await made.world.advance(20);
    expect(client.call('XINFO', 'CONSUMERS', 's', 'g')).toEqual([
      ['name', 'c', 'pending', 1, 'idle', 20, 'inactive', 50],
      ['name', 'd', 'pending', 0, 'idle', 20, 'inactive', -1],
    ]);
  });

  it('lag by what is left when all before it was trimmed, and by an unknown number behind a gap', () => {
    using made = streamWithGroup();
    const { client } = made;
    for (const ms of ['1', '2', '3', '4', '5']) client.call('XADD', 's', `${ms}-0`, 'f', 'v');
    expect(groupFacts(client)).toMatchObject({ 'entries-read': null, lag: 5 });
    client.call(...read('c', 'COUNT', '1', 'STREAMS', 's', '>'));
    expect(groupFacts(client)).toMatchObject({ 'entries-read': 1, lag: 4 });
    client.call('XTRIM', 's', 'MAXLEN', '2');
    expect(groupFacts(client)).toMatchObject({ 'entries-read': 1, lag: 2 });
    client.call(...read('c', 'COUNT', '1', 'STREAMS', 's', '>'));
    expect(groupFacts(client)).toMatchObject({ 'entries-read': 4, lag: 1 });
    client.call('XADD', 's', '6-0', 'f', 'v');
    client.call('XDEL', 's', '5-0');
    expect(groupFacts(client)).toMatchObject({ 'entries-read': 4, lag: null });
    client.call(...read('c', 'STREAMS', 's', '>'));
    expect(groupFacts(client)).toMatchObject({ 'entries-read': 6, lag: 0 });
  });

  it('refuse to set a stream’s last id before the last one that was deleted', () => {
    using made = streamWithGroup();
    const { client } = made;
    client.call('XADD', 's', '2-0', 'f', 'v');
    client.call('XDEL', 's', '2-0');
    expect((client.call('XSETID', 's', '1-1') as Error).message).toMatch(/smaller than current max_deleted_entry_id/);
  });
});

it('what groups hold is counted as memory, and is given back', () => {
  using made = streamWithGroup();
  const { client } = made;
  const bytes = (): number => client.call('MEMORY', 'USAGE', 's') as number;
  for (let i = 1; i <= 300; i++) client.call('XADD', 's', `${i}-1`, 'f', 'v');
  const before = bytes();
  client.call(...read('c', 'STREAMS', 's', '>'));
  expect(bytes()).toBeGreaterThan(before + 300 * 100);
  client.call('XGROUP', 'CREATECONSUMER', 's', 'g', 'd');
  client.call('XACK', 's', 'g', ...Array.from({ length: 150 }, (_, i) => `${i * 2 + 1}-1`));
  client.call('XGROUP', 'DELCONSUMER', 's', 'g', 'c');
  client.call('XGROUP', 'DELCONSUMER', 's', 'g', 'd');
  expect(bytes()).toBe(before);
  client.call('XGROUP', 'CREATE', 's', 'h', '0');
  expect(bytes()).toBeGreaterThan(before);
  client.call('XGROUP', 'DESTROY', 's', 'h');
  expect(bytes()).toBe(before);
});
