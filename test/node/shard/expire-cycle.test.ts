import { expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';

it('active expiry keeps up with 50,000 keys a second, in whatever database', async () => {
  const world = new SimWorld({ seed: 1 });
  using test = testShard({ commands: dataCommands, world });
  const client = test.client();
  for (const database of ['0', '3']) {
    client.call('SELECT', database);
    for (let i = 0; i < 25_000; i++) client.session.receive(Buffer.from(`SET k${i} v PX 50\r\n`));
  }
  await world.advance(1_000);
  expect(test.shard.stats.expired).toBeGreaterThan(40_000);
  expect(test.shard.keyspaces.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(10_000);
});
