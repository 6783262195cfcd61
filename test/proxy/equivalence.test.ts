/**
 * A law: for any pipeline of requests that the proxy admits, a sharded database behind the proxy answers as one shard would,
 * in the same order, wherever the bytes are cut. Requests come from the declarations of the commands, keys from small pools.
 *
 * Looseness, named: KEYS is compared without order; what shows chance, time, identity or the configuration is not asked.
 * Environment: ANTIPODE_RUNS multiplies the number of pipelines.
 */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../src/node/commands/index.ts';
import { BLOCKED_COMMANDS } from '../../src/proxy/blocked-commands.ts';
import { itemsOf } from '../../src/proxy/reply-text.ts';
import { Router, type RouteContext } from '../../src/proxy/route.ts';
import type { Anchor } from '../../src/proxy/key-slots.ts';
import { Refusal } from '../../src/resp/refusals.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { cutAt } from '../support/chunks.ts';
import { mutated, POOLS, requestsFrom } from '../support/request-generator.ts';
import { testDatabase, type RawClient } from './fixtures.ts';

const RUNS = 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1);

const NOT_ASKED =
  /^(RANDOMKEY|SCAN|.*RANDMEMBER|HRANDFIELD|SPOP|TIME|LOLWUT|INFO|PTTL|P?EXPIRETIME|HP?TTL|HP?EXPIRETIME|DEBUG|CONFIG .*|CLIENT .*|COMMAND.*|OBJECT (IDLETIME|FREQ)|MEMORY .*|HELLO|AUTH|QUIT|RESET|P?S?SUBSCRIBE|P?S?UNSUBSCRIBE|PUBSUB .*|SELECT|MULTI|EXEC|DISCARD|WATCH|UNWATCH)$/;

const pools = {
  ...POOLS,
  key: ['a', 'b', 'c', '{t}a', '{t}b', '{t}c', 'k\xff\r\n'],
  byName: { ...POOLS.byName, timeout: ['0.001', '0.002', '-1', 'x'] },
};
const blocked: readonly string[] = Object.values(BLOCKED_COMMANDS).flat();
const asked = dataCommands.filter(({ name }) => !NOT_ASKED.test(name) && !blocked.includes(name));
const data = requestsFrom(asked, pools);
const tagged = requestsFrom(asked, { ...pools, key: ['{t}a', '{t}b', '{t}c'] });
const commonly = requestsFrom(
  dataCommands.filter(({ name }) =>
    ['GET', 'SET', 'DEL', 'UNLINK', 'EXISTS', 'TOUCH', 'MGET', 'MSET', 'INCR', 'DBSIZE', 'KEYS'].includes(name),
  ),
  pools,
);
const control = fc
  .constantFrom(
    ...[
      ['MULTI'],
      ['MULTI'],
      ['EXEC'],
      ['EXEC'],
      ['DISCARD'],
      ['WATCH', '{t}a'],
      ['WATCH', '{t}a', '{t}b'],
      ['UNWATCH'],
      ['WATCH'],
    ],
    ...[
      ['PING'],
      ['PING', 'x'],
      ['ECHO', 'y'],
      ['ECHO'],
      ['SELECT', '0'],
      ['SELECT', '9'],
      ['NOSUCH', 'a'],
      ['get'],
      ['OBJECT', 'NOSUCH'],
    ],
  )
  .map((words) => [...words]);
const pipelines = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: mutated(data) },
    { weight: 4, arbitrary: tagged },
    { weight: 3, arbitrary: commonly },
    { weight: 3, arbitrary: control },
  ),
  { minLength: 1, maxLength: 40 },
);

/** Nobody else is there to end a wait: it must end by itself. */
function waitsForLong(words: readonly string[]): boolean {
  const name = words[0]!.toUpperCase();
  if (!/^B(L|R|Z)/.test(name)) return false;
  const timeout = Number(name.endsWith('MPOP') ? words[1] : words.at(-1));
  return timeout === 0 || timeout > 0.01;
}

/** Leaves out what the proxy does not admit though a shard would (keys in several slots, whole-database requests in MULTI). */
function admitted(router: Router, context: RouteContext, requests: readonly string[][]): string[][] {
  let anchor: Anchor | null = null;
  let isOpen = false;
  let isWatching = false;
  const kept: string[][] = [];
  for (const words of requests) {
    const name = words[0]!.toUpperCase();
    if (waitsForLong(words)) continue;
    if (isOpen) {
      const route = router.routeQueued(words, context, anchor);
      if (route.to === 'refuse' && !/^ERR (unknown|wrong number)/.test(route.refusal.message)) continue;
      if (route.to === 'queue') anchor = route.anchor;
    } else {
      const route = router.route(words, context);
      if (route.to === 'refuse' && !/^ERR (unknown|wrong number)/.test(route.refusal.message)) continue;
      if (route.to === 'session' && route.step === 'WATCH') {
        const found = router.routeWatch(words, context.settings, anchor);
        if (found instanceof Refusal) continue;
        anchor = found.anchor;
        isWatching = true;
      }
    }
    if (name === 'MULTI' && words.length === 1) isOpen = true;
    if ((name === 'EXEC' || name === 'DISCARD') && words.length === 1 && isOpen) {
      isOpen = false;
      isWatching = false;
      anchor = null;
    }
    if (name === 'UNWATCH' && words.length === 1 && !isOpen) isWatching = false;
    if (!isOpen && !isWatching) anchor = null;
    kept.push(words);
  }
  return kept;
}

const shape = (words: readonly string[], reply: string): string =>
  words[0]!.toUpperCase() === 'KEYS' && reply.startsWith('*') ? itemsOf(reply).sort().join('') : reply;

async function exchange(client: RawClient, requests: readonly string[][], cuts: readonly number[]): Promise<string[]> {
  const bytes = Buffer.from(requests.map(encodeRequest).join(''), 'latin1');
  for (const chunk of cutAt(bytes, cuts)) client.sendBytes(chunk.latin1Slice());
  return client.take(requests.length);
}

describe('a sharded database behind the proxy', () => {
  it.each([2, 3] as const)(
    'answers any admitted pipeline as one shard does (RESP%i)',
    { timeout: 120_000 },
    async (protocol) => {
      await using database = await testDatabase({ shards: 3 });
      await using single = await testDatabase({ shards: 1 });
      const router = new Router(database.settings.commands);
      const context: RouteContext = { settings: database.settings, authenticated: true, admin: false };
      await fc.assert(
        fc.asyncProperty(pipelines, fc.array(fc.nat(), { maxLength: 12 }), async (drawn, cuts) => {
          const requests = admitted(router, context, drawn);
          const proxied = await database.client();
          const direct = await single.shardClient(0);
          try {
            await Promise.all([proxied.call('FLUSHALL'), direct.call('FLUSHALL')]);
            if (protocol === 3) await Promise.all([proxied.call('HELLO', '3'), direct.call('HELLO', '3')]);
            const [found, wanted] = await Promise.all([
              exchange(proxied, requests, cuts),
              exchange(direct, requests, []),
            ]);
            for (const [at, words] of requests.entries()) {
              expect(shape(words, found[at]!), `reply ${at} to ${JSON.stringify(words)}`).toBe(
                shape(words, wanted[at]!),
              );
            }
          } finally {
            proxied.close();
            direct.close();
          }
        }),
        { numRuns: RUNS },
      );
    },
  );
});
