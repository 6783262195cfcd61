/** A database and its copy in another cluster, differently sharded: every kind of write arrives. */

import type { Scenario } from '../src/sandbox/scenario.ts';

const TTL_MS = 60_000;

export const scenario: Scenario = {
  name: 'one-source',
  description: 'writes to a database of two shards arrive in its copy of three shards, in another cluster',

  async run(actors) {
    const sandbox = await actors.sandbox();
    const orders = sandbox.cluster('east.local').database('orders');
    const copy = sandbox.cluster('west.local').database('orders-copy');
    await copy.inSync();

    const writer = await actors.client(orders);
    const reader = await actors.client(copy);

    await writer.call('SET', 'user:1', 'a');
    await actors.eventually(async () => (await reader.call('GET', 'user:1')) === 'a', {
      withinMs: 5_000,
      what: 'user:1 at the destination',
    });

    // Ten keys that live on both shards of the source, and on all three of the destination.
    const pairs = Array.from({ length: 10 }, (_, index) => [`item:${index}`, `value ${index}`]);
    await writer.call('MSET', ...pairs.flat());
    await copy.inSync();
    const values = await reader.call('MGET', ...pairs.map(([key]) => key!));
    actors.expect(
      JSON.stringify(values) === JSON.stringify(pairs.map(([, value]) => value)),
      'all ten keys of one MSET have arrived',
    );

    // A time to live travels as a point in time.
    await writer.call('SET', 'session', 'x', 'PX', TTL_MS);
    await writer.call('RPUSH', 'list', 'one', 'two', 'three');
    await writer.call('HSET', 'hash', 'field', 'Zürich');
    await writer.call('ZADD', 'scores', '1.5', 'member');
    await writer.call('INCR', 'counter');
    await writer.call('DEL', 'item:0', 'item:1');
    await copy.inSync();
    const expiries = [await writer.call('PEXPIRETIME', 'session'), await reader.call('PEXPIRETIME', 'session')];
    actors.expect(
      expiries[0] === expiries[1],
      `both sides expire the session at the same moment (${expiries.join(' and ')})`,
    );
    actors.expect(
      (await reader.call('EXISTS', 'item:0', 'item:1')) === 0,
      'deleted keys are deleted at the destination',
    );
    await actors.expectEqual(orders, copy);
    actors.expect(copy.status().fullSyncs === 1, 'one full sync');
  },
};
