import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { runProgram, startProgram } from '../support/antipode-program.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis, type RealRedis } from '../support/real-redis.ts';
import { testSubnet } from '../support/sandboxes.ts';

const PASSWORD = 'p@s:/%';
const RUNS = Number(process.env['ANTIPODE_RUNS'] ?? 1);
const KILLS = 5 * RUNS;
const LOAD_PAUSE_MS = 5;

const source = () =>
  startRealRedis({ password: PASSWORD, args: ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '64mb'] });

async function fill(redis: RealRedis): Promise<void> {
  const client = redis.client();
  const pipeline = client.pipeline();
  for (let at = 0; at < 500; at++) {
    pipeline.set(`string:${at}`, `value ${at}`).rpush(`list:${at}`, 'a', 'b', 'c').hset(`hash:${at}`, 'field', at);
    pipeline
      .sadd(`set:${at}`, 1, 2, 'x')
      .zadd(`sorted:${at}`, at / 3, 'member')
      .expire(`set:${at}`, 1000 + at);
  }
  await pipeline.exec();
}

/** Writes that must not be applied twice, until it is ended or the server is gone. */
function startLoad(redis: RealRedis): { readonly written: () => number; readonly end: () => Promise<void> } {
  const client = redis.client();
  const state = { written: 0, isOver: false };
  const load = async (): Promise<void> => {
    for (; !state.isOver; state.written++) {
      const writes = client.pipeline();
      for (let key = 0; key < 10; key++) {
        writes.incr(`counter:${key}`).rpush(`pushed:${key}`, state.written).sadd(`pool:${key}`, state.written);
      }
      writes.spop('pool:3').call('MULTI');
      writes.incr('pair:a').incr('pair:b').call('EXEC');
      await writes.exec();
      await pause(LOAD_PAUSE_MS);
    }
  };
  const loading = load().catch(() => undefined);
  const end = (): Promise<undefined | void> => {
    state.isOver = true;
    return loading;
  };
  return { written: () => state.written, end };
}

const verdictOf = async (from: string, to: string) => {
  const { code, stdout } = await runProgram('compare', '--from', from, '--to', to, '--json');
  return { code, verdict: (JSON.parse(stdout) as { verdict: string }).verdict, stdout };
};

