import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient, testShard, type TestReply } from '../../support/fixtures.ts';

const setUp = () => {
  const world = new SimWorld({ seed: 1 });
  const test = testShard({ commands: dataCommands, world });
  return { ...test, world, client: test.client() };
};

const asMap = (reply: TestReply | undefined): Map<unknown, TestReply> => {
  const flat = reply as TestReply[];
  return new Map(Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2], flat[i * 2 + 1]!]));
};

const field = (info: TestReply | undefined, name: string): number =>
  Number(new RegExp(`^${name}:(\\S+)\\r$`, 'm').exec(String(info))?.[1]);

describe('a string that is written behind its end', () => {
  it('takes room for more only when it grows again', () => {
    using test = setUp();
    const { client } = test;
    for (const words of [
      ['SETRANGE', 'k', '100000', 'x'],
      ['SETBIT', 'bits', '800000', '1'],
      ['BITFIELD', 'f', 'SET', 'u8', '#100000', '1'],
    ]) {
      client.call(...words);
      const used = Number(client.call('MEMORY', 'USAGE', words[1]!));
      expect(used).toBeGreaterThan(100_000);
      expect(used).toBeLessThan(101_000);
      client.call('APPEND', words[1]!, 'x');
      expect(client.call('MEMORY', 'USAGE', words[1]!)).toBeGreaterThan(200_000);
    }
  });
});

describe('MEMORY USAGE', () => {
  it('grows with the value, and is null for no key', () => {
    using test = setUp();
    const { client } = test;
    const usage = (): number => Number(client.call('MEMORY', 'USAGE', 'k'));
    expect(client.call('MEMORY', 'USAGE', 'k')).toBeNull();
    client.call('SET', 'k', 'x'.repeat(1_000));
    const before = usage();
    expect(before).toBeGreaterThan(1_000);
    expect(before).toBeLessThan(1_200);
    client.call('EXPIRE', 'k', '100');
    expect(usage()).toBeGreaterThan(before);
    client.call('DEL', 'k');
    client.call('RPUSH', 'k', ...Array.from({ length: 100 }, () => 'x'.repeat(100)));
    expect(usage()).toBeGreaterThan(100 * 100);
  });

  it('is the same whatever SAMPLES says, which must be no negative number', () => {
    using test = setUp();
    const { client } = test;
    client.call('SADD', 'k', ...Array.from({ length: 1_000 }, (_, i) => 'm'.repeat(i % 50) + i));
    const usage = client.call('MEMORY', 'USAGE', 'k');
    expect(client.call('MEMORY', 'USAGE', 'k', 'SAMPLES', '1')).toBe(usage);
    expect(client.call('MEMORY', 'USAGE', 'k', 'SAMPLES', '0')).toBe(usage);
    expect(client.call('MEMORY', 'USAGE', 'k', 'SAMPLES', '-1')).toMatchObject({ message: 'ERR syntax error' });
  });
});

describe('used_memory', () => {
  it('is the sum that MEMORY STATS and INFO show, and its peak stays when the keys have gone', () => {
    using test = setUp();
    const { client } = test;
    const empty = field(client.call('INFO', 'memory'), 'used_memory');
    for (let i = 0; i < 100; i++) client.call('SET', `k${i}`, 'v'.repeat(1_000), 'EX', '100');
    const stats = asMap(client.call('MEMORY', 'STATS'));
    const info = client.call('INFO', 'memory');
    const used = field(info, 'used_memory');
    expect(used - empty).toBeGreaterThan(100_000);
    expect(stats.get('total.allocated')).toBe(used);
    expect(stats.get('keys.count')).toBe(100);
    expect(stats.get('overhead.db.hashtable.lut')).toBeGreaterThan(0);
    expect(asMap(stats.get('db.0')).get('overhead.hashtable.expires')).toBeGreaterThan(0);
    expect(field(info, 'used_memory_overhead') + field(info, 'used_memory_dataset')).toBe(used);
    expect(Number(stats.get('overhead.total')) + Number(stats.get('dataset.bytes'))).toBe(used);
    client.call('FLUSHALL');
    const after = client.call('INFO', 'memory');
    expect(field(after, 'used_memory')).toBe(empty);
    expect(field(after, 'used_memory_peak')).toBe(used);
  });

  it('counts every client for as long as it is there', () => {
    using test = setUp();
    const before = test.shard.memory.clientBytes;
    const other = new TestClient(test.shard);
    expect(test.shard.memory.clientBytes).toBeGreaterThan(before);
    test.shard.closeSession(other.session);
    expect(test.shard.memory.clientBytes).toBe(before);
  });

  it('holds what upper layers say of theirs', () => {
    using test = setUp();
    let bytes = 0;
    test.shard.memory.addPart('replication_backlog', () => bytes);
    const before = field(test.client.call('INFO', 'memory'), 'used_memory');
    bytes = 1_000_000;
    const info = test.client.call('INFO', 'memory');
    expect(field(info, 'used_memory') - before).toBe(1_000_000);
    expect(field(info, 'mem_replication_backlog')).toBe(1_000_000);
  });
});

