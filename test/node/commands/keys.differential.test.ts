/** Commands for keys of any type, SCAN and SORT against redis-server. */

import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { scanCommands } from '../../../src/node/commands/scan.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortCommands } from '../../../src/node/commands/sort.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { dumpPayload } from '../../../src/rdb/payload.ts';
import { differential } from '../../support/differential.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { isScanFromMiddle, type Looseness } from '../../support/reply-shape.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';

const payloads = [
  dumpPayload('text'),
  dumpPayload('12345'),
  dumpPayload('y'.repeat(3000)),
  dumpPayload({ kind: 'list', items: ['3', 'x', '-1'] }),
  dumpPayload({ kind: 'set', members: ['3', '1', '2'] }),
  dumpPayload({ kind: 'zset', members: ['m', 'n'], scores: [1.5, -Infinity] }),
  dumpPayload({ kind: 'hash', pairs: ['f', 'v', 'g', '9'] }),
].map((payload) => payload.latin1Slice());

const pools = {
  ...POOLS,
  byName: {
    ...POOLS.byName,
    ttl: ['0', '0', '100000', '4102444800123', '-1'],
    'serialized-value': [...payloads, payloads[0]!.slice(1), 'rubbish', ''],
    db: ['0', '16', '-1', 'x', '99999999999'],
    'destination-db': ['0', '16', '-1', 'x'],
    type: ['string', 'list', 'SET', 'zset', 'hash', 'stream', 'nonsense'],
    count: ['1000', '100000', '1000', '0'],
    'by-pattern': ['*', '*', 'w*', '*->f', 'h->*', 'nosort'],
    'get-pattern': ['#', '*', 'c*', 'h*->f', 'x', '*->'],
  },
};

const words = fc.constantFrom('1', '2', '10', '-3', '1.5', '2', '7', 'a', 'b', 'c');
const key = fc.constantFrom(...POOLS.key);
const several = fc.array(words, { minLength: 1, maxLength: 5 });
/** Values of every type for the others to work on. */
const creations = fc.oneof(
  fc.tuple(key, several).map(([name, items]) => ['RPUSH', name, ...items]),
  fc.tuple(key, several).map(([name, items]) => ['SADD', name, ...items]),
  fc.tuple(key, several).map(([name, items]) => ['HSET', name, ...items.flatMap((item) => [`f${item}`, item])]),
  fc.tuple(key, several).map(([name, items]) => ['ZADD', name, ...items.flatMap((item, at) => [String(at / 2), item])]),
  fc.tuple(key, words).map(([name, word]) => ['SET', name, word]),
  fc.tuple(key, words).map(([name, word]) => ['SET', name, word, 'EX', '1000']),
);

const LOOSELY: Readonly<Record<string, Looseness>> = {
  RANDOMKEY: 'shape',
  DUMP: 'shape',
  KEYS: 'unordered',
  SCAN: 'unordered',
  SSCAN: 'unordered',
  HSCAN: 'pairs',
  ZSCAN: 'pairs',
  TTL: { within: 2 },
  EXPIRETIME: { within: 2 },
  PTTL: { within: 5000 },
  PEXPIRETIME: { within: 5000 },
};

/** HELP's words are our own, nothing is ever idle here; equal elements, and sets that are not sorted, come in no promised order. */
function loosely(request: readonly string[]): Looseness {
  const name = request[0]!.toUpperCase();
  if (name === 'OBJECT' && ['HELP', 'IDLETIME'].includes(request[1]?.toUpperCase() ?? '')) return 'shape';
  if (name.startsWith('SORT') && request.some((word) => word.toUpperCase() === 'BY')) return 'unordered';
  if (isScanFromMiddle(request)) return 'shape';
  return LOOSELY[name] ?? 'exact';
}

/** What is cut out of, or stored from, no promised order, cannot be compared. */
function isDetermined(request: readonly string[]): boolean {
  const upper = request.map((word) => word.toUpperCase());
  return !(
    upper[0]!.startsWith('SORT') &&
    upper.includes('BY') &&
    (upper.includes('LIMIT') || upper.includes('STORE'))
  );
}

describeReal('keys, SCAN and SORT compared with redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  const commands = [
    keyCommands,
    scanCommands,
    sortCommands,
    stringCommands,
    listCommands,
    setCommands,
    hashCommands,
    sortedSetCommands,
  ].flat();
  const among = (asked: typeof commands): fc.Arbitrary<string[]> =>
    fc.oneof(mutated(requestsFrom(asked, pools)), creations);
  differential({ name: 'keys', commands, real: () => real, requests: among([...keyCommands]), loosely, runs: 250 });
  differential({
    name: 'SCAN and its kin',
    commands,
    real: () => real,
    requests: among([...scanCommands]),
    loosely,
    runs: 150,
  });
  differential({
    name: 'SORT',
    commands,
    real: () => real,
    requests: among([...sortCommands]).filter(isDetermined),
    loosely,
    differences: [
      {
        name: 'SORT makes the sorted set it reads large in Redis',
        explains: (_request, ours, theirs) => ours === 'listpack' && theirs === 'skiplist',
      },
    ],
    runs: 150,
  });
});
