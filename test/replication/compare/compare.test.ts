import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import { serveShard } from '../../../src/node/shard/resp-server.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { CHECKPOINT_KEY } from '../../../src/replication/replica-of/checkpoint.ts';
import { compareServers, type CompareReport } from '../../../src/replication/compare/compare.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { TestClient } from '../../support/fixtures.ts';
import { sourceUrl } from '../../support/replica-of.ts';
import { inSimulation } from '../../support/sandboxes.ts';

const FROM = 'redis://10.0.0.1:6379';
const TO = 'redis://10.0.0.2:6379';

interface Pair {
  readonly world: SimWorld;
  readonly from: TestClient;
  readonly to: TestClient;
  compare(): Promise<CompareReport>;
}

/** Two shards in a simulated world, and what the comparison says of them. */
async function withPair(story: (pair: Pair) => Promise<void>): Promise<void> {
  const world = new SimWorld({ seed: 1, conditions: { latencyMs: 1 } });
  const shards = [FROM, TO].map((url) => ({
    shard: new Shard({ world, commands: shardCommands }),
    at: sourceUrl(url),
  }));
  await world.run(async () => {
    for (const { shard, at } of shards) await serveShard(shard, world.network.from(at.host), at);
    const compare = () => compareServers({ world, from: { url: sourceUrl(FROM) }, to: { url: sourceUrl(TO) } });
    await story({ world, from: new TestClient(shards[0]!.shard), to: new TestClient(shards[1]!.shard), compare });
    for (const { shard } of shards) shard.close();
  });
}

const fill = (client: TestClient): void => {
  client.call('SET', 'string', 'a');
  client.call('RPUSH', 'list', 'a', 'b');
  client.call('HSET', 'hash', 'f', 'v', 'g', 'w');
  client.call('SADD', 'set', '1', '2', 'x');
  client.call('ZADD', 'sorted', '0.1', 'm', '2', 'n');
  client.call('SET', 'expiring', 'x', 'PXAT', '2000000000000');
  client.call('SELECT', '3');
  client.call('SET', 'elsewhere', 'x');
  client.call('SELECT', '0');
};

