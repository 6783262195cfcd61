/** Keyspace notifications against redis-server: after any sequence of requests a listener has heard the same, in the same order. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { describeReal, isInRealRedis, startRealRedis } from '../../support/real-redis.ts';
import { POOLS, requestsFrom } from '../../support/request-generator.ts';
import { shardExchange } from '../../support/shard-exchange.ts';

const RUNS = 300 * Number(process.env['ANTIPODE_RUNS'] ?? 1);
const GROUPS = new Set(['string', 'bitmap', 'hyperloglog', 'list', 'hash', 'set', 'sorted-set', 'generic', 'stream']);
/** By chance, of no key, or waiting; XADD that trims is known to say less. BITCOUNT and BITPOS look for the key first in 7.0. GEO's words are not told by its declarations. */
const LEFT_OUT =
  /^(BITCOUNT|BITPOS|SPOP|[SZH]RANDMEMBER|HRANDFIELD|RANDOMKEY|X.*|WAIT.*|SWAPDB|FLUSH.*|RESTORE|OBJECT.*|.*SCAN|KEYS|MIGRATE|DUMP)$/;
const commands = dataCommands.filter(
  ({ name, group, flags, since }) =>
    GROUPS.has(group) && !LEFT_OUT.test(name) && !flags.has('blocking') && isInRealRedis({ since }),
);
const pools = {
  ...POOLS,
  'unix-time': ['4102444800123', '33000000000000'],
  key: ['a', 'b', 'c'],
  integer: ['0', '1', '-1', '2', '3'],
  string: ['', '1', 'x', 'foobar'],
};
const words = (line: string): string[] => line.split(' ');
const more = fc.constantFrom(
  ...[
    'XADD a 1-1 f v',
    'XADD b * f v',
    'XDEL a 1-1',
    'XTRIM a MAXLEN 0',
    'XGROUP CREATE d g 0 MKSTREAM',
    'XGROUP CREATE a g $',
    'XGROUP SETID d g 0',
    'XGROUP CREATECONSUMER d g x',
    'XGROUP DELCONSUMER d g x',
    'XGROUP DESTROY d g',
    'XSETID d 9-9',
    'XADD d * f v',
    'XREADGROUP GROUP g y COUNT 1 STREAMS d 0',
    'XACK d g 9-9',
    'XPENDING d g',
    'XINFO GROUPS d',
    'GEOADD c 1 1 x 2 2 y',
    'GEOSEARCHSTORE b c FROMLONLAT 1 1 BYRADIUS 1 m',
    'GEORADIUS c 1 1 1000 km STORE a',
    'SADD a 1 x foobar',
    'LPUSH b 1',
    'LPUSH a 1 x',
    'HSET c 1 1',
    'ZADD a 1 x',
    'LMOVE b b LEFT RIGHT',
    'SPOP a 1000',
    'DEL a b c',
    'FLUSHALL',
    'MOVE a 1',
  ].map(words),
);
/** ZRANK … WITHSCORE is 7.2's. */
const request = fc.oneof(
  { weight: 4, arbitrary: requestsFrom(commands, pools).filter((each) => !each.includes('WITHSCORE')) },
  { weight: 2, arbitrary: more },
);
const classes = fc.constantFrom(
  'KEA',
  'KEA',
  'KEAn',
  'KEAn',
  'EA',
  'K$l',
  'Eg',
  'KEzsh',
  'KEm',
  'KEAmn',
  'KEtdg',
  'A',
  'KE',
);

/** The pushes among the replies. */
const heard = (bytes: string): string[] =>
  Array.from(
    bytes.matchAll(/>4\r\n\$8\r\npmessage\r\n\$6\r\n__key\*\r\n\$\d+\r\n(.*)\r\n\$\d+\r\n(.*)\r\n/g),
    ([, channel, message]) => `${channel} ${message}`,
  );

describeReal('keyspace notifications', () => {
  it(
    'are those of redis-server, in the same order',
    { timeout: 120_000 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
    async () => {
      await using server = await startRealRedis();
      let told = 0;
      await fc.assert(
        fc.asyncProperty(classes, fc.array(request, { minLength: 1, maxLength: 20 }), async (letters, requests) => {
          const all = [
            ['FLUSHALL'],
            ['HELLO', '3'],
            ['CONFIG', 'SET', 'notify-keyspace-events', letters],
            ['PSUBSCRIBE', '__key*'],
            ...requests,
            ['CONFIG', 'GET', 'notify-keyspace-events'],
          ];
          const bytes = all.map(encodeRequest).join('');
          const theirs = heard(await rawExchange(server.port, bytes));
          using test = testShard({ commands: dataCommands });
          expect(heard(shardExchange(test.shard, bytes))).toEqual(theirs);
          told += theirs.length;
        }),
        { numRuns: RUNS },
      );
      expect(told).toBeGreaterThan(RUNS);
    },
  );

  it('CONFIG GET shows the classes as redis-server shows them', async () => {
    await using server = await startRealRedis();
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    for (const letters of ['', 'KEA', 'Kg$lshzxet', 'KEg$lshzxetd', 'KEAn', 'nE', 'mKA', 'xE']) {
      client.call('CONFIG', 'SET', 'notify-keyspace-events', letters);
      await server.command('CONFIG', 'SET', 'notify-keyspace-events', letters);
      const theirs = await server.command('CONFIG', 'GET', 'notify-keyspace-events');
      expect(client.call('CONFIG', 'GET', 'notify-keyspace-events')).toEqual(theirs);
    }
  });
});
