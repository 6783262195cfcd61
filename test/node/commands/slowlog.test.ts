import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient, testShard, type TestReply } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';

const setUp = (config: Readonly<Record<string, string>> = {}) => {
  const world = new SimWorld({ seed: 1 });
  const test = testShard({ commands: dataCommands, world, config });
  return { ...test, world, client: test.client() };
};

type Entry = readonly [id: number, at: number, microseconds: number, words: string[], address: string, name: string];
const entries = (client: TestClient, count = '-1'): Entry[] =>
  client.call('SLOWLOG', 'GET', count) as unknown as Entry[];
const requests = (client: TestClient): string[] => entries(client).map(([, , , words]) => words.join(' '));

describe('SLOWLOG', () => {
  it('keeps what takes as long as slowlog-log-slower-than says, with its time, duration and client', async () => {
    using test = setUp();
    const { client, world } = test;
    client.call('CLIENT', 'SETNAME', 'slow');
    client.call('SET', 'k', 'v');
    client.call('DEBUG', 'SLEEP', '0.009');
    await world.advance(20);
    expect(client.call('SLOWLOG', 'LEN')).toBe(0);
    client.call('DEBUG', 'SLEEP', '0.012');
    await world.advance(20);
    const [entry, ...others] = entries(client);
    expect(others).toEqual([]);
    expect(entry).toEqual([
      0,
      expect.any(Number),
      expect.any(Number),
      ['DEBUG', 'SLEEP', '0.012'],
      '127.0.0.1:50000',
      'slow',
    ]);
    expect(Math.abs(entry![1] - world.clock.now() / 1000)).toBeLessThan(2);
    expect(entry![2]).toBeGreaterThanOrEqual(11_999);
    expect(entry![2]).toBeLessThan(13_000);
  });

  it('keeps everything at 0, GET and SET too, and nothing at -1 or with no room', () => {
    using test = setUp({ 'slowlog-log-slower-than': '0' });
    const { client } = test;
    client.call('SET', 'k', 'v');
    client.call('GET', 'k');
    expect(requests(client)).toEqual(['GET k', 'SET k v']);
    client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    client.call('SLOWLOG', 'RESET');
    client.call('GET', 'k');
    expect(client.call('SLOWLOG', 'LEN')).toBe(0);
    client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '0');
    client.call('GET', 'k');
    expect(client.call('SLOWLOG', 'LEN')).toBe(0);
  });

  it('keeps slowlog-max-len entries, the newest first, and ten are shown unless more are asked for', () => {
    using test = setUp({ 'slowlog-log-slower-than': '0', 'slowlog-max-len': '12' });
    const { client } = test;
    for (let i = 0; i < 20; i++) client.call('GET', `k${i}`);
    expect(entries(client, '3').map(([id]) => id)).toEqual([19, 18, 17]);
    expect(client.call('SLOWLOG', 'GET')).toHaveLength(10);
    expect(entries(client)).toHaveLength(12);
    expect(client.call('SLOWLOG', 'LEN')).toBe(12);
    expect(client.call('SLOWLOG', 'RESET')).toBe('OK');
    expect(requests(client)).toEqual(['SLOWLOG RESET']);
  });
});

describe('SLOWLOG since 7.0', () => {
  it('leaves out whom ACL GETUSER and DELUSER name', () => {
    using test = setUp({ 'slowlog-log-slower-than': '0' });
    test.client.call('ACL', 'GETUSER', 'alice');
    test.client.call('ACL', 'DELUSER', 'alice', 'bob');
    expect(requests(test.client)).toEqual(['ACL DELUSER (redacted) (redacted)', 'ACL GETUSER (redacted)']);
  });
});

/** Sent one after another with everything kept; what can be told apart from time and place must be the same. */
const KEPT: readonly (readonly string[])[] = [
  ['CLIENT', 'SETNAME', 'someone'],
  ['SET', 'k', 'x'.repeat(128)],
  ['SET', 'k', 'x'.repeat(129)],
  ['RPUSH', 'l', ...Array.from({ length: 30 }, (_, i) => String(i))],
  ['RPUSH', 'l', ...Array.from({ length: 31 }, (_, i) => String(i))],
  ['RPUSH', 'l', ...Array.from({ length: 100 }, () => 'y'.repeat(500))],
  ['get', 'k'],
  ['LPOP', 'k'],
  ['GET'],
  ['NOPE'],
  ['MULTI'],
  ['SET', 'k', '1'],
  ['INCRBY', 'k', '5'],
  ['EXEC'],
  ['CONFIG', 'SET', 'masterauth', 'secret', 'timeout', '0', 'masteruser', 'secret'],
  ['ACL', 'SETUSER', 'alice', 'on', '>secret', '+@all', '~*'],
  ['AUTH', 'alice', 'secret'],
  ['AUTH', 'alice', 'wrong'],
  ['HELLO', '2', 'AUTH', 'alice', 'secret', 'SETNAME', 'alice'],
  ['SLOWLOG', 'GET', '1'],
  ['SLOWLOG', 'GET', 'x'],
  ['SLOWLOG', 'LEN'],
];

const REFUSED = ['SLOWLOG', 'SLOWLOG GET -2', 'SLOWLOG GET x', 'SLOWLOG GET 1 2', 'SLOWLOG LEN 1', 'SLOWLOG NOPE'];

describeReal('SLOWLOG and redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis({ args: ['--enable-debug-command', 'yes'] });
  });
  afterAll(async () => real[Symbol.asyncDispose]());

  const answer = async (words: readonly string[]): Promise<unknown> =>
    real.command(...words).catch((error: unknown) => (error as Error).message);
  const shown = (reply: unknown): unknown[] => (reply as Entry[]).map(([id, , , words, , name]) => [id, words, name]);

  it('keep the same requests, shortened alike, with the same secrets left out', async () => {
    using test = setUp();
    const start = [
      ['CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '100'],
      ['SLOWLOG', 'RESET'],
    ];
    for (const words of [...start, ...KEPT]) {
      test.client.call(...words);
      await answer(words);
    }
    const ours = shown(test.client.call('SLOWLOG', 'GET', '-1'));
    const theirs = shown(await answer(['SLOWLOG', 'GET', '-1']));
    const first = (theirs.at(-1) as [number])[0]; // ioredis has sent some of its own before
    expect(ours).toEqual(
      theirs.map((entry) =>
        (([id, ...rest]) => [id - first + (ours.at(-1) as [number])[0], ...rest])(entry as [number, ...unknown[]]),
      ),
    );
    expect(JSON.stringify(ours)).not.toContain('secret');
  });

  it.each(REFUSED)('refuse %s alike', async (request) => {
    using test = setUp();
    const words = request.split(' ');
    const reply = test.client.call(...words) as TestReply;
    expect(reply).toBeInstanceOf(Error);
    expect((reply as Error).message).toBe(await answer(words));
  });
});
