/**
 * Pipelines of requests for the law that a sharded database behind the proxy is as good as one shard: drawn from the declarations of
 * the commands, keys from small pools, less what the proxy does not admit.
 *
 * Looseness, named: KEYS is compared without order; what shows chance, time, identity or the configuration is not asked.
 */

import fc from 'fast-check';
import { dataCommands } from '../../src/node/commands/index.ts';
import { BLOCKED_COMMANDS } from '../../src/proxy/blocked-commands.ts';
import type { Anchor } from '../../src/proxy/key-slots.ts';
import { itemsOf } from '../../src/proxy/reply-text.ts';
import type { Router } from '../../src/proxy/route.ts';
import type { RouteContext } from '../../src/proxy/route-context.ts';
import { Refusal } from '../../src/resp/refusals.ts';
import { mutated, POOLS, requestsFrom } from '../support/request-generator.ts';

const NOT_ASKED =
  /^(RANDOMKEY|SCAN|.*RANDMEMBER|HRANDFIELD|SPOP|TIME|LOLWUT|INFO|P?TTL|P?EXPIRETIME|HP?TTL|HP?EXPIRETIME|DEBUG|CONFIG .*|CLIENT .*|COMMAND.*|OBJECT (IDLETIME|FREQ)|MEMORY .*|HELLO|AUTH|QUIT|RESET|P?S?SUBSCRIBE|P?S?UNSUBSCRIBE|PUBSUB .*|SELECT|ACL .*|SLOWLOG .*|LATENCY .*|MONITOR|MULTI|EXEC|DISCARD|WATCH|UNWATCH)$/;

const pools = {
  ...POOLS,
  key: ['a', 'b', 'c', '{t}a', '{t}b', '{t}c', 'k\xff\r\n'],
  byName: { ...POOLS.byName, timeout: ['0.001', '0.002', '-1', 'x'] },
};
const blocked: readonly string[] = Object.values(BLOCKED_COMMANDS).flat();
const isBlocked = (name: string): boolean => blocked.includes(name) || blocked.includes(name.split(' ')[0]!);
const asked = dataCommands.filter(({ name }) => !NOT_ASKED.test(name) && !isBlocked(name));
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
export const pipelines = fc.array(
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
  if (name === 'XREAD') return words.some((word) => word.toUpperCase() === 'BLOCK');
  if (!/^B(L|R|Z)/.test(name)) return false;
  const timeout = Number(name.endsWith('MPOP') ? words[1] : words.at(-1));
  return timeout === 0 || timeout > 0.01;
}

/** Two shards do not run it at one moment. */
const takesIdFromClock = (words: readonly string[]): boolean =>
  words[0]!.toUpperCase() === 'XADD' && words.some((word) => /^(?:\d+-)?\*$/.test(word));

/** Leaves out what the proxy does not admit though a shard would (keys in several slots, whole-database requests in MULTI). */
export function admitted(router: Router, context: RouteContext, requests: readonly string[][]): string[][] {
  let anchor: Anchor | null = null;
  let isOpen = false;
  let isWatching = false;
  const kept: string[][] = [];
  for (const words of requests) {
    const name = words[0]!.toUpperCase();
    if (waitsForLong(words) || takesIdFromClock(words)) continue;
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

/** KEYS has no order. */
export const shape = (words: readonly string[], reply: string): string =>
  words[0]!.toUpperCase() === 'KEYS' && reply.startsWith('*') ? itemsOf(reply).sort().join('') : reply;