describe('MEMORY DOCTOR', () => {
  it('cannot judge little, finds nothing wrong with much, and names a peak long gone', () => {
    using test = setUp();
    const { client } = test;
    const report = (): string => String(client.call('MEMORY', 'DOCTOR'));
    expect(report()).toMatch(/Too little data/);
    for (let i = 0; i < 16; i++) client.call('SET', `k${i}`, 'v'.repeat(1_000_000));
    expect(report()).toMatch(/No memory problem/);
    for (let i = 0; i < 10; i++) client.call('DEL', `k${i}`);
    expect(report()).toMatch(/Peak: 15\.\d+M were in use/);
    test.shard.config.set([['maxmemory', '1mb']]);
    expect(report()).toMatch(/Memory problems were found:.*Limit: .*1\.00M/s);
  });
});

describe('accesses', () => {
  const idle = (call: (...words: string[]) => TestReply | undefined, key: string): number =>
    Number(call('OBJECT', 'IDLETIME', key));

  it('are those of commands that use the value, not of those that look about', async () => {
    using test = setUp();
    const call = test.client.call.bind(test.client);
    call('SET', 'k', 'v');
    await test.world.advance(10_000);
    for (const words of [
      ['EXISTS', 'k'],
      ['TYPE', 'k'],
      ['TTL', 'k'],
      ['OBJECT', 'ENCODING', 'k'],
      ['MEMORY', 'USAGE', 'k'],
      ['KEYS', '*'],
    ]) {
      call(...words);
    }
    expect(idle(call, 'k')).toBe(10);
    call('GET', 'k');
    expect(idle(call, 'k')).toBe(0);
    await test.world.advance(5_000);
    expect(idle(call, 'k')).toBe(5);
    call('TOUCH', 'k');
    expect(idle(call, 'k')).toBe(0);
  });

  it('are none of a client that said NO-TOUCH, but for TOUCH', async () => {
    using test = setUp();
    const call = test.client.call.bind(test.client);
    call('SET', 'k', 'v');
    await test.world.advance(10_000);
    call('CLIENT', 'NO-TOUCH', 'on');
    call('GET', 'k');
    expect(idle(call, 'k')).toBe(10);
    call('TOUCH', 'k');
    expect(idle(call, 'k')).toBe(0);
  });

  it('go with a key that is renamed or moved', async () => {
    using test = setUp();
    const call = test.client.call.bind(test.client);
    call('SET', 'a', 'v');
    await test.world.advance(10_000);
    call('CLIENT', 'NO-TOUCH', 'on');
    call('RENAME', 'a', 'b');
    expect(idle(call, 'b')).toBe(10);
    call('MOVE', 'b', '1');
    call('SELECT', '1');
    expect(idle(call, 'b')).toBe(10);
  });

  it('lose their frequency with time', async () => {
    using test = setUp();
    const call = test.client.call.bind(test.client);
    test.shard.config.set([
      ['maxmemory-policy', 'allkeys-lfu'],
      ['lfu-log-factor', '0'],
      ['lfu-decay-time', '2'],
    ]);
    call('SET', 'k', 'v');
    for (let i = 0; i < 20; i++) call('GET', 'k');
    expect(call('OBJECT', 'FREQ', 'k')).toBe(25);
    await test.world.advance(10 * 60_000);
    expect(call('OBJECT', 'FREQ', 'k')).toBe(20);
    await test.world.advance(60 * 60_000);
    expect(call('OBJECT', 'FREQ', 'k')).toBe(0);
  });
});
