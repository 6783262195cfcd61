/**
 * Commands of every group on the same few keys, against redis-server: wrong types, values that become others, expiry on any of
 * them, and all of it inside MULTI too, where what would block does not.
 *
 * Left out: what is chance (SPOP and its like, RANDOMKEY), what two servers differ in by nature (INFO, CLIENT, DEBUG, OBJECT's
 * numbers), and what would block outside MULTI. What has no order is compared without it, and not cut by LIMIT or COUNT.
 */

import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import { bitmapCommands } from '../../../src/node/commands/bitmaps.ts';
import type { Command } from '../../../src/node/commands/command.ts';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { scanCommands } from '../../../src/node/commands/scan.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortCommands } from '../../../src/node/commands/sort.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { differential } from '../../support/differential.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { isScanFromMiddle, type Looseness } from '../../support/reply-shape.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';
import { writesOfEveryType } from '../../support/writes-of-every-type.ts';

const CHANCE = ['SPOP', 'SRANDMEMBER', 'HRANDFIELD', 'ZRANDMEMBER', 'RANDOMKEY', 'OBJECT', 'RESTORE', 'DUMP'];
const SERVER = ['DBSIZE', 'FLUSHALL', 'FLUSHDB', 'SWAPDB'];

const all: readonly Command[] = [
  stringCommands,
  bitmapCommands,
  keyCommands,
  scanCommands,
  sortCommands,
  listCommands,
  hashCommands,
  setCommands,
  sortedSetCommands,
  serverCommands.filter(({ name }) => SERVER.includes(name)),
  transactionCommands,
].flat();
const asked = all.filter(
  ({ name }) =>
    !CHANCE.includes(name.split(' ')[0]!) && !['MULTI', 'EXEC', 'DISCARD', 'FLUSHALL', 'FLUSHDB'].includes(name),
);
const queueable = asked.filter(({ name }) => !['WATCH', 'UNWATCH'].includes(name));
const waiting = asked.filter(({ flags }) => flags.has('blocking'));
const patient = asked.filter(({ flags }) => !flags.has('blocking'));

const pools = {
  ...POOLS,
  // Of these both versions print the same digits
  double: ['0', '1.5', '-2.25', '3e2', 'inf', '-inf', 'x'],
  byName: {
    ...POOLS.byName,
    db: ['0', '1', '16', '-1'],
    index1: ['0', '1'],
    index2: ['1', '0', '99'],
    type: ['string', 'list', 'SET', 'zset', 'hash'],
    timeout: ['0', '0.01', '-1', 'x'],
    offset: ['0', '1', '-1', '7', '100', '4294967296'],
    encoding: ['u8', 'i5', 'u63', 'i64', 'u64', 'x'],
    'by-pattern': ['*', 'nosort', 'w*', 'b->*'],
  },
};

const UNORDERED = [
  'KEYS',
  'SCAN',
  'SSCAN',
  'SMEMBERS',
  'SINTER',
  'SUNION',
  'SDIFF',
  'HKEYS',
  'HVALS',
  'SORT',
  'SORT_RO',
  'EXEC',
];
const LOOSELY: Readonly<Record<string, Looseness>> = {
  HGETALL: 'pairs',
  HSCAN: 'pairs',
  ZSCAN: 'pairs',
  TTL: { within: 2 },
  EXPIRETIME: { within: 2 },
  PTTL: { within: 5000 },
  PEXPIRETIME: { within: 5000 },
};

const loosely = (request: readonly string[]): Looseness => {
  const name = request[0]!.toUpperCase();
  if (isScanFromMiddle(request)) return 'shape';
  return LOOSELY[name] ?? (UNORDERED.includes(name) ? 'unordered' : 'exact');
};

/** What the two versions differ in, where EXEC's reply would hide which request it was; and what has no order, cut or stored. */
function isDetermined(request: readonly string[]): boolean {
  const upper = request.map((word) => word.toUpperCase());
  if (upper[0]!.startsWith('SORT'))
    return !upper.includes('BY') || !(upper.includes('LIMIT') || upper.includes('STORE'));
  // Scores that the versions print with other digits, and timeouts that they refuse with other words
  if (/^[ZB]/.test(upper[0]!) && upper.some((word) => /^-?922/.test(word))) return false;
  if (upper[0] === 'ZRANK' || upper[0] === 'ZREVRANK') return request.length <= 3;
  if (upper[0] === 'LREM' || upper[0] === 'LPOS') return !upper.some((word) => word.startsWith('-922'));
  return !(upper[0]!.endsWith('SCAN') && upper.includes('COUNT'));
}

const isTimed = (request: readonly string[]): boolean => /TTL|EXPIRETIME|SCAN$|BITCOUNT|BITPOS/i.test(request[0]!);

describeReal('commands of all groups compared with redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  const some = fc.oneof(
    { weight: 3, arbitrary: mutated(requestsFrom(patient, pools)).filter(isDetermined) },
    { weight: 1, arbitrary: writesOfEveryType(POOLS.key) },
  );
  const queued = fc.oneof(
    {
      weight: 3,
      arbitrary: mutated(requestsFrom(queueable, pools)).filter((each) => isDetermined(each) && !isTimed(each)),
    },
    { weight: 1, arbitrary: writesOfEveryType(POOLS.key) },
    { weight: 1, arbitrary: mutated(requestsFrom(waiting, pools)).filter(isDetermined) },
  );
  const shared = { commands: all, real: () => real, requests: some, queued, loosely, setUp: [['UNWATCH']] };
  const differences = [
    {
      name: 'SORT makes the sorted set it reads large in Redis',
      explains: (_request: readonly string[], ours: string, theirs: string) =>
        ours === 'listpack' && theirs === 'skiplist',
    },
  ];
  differential({ ...shared, name: 'in RESP2', differences, runs: 150 });
  differential({ ...shared, name: 'in RESP3', differences, runs: 100, protocol: 3 });
});