describe('compareServers', () => {
  it('says equal of equal data, whatever their encoding, order and checkpoint', () =>
    withPair(async ({ from, to, compare }) => {
      to.call('CONFIG', 'SET', 'hash-max-listpack-entries', '0');
      to.call('CONFIG', 'SET', 'set-max-listpack-entries', '0');
      fill(from);
      fill(to);
      to.call('DEL', 'set');
      to.call('SADD', 'set', 'x', '2', '1');
      to.call('HSET', CHECKPOINT_KEY, 'generation', 'x');
      expect(await compare()).toMatchObject({
        verdict: 'equal',
        keys: { from: 7, to: 7 },
        compared: 7,
        differences: [],
        detail: '',
      });
    }));

  it('names every kind of difference', () =>
    withPair(async ({ from, to, compare }) => {
      fill(from);
      fill(to);
      to.call('DEL', 'string');
      to.call('SET', 'only here', 'x');
      to.call('LSET', 'list', '1', 'c');
      to.call('PERSIST', 'expiring');
      to.call('SELECT', '3');
      to.call('SET', 'elsewhere', 'y\n');
      const report = await compare();
      expect(report).toMatchObject({ verdict: 'diverged', counts: { missing: 1, extra: 1, value: 2, expiry: 1 } });
      expect(report.differences.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
        { database: 3, key: 'elsewhere', reason: 'value', from: 'string "x"', to: 'string "y\\x0a"' },
        {
          database: 0,
          key: 'expiring',
          reason: 'expiry',
          from: 'expires 2033-05-18T03:33:20.000Z',
          to: 'never expires',
        },
        { database: 0, key: 'list', reason: 'value', from: 'list of 2', to: 'list of 2' },
        { database: 0, key: 'only here', reason: 'extra', from: 'none', to: 'string "x"' },
        { database: 0, key: 'string', reason: 'missing', from: 'string "a"', to: 'none' },
      ]);
    }));

  it('takes expiry times as equal that are less than a second apart, and no further', () =>
    withPair(async ({ from, to, compare }) => {
      from.call('SET', 'near', 'x', 'PXAT', '2000000000000');
      to.call('SET', 'near', 'x', 'PXAT', '2000000001000');
      expect((await compare()).verdict).toBe('equal');
      to.call('SET', 'near', 'x', 'PXAT', '2000000001001');
      expect(await compare()).toMatchObject({ verdict: 'diverged', counts: { expiry: 1 } });
    }));

  it('waits for writes that are on their way', () =>
    withPair(async ({ world, from, to, compare }) => {
      fill(from);
      fill(to);
      from.call('INCR', 'counter');
      world.clock.after(300, () => to.call('INCR', 'counter'));
      expect((await compare()).verdict).toBe('equal');
    }));

  it('cannot decide while a key that differs keeps changing', () =>
    withPair(async ({ world, from, to, compare }) => {
      let isOver = false;
      const change = (): void => {
        from.call('INCR', 'hot');
        if (!isOver) world.clock.after(10, change);
      };
      to.call('SET', 'hot', 'behind');
      change();
      expect(await compare()).toMatchObject({
        verdict: 'undecided',
        changing: 1,
        detail: '1 keys are different and still changing',
      });
      isOver = true;
    }));

  it('finds one key in ten thousand', () =>
    withPair(async ({ from, to, compare }) => {
      for (let at = 0; at < 10_000; at++) for (const each of [from, to]) each.call('SET', `key:${at}`, String(at));
      to.call('SET', 'key:7777', 'tampered');
      const report = await compare();
      expect(report).toMatchObject({
        verdict: 'diverged',
        counts: { missing: 0, extra: 0, value: 1, expiry: 0 },
        differences: [{ key: 'key:7777' }],
      });
    }));

  it('ends early when hardly anything agrees', () =>
    withPair(async ({ from, compare }) => {
      for (let at = 0; at < 12_000; at++) from.call('SET', `key:${at}`, 'x');
      const report = await compare();
      expect(report).toMatchObject({ verdict: 'diverged', endedEarly: true });
      expect(report.counts.missing).toBeGreaterThanOrEqual(10_000);
      expect(report.differences).toHaveLength(1_000);
    }));

  it('is undecided when a server is not to be had or refuses us', () =>
    withPair(async ({ world, to, compare }) => {
      const nowhere = await compareServers({
        world,
        from: { url: sourceUrl('redis://10.0.0.3:1') },
        to: { url: sourceUrl(TO) },
      });
      expect(nowhere).toMatchObject({
        verdict: 'undecided',
        detail: expect.stringMatching(/source 10\.0\.0\.3:1 .*refused/),
      });
      to.call('CONFIG', 'SET', 'requirepass', 'secret');
      expect(await compare()).toMatchObject({
        verdict: 'undecided',
        detail: expect.stringMatching(/destination 10\.0\.0\.2:6379.*NOAUTH/),
      });
    }));

  it('compares through endpoints, where DEBUG is refused and only database 0 exists', () =>
    inSimulation({}, async ({ world, sandbox, connect }) => {
      const orders = sandbox.cluster('east.local').database('orders');
      const copy = sandbox.cluster('west.local').database('orders-copy');
      const client = await connect(orders);
      await client.ask('MSET', 'a', '1', 'b', '2', 'c', '3');
      await client.ask('ZADD', 'z', '0.1', 'm');
      await copy.inSync();
      const urlOf = (of: typeof orders) => ({ url: sourceUrl(`redis://${of.host}:${of.port}`) });
      expect(await compareServers({ world, from: urlOf(orders), to: urlOf(copy) })).toMatchObject({
        verdict: 'equal',
        compared: 4,
      });

      const shard = new Shard({ world, commands: shardCommands });
      const at = sourceUrl(FROM);
      await serveShard(shard, world.network.from(at.host), at);
      const lone = new TestClient(shard);
      lone.call('MSET', 'a', '1', 'b', '2', 'c', '3');
      lone.call('ZADD', 'z', '0.1', 'm');
      expect((await compareServers({ world, from: { url: at }, to: urlOf(copy) })).verdict).toBe('equal');
      lone.call('SELECT', '1');
      lone.call('SET', 'a', '1');
      expect(await compareServers({ world, from: { url: at }, to: urlOf(copy) })).toMatchObject({
        verdict: 'diverged',
        differences: [{ database: 1, key: 'a', reason: 'missing' }],
      });
      shard.close();
      client.close();
    }));
});
