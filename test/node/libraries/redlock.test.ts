/** redlock over three shards: one holder at a time, as long as most of the shards answer. */

import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { servedShard, type ServedShard } from '../../support/served-shard.ts';

interface Lock {
  readonly expiration: number;
  extend(durationMs: number): Promise<Lock>;
  release(): Promise<unknown>;
}
interface Redlock {
  acquire(resources: readonly string[], durationMs: number, settings?: { readonly retryCount: number }): Promise<Lock>;
  using<T>(resources: readonly string[], durationMs: number, routine: () => Promise<T>): Promise<T>;
  on(event: 'error', listener: (error: Error) => void): void;
}
// Its package does not say where its types are
const require = createRequire(import.meta.url);
const { default: Locks } = require('redlock') as {
  readonly default: new (
    clients: readonly Redis[],
    settings?: { readonly retryCount: number; readonly retryDelay: number },
  ) => Redlock;
};

class Deployment implements AsyncDisposable {
  readonly shards: ServedShard[] = [];
  readonly clients: Redis[] = [];
  static async of(count: number): Promise<Deployment> {
    const deployment = new Deployment();
    for (let at = 0; at < count; at++) {
      const shard = await servedShard();
      deployment.shards.push(shard);
      const client = new Redis(shard.port, '127.0.0.1', { maxRetriesPerRequest: 0 });
      client.on('error', () => undefined);
      deployment.clients.push(client);
    }
    return deployment;
  }
  locks(retryCount: number): Redlock {
    const locks = new Locks(this.clients, { retryCount, retryDelay: 10 });
    locks.on('error', () => undefined); // what a single shard refuses
    return locks;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.disconnect();
    for (const shard of this.shards) await shard[Symbol.asyncDispose]();
  }
}

describe('redlock over three shards', () => {
  it('lets one in, refuses the others, extends, and lets the next in after release or expiry', async () => {
    await using deployment = await Deployment.of(3);
    const [mine, theirs] = [deployment.locks(0), deployment.locks(0)];
    let lock = await mine.acquire(['door', 'window'], 30_000);
    await expect(theirs.acquire(['door'], 1_000)).rejects.toThrow(/unable to achieve a quorum/);
    const before = lock.expiration;
    lock = await lock.extend(60_000);
    expect(lock.expiration).toBeGreaterThan(before);
    for (const client of deployment.clients) expect(await client.pttl('door')).toBeGreaterThan(30_000);
    await lock.release();
    for (const client of deployment.clients) expect(await client.dbsize()).toBe(0);
    await theirs.acquire(['door'], 200);
    await expect(mine.acquire(['door'], 1_000)).rejects.toThrow();
    await eventually(async () => (await mine.acquire(['door'], 1_000).catch(() => null)) !== null, {
      withinMs: 10_000,
      what: 'the lock has expired and is free',
    });
  });

  it('never lets two into a section, of many who try', async () => {
    await using deployment = await Deployment.of(3);
    let inside = 0;
    let most = 0;
    let counter = 0;
    const work = async (locks: Redlock): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        await locks.using(['section'], 5_000, async () => {
          most = Math.max(most, ++inside);
          const seen = counter;
          await deployment.clients[0]!.ping();
          counter = seen + 1;
          inside--;
        });
      }
    };
    await Promise.all(Array.from({ length: 6 }, () => work(deployment.locks(-1))));
    expect([most, counter]).toEqual([1, 30]);
  });

  it('goes on with two of them, and not with one', async () => {
    await using deployment = await Deployment.of(3);
    const locks = deployment.locks(0);
    await (await locks.acquire(['door'], 10_000)).release();
    await deployment.shards[0]![Symbol.asyncDispose]();
    await (await locks.acquire(['door'], 10_000)).release();
    await deployment.shards[1]![Symbol.asyncDispose]();
    await expect(locks.acquire(['door'], 10_000)).rejects.toThrow(/unable to achieve a quorum/);
  });
});
