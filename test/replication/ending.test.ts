/** SHUTDOWN and signals: the end waits for replicas that lag, and may be taken back. [redis tests integration/shutdown.tcl] */

import { describe, expect, it } from 'vitest';
import { Ending, type EndWish } from '../../src/node/shard/ending.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { TestClient } from '../support/fixtures.ts';
import { startShardAt, type OutsideShard } from '../support/sim-shards.ts';

const HOST = '10.0.0.1';
const WISH: EndWish = { saving: 'as-configured', isNow: false, isForced: false };
const FAILED = 'ERR Errors trying to SHUTDOWN. Check logs.';

interface Pair {
  readonly world: SimWorld;
  readonly primary: OutsideShard;
  readonly replica: OutsideShard;
  readonly ending: Ending;
  /** Names of what the log was told, as of the wish. */
  readonly told: string[];
  /** Wishes that were to be fulfilled. */
  readonly ended: EndWish[];
  /** They can be. */
  ends: boolean;
  passes(ms: number): Promise<void>;
  /** In Redis's words; undefined: it does not wait. */
  remainingMs(): number | undefined;
}

/** A primary whose replica does not read for `lagMs`, though there is a write for it. */
async function withLag(lagMs: number, run: (pair: Pair) => Promise<void>): Promise<void> {
  const told: string[] = [];
  const world = new SimWorld({ seed: 1, log: { event: (name) => void told.push(name) } });
  await world.run(async () => {
    using primary = await startShardAt(world, HOST, { 'shutdown-timeout': '10' });
    using replica = await startShardAt(world, '10.0.0.2');
    const passes = (ms: number): Promise<void> => new Promise((resolve) => world.clock.after(ms, resolve));
    replica.client.call('REPLICAOF', HOST, '6379');
    primary.client.call('SET', 'k', 'before');
    for (let waits = 0; replica.client.call('GET', 'k') !== 'before'; waits++) {
      if (waits > 1000) throw new Error('the replica got nothing');
      await passes(10);
    }
    await passes(2000); // it has acknowledged that
    const ended: EndWish[] = [];
    const finish = async (wish: EndWish): Promise<boolean> => {
      ended.push(wish);
      return pair.ends;
    };
    const ending = new Ending(primary.shard, finish);
    primary.shard.ending = ending;
    told.length = 0;
    const remainingMs = (): number | undefined => {
      const found = /shutdown_in_milliseconds:(\d+)/.exec(String(primary.client.call('INFO', 'server')));
      return found === null ? undefined : Number(found[1]);
    };
    const pair: Pair = { world, told, primary, replica, ending, ended, ends: true, passes, remainingMs };
    if (lagMs > 0) replica.shard.hold(lagMs);
    primary.client.call('SET', 'k', 'after');
    await run(pair);
  });
}

describe('SHUTDOWN', () => {
  it('waits until the replica has everything, and nobody writes meanwhile', async () => {
    await withLag(4000, async ({ primary, replica, ended, told, passes, remainingMs }) => {
      const { client, shard } = primary;
      const [one, other, writer] = [new TestClient(shard), new TestClient(shard), new TestClient(shard)];
      for (const each of [one, other]) each.send('SHUTDOWN', 'NOSAVE');
      expect(client.call('INFO', 'clients')).toContain('blocked_clients:2');
      writer.send('SET', 'k', 'too late');
      await passes(1000);
      expect(remainingMs()).toBeGreaterThan(8000);
      expect(remainingMs()).toBeLessThanOrEqual(9000);
      expect(ended).toEqual([]);
      await passes(5000);
      expect(ended).toEqual([{ saving: 'nosave', isNow: false, isForced: false }]);
      expect(replica.client.call('GET', 'k')).toBe('after');
      expect([one, other, writer].flatMap(({ replies }) => replies)).toEqual([]);
      expect(told).toEqual(['shutdown-wanted', 'waiting-for-replicas', 'replicas-at-end']);
    });
  });

  it('waits no longer than shutdown-timeout, and not at all where that is 0, with NOW, or when nothing lags', async () => {
    await withLag(60_000, async ({ primary, ended, told, passes }) => {
      primary.client.send('SHUTDOWN');
      await passes(9000);
      expect(ended).toEqual([]);
      await passes(2000);
      expect(ended).toEqual([WISH]);
      expect(told).toEqual(['shutdown-wanted', 'waiting-for-replicas', 'replica-lags', 'replicas-at-end']);
    });
    await withLag(60_000, async ({ primary, ended }) => {
      primary.client.send('SHUTDOWN', 'NOW', 'FORCE');
      expect(ended).toEqual([{ ...WISH, isNow: true, isForced: true }]);
    });
    await withLag(60_000, async ({ primary, ended }) => {
      primary.client.call('CONFIG', 'SET', 'shutdown-timeout', '0');
      primary.client.send('SHUTDOWN');
      expect(ended).toEqual([WISH]);
    });
    await withLag(0, async ({ primary, ended, passes }) => {
      await passes(3000);
      primary.client.send('SHUTDOWN');
      expect(ended).toEqual([WISH]);
    });
  });

  it('ABORT takes it back, whoever waits for it is told, and what waited is written', async () => {
    await withLag(60_000, async ({ primary, ending, ended, told, passes, remainingMs }) => {
      const { client, shard } = primary;
      expect(client.bytes('SHUTDOWN', 'ABORT')).toBe('-ERR No shutdown in progress.\r\n');
      expect(client.bytes('SHUTDOWN', 'ABORT', 'NOW')).toBe('-ERR syntax error\r\n');
      const [one, other, writer] = [new TestClient(shard), new TestClient(shard), new TestClient(shard)];
      for (const each of [one, other]) each.send('SHUTDOWN');
      writer.send('SET', 'k', 'in time');
      await passes(1000);
      client.call('CLIENT', 'UNPAUSE'); // that was another pause
      expect(writer.replies).toEqual([]);
      expect(client.call('SHUTDOWN', 'ABORT')).toBe('OK');
      expect(told.at(-1)).toBe('shutdown-aborted');
      await passes(100);
      for (const each of [one, other]) expect(each.replies.map(String)).toEqual([`ReplyError: ${FAILED}`]);
      expect(writer.replies).toEqual(['OK']);
      expect(remainingMs()).toBeUndefined();
      // Of a signal, before anything was begun for it
      expect(client.call('DEBUG', 'PAUSE-CRON', '1')).toBe('OK');
      ending.ask(WISH);
      expect(client.call('SHUTDOWN', 'ABORT')).toBe('OK');
      expect(client.call('DEBUG', 'PAUSE-CRON', '0')).toBe('OK');
      await passes(20_000);
      expect(ended).toEqual([]);
      ending.ask(WISH);
      await passes(20_000);
      expect(ended).toEqual([WISH]);
    });
  });

  it('is refused, and the shard goes on, when the data cannot be saved', async () => {
    await withLag(3000, async (pair) => {
      const { client, shard } = pair.primary;
      pair.ends = false;
      const asking = new TestClient(shard);
      asking.send('SHUTDOWN');
      await pair.passes(6000);
      expect(asking.replies.map(String)).toEqual([`ReplyError: ${FAILED}`]);
      expect(client.call('SET', 'k', 'goes on')).toBe('OK');
      expect(pair.told).toContain('shutdown-failed');
      pair.ends = true;
      asking.send('SHUTDOWN', 'NOW');
      await pair.passes(1);
      expect(pair.ended).toEqual([WISH, { ...WISH, isNow: true }]);
    });
  });
});
