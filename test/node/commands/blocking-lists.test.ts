import { describe, expect, it } from 'vitest';
import { debugCommands } from '../../../src/node/commands/debug.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient, type TestReply } from '../../support/fixtures.ts';

function fresh(clients: number) {
  const world = new SimWorld({ seed: 1 });
  const {
    shard,
    client,
    [Symbol.dispose]: dispose,
  } = testShard({
    world,
    commands: [...listCommands, ...stringCommands, ...keyCommands, ...transactionCommands, ...debugCommands],
  });
  const writes: string[] = [];
  shard.writeLog.subscribe({ write: (_database, words) => writes.push(words.join(' ')) });
  const made = Array.from({ length: clients }, client);
  return {
    world,
    shard,
    writes,
    writer: made[0]!,
    waiters: made.slice(1),
    list: (name: string): string[] => [...(shard.keyspaces[0]!.readList(name) ?? [])],
    [Symbol.dispose]: dispose,
  };
}

type Fresh = ReturnType<typeof fresh>;

/** Requests between MULTI and EXEC; returns EXEC's replies. */
function together({ writer }: Fresh, ...requests: string[][]): TestReply | undefined {
  writer.call('MULTI');
  for (const words of requests) writer.call(...words);
  return writer.call('EXEC');
}

const got = (client: TestClient): TestReply[] => client.replies.splice(0);

describe('waiting for a list', () => {
  it('serves nobody with a key whose time came while the transaction that made it took long, and leaves its end to whoever looks', async () => {
    using made = fresh(2);
    const [waiter] = made.waiters as [TestClient];
    waiter.send('BLPOP', 'k', '0');
    together(made, ['RPUSH', 'k', 'v'], ['PEXPIRE', 'k', '100'], ['DEBUG', 'SLEEP', '0.2']);
    await made.world.advance(250);
    expect(got(waiter)).toEqual([]);
    expect(made.writer.call('EXISTS', 'k')).toBe(0);
    expect(made.writes.at(-1)).toBe('DEL k');
    made.writer.call('RPUSH', 'k', 'w');
    expect(got(waiter)).toEqual([['k', 'w']]);
  });

  it('answers at once from the first key that is there', () => {
    using world = fresh(1);
    const { writer, writes } = world;
    writer.call('RPUSH', 'b', '1', '2', '3');
    expect(writer.call('BLPOP', 'a', 'b', '0')).toEqual(['b', '1']);
    expect(writer.call('BRPOP', 'b', '0')).toEqual(['b', '3']);
    expect(writer.call('BLMPOP', '0', '2', 'a', 'b', 'LEFT', 'COUNT', '5')).toEqual(['b', ['2']]);
    expect(writes).toEqual(['RPUSH b 1 2 3', 'LPOP b', 'RPOP b', 'LPOP b 1']);
  });

  it('serves those who wait in the order in which they came', () => {
    using world = fresh(4);
    const { writer, writes } = world;
    const [first, second, third] = world.waiters as [TestClient, TestClient, TestClient];
    expect(first.call('BLPOP', 'l', '0')).toBeUndefined();
    second.call('BRPOP', 'other', 'l', '0');
    third.call('BLMPOP', '0', '1', 'l', 'RIGHT', 'COUNT', '2');
    expect(writer.call('RPUSH', 'l', 'a', 'b', 'c', 'd')).toBe(4);
    expect([got(first), got(second), got(third)]).toEqual([[['l', 'a']], [['l', 'd']], [['l', ['c', 'b']]]]);
    expect(writes).toEqual(['RPUSH l a b c d', 'LPOP l', 'RPOP l', 'RPOP l 2']);
    expect([world.shard.keyspaces[0]!.size, world.shard.blocking.count]).toEqual([0, 0]);
  });

  it('keeps the place of those for whom nothing was left', () => {
    using world = fresh(3);
    const [first, second] = world.waiters as [TestClient, TestClient];
    first.call('BLPOP', 'l', '0');
    second.call('BLPOP', 'l', '0');
    for (const item of ['a', 'b']) world.writer.call('RPUSH', 'l', item);
    expect([got(first), got(second)]).toEqual([[['l', 'a']], [['l', 'b']]]);
  });

  it('goes on with what a client sent while it waited', async () => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    waiter.call('BLPOP', 'l', '0');
    waiter.send('LLEN', 'l');
    waiter.send('BLPOP', 'l', '0');
    expect(got(waiter)).toEqual([]);
    world.writer.call('RPUSH', 'l', 'a', 'b');
    await world.world.advance(1);
    expect(got(waiter)).toEqual([['l', 'a'], 1, ['l', 'b']]);
  });

  it('forgets a client that went away', () => {
    using world = fresh(3);
    const [gone, second] = world.waiters as [TestClient, TestClient];
    gone.call('BLPOP', 'l', '0');
    second.call('BLPOP', 'l', '0');
    world.shard.closeSession(gone.session);
    world.writer.call('RPUSH', 'l', 'a');
    expect([got(gone), got(second)]).toEqual([[], [['l', 'a']]]);
  });

  it('looks only at the database the client was in', () => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    waiter.session.database = 1;
    waiter.call('BLPOP', 'l', '0');
    world.writer.call('RPUSH', 'l', 'a');
    expect(got(waiter)).toEqual([]);
    world.writer.session.database = 1;
    world.writer.call('RPUSH', 'l', 'b');
    expect(got(waiter)).toEqual([['l', 'b']]);
  });
});

