/** `bind-source-addr`: where a replica dials its primary from, asked anew for each connection. */

import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import { inSync, servedShard } from '../support/replication.ts';
import { startShardAt } from '../support/sim-shards.ts';

const WITHIN_MS = 15_000;

it('is the address that the primary sees of its replica, until it is another one', async () => {
  const world = new SimWorld({ seed: 1 });
  await world.run(async () => {
    using primary = await startShardAt(world, '10.0.0.1');
    using replica = await startShardAt(world, '10.0.0.2', { 'bind-source-addr': '10.0.0.7' });
    const seen = (): string[] =>
      Array.from(
        primary.client.bytes('INFO', 'replication').matchAll(/^slave\d+:ip=([^,]+),.*state=online/gm),
        ([, ip]) => ip!,
      );
    const isSeenAt = async (ip: string): Promise<void> => {
      for (let waits = 0; seen().join() !== ip; waits++) {
        if (waits > 1000) throw new Error(`seen at ${seen().join()}, not ${ip}`);
        await new Promise<void>((resolve) => world.clock.after(10, resolve));
      }
    };
    replica.client.call('REPLICAOF', '10.0.0.1', '6379');
    await isSeenAt('10.0.0.7');
    replica.client.call('CONFIG', 'SET', 'bind-source-addr', '');
    expect(seen()).toEqual(['10.0.0.7']);
    primary.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
    await isSeenAt('10.0.0.2');
  });
});

it('is honoured on real sockets; what is no address keeps the link down, and harms nothing else', async () => {
  await using primary = await servedShard();
  await using replica = await servedShard();
  await replica.call('CONFIG', 'SET', 'bind-source-addr', 'nonsense');
  await replica.call('REPLICAOF', primary.host, String(primary.port));
  await eventually(async () => (await replica.info('replication'))['master_link_status'] === 'down', {
    withinMs: WITHIN_MS,
    what: 'the link is down',
  });
  await replica.call('CONFIG', 'SET', 'bind-source-addr', '127.0.0.2');
  await inSync(primary, replica);
  expect(String((await primary.info('replication'))['slave0'])).toContain('ip=127.0.0.2,');
});
