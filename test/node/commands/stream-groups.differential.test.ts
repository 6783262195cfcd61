/**
 * Consumer groups against redis-server over small pools of keys, groups, consumers and ids. Times are not compared, and what 7.2 and 7.4
 * tell otherwise than the judge is named. Where entries are deleted or places set by hand 7.4 counts what is read otherwise: there
 * `entries-read` and `lag` are not compared; a suite of its own compares them where both count alike.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { debugCommands } from '../../../src/node/commands/debug.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { streamGroupCommands } from '../../../src/node/commands/stream-groups.ts';
import { streamCommands } from '../../../src/node/commands/streams.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { differential } from '../../support/differential.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { mutated } from '../../support/request-generator.ts';
import type { VersionDifference } from '../../support/version-differences.ts';

const commands = [
  ...streamCommands,
  ...streamGroupCommands,
  ...stringCommands,
  ...keyCommands,
  ...debugCommands,
  ...transactionCommands,
];

const is = (request: readonly string[], ...names: readonly string[]): boolean =>
  names.includes(request[0]!.toUpperCase());

/** Without times, and without what 7.2 added. */
const withoutTimes = (reply: string): string =>
  reply
    .replaceAll(/\$(8\r\ninactive|11\r\nactive-time)\r\n:-?\d+\r\n/g, '')
    .replaceAll(/\r\n:\d+(\r\n:\d+\r\n)/g, '\r\n:T$1')
    .replaceAll(/(\r\n(?:idle|seen-time)\r\n):\d+/g, '$1:T')
    .replaceAll(/([*%])\d+(\r\n\$4\r\nname\r\n)/g, '$1N$2');
const withoutCounts = (reply: string): string =>
  withoutTimes(reply).replaceAll(/((?:entries-read|lag)\r\n)(:-?\d+|\$-1|_)/g, '$1N');

const TIMES: VersionDifference = {
  name: 'times differ by the moment; 7.2 tells active-time and inactive',
  explains: (request, ours, theirs) =>
    is(request, 'XPENDING', 'XINFO', 'EXEC') && withoutTimes(ours) === withoutTimes(theirs),
};
const COUNTS: VersionDifference = {
  name: '7.4: entries read and lag are counted otherwise where entries were deleted',
  explains: (request, ours, theirs) => is(request, 'XINFO', 'EXEC') && withoutCounts(ours) === withoutCounts(theirs),
};
const TEXTS: VersionDifference = {
  name: '7.2: XREADGROUP says its own name in the refusal of an odd list, and refuses `+` with a sentence since 7.4',
  explains: (request, ours, theirs) =>
    is(request, 'XREADGROUP', 'XREAD') &&
    ((ours.startsWith('-ERR Unbalanced') && theirs.startsWith('-ERR Unbalanced')) ||
      (ours.startsWith('-ERR The + ID is meaningless') && theirs.startsWith('-ERR Invalid stream ID'))),
};

const words = (...parts: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string[]> =>
  fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)));
const maybe = (...choices: readonly string[]): fc.Arbitrary<string[]> =>
  fc.constantFrom('', ...choices).map((line) => (line === '' ? [] : line.split(' ')));
const more = (start: fc.Arbitrary<string[]>, ...parts: readonly fc.Arbitrary<string[]>[]): fc.Arbitrary<string[]> =>
  fc.tuple(start, ...parts).map((each) => each.flat());

const key = fc.constantFrom('a', 'a', 'b');
const group = fc.constantFrom('g', 'g', 'h');
const consumer = fc.constantFrom('c', 'd', 'e');
const id = fc.constantFrom('1-1', '1-2', '2-0', '2', '3-7', '0', '0-0', '5-1');
const oddId = fc.oneof({ weight: 6, arbitrary: id }, fc.constantFrom('$', '-', '+', 'x', '18446744073709551615-1'));
const bound = fc.oneof(id, fc.constantFrom('-', '+', '(1-1', '(2', '(0-0'));
const count = fc.constantFrom('1', '2', '100', '0', '-1', 'x');
/** Nothing is as old, or everything is. */
const minIdle = fc.constantFrom('0', '0', '0', '1000000', '-1', 'x');