describe('timeouts', () => {
  it.each([
    [['BLPOP', 'l', '0.25'], '*-1\r\n'],
    [['BRPOPLPUSH', 'l', 'd', '0.25'], '*-1\r\n'],
    [['BLMOVE', 'l', 'd', 'LEFT', 'LEFT', '2.5e-1'], '*-1\r\n'],
    [['BLMPOP', '0.25', '1', 'l', 'LEFT'], '*-1\r\n'],
  ])('%j answers a null array when the time is up, not before', async (words, reply) => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    expect(waiter.call(...words)).toBeUndefined();
    await world.world.advance(249);
    expect(waiter.raw).toBe('');
    await world.world.advance(1);
    expect(waiter.raw).toBe(reply);
    world.writer.call('RPUSH', 'l', 'a');
    expect(waiter.raw).toBe(reply);
    expect([world.list('l'), world.shard.blocking.count]).toEqual([['a'], 0]);
  });

  it('of zero, or too small to be negative milliseconds, never end', async () => {
    using world = fresh(3);
    const [first, second] = world.waiters as [TestClient, TestClient];
    first.call('BLPOP', 'l', '0');
    second.call('BLPOP', 'l', '-0.0001');
    await world.world.advance(60 * 60 * 1000);
    world.writer.call('RPUSH', 'l', 'a', 'b');
    expect([got(first), got(second)]).toEqual([[['l', 'a']], [['l', 'b']]]);
  });

  it('are rounded up to a millisecond', async () => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    waiter.call('BLPOP', 'l', '0.0000001');
    expect(world.shard.blocking.count).toBe(1);
    await world.world.advance(1);
    expect(got(waiter)).toEqual([null]);
  });

  it.each([
    ['-1', 'timeout is negative'],
    ['-inf', 'timeout is negative'],
    ['nan', 'timeout is not a float or out of range'],
    ['1e5000', 'timeout is not a float or out of range'],
    ['', 'timeout is not a float or out of range'],
    ['1 ', 'timeout is not a float or out of range'],
    ['inf', 'timeout is out of range'],
    ['1e16', 'timeout is out of range'],
  ])('of %j are refused', (timeout, refusal) => {
    using world = fresh(1);
    for (const words of [
      ['BLPOP', 'l', timeout],
      ['BLMOVE', 'l', 'd', 'LEFT', 'RIGHT', timeout],
      ['BLMPOP', timeout, '1', 'l', 'LEFT'],
    ]) {
      expect(world.writer.bytes(...words)).toBe(`-ERR ${refusal}\r\n`);
    }
  });

  it('of BLMPOP are read after everything else', () => {
    using world = fresh(1);
    expect(world.writer.bytes('BLMPOP', 'x', '0', 'l', 'LEFT')).toBe('-ERR numkeys should be greater than 0\r\n');
    expect(world.writer.bytes('BLMPOP', 'x', '1', 'l', 'UP')).toBe('-ERR syntax error\r\n');
    expect(world.writer.bytes('BLMPOP', '-1', '1', 'l', 'LEFT', 'COUNT', '0')).toMatch(/count should be/);
  });
});

