/**
 * ACL rules judged by a redis-server: users are set up by the same words here and there, then shown (GETUSER, LIST), asked (DRYRUN) and
 * tried (requests of a session that has logged in as one of them). Looseness, named: 7.0 words denials otherwise than 7.4 and does not
 * show `sanitize-payload`, and it makes the command rules it shows from what they allow, where 7.4 keeps them as they were given.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { CommandTable } from '../../../src/node/commands/table.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, isInRealRedis, type RealRedis, startRealRedis } from '../../support/real-redis.ts';
import { bulkItems } from '../../support/reply-shape.ts';

const RUNS = 300 * Number(process.env['ANTIPODE_RUNS'] ?? 1);

/** 7.0's words in 7.4's. */
function modern(reply: string): string {
  return reply
    .replace(/NOPERM this user has no permissions to run/, 'NOPERM User u has no permissions to run')
    .replace(
      /NOPERM this user has no permissions to access one of the keys .*\r/,
      'NOPERM No permissions to access a key\r',
    )
    .replace(
      /NOPERM this user has no permissions to access one of the channels .*\r/,
      'NOPERM No permissions to access a channel\r',
    );
}

/** Texts of bulk strings alone: their lengths differ with them. */
const texts = (reply: string): string => {
  if (!/^[$*]/.test(reply)) return modern(reply);
  const kept = reply.split('\r\n').filter((line) => !/^[$*]\d+$/.test(line));
  return kept
    .map((line) =>
      line
        .replace('This user has no permissions', 'User u has no permissions')
        .replace(/ sanitize-payload\b/, '')
        .replace(/^sanitize-payload$/, '')
        .replace(/[-+]@all( [-+][^ )]+)*/g, 'commands'),
    )
    .filter((line) => line !== '')
    .join('\n');
};

const modifier = fc.constantFrom(
  'on', 'off', 'nopass', 'resetpass', '>p', '>q', '<p', '<nope', 'reset', 'ON', 'allkeys', 'resetkeys', '~*', '~a*', '~b', '%R~a', '%W~b*',
  '%RW~c', '%~x', '%X~x', '~x y', 'allchannels', 'resetchannels', '&*', '&n*', '&news', '&?', 'allcommands', 'nocommands', '+@all',
  '-@all', '+@read', '-@write', '+@string', '-@dangerous', '+@nosuch', '+get', '-get', '+GET', '+set', '+config', '-config|get',
  '+config|set', '+config|nosuch', '+select|0', '-select|0', '+select', '+client|id|x', '+nosuch', '-nosuch', '+', '-', '@all', '+@pubsub',
  '+@slow', '-@slow', '+@connection', 'clearselectors', '(+set ~b)', '(+get', '~a)', '(-@all +mget %R~c &n*)', '()', '(+nosuch)',
  `#${'a'.repeat(64)}`, '#abc', `!${'a'.repeat(64)}`, '+config|', '+|get', 'skip-sanitize-payload', 'sanitize-payload', '+subscribe|x',
); // prettier-ignore

const words = fc.constantFrom(
  ...[
    'GET a', 'GET b', 'SET a 1', 'SET b 1 GET', 'MGET a b c', 'MSET a 1 b 2', 'DEL a b', 'EXISTS a b c', 'RENAME a b', 'COPY b c',
    'CONFIG GET x', 'CONFIG SET a b', 'CONFIG HELP', 'CLIENT ID', 'SELECT 0', 'SELECT 1', 'PUBLISH news 1', 'PUBLISH x 1',
    'SUBSCRIBE news n x', 'PSUBSCRIBE n* x', 'SPUBLISH news 1', 'UNSUBSCRIBE x', 'SUNION a b', 'ZUNIONSTORE a 1 b', 'OBJECT ENCODING a',
    'BITFIELD a GET u8 0', 'BITFIELD b SET u8 0 1', 'SORT a BY nosort', 'SORT a BY x* GET # STORE b', 'SORT_RO a GET x*', 'PING',
    'AUTH x y', 'HELLO', 'INFO', 'FLUSHALL', 'KEYS *', 'LMPOP 1 a LEFT', 'EXPIRE a 1', 'STRLEN b', 'NOSUCH', 'GET', 'CONFIG NOSUCH x',
    'ACL WHOAMI', 'MULTI', 'DEBUG x', 'TYPE a', 'DUMP x', 'LMPOP 5 a LEFT', 'EVAL x 5 a b', 'LCS a b', 'TOUCH a', 'SWAPDB 0 0', 'BLPOP a b 0', 'RANDOMKEY',
  ].map((line) => line.split(' ')),
); // prettier-ignore

/** 7.0 begins a selector anew at each open parenthesis, later versions do not. */
const modifiers = (minLength: number, maxLength: number) =>
  fc.array(modifier, { minLength, maxLength }).filter((rules) => rules.filter((rule) => rule === '(+get').length < 2);