const add = words('XADD', key, fc.constantFrom('1-1', '1-2', '2-0', '3-7', '5-1', '1-*', '2-*', '6-*'), 'f', 'v');
const readNew = more(
  words('XREADGROUP', 'GROUP', group, consumer),
  maybe('COUNT 1', 'COUNT 2', 'COUNT 0', 'NOACK', 'NOACK COUNT 1'),
  words('STREAMS', key, '>'),
);
const readAgain = more(words('XREADGROUP', 'GROUP', group, consumer), maybe('COUNT 1'), words('STREAMS', key, oddId));
const create = more(
  words('XGROUP', 'CREATE', key, group, fc.constantFrom('0', '0', '$', '1-1', 'x')),
  maybe('MKSTREAM'),
);
const claimOptions = maybe(
  'JUSTID',
  'FORCE',
  'RETRYCOUNT 7',
  'IDLE 2000000',
  'TIME 1',
  'LASTID 3-7',
  'RETRYCOUNT 2 FORCE JUSTID',
);
const info = fc.oneof(
  words('XINFO', 'STREAM', key),
  words('XINFO', 'STREAM', key, 'FULL'),
  words('XINFO', 'STREAM', key, 'FULL', 'COUNT', count),
  words('XINFO', 'GROUPS', key),
  words('XINFO', 'CONSUMERS', key, group),
);
const plain = fc.oneof(
  { weight: 6, arbitrary: add },
  { weight: 4, arbitrary: create },
  { weight: 6, arbitrary: readNew },
  { weight: 3, arbitrary: words('XACK', key, group, id, id) },
  { weight: 2, arbitrary: words('XPENDING', key, group) },
  { weight: 2, arbitrary: info },
  words('XREADGROUP', 'GROUP', group, consumer, 'STREAMS', 'a', 'b', '>', '>'),
  // 7.2 counts what it drops, too; nothing is dropped here
  more(words('XAUTOCLAIM', key, group, consumer, '0', bound), maybe('COUNT 1', 'COUNT 2', 'COUNT 0')),
);
const request = fc.oneof(
  { weight: 20, arbitrary: plain.filter((each) => each[6] !== 'COUNT') },
  { weight: 3, arbitrary: readAgain },
  { weight: 3, arbitrary: more(words('XCLAIM', key, group, consumer, minIdle, id, id), claimOptions) },
  {
    weight: 3,
    arbitrary: more(words('XAUTOCLAIM', key, group, consumer, minIdle, bound), maybe('JUSTID')),
  },
  { weight: 2, arbitrary: more(words('XPENDING', key, group, bound, bound, count), maybe('c', 'd')) },
  words('XPENDING', key, group, 'IDLE', minIdle, bound, bound, count),
  words('XGROUP', 'SETID', key, group, oddId),
  words('XGROUP', 'SETID', key, group, id, 'ENTRIESREAD', count),
  words('XGROUP', 'CREATE', key, group, id, 'ENTRIESREAD', count, 'MKSTREAM'),
  words('XGROUP', 'CREATECONSUMER', key, group, consumer),
  words('XGROUP', 'DELCONSUMER', key, group, consumer),
  words('XGROUP', 'DESTROY', key, group),
  words('XDEL', key, id),
  words('XTRIM', key, 'MAXLEN', fc.constantFrom('0', '1', '2')),
  words('XREAD', 'STREAMS', key, '0'),
  words('SET', key, 'x'),
  words('DEL', key),
  words(fc.constantFrom('XGROUP', 'XINFO'), 'HELP'),
);

/** Beyond every entry: since 7.2 an id before the last one deleted is refused. Never broken, for the same reason. */
const setId = fc.oneof(
  words('XSETID', key, fc.constantFrom('9-1', '8-0', 'x', '$', '-')),
  words('XSETID', key, '9-1', 'ENTRIESADDED', count, 'MAXDELETEDID', id),
  words('XSETID', key, '1-1', 'MAXDELETEDID', '2-0'),
);
const requests = fc.oneof({ weight: 30, arbitrary: request }, setId);
/** Words that are broken may not ask for an id made from the clock. */
const broken = fc.oneof({ weight: 30, arbitrary: mutated(request).filter((each) => !each.includes('*')) }, setId);

/** Since 7.2 reading and claiming make the consumer also when there is nothing for it; here it is there before. */
function prepares(each: readonly string[]): string[][] {
  const made = (key: string, ...names: readonly string[]): string[] => ['XGROUP', 'CREATECONSUMER', key, ...names];
  if (is(each, 'XCLAIM', 'XAUTOCLAIM') && each.length > 3) return [made(each[1]!, each[2]!, each[3]!)];
  if (!is(each, 'XREADGROUP')) return [];
  const at = each.indexOf('STREAMS') + 1;
  const given = each.indexOf('GROUP') + 1;
  const [name, consumer] = [each[given], each[given + 1]];
  if (at === 0 || given === 0 || name === undefined || consumer === undefined) return [];
  return each.slice(at, at + Math.floor((each.length - at) / 2)).map((key) => made(key, name, consumer));
}

