import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../src/node/commands/index.ts';
import type { User } from '../../src/node/acl/user.ts';
import { CommandTable } from '../../src/node/commands/table.ts';
import { BLOCKED_COMMANDS } from '../../src/proxy/blocked-commands.ts';
import type { EndpointSettings } from '../../src/proxy/endpoint-settings.ts';
import { Router } from '../../src/proxy/route.ts';
import type { RouteContext } from '../../src/proxy/route-context.ts';
import { compileHashingPolicy, STANDARD_HASHING_RULES, type HashingRule } from '../../src/sharding/hashing-policy.ts';
import { evenSlotMap } from '../../src/sharding/slot-map.ts';

const commands = new CommandTable(dataCommands);
const router = new Router(commands);

function context(
  wish: Partial<EndpointSettings> & {
    rules?: readonly HashingRule[];
    admin?: boolean;
    user?: boolean;
    permissions?: User;
  } = {},
): RouteContext {
  const { rules = STANDARD_HASHING_RULES, admin = false, user = true, permissions = null, ...settings } = wish;
  const hashing = compileHashingPolicy(rules);
  if (!hashing.ok) throw new Error(hashing.detail);
  const shards =
    settings.shards ??
    [0, 1, 2].map((index) => ({ index, address: { host: '127.0.0.1', port: 7000 + index }, password: null }));
  return {
    account: user ? { name: admin ? 'admin' : 'default', isAdmin: admin, permissions } : null,
    settings: {
      shards,
      slotMap: evenSlotMap(shards.length),
      hashing: hashing.policy,
      hashingRules: rules.map(({ regex }) => regex),
      clustered: true,
      passwords: [],
      defaultUser: true,
      users: [],
      adminPassword: 'x',
      tlsMode: 'disabled',
      readOnly: false,
      commands,
      maxConnections: 0,
      clientPipelineMax: 2000,
      shardPipelineMax: 2000,
      resp3: true,
      multiSlot: true,
      ...settings,
    },
  };
}

const refusal = (words: string, wish: Parameters<typeof context>[0] = {}): string | null => {
  const route = router.route(words.split(' '), context(wish));
  return route.to === 'refuse' ? route.refusal.message : null;
};

describe('routing', () => {
  // Slots of open source Redis: a 15495, b 3300, c 7365; three shards divide at 5461 and 10923.
  it.each([
    ['SET a 1', 2],
    ['get b', 0],
    ['GeT c', 1],
    ['SINTER {c}1 {c}2', 1],
    ['ZUNION 2 {b}1 {b}2 WEIGHTS 1 2', 0],
    ['SORT b BY nosort STORE {b}x', 0],
    ['DEL a {a}2', 2],
    ['OBJECT ENCODING a', 2],
    ['PUBLISH a message', 0],
    ['TIME', 0],
    ['COMMAND', 0],
    ['COMMAND COUNT', 0],
  ])('sends %s to shard %i', (words, shard) => {
    expect(router.route(words.split(' '), context())).toMatchObject({ to: 'shard', shard, blocking: false });
  });

  it('knows what may take its time', () => {
    expect(router.route(['BLPOP', 'a', '0'], context())).toMatchObject({ to: 'shard', shard: 2, blocking: true });
  });

  it('says which keys are in different slots as Redis Enterprise does', () => {
    expect(refusal('RENAME a b')).toBe(
      "CROSSSLOT Keys in request don't hash to the same slot (context='within request', command='RENAME', original-slot='15495', wrong-slot='3300', first-key='a', violating-key='b')",
    );
  });

  it('goes by slot, not by shard', () => {
    expect(refusal('RENAME {1}a {2}a', { slotMap: evenSlotMap(1) })).toMatch(/^CROSSSLOT/);
  });

  it('splits what may span slots, unless the database says no', () => {
    const route = router.route(['MGET', 'a', 'b', 'c', '{a}2'], context());
    expect(route).toMatchObject({
      to: 'shards',
      scattered: {
        parts: [
          { shard: 2, words: ['MGET', 'a', '{a}2'] },
          { shard: 0, words: ['MGET', 'b'] },
          { shard: 1, words: ['MGET', 'c'] },
        ],
      },
    });
    expect(refusal('MGET a b', { multiSlot: false })).toMatch(/^CROSSSLOT .*command='MGET'/);
    expect(refusal('MGET a {a}2', { multiSlot: false })).toBeNull();
  });

  it('refuses a key that no hashing rule matches', () => {
    expect(refusal('GET b', { rules: [{ regex: 'user:(?<tag>.*)' }] })).toMatch(/^ERR key 'b' does not match/);
  });

  it('takes everything to the one shard of a database that is not sharded', () => {
    const shards = [{ index: 0, address: { host: '127.0.0.1', port: 7000 }, password: null }];
    const alone = context({ shards, clustered: false });
    for (const words of ['RENAME a b', 'MSETNX a 1 b 2', 'KEYS *', 'SCAN 0', 'DBSIZE', 'MGET a b']) {
      expect(router.route(words.split(' '), alone), words).toMatchObject({ to: 'shard', shard: 0 });
    }
  });

  it('asks for a password after name and number of words are right', () => {
    expect(refusal('NOSUCH x', { user: false })).toBe("ERR unknown command 'NOSUCH', with args beginning with: 'x' ");
    expect(refusal('GET', { user: false })).toBe("ERR wrong number of arguments for 'get' command");
    expect(refusal('GET a', { user: false })).toBe('NOAUTH Authentication required');
    expect(refusal('PING', { user: false })).toBe('NOAUTH Authentication required');
    expect(refusal('AUTH x', { user: false })).toBeNull();
    expect(refusal('HELLO 3', { user: false })).toBeNull();
    expect(refusal('QUIT', { user: false })).toBeNull();
  });

  it('lets nobody but admin write to a read-only database', () => {
    expect(refusal('SET a 1', { readOnly: true })).toMatch(/^READONLY/);
    expect(refusal('MSET a 1 b 2', { readOnly: true })).toMatch(/^READONLY/);
    expect(refusal('FLUSHALL', { readOnly: true })).toMatch(/^READONLY/);
    expect(refusal('GET a', { readOnly: true })).toBeNull();
    expect(refusal('SET a 1', { readOnly: true, admin: true })).toBeNull();
  });

  it.each([
    ['slowlog-max-len 127', 'between 128 and 1024'],
    ['slowlog-max-len 1025', 'between 128 and 1024'],
    ['SLOWLOG-LOG-SLOWER-THAN 1000', 'between 1001 and'],
    ['hash-max-listpack-entries 1 slowlog-max-len 1', 'between 128 and 1024'],
  ])('keeps parameters within what Redis Enterprise allows: %s', (words, why) => {
    expect(refusal(`CONFIG SET ${words}`)).toContain(why);
  });

  it('admits parameters within those limits', () => {
    for (const words of ['slowlog-max-len 128', 'slowlog-max-len 1024', 'slowlog-log-slower-than 1001']) {
      expect(refusal(`CONFIG SET ${words}`), words).toBeNull();
    }
  });

  it.each(['CONFIG GET maxmemory', 'CONFIG SET hash-max-listpack-entries 1'])('admits %s', (words) => {
    expect(refusal(words)).toBeNull();
  });

  it('hides parameters that Redis Enterprise does not let clients set', () => {
    expect(refusal('CONFIG SET requirepass x')).toMatch(/^ERR Unknown option/);
  });

  it('takes a count of keys that is beyond the request for none: a shard refuses it', () => {
    for (const words of ['ZINTER 9223372036854775807 a b', 'ZINTER 9223372036854775807 a', 'EVAL x 3 a b']) {
      expect(router.route(words.split(' '), context())).toMatchObject({ to: 'shard' });
    }
  });
});