describeReal('antipode replicate', () => {
  it('fills a database of three shards from a real server, and compare agrees until a value is tampered with', async () => {
    await using from = await source();
    await fill(from);
    const cluster = {
      name: 'west.local',
      subnet: testSubnet(),
      databases: [{ name: 'copy', port: 12_000, shards: 3 }],
    };
    await using sandbox = await startSandbox({ clusters: [cluster] });
    const copy = sandbox.cluster('west.local').database('copy');
    const to = `redis://${copy.host}:${copy.port}`;
    const done = await runProgram('replicate', '--from', from.url, '--to', to, '--until', 'in-sync');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(/full sync of 127\.0\.0\.1:\d+\/0: no-offset/);
    expect(done.stdout).not.toContain(PASSWORD);
    expect(await verdictOf(from.url, to)).toMatchObject({ code: 0, verdict: 'equal' });
    const client = await copy.client();
    await client.hset('hash:7', 'field', 'tampered');
    const tampered = await verdictOf(from.url, to);
    expect(tampered).toMatchObject({ code: 1, verdict: 'diverged' });
    expect(tampered.stdout).toContain('"key":"hash:7"');
  });

  it('copies a sharded database out into a real server, shard by shard, and resumes', async () => {
    await using to = await startRealRedis();
    const cluster = {
      name: 'east.local',
      subnet: testSubnet(),
      databases: [{ name: 'orders', port: 12_000, shards: 2 }],
    };
    await using sandbox = await startSandbox({ clusters: [cluster] });
    const orders = sandbox.cluster('east.local').database('orders');
    const client = await orders.client();
    for (let at = 0; at < 50; at++) await client.set(`key:${at}`, at);
    // The endpoint's name is known inside the sandbox only.
    const from = orders.sourceUrl().replace(/@[^:]+:/, `@${orders.host}:`);
    const words = ['replicate', '--from', from, '--to', to.url, '--until', 'in-sync', '--json'];
    for (const expected of [{ full_syncs: 1 }, { full_syncs: 0, partial_syncs: 2 }]) {
      const { code, stdout } = await runProgram(...words);
      expect([code, JSON.parse(stdout.trim().split('\n').at(-1)!)]).toMatchObject([
        0,
        { event: 'in-sync', ...expected },
      ]);
      expect(await verdictOf(from, to.url)).toMatchObject({ code: 0, verdict: 'equal' });
      await client.incr('between');
    }
  });

  it(
    'resumes from the checkpoint in the target each time it is killed, and applies nothing twice',
    { timeout: 60_000 * RUNS },
    async () => {
      await using from = await source();
      await using to = await startRealRedis();
      await fill(from);
      const load = startLoad(from);
      for (let kill = 0; kill < KILLS; kill++) {
        await using running = startProgram(['replicate', '--from', from.url, '--to', to.url, '--json']);
        const seen = JSON.parse(await running.line(/"in_sync":true/)) as { full_syncs: number; partial_syncs: number };
        expect([seen.full_syncs, seen.partial_syncs]).toEqual(kill === 0 ? [1, 0] : [0, 1]);
        // In the middle of the stream: some writes later.
        const written = load.written();
        await eventually(() => load.written() > written + 10, { withinMs: 10_000, what: 'more writes' });
        running.child.kill('SIGKILL');
      }
      await load.end();
      const last = await runProgram('replicate', '--from', from.url, '--to', to.url, '--until', 'in-sync', '--json');
      expect(JSON.parse(last.stdout.trim().split('\n').at(-1)!)).toMatchObject({
        event: 'in-sync',
        full_syncs: 0,
        partial_syncs: 1,
      });
      expect(await verdictOf(from.url, to.url)).toMatchObject({ code: 0, verdict: 'equal' });
    },
  );

  it('says how many keys of the destination are removed, and ends on SIGINT with exit code 0', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    await to.command('MSET', 'old:1', 'x', 'old:2', 'y');
    await using running = startProgram(['replicate', '--from', from.url, '--to', to.url], { CI: '1' });
    await running.line(/in sync/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.finished;
    expect(code).toBe(0);
    expect(stderr).toContain('holds no checkpoint: its 2 keys will be removed');
    expect(stdout).toMatch(/interrupted \(writes: \d+, full syncs: 1, resumed: 0\)/);
    expect(await to.command('EXISTS', 'old:1')).toBe(0);
  });

  it('goes on when nobody reads what it says', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    await to.command('SET', 'old', 'x');
    await using running = startProgram(['replicate', '--from', from.url, '--to', to.url], { CI: '1' });
    running.child.stdout!.destroy();
    running.child.stderr!.destroy();
    for (const value of ['1', '2']) {
      await from.command('SET', 'k', value);
      const arrived = async (): Promise<boolean> => (await to.command('GET', 'k')) === value;
      await eventually(arrived, { withinMs: 15_000, what: `${value} arrives` });
    }
    running.child.kill('SIGINT');
    expect((await running.finished).code).toBe(0);
  });

  it('keeps trying a source that is not there, says so, and leaves the destination alone', async () => {
    await using to = await startRealRedis();
    await to.command('SET', 'precious', '1');
    await using running = startProgram(['replicate', '--from', 'redis://127.0.0.1:1', '--to', to.url]);
    expect(await running.line(/refused/)).toMatch(/127\.0\.0\.1:1: refused: .*trying again/);
    running.child.kill('SIGTERM');
    expect((await running.finished).code).toBe(0);
    expect(await to.command('GET', 'precious')).toBe('1');
  });

  it('stops with the cause and what to do, and leaves the destination alone', async () => {
    await using from = await source();
    await using to = await startRealRedis();
    await to.command('SET', 'precious', '1');
    const wrong = `redis://:wrong@127.0.0.1:${from.port}`;
    const password = await runProgram('replicate', '--from', wrong, '--to', to.url);
    expect(password).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/stopped \(authentication\).*WRONGPASS[^]*percent-encoded/),
    });
    const self = await runProgram('replicate', '--from', from.url, '--to', from.url);
    expect(self).toMatchObject({ code: 1, stderr: expect.stringContaining('a database cannot replicate itself') });
    expect(await to.command('GET', 'precious')).toBe('1');
  });
});

describe('antipode replicate', () => {
  const to = ['--to', 'redis://127.0.0.1:1'];
  it.each([
    [['--from', 'http://x:1', ...to], /--from: unknown scheme "http"/],
    [['--from', 'redis://127.0.0.1', ...to], /--from: the port is missing/],
    [
      ['--from', ...Array.from({ length: 33 }, (_, at) => `redis://127.0.0.1:${at + 1}`), ...to],
      /33 sources are given; a destination has at most 32/,
    ],
    [['--from', 'redis://127.0.0.1:2', 'redis://:x@127.0.0.1:2', ...to], /127\.0\.0\.1:2 is given twice/],
    [
      ['--from', 'redis://127.0.0.1:2', '--to', 'redis://127.0.0.1:1', '--until', 'noon'],
      /--until: "noon" is no state/,
    ],
    [
      ['--from', 'redis://127.0.0.1:2', '--to', 'redis://u:secret@127.0.0.1:1'],
      /destination 127\.0\.0\.1:1 is not to be reached .*nothing has been changed/,
    ],
    [
      ['--from', 'redis://127.0.0.1:2', '--to', 'redis://nowhere.invalid:1'],
      /nowhere\.invalid:1 is not to be reached \(unresolved/,
    ],
  ])('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await runProgram('replicate', ...words);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('secret');
  });
});