describe('chains', () => {
  it('let one move feed the next waiting client', () => {
    using world = fresh(4);
    const [last, middle, first] = world.waiters as [TestClient, TestClient, TestClient];
    last.call('BLPOP', 'c', '0');
    middle.call('BLMOVE', 'b', 'c', 'RIGHT', 'LEFT', '0');
    first.call('BRPOPLPUSH', 'a', 'b', '0');
    world.writer.call('RPUSH', 'a', 'x');
    expect([got(first), got(middle), got(last)]).toEqual([['x'], ['x'], [['c', 'x']]]);
    expect(world.writes).toEqual(['RPUSH a x', 'RPOPLPUSH a b', 'LMOVE b c RIGHT LEFT', 'LPOP c']);
    expect(world.shard.keyspaces[0]!.size).toBe(0);
  });

  it('come to rest when a list is moved onto itself or in a ring', () => {
    using world = fresh(4);
    const [self, there, back] = world.waiters as [TestClient, TestClient, TestClient];
    self.call('BLMOVE', 'a', 'a', 'LEFT', 'RIGHT', '0');
    there.call('BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', '0');
    back.call('BLMOVE', 'b', 'a', 'LEFT', 'RIGHT', '0');
    world.writer.call('RPUSH', 'a', 'x');
    expect([got(self), got(there), got(back)]).toEqual([['x'], ['x'], ['x']]);
    expect([world.list('a'), world.list('b')]).toEqual([['x'], []]);
  });
});

describe('other types and vanished keys', () => {
  it('refuses a key of another type at once, and passes over one that comes later', () => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    world.writer.call('SET', 's', 'x');
    expect(waiter.bytes('BLPOP', 'none', 's', '0')).toMatch(/^-WRONGTYPE/);
    expect(waiter.call('BLPOP', 'l', '0')).toBeUndefined();
    world.writer.call('SET', 'l', 'x');
    expect(got(waiter)).toEqual([]);
    world.writer.call('DEL', 'l');
    world.writer.call('RPUSH', 'l', 'a');
    expect(got(waiter)).toEqual([['l', 'a']]);
  });

  it('tells a waiting move that its destination is no list, and leaves the element', () => {
    using world = fresh(3);
    const [mover, second] = world.waiters as [TestClient, TestClient];
    mover.call('BLMOVE', 'l', 's', 'LEFT', 'RIGHT', '0');
    second.call('BLPOP', 'l', '0');
    world.writer.call('SET', 's', 'x');
    world.writer.call('RPUSH', 'l', 'a');
    expect(String(got(mover)[0])).toMatch(/WRONGTYPE/);
    expect(got(second)).toEqual([['l', 'a']]);
  });

  it('does not wake for a key that was pushed to and removed in one unit', () => {
    using world = fresh(2);
    const [waiter] = world.waiters as [TestClient];
    waiter.call('BLPOP', 'l', '0');
    together(world, ['RPUSH', 'l', 'a', 'b'], ['LPOP', 'l', '2']);
    expect(got(waiter)).toEqual([]);
    expect(world.shard.blocking.count).toBe(1);
    together(world, ['RPUSH', 'l', 'a'], ['DEL', 'l'], ['SET', 'l', 'x']);
    expect(got(waiter)).toEqual([]);
  });
});

describe('inside a transaction', () => {
  it('does not wait: null arrays, and a plain null from the moves', () => {
    using world = fresh(1);
    const { writer } = world;
    together(
      world,
      ['BLPOP', 'l', '0'],
      ['BLMPOP', '0', '1', 'l', 'LEFT'],
      ['BLMOVE', 'l', 'd', 'LEFT', 'LEFT', '0'],
      ['BRPOPLPUSH', 'l', 'd', '0'],
    );
    expect(writer.raw).toBe('*4\r\n*-1\r\n*-1\r\n$-1\r\n$-1\r\n');
    expect(world.shard.blocking.count).toBe(0);
  });

  it('serves those outside only when the unit has ended, with what is then there', () => {
    using world = fresh(3);
    const [first, second] = world.waiters as [TestClient, TestClient];
    first.call('BLPOP', 'l', '0');
    second.call('BLPOP', 'l', '0');
    together(world, ['RPUSH', 'l', 'a'], ['LPUSH', 'l', 'b'], ['LPOP', 'l'], ['BRPOP', 'l', '0'], ['RPUSH', 'l', 'c']);
    expect([got(first), got(second)]).toEqual([[['l', 'c']], []]);
    expect(world.writes).toEqual([
      'MULTI',
      'RPUSH l a',
      'LPUSH l b',
      'LPOP l',
      'RPOP l',
      'RPUSH l c',
      'EXEC',
      'LPOP l',
    ]);
  });
});