const set = modifiers(1, 7).map((rules) => ['ACL', 'SETUSER', 'u', ...rules]);
const look = fc.constantFrom(['ACL', 'GETUSER', 'u'], ['ACL', 'LIST'], ['ACL', 'USERS'], ['ACL', 'GETUSER', 'none']);
const dry = words.map((request) => ['ACL', 'DRYRUN', 'u', ...request]);
const sequence = fc.array(
  fc.oneof({ weight: 3, arbitrary: set }, { weight: 2, arbitrary: look }, { weight: 5, arbitrary: dry }),
  { minLength: 1, maxLength: 25 },
);

describeReal('ACL beside redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    await scriptEngineReady(); // a transaction with a script would wait for it
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  it('sets up, shows and asks users alike', { timeout: 120_000 }, async () => {
    using client = await RawClient.to(real.port);
    await fc.assert(
      fc.asyncProperty(sequence, async (requests) => {
        const [, ...theirs] = await client.exchange([['ACL', 'DELUSER', 'u'], ...requests]);
        using test = testShard({ commands: dataCommands });
        const ours = test.client();
        for (const [at, request] of requests.entries()) {
          expect(texts(ours.bytes(...request)), `request ${at}: ${request.join(' ')}`).toBe(texts(theirs[at]!));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('lets a user do alike what it may, inside MULTI too', { timeout: 120_000 }, async () => {
    const tried = words.filter(
      ([name]) => !/SUBSCRIBE|BLPOP|INFO|AUTH|HELLO|CLIENT|CONFIG|RANDOMKEY|DEBUG|MULTI/.test(name!),
    );
    const requests = fc.array(
      fc.oneof(
        { weight: 8, arbitrary: tried },
        { weight: 1, arbitrary: fc.constantFrom(['MULTI'], ['EXEC'], ['EXEC'], ['DISCARD']) },
      ),
      { minLength: 1, maxLength: 20 },
    );
    using admin = await RawClient.to(real.port);
    await fc.assert(
      fc.asyncProperty(modifiers(0, 8), requests, async (rules, asked) => {
        const login = [
          ['ACL', 'SETUSER', 'u', 'reset', 'on', 'nopass'],
          ['ACL', 'SETUSER', 'u', ...rules],
          ['ACL', 'SETUSER', 'u', 'on', 'nopass', '+auth', '+acl|whoami'],
        ];
        const all = [['AUTH', 'u', 'x'], ['ACL', 'WHOAMI'], ...asked];
        await admin.exchange([['FLUSHALL'], ['ACL', 'DELUSER', 'u'], ...login]);
        using client = await RawClient.to(real.port);
        const theirs = await client.exchange(all);
        using test = testShard({ commands: dataCommands });
        for (const request of login) test.client().call(...request);
        const ours = test.client();
        for (const [at, request] of all.entries()) {
          expect(modern(ours.bytes(...request)), `request ${at}: ${request.join(' ')}`).toBe(modern(theirs[at]!));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('puts every command into the categories a redis-server puts it into', async () => {
    using client = await RawClient.to(real.port);
    using test = testShard({ commands: dataCommands });
    const [categories] = await client.exchange([['ACL', 'CAT']]);
    const names = categories!
      .split('\r\n')
      .filter((line) => line.startsWith('+'))
      .map((line) => line.slice(1));
    const listed = names.length > 0 ? names : bulkItems(categories!);
    expect(listed.length).toBeGreaterThan(15);
    const ours = test.client();
    expect((ours.call('ACL', 'CAT') as string[]).toSorted()).toEqual(listed.toSorted());
    const all = new CommandTable(dataCommands).everything();
    const known = new Set(all.map(({ fullName }) => fullName));
    const newer = new Set(all.filter((command) => !isInRealRedis(command)).map(({ fullName }) => fullName));
    for (const category of listed) {
      const [reply] = await client.exchange([['ACL', 'CAT', category]]);
      const theirs = new Set(bulkItems(reply!));
      const mine = (ours.call('ACL', 'CAT', category) as string[]).filter((name) => !newer.has(name));
      expect(mine.toSorted(), category).toEqual([...theirs].filter((name) => known.has(name)).toSorted());
    }
  });

  it.each([
    ['ACL GENPASS 0'],
    ['ACL GENPASS 4097'],
    ['ACL GENPASS x'],
    ['ACL GENPASS 1 2'],
    ['ACL CAT nosuch'],
    ['ACL CAT read write'],
    ['ACL LOAD'],
    ['ACL SAVE'],
    ['ACL LOG -1'],
    ['ACL LOG x'],
    ['ACL LOG 1 2'],
    ['ACL DELUSER'],
    ['ACL DELUSER none'],
    ['ACL DELUSER default'],
    ['ACL DRYRUN none GET a'],
    ['ACL DRYRUN default'],
    ['ACL SETUSER'],
    ['ACL NOSUCH'],
    ['ACL'],
    ['AUTH x'],
    ['AUTH none x'],
    ['AUTH a b c'],
    ['CLIENT KILL USER none'],
  ])('answers %s alike', async (line) => {
    using client = await RawClient.to(real.port);
    using test = testShard({ commands: dataCommands });
    const request = line.split(' ');
    const [theirs] = await client.exchange([request]);
    expect(test.client().bytes(...request)).toBe(theirs);
  });
});
