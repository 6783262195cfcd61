/**
 * A law: for any pipeline of requests that the proxy admits, a sharded database behind the proxy answers as one shard would,
 * in the same order, wherever the bytes are cut, and however long the ways to the shards are. On real sockets, and in a
 * simulated world where every connection has its own delays, so that requests overtake each other wherever they may.
 * Environment: ANTIPODE_RUNS multiplies the number of pipelines.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Router } from '../../src/proxy/route.ts';
import type { RouteContext } from '../../src/proxy/route-context.ts';
import type { EndpointSettings } from '../../src/proxy/endpoint.ts';
import { compileHashingPolicy, LEGACY_SLOTS, STANDARD_HASHING_RULES } from '../../src/sharding/hashing-policy.ts';
import { evenSlotMap } from '../../src/sharding/slot-map.ts';
import { SLOTS_16K, SLOTS_LEGACY } from '../../src/sharding/slot.ts';
import { ReplyFramer } from '../../src/resp/reply-framer.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { Address, World } from '../../src/world/world.ts';
import { cutAt } from '../support/chunks.ts';
import { testDatabase, type RawClient, type TestDatabase } from './fixtures.ts';
import { admitted, pipelines, shape } from './pipelines.ts';

const RUNS = 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1);

async function exchange(client: RawClient, requests: readonly string[][], cuts: readonly number[]): Promise<string[]> {
  const bytes = Buffer.from(requests.map(encodeRequest).join(''), 'latin1');
  for (const chunk of cutAt(bytes, cuts)) client.sendBytes(chunk.latin1Slice());
  return client.take(requests.length);
}

/** Three shards and other rules than the standard ones. */
function spreadBy(...regexes: string[]): Partial<EndpointSettings> {
  const compiled = compileHashingPolicy(regexes.map((regex) => ({ regex })));
  if (!compiled.ok) throw new Error(compiled.detail);
  const slots = regexes[0] === LEGACY_SLOTS.regex ? SLOTS_LEGACY : SLOTS_16K;
  return { hashing: compiled.policy, hashingRules: regexes, slotMap: evenSlotMap(3, slots) };
}

async function holds(database: TestDatabase, single: TestDatabase, protocol: 2 | 3, runs: number): Promise<void> {
  const router = new Router(database.settings.commands);
  const context: RouteContext = {
    settings: database.settings,
    account: { name: 'default', isAdmin: false, permissions: null },
  };
  await fc.assert(
    fc.asyncProperty(pipelines, fc.array(fc.nat(), { maxLength: 12 }), async (drawn, cuts) => {
      const requests = admitted(router, context, drawn);
      const proxied = await database.client();
      const direct = await single.shardClient(0);
      try {
        await Promise.all([proxied.call('FLUSHALL'), direct.call('FLUSHALL')]);
        if (protocol === 3) await Promise.all([proxied.call('HELLO', '3'), direct.call('HELLO', '3')]);
        const [found, wanted] = await Promise.all([exchange(proxied, requests, cuts), exchange(direct, requests, [])]);
        for (const [at, words] of requests.entries()) {
          expect(shape(words, found[at]!), `reply ${at} to ${JSON.stringify(words)}`).toBe(shape(words, wanted[at]!));
        }
      } finally {
        proxied.close();
        direct.close();
      }
    }),
    { numRuns: runs },
  );
}

describe('a sharded database behind the proxy', () => {
  it.each([2, 3] as const)(
    'answers any admitted pipeline as one shard does (RESP%i)',
    { timeout: 120_000 },
    async (protocol) => {
      await using database = await testDatabase({ shards: 3 });
      await using single = await testDatabase({ shards: 1 });
      await holds(database, single, protocol, RUNS);
    },
  );

  it.each([
    ['where no request may span slots', { multiSlot: false }],
    ['by rules of its own', spreadBy('(?<tag>[ab])', '\\{(?<tag>.)\\}.*')],
    ['with keys that no rule matches', spreadBy('a(?<tag>)')],
    ['over legacy slots', spreadBy(LEGACY_SLOTS.regex, ...STANDARD_HASHING_RULES.map(({ regex }) => regex))],
    ['with one request of a client at a time', { clientPipelineMax: 1 }],
    ['with one request at a shard at a time', { shardPipelineMax: 1 }],
  ] as const)('does so %s', { timeout: 120_000 }, async (_name, settings) => {
    await using database = await testDatabase({ shards: 3, settings });
    await using single = await testDatabase({ shards: 1 });
    await holds(database, single, 2, Math.ceil(RUNS / 3));
  });

  it('does so when requests may overtake each other on their ways', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(pipelines, fc.nat(), fc.constantFrom(2, 3), async (drawn, seed, protocol) => {
        const world = new SimWorld({ seed, conditions: { latencyMs: 1, jitterMs: 30, chunking: 'random' } });
        const differences = await world.run(async () => {
          await using database = await testDatabase({ world, shards: 3 });
          await using single = await testDatabase({ world, shards: 1 });
          const router = new Router(database.settings.commands);
          const requests = admitted(
            router,
            {
              settings: database.settings,
              account: { name: 'default', isAdmin: false, permissions: null },
            },
            drawn,
          );
          const all = [['HELLO', String(protocol)], ...requests];
          const [found, wanted] = await Promise.all([
            ask(world, database.endpoint.address, all),
            ask(world, single.servers[0]!.address, all),
          ]);
          return requests
            .map((words, at) => ({ words, found: shape(words, found[at + 1]!), wanted: shape(words, wanted[at + 1]!) }))
            .filter((each) => each.found !== each.wanted);
        });
        expect(differences).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Sends all at once and takes as many replies, through any world's network. */
async function ask(world: World, to: Address, requests: readonly string[][]): Promise<string[]> {
  const outcome = await world.network.from('127.9.9.9').connect(to, { timeoutMs: 5000 });
  if (!outcome.ok) throw new Error(outcome.detail);
  const { connection } = outcome;
  const replies: string[] = [];
  const framer = new ReplyFramer();
  return new Promise((resolve, reject) => {
    connection.handle({
      data(chunk) {
        framer.push(chunk, (bytes) => replies.push(bytes.latin1Slice()));
        if (replies.length < requests.length) return;
        connection.destroy();
        resolve(replies);
      },
      closed: () => reject(new Error(`${replies.length} of ${requests.length} replies`)),
    });
    connection.write(requests.map(encodeRequest).join(''));
  });
}
