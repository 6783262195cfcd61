/**
 * The law of the link: wherever a connection breaks, and wherever chunks end, the replica ends with exactly the source's data. A
 * history (of a shard, and of a redis-server where there is one) is played by a fake source that cuts the connection after
 * every possible number of bytes.
 */

import { describe, expect, it } from 'vitest';
import { SimWorld } from '../../src/world/sim-world.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { FakeSource, record, type History } from '../support/fake-source.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { realNode, servedShard, type ReplicationNode } from '../support/replication.ts';
import { eventuallyIn } from '../support/eventually.ts';

const SOURCE = { host: '127.0.1.1', port: 7000 };
const REPLICA = '127.0.2.1';

async function before(node: ReplicationNode): Promise<void> {
  await node.call('SET', 'string', 'x'.repeat(40));
  await node.call('RPUSH', 'list', 'a', 'b', '\r\n+CONTINUE\r\n');
  await node.call('SELECT', '2');
  await node.call('SET', 'expires', '1', 'PXAT', '33000000000000');
}

async function after(node: ReplicationNode): Promise<void> {
  await node.call('INCR', 'counter');
  await node.call('MULTI');
  await node.call('RPUSH', 'list', 'c');
  await node.call('INCR', 'counter');
  await node.call('SELECT', '3');
  await node.call('APPEND', 'appended', 'word');
  await node.call('EXEC');
  await node.call('APPEND', 'appended', 'again');
  await node.call('SET', 'end of the recording', '1');
}

interface Run {
  readonly digest: string;
  readonly full: number;
  readonly partial: number;
  readonly sent: readonly number[];
}

/** A shard follows the fake source in a world of its own until it has applied everything. */
async function replay(
  history: History,
  options: { format: 'sized' | 'marked'; cuts: number[]; chunking: 'whole' | 'random' | 'bytes' },
): Promise<Run> {
  const world = new SimWorld({ seed: options.cuts.join(), conditions: { latencyMs: 1, chunking: options.chunking } });
  const source = new FakeSource({ world, at: SOURCE, history, ...options });
  const shard = await world.run(async () => {
    await source.listen();
    return servedShard({ world, host: REPLICA });
  });
  await shard.call('SET', 'old', 'data');
  await shard.call('REPLICAOF', SOURCE.host, String(SOURCE.port));
  const end = history.offset + history.stream.length;
  const there = (): boolean => shard.replication.replica?.offset === end && shard.shard.linkUp;
  await eventuallyIn(world, there, { withinMs: 60_000, what: `offset ${end}` });
  const digest = await shard.digest();
  shard.shard.close();
  return { digest, full: source.full, partial: source.partial, sent: source.sent };
}

/** Cuts the first connection at every byte, and gives how many runs ended with the same data. */
async function cutEverywhere(history: History, digest: string, format: 'sized' | 'marked'): Promise<void> {
  const whole = await replay(history, { format, cuts: [], chunking: 'whole' });
  expect(whole).toMatchObject({ digest, full: 1, partial: 0 });
  const total = whole.sent[0]!;
  let converged = 0;
  let resumed = 0;
  for (let cut = 1; cut < total; cut++) {
    const run = await replay(history, { format, cuts: [cut], chunking: cut % 2 === 0 ? 'whole' : 'random' });
    if (run.digest === digest && run.full + run.partial <= 3) converged++;
    resumed += run.partial;
  }
  expect(`${converged}/${total - 1}`).toBe(`${total - 1}/${total - 1}`);
  // A connection that is cut in the stream goes on by a partial sync, one that is cut before it cannot
  expect(resumed).toBe(history.stream.length);
}

describe('a link whose connection is cut after every byte of what a shard sends', () => {
  it.each(['sized', 'marked'] as const)('ends with the same data (%s snapshot)', async (format) => {
    const world = new SystemWorld({ seed: 1 });
    await using shard = await servedShard({ world, config: { 'repl-diskless-sync': 'no' } });
    await before(shard);
    const history = await record(world, shard, () => after(shard));
    await cutEverywhere(history, await shard.digest(), format);
  });
});

describeReal('a link whose connection is cut after every byte of what a redis-server sends', () => {
  it.each(['sized', 'marked'] as const)('ends with the same data (%s snapshot)', async (format) => {
    await using redis = await startRealRedis();
    const node = realNode(redis);
    await before(node);
    const history = await record(new SystemWorld({ seed: 1 }), redis, () => after(node));
    await cutEverywhere(history, await node.digest(), format);
  });

  it('ends with the same data when each of many connections carries only a little, byte by byte', async () => {
    await using redis = await startRealRedis();
    const node = realNode(redis);
    await before(node);
    const history = await record(new SystemWorld({ seed: 1 }), redis, () => after(node));
    const first = (await replay(history, { format: 'marked', cuts: [], chunking: 'bytes' })).sent[0]!;
    const cuts = [10, first - history.stream.length + 1, ...Array.from({ length: 40 }, (_, n) => 120 + n)];
    const run = await replay(history, { format: 'marked', cuts, chunking: 'bytes' });
    expect(run).toMatchObject({ digest: await node.digest(), full: 1 });
    expect(run.partial).toBeGreaterThan(3);
  });
});