describeReal('consumer groups', () => {
  let real: RealRedis;
  const options = { commands, real: () => real, differences: [TIMES, COUNTS, TEXTS], prepares };
  beforeAll(async () => void (real = await startRealRedis()));
  afterAll(async () => real[Symbol.asyncDispose]());

  differential({
    name: 'answer any sequence of requests as redis-server does, in RESP2',
    ...options,
    requests: broken,
    queued: requests,
    runs: 400,
  });
  differential({
    name: 'answer any sequence of requests as redis-server does, in RESP3',
    ...options,
    requests,
    protocol: 3,
    runs: 300,
  });
  differential({
    name: 'count what was read and how far a group lags behind as redis-server does, while nothing is deleted',
    ...options,
    differences: [TIMES, TEXTS],
    requests: plain,
    runs: 400,
  });

  it('go from redis-server to a shard and back in dumps, with all they hold', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(requests, { minLength: 10, maxLength: 40 }), async (sequence) => {
        await real.command('FLUSHALL');
        for (const each of [['XADD', 'a', '0-5', 'f', 'v'], ['XGROUP', 'CREATE', 'a', 'g', '0'], ...sequence]) {
          await real.command(...each).catch(() => null);
        }
        if ((await real.command('TYPE', 'a')) !== 'stream') return;
        using test = testShard({ commands: dataCommands });
        const client = test.client();
        expect(client.call('RESTORE', 'a', '0', (await real.command('DUMP', 'a')) as string)).toBe('OK');
        const reply = client.bytes('DUMP', 'a');
        const payload = Buffer.from(reply.slice(reply.indexOf('\n') + 1, -2), 'latin1');
        expect(await real.command('RESTORE', 'back', '0', payload)).toBe('OK');
        // Nodes are packed anew, which the tree's counts show
        const facts = async (key: string) => {
          const [, length, , , , , ...more] = (await real.command(
            'XINFO',
            'STREAM',
            key,
            'FULL',
            'COUNT',
            '0',
          )) as unknown[];
          return [length, ...more];
        };
        expect(await facts('back')).toEqual(await facts('a'));
        expect(client.call('DEBUG', 'DIGEST-VALUE', 'a')).toEqual(await real.command('DEBUG', 'DIGEST-VALUE', 'a'));
      }),
      { numRuns: 100 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
    );
  });

  it(
    'are the same at a redis-server that replicates the requests that a shard replicates',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(requests, { minLength: 5, maxLength: 40 }), async (sequence) => {
          await real.command('FLUSHALL');
          using test = testShard({ commands: dataCommands });
          const client = test.client();
          const replicated: (readonly string[])[] = [];
          test.shard.writeLog.subscribe({ write: (_database, words) => void replicated.push(words) });
          for (const each of [['XGROUP', 'CREATE', 'a', 'g', '0', 'MKSTREAM'], ...sequence]) client.call(...each);
          for (const each of replicated) await real.command(...each);
          if (client.call('TYPE', 'a') !== 'stream') return;
          // What is read again is not told to replicas, nor a consumer to whom nothing was delivered
          expect(await real.command('XINFO', 'GROUPS', 'a').then(places)).toEqual(
            places(client.call('XINFO', 'GROUPS', 'a')),
          );
          for (const name of ['g', 'h']) {
            const theirs = await real.command('XPENDING', 'a', name, '-', '+', '100').then(owners, () => 'none');
            const mine = client.call('XPENDING', 'a', name, '-', '+', '100');
            expect(theirs).toEqual(mine instanceof Error ? 'none' : owners(mine));
          }
        }),
        { numRuns: 100 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
      );
    },
  );
});

/** Of each group: name, how much is pending, last id, entries read. */
const places = (groups: unknown): unknown[] =>
  (groups as unknown[][]).map((facts) => [facts[1], facts[5], facts[7], facts[9]]);
/** Of each pending entry: id, consumer. */
const owners = (pending: unknown): unknown[] => (pending as unknown[][]).map(([id, consumer]) => [id, consumer]);
