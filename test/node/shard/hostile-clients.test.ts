/**
 * No client can crash a shard. Requests are random, drawn from every declaration, and mutated as words and as bytes; nothing may
 * be thrown out of `Session.receive`, and the shard still answers. ANTIPODE_RUNS scales (50 makes 100,000 requests).
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { cutAt } from '../../support/chunks.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';
import { hostileBytes } from '../../support/hostile-requests.ts';

const SCALE = Number(process.env['ANTIPODE_RUNS'] ?? 1);
const REQUESTS = 2_000;
const REQUESTS_PER_SHARD = 50;

function answers(client: TestClient): boolean {
  return !client.closed && client.bytes('PING') === '+PONG\r\n';
}

describe('hostile clients', () => {
  it('cannot prepare keys that fall into one bucket: every shard hashes by a seed of its own', () => {
    const orders = [1, 2, 1].map((seed) => {
      using test = testShard({ commands: dataCommands, world: new SimWorld({ seed }) });
      const client = test.client();
      for (let i = 0; i < 64; i++) client.call('SET', `k${i}`, 'v');
      return client.bytes('SCAN', '0', 'COUNT', '100');
    });
    expect(orders[0]).not.toBe(orders[1]);
    expect(orders[0]).toBe(orders[2]);
  });

  it('any requests, broken or not, in any chunks, are survived', { timeout: 60_000 * SCALE }, async () => {
    const runs = Math.ceil((REQUESTS * SCALE) / REQUESTS_PER_SHARD);
    const attack = fc.array(fc.tuple(fc.nat(2), hostileBytes, fc.array(fc.nat(100_000), { maxLength: 3 })), {
      minLength: REQUESTS_PER_SHARD,
      maxLength: REQUESTS_PER_SHARD,
      size: 'max',
    });
    await fc.assert(
      fc.asyncProperty(attack, async (sendings) => {
        const world = new SimWorld({ seed: 1 });
        using test = testShard({ commands: dataCommands, world });
        const clients = [test.client(), test.client(), test.client()];
        for (const [at, text, cuts] of sendings) {
          if (clients[at]!.closed) clients[at] = test.client();
          // A reply of RESP3 is nothing for the client's reader
          clients[at]!.session.wireProtocol = 2;
          for (const chunk of cutAt(Buffer.from(text, 'latin1'), cuts)) clients[at]!.session.receive(chunk);
        }
        await world.advance(1_000);
        test.shard.config.set([['requirepass', '']]);
        expect(answers(test.client())).toBe(true);
      }),
      { numRuns: runs },
    );
  });
});
