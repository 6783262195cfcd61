/** The network between two clusters fails in both directions while clients write, and heals. */

import type { Scenario } from '../src/sandbox/scenario.ts';

const ROUNDS = 5;
const WRITES_PER_ROUND = 40;

export const scenario: Scenario = {
  name: 'partition',
  description:
    'after partitions between the clusters the destination catches up from where it was, without another full sync',

  async run(actors) {
    const sandbox = await actors.sandbox();
    const orders = sandbox.cluster('east.local').database('orders');
    const copy = sandbox.cluster('west.local').database('orders-copy');
    await copy.inSync();
    const writer = await actors.client(orders);

    for (let round = 0; round < ROUNDS; round++) {
      sandbox.faults.partition('east.local', 'west.local');
      for (let at = 0; at < WRITES_PER_ROUND; at++) {
        await writer.pipeline([
          ['INCR', `counter:${at % 7}`],
          ['RPUSH', `list:${at % 5}`, `${round}/${at}`],
          ['SET', `key:${at}`, round],
        ]);
        await actors.pass(5);
      }
      // In every second round connections die of it, so that links are made anew and resume.
      if (round % 2 === 1) sandbox.faults.cut('east.local', 'west.local', 'reset');
      sandbox.faults.heal();
      await copy.inSync();
    }

    await actors.expectEqual(orders, copy);
    const { fullSyncs, partialSyncs } = copy.status();
    actors.expect(fullSyncs === 1, `one full sync in all (there were ${fullSyncs})`);
    actors.expect(partialSyncs > 0, 'links that were made anew went on from where they were');
  },
};
