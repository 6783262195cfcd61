/**
 * Every command of a shard has a decided way through an endpoint: the declarations alone say it, so a new command must not be forgotten.
 * What is decided by hand is listed here by name; everything else goes where its keys or its tips say.
 */

import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../src/cluster/control/shard-commands.ts';
import type { Command } from '../../src/node/commands/command.ts';
import { BLOCKED_COMMANDS } from '../../src/proxy/blocked-commands.ts';
import type { EndpointSettings } from '../../src/proxy/endpoint-settings.ts';
import { localCommands } from '../../src/proxy/local-commands.ts';
import { Router, type Route } from '../../src/proxy/route.ts';
import { SPLIT_BY_KEY } from '../../src/proxy/scatter.ts';
import { compileHashingPolicy, STANDARD_HASHING_RULES } from '../../src/sharding/hashing-policy.ts';
import { evenSlotMap } from '../../src/sharding/slot-map.ts';

const router = new Router(shardCommands);
const hashing = compileHashingPolicy(STANDARD_HASHING_RULES);
if (!hashing.ok) throw new Error(hashing.detail);
const settings: EndpointSettings = {
  shards: [0, 1, 2].map((index) => ({ index, address: { host: '127.0.0.1', port: 1 }, password: null })),
  slotMap: evenSlotMap(3),
  hashing: hashing.policy,
  hashingRules: STANDARD_HASHING_RULES.map(({ regex }) => regex),
  clustered: true,
  passwords: [],
  defaultUser: true,
  users: [],
  adminPassword: '',
  tlsMode: 'disabled',
  readOnly: false,
  commands: shardCommands,
  maxConnections: 0,
  clientPipelineMax: 1,
  shardPipelineMax: 1,
  resp3: true,
  multiSlot: true,
};
const context = { settings, account: { name: 'default', isAdmin: false, permissions: null } };

/** Commands that run, and containers by their subcommands. */
const commands = shardCommands.everything().filter((command) => command.subcommands === null || command.arity === -1);
const blocked: ReadonlySet<string> = new Set(Object.values(BLOCKED_COMMANDS).flat());
const isBlocked = ({ name }: Command): boolean => blocked.has(name) || blocked.has(name.split(' ')[0]!);
const local: ReadonlySet<string> = new Set(localCommands.map(({ name }) => name));
const STEPS = /^(MULTI|EXEC|DISCARD|WATCH|UNWATCH|QUIT|[PS]?(UN)?SUBSCRIBE)$/;
/** Refused with a sentence of their own, or as unknown: they concern one connection to one server. */
const NOT_THROUGH = /^(ANTIPODE .*|CLIENT (UNBLOCK|TRACKING|TRACKINGINFO|CACHING|GETREDIR)|MONITOR)$/;
/** Answered by any shard, since all of them know the same; SCAN begins at the first. */
const ANYWHERE =
  /^(COMMAND|COMMAND .*|TIME|LOLWUT|PUBSUB .*|PUBLISH|SPUBLISH|SCAN|CONFIG (GET|HELP|REWRITE)|\w+ HELP|FUNCTION (DUMP|LIST|STATS)|EVAL.*|FCALL.*|MEMORY USAGE|MODULE LIST|SLOWLOG .*|SCRIPT .*)$/;
/** Asked of all shards. */
const EVERYWHERE = /^(KEYS|DBSIZE|FLUSHALL|FLUSHDB|RANDOMKEY|INFO|WAIT|WAITAOF|CONFIG SET)$/;

/** With two words more where there may be more. */
const longer = (command: Command): string[] => [...requestOf(command), ...(command.arity < 0 ? ['x', 'x'] : [])];

/** Words that fill the arity, keys of one slot in all places where the declaration finds one. */
function requestOf(command: Command): string[] {
  if (command.name === 'SCAN') return ['SCAN', '0'];
  if (command.name === 'CONFIG SET') return ['CONFIG', 'SET', 'hash-max-listpack-entries', '1'];
  if (command.name === 'XREAD') return ['XREAD', 'STREAMS', 'b', '0'];
  if (command.name === 'XREADGROUP') return ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'b', '>'];
  const words = command.name.split(' ');
  while (words.length < Math.abs(command.arity)) words.push('1');
  for (const spec of command.keySpecs) {
    if (!('index' in spec.begin) || spec.find.kind !== 'keynum') continue;
    words[spec.begin.index + spec.find.keynum] = '1';
    words[spec.begin.index + spec.find.first] = 'b';
  }
  for (const at of command.keyPositions(words)) words[at] = 'b';
  return words;
}

function way(route: Route): string {
  if (route.to === 'shard') return `shard ${route.shard}`;
  if (route.to !== 'shards') return route.to;
  const { parts } = route.scattered;
  return parts.length === 1 ? `shard ${parts[0]!.shard}` : route.to;
}

describe('every command of a shard', () => {
  it.each(commands.map((command) => [command.name, command] as const))('%s has a way', (name, command) => {
    const words = requestOf(command);
    const found = way(router.route(words, context));
    if (isBlocked(command) || NOT_THROUGH.test(name)) expect(found).toBe('refuse');
    else if (local.has(name)) expect(found).toBe('proxy');
    else if (STEPS.test(name)) expect(found).toBe('session');
    else if (EVERYWHERE.test(name) || command.tips.request?.startsWith('all_') === true) expect(found).toBe('shards');
    // Of the three shards the first owns the slot of `b`
    else if (SPLIT_BY_KEY.has(name)) expect(found).toBe('shard 0');
    else if (ANYWHERE.test(name)) expect(found).toBe('shard 0');
    else {
      expect(command.keyPositions(words).length, `${name} has keys, or is named above`).toBeGreaterThan(0);
      expect(found).toBe('shard 0');
      for (const at of command.keyPositions(words)) words[at] = 'a';
      expect(way(router.route(words, context))).toBe('shard 2');
    }
  });

  it('with several keys is held to one slot, unless it may be split', () => {
    const several = commands.filter((command) => {
      if (isBlocked(command) || local.has(command.name) || STEPS.test(command.name) || command.group === 'pubsub')
        return false;
      return command.keyPositions(longer(command)).length > 1;
    });
    expect(several.length).toBeGreaterThan(20);
    for (const command of several) {
      const words = longer(command);
      const [first, second] = command.keyPositions(words);
      words[first!] = 'a';
      words[second!] = 'b';
      const route = router.route(words, context);
      if (SPLIT_BY_KEY.has(command.name)) continue;
      expect(route.to === 'refuse' && route.refusal.message, command.name).toMatch(/^CROSSSLOT/);
    }
  });
});
