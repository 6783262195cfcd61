/** The internal password of a source is regenerated: its destinations stop until they are given the new URL. */

import type { Scenario } from '../src/sandbox/scenario.ts';

export const scenario: Scenario = {
  name: 'password-regenerated',
  description:
    'a regenerated password stops the destination; with the new source URL it starts from scratch and is in sync',

  async run(actors) {
    const sandbox = await actors.sandbox();
    const east = sandbox.cluster('east.local');
    const west = sandbox.cluster('west.local');
    const copy = west.database('orders-copy');
    await copy.inSync();
    const writer = await actors.client(east.database('orders'));
    await writer.call('SET', 'before', '1');
    await copy.inSync();
    const before = copy.status();

    await east.regeneratePassword('orders');
    await actors.eventually(() => copy.status().replicaSync === 'stopped', {
      withinMs: 60_000,
      what: 'Replica Of stops',
    });
    actors.expect(
      /WRONGPASS|NOAUTH|auth/i.test(copy.status().stopped),
      `it stopped because of the password (${copy.status().stopped})`,
    );
    await writer.call('SET', 'meanwhile', '2');
    const reader = await actors.client(copy);
    actors.expect((await reader.call('GET', 'before')) === '1', 'what had arrived is still there');
    actors.expect((await reader.call('GET', 'meanwhile')) === null, 'nothing arrives while it is stopped');

    await west.updateDatabase('orders-copy', { replicaSources: [{ uri: east.database('orders').sourceUrl() }] });
    await actors.eventually(() => copy.status().replicaSync === 'enabled', {
      withinMs: 5_000,
      what: 'the new URL enables it',
    });
    await copy.inSync();
    actors.expect((await reader.call('GET', 'meanwhile')) === '2', 'the missed write has arrived');
    actors.expect(copy.status().fullSyncs > before.fullSyncs, 'it started from scratch');
    await actors.expectEqual(east.database('orders'), copy);
  },
};