describe('blocked commands', () => {
  const names = Object.entries(BLOCKED_COMMANDS).flatMap(([family, list]) =>
    list.map((name) => [family, name] as const),
  );

  it.each(names)('%s: %s does not exist for clients', (_family, name) => {
    const words = [...name.split(' '), 'x', 'y'];
    const expected = new RegExp(`^ERR unknown command '${words[0]}', with args beginning with: `);
    for (const given of [words, words.map((word) => word.toLowerCase())]) {
      const route = router.route(given, context());
      expect(route.to === 'refuse' && route.refusal.message).toMatch(new RegExp(expected.source, 'i'));
      const pinned = router.routePinned(given, context(), 0);
      expect(pinned?.to === 'refuse' && pinned.refusal.message).toMatch(new RegExp(expected.source, 'i'));
      const queued = router.routeQueued(given, context(), null);
      expect(queued.to === 'refuse' && queued.refusal.message).toMatch(new RegExp(expected.source, 'i'));
    }
  });

  it.each(['PSYNC ? -1', 'REPLCONF listening-port 1', 'SYNC'])('%s is for admin', (words) => {
    expect(router.route(words.split(' '), context({ admin: true }))).toEqual({ to: 'session', step: 'REPLICATION' });
  });

  it.each(['CONFIG RESETSTAT', 'SAVE', 'RESET'])('%s is not even for admin', (words) => {
    expect(refusal(words, { admin: true })).toMatch(/^ERR unknown command/);
  });

  it('pass nothing on to a shared connection that would change it', () => {
    for (const command of commands.all.flatMap((each) =>
      each.subcommands === null ? [each] : [...each.subcommands.values()],
    )) {
      if (command.group !== 'connection' && command.group !== 'transactions') continue;
      const words = [...command.name.split(' '), ...Array.from({ length: Math.abs(command.arity) }, () => 'x')].slice(
        0,
        Math.abs(command.arity),
      );
      const route = router.route(words, context());
      expect(['shard', 'shards'].includes(route.to) && !command.name.startsWith('COMMAND'), command.name).toBe(false);
    }
  });
});

describe('routing between MULTI and EXEC', () => {
  const queued = (words: string, anchor: { slot: number; key: string } | null = null, wish = {}): unknown =>
    router.routeQueued(words.split(' '), context(wish), anchor);

  it('the first key settles the slot', () => {
    expect(queued('PING')).toEqual({ to: 'queue', anchor: null });
    expect(queued('SET b 1')).toEqual({ to: 'queue', anchor: { slot: 3300, key: 'b' } });
    expect(queued('MGET {b}1 {b}2', { slot: 3300, key: 'b' })).toEqual({
      to: 'queue',
      anchor: { slot: 3300, key: 'b' },
    });
  });

  it('a key of another slot is refused, also for what could otherwise be split', () => {
    for (const words of ['SET a 1', 'MGET b a']) {
      expect(queued(words, { slot: 3300, key: 'b' })).toMatchObject({
        refusal: {
          message: `CROSSSLOT Keys in request don't hash to the same slot (context='within MULTI', command='${words.split(' ')[0]}', original-slot='3300', wrong-slot='15495', first-key='b', violating-key='a')`,
        },
      });
    }
  });

  it('what concerns every shard or the connection is refused', () => {
    for (const words of ['FLUSHALL', 'KEYS *', 'SCAN 0', 'SUBSCRIBE x', 'CLIENT ID', 'AUTH x', 'PUBLISH x y']) {
      expect(queued(words), words).toMatchObject({ to: 'refuse' });
    }
    expect(queued('FLUSHALL', null, { clustered: false })).toEqual({ to: 'queue', anchor: null });
  });
});
