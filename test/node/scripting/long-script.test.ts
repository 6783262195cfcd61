/** Scripts that take longer than their first part may, at shards on real sockets: what others are told, what ends them, what comes of them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SnapshotFile } from '../../../src/node/persistence/snapshot-file.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { RawClient } from '../../support/raw-client.ts';
import { testDatabase } from '../../proxy/fixtures.ts';
import { servedShard, type ServedShard } from '../../support/served-shard.ts';

const BUSY = '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n';
const BUSY_FUNCTION = '-BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.\r\n';
const NOTBUSY = '-NOTBUSY No scripts in execution right now.\r\n';
/** More than a first part may take, and then an end. */
const TAKES_LONG = 'for i = 1, 30000000 do local x = i * 2 end';

const served = () => servedShard({ 'busy-reply-threshold': '1' });

async function ask(client: RawClient, ...words: string[]): Promise<string> {
  const [reply] = await client.exchange([words]);
  return reply!;
}

/** Another client is told that the shard is busy. */
const busy = ({ shard }: ServedShard) =>
  eventually(() => shard.longScript?.isSilent === false, { withinMs: 20_000, what: 'others are answered' });

describe('a script that does not end', () => {
  beforeAll(scriptEngineReady);

  it.each([
    ['computes', 'while true do end'],
    ['calls', "while true do redis.call('get', KEYS[1]) end"],
    ['catches what it can', 'local f = function() while 1 do redis.call("ping") end end while 1 do pcall(f) end'],
  ])('and %s is ended by SCRIPT KILL', async (_, source) => {
    await using one = await served();
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const script = client.exchange([
      ['EVAL', source, '1', 'k'],
      ['GET', 'k'],
    ]);
    await busy(one);
    expect(await ask(other, 'GET', 'k')).toBe(BUSY);
    expect(await ask(other, 'FUNCTION', 'KILL')).toBe(BUSY);
    expect(await ask(other, 'FUNCTION', 'STATS')).toBe(BUSY);
    expect(await ask(other, 'SHUTDOWN')).toBe(BUSY);
    expect(await ask(other, 'SCRIPT', 'KILL')).toBe('+OK\r\n');
    const [reply, next] = await script;
    expect(reply).toMatch(
      /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: [0-9a-f]{40}, on @user_script:1\.\r\n$/,
    );
    expect(next).toBe('$-1\r\n');
    expect(await ask(other, 'SET', 'k', 'v')).toBe('+OK\r\n');
    expect(await ask(other, 'SCRIPT', 'KILL')).toBe(NOTBUSY);
    expect(await ask(client, 'EVAL', "return redis.call('get', KEYS[1])", '1', 'k')).toBe('$1\r\nv\r\n');
  });

  it('lets pass what may be asked of a busy server, and aborts transactions', async () => {
    await using one = await served();
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const script = ask(client, 'EVAL', 'while true do end', '0');
    await busy(one);
    const replies = await other.exchange([
      ['MULTI'],
      ['SET', 'k', 'v'],
      ['EXEC'],
      ['WATCH', 'k'],
      ['UNWATCH'],
      ['RESET'],
    ]);
    expect(replies).toEqual([
      '+OK\r\n',
      BUSY,
      `-EXECABORT Transaction discarded because of: ${BUSY.slice(1)}`,
      '+OK\r\n',
      '+OK\r\n',
      '+RESET\r\n',
    ]);
    await other.exchange([['SCRIPT', 'KILL']]);
    expect(await script).toContain('killed by user');
  });

  it('cannot be killed once it has written, and is ended with its shard', async () => {
    await using one = await served();
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const script = client.exchange([['EVAL', "redis.call('set', KEYS[1], 'y') while true do end", '1', 'x']]);
    const gone = expect(script).rejects.toThrow('closed');
    await busy(one);
    expect(await ask(other, 'SCRIPT', 'KILL')).toMatch(/^-UNKILLABLE Sorry the script already executed write commands/);
    expect(await ask(other, 'GET', 'x')).toBe(BUSY);
    await one[Symbol.asyncDispose]();
    await gone;
  });

  it('goes on when its client is gone', async () => {
    await using one = await served();
    using other = await RawClient.to(one.port);
    {
      using client = await RawClient.to(one.port);
      void client.exchange([['EVAL', 'while true do end', '0']]).catch(() => undefined);
      await busy(one);
    }
    await eventually(() => one.shard.sessions.size === 1, { withinMs: 5000, what: 'the client has gone' });
    expect(await ask(other, 'PING')).toBe(BUSY);
    expect(await ask(other, 'SCRIPT', 'KILL')).toBe('+OK\r\n');
    await eventually(() => one.shard.longScript === null, { withinMs: 5000, what: 'the script has ended' });
    expect(await ask(other, 'PING')).toBe('+PONG\r\n');
  });

  it('keeps nobody waiting at another shard', async () => {
    await using one = await served();
    await using two = await served();
    using client = await RawClient.to(one.port);
    using neighbour = await RawClient.to(two.port);
    const script = ask(client, 'EVAL', "while true do redis.call('get', 'k') end", '0');
    await busy(one);
    expect(await ask(neighbour, 'EVAL', "return redis.call('incr', KEYS[1])", '1', 'n')).toBe(':1\r\n');
    using other = await RawClient.to(one.port);
    await other.exchange([['SCRIPT', 'KILL']]);
    expect(await script).toContain('killed by user');
  });
});

describe('a script that takes long', () => {
  beforeAll(scriptEngineReady);

  it('has its effects once, as one unit, whichever part made them', async () => {
    await using one = await servedShard();
    const lines: string[] = [];
    one.shard.writeLog.subscribe({ write: (database, words) => lines.push(`${database} ${words.join(' ')}`) });
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const source = `local a = redis.call('incr', KEYS[1]) local r = math.random()
      redis.call('select', 2) redis.call('set', 'd', 0.1)
      ${TAKES_LONG}
      redis.call('incr', KEYS[1]) local s = math.random()
      local long = redis.call('get', KEYS[2])
      local refused = redis.pcall('lpush', 'd', 'x')
      redis.call('append', KEYS[2], long)
      return {a, redis.call('get', 'd'), tostring(r) ~= tostring(s), #long, refused.err, redis.sha1hex('')}`;
    await other.exchange([
      ['SELECT', '2'],
      ['SET', 'long', 'x'.repeat(100_000)],
    ]);
    lines.length = 0;
    const script = ask(client, 'EVAL', source, '2', 'n', 'long');
    await eventually(() => one.shard.longScript !== null, { withinMs: 20_000, what: 'its first part is over' });
    expect(one.shard.longScript?.isSilent).toBe(true);
    const waiting = other.exchange([
      ['STRLEN', 'long'],
      ['SET', 'after', '1'],
    ]);
    expect(lines).toEqual([]);
    expect((await script).split('\r\n')).toEqual([
      ...['*6', ':1', '$3', '0.1', ':1', ':100000'],
      ...['$65', 'WRONGTYPE Operation against a key holding the wrong kind of value'],
      ...['$40', 'da39a3ee5e6b4b0d3255bfef95601890afd80709', ''],
    ]);
    expect(await waiting).toEqual([':200000\r\n', '+OK\r\n']);
    expect(lines.map((line) => line.slice(0, 30).trim())).toEqual([
      '0 MULTI',
      '0 incr n',
      '2 set d 0.1',
      '2 incr n',
      `2 append long ${'x'.repeat(16)}`,
      '2 EXEC',
      '2 SET after 1',
    ]);
    expect(
      await client.exchange([
        ['GET', 'n'],
        ['INCR', 'n'],
      ]),
    ).toEqual(['$1\r\n1\r\n', ':2\r\n']);
    expect(await ask(client, 'SLOWLOG', 'LEN')).not.toBe(':0\r\n');
  });

  it('is one moment: time stands still, and what expires meanwhile stays', async () => {
    await using one = await servedShard();
    using client = await RawClient.to(one.port);
    const source = `redis.call('set', 'k', 'v', 'px', 1) local t = redis.call('time')
      ${TAKES_LONG}
      local u = redis.call('time') return {t[1] == u[1] and t[2] == u[2], redis.call('get', 'k')}`;
    expect(await ask(client, 'EVAL', source, '0')).toBe('*2\r\n:1\r\n$1\r\nv\r\n');
    expect(await ask(client, 'GET', 'k')).toBe('$-1\r\n');
  });

  it('is ended when it goes another way the second time', async () => {
    await using one = await servedShard();
    using client = await RawClient.to(one.port);
    const source = `local address = tostring({}) redis.call('set', 'k', address) ${TAKES_LONG} return 1`;
    expect(await ask(client, 'EVAL', source, '0')).toMatch(/^-ERR the script went another way/);
    expect(await ask(client, 'GET', 'k')).toMatch(/table: /);
  });

  it('runs here to its end, or to a limit, inside of a transaction', async () => {
    await using one = await servedShard();
    using client = await RawClient.to(one.port);
    const replies = await client.exchange([['MULTI'], ['EVAL', `${TAKES_LONG} return 7`, '0'], ['EXEC']]);
    expect(replies[2]).toBe('*1\r\n:7\r\n');
  });

  it('is ended where its shard cannot wait, and what it has written is one unit', async () => {
    await using one = await servedShard();
    const lines: string[] = [];
    one.shard.writeLog.subscribe({ write: (_, words) => lines.push(words.join(' ')) });
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const script = ask(client, 'EVAL', "redis.call('incr', 'a') redis.call('incr', 'b') while true do end", '0');
    await eventually(() => one.shard.longScript !== null, { withinMs: 20_000, what: 'its first part is over' });
    const waiting = ask(other, 'GET', 'b');
    one.shard.longScript!.giveUp();
    expect(await script).toBe('-ERR the script was ended: its shard could not wait for it\r\n');
    expect(await waiting).toBe('$1\r\n1\r\n');
    expect(lines).toEqual(['MULTI', 'incr a', 'incr b', 'EXEC']);
  });

  it('is in a snapshot as a whole, or not at all', async () => {
    await using one = await servedShard();
    using client = await RawClient.to(one.port);
    const path = await mkdtemp(join(tmpdir(), 'antipode-'));
    try {
      const source = `redis.call('set', 'a', 1) ${TAKES_LONG} redis.call('set', 'b', 1) return 1`;
      const script = ask(client, 'EVAL', source, '0');
      await eventually(() => one.shard.longScript !== null, { withinMs: 20_000, what: 'its first part is over' });
      const folder = one.shard.world.files.folder(path);
      let keys = -1;
      const begun = (): void => void (keys = one.shard.keyspaces[0]!.values.size);
      const snapshot = new SnapshotFile({ shard: one.shard, folder, name: 'dump.rdb', begun });
      expect(await script).toBe(':1\r\n');
      expect((await snapshot.finished).ok).toBe(true);
      expect(keys).toBe(2);
    } finally {
      await rm(path, { recursive: true });
    }
  });

  it('wakes who waited for its keys when it has ended', async () => {
    await using one = await servedShard();
    using client = await RawClient.to(one.port);
    using waiter = await RawClient.to(one.port);
    const popped = ask(waiter, 'BLPOP', 'list', '0');
    await eventually(() => one.shard.blocking.count === 1, { withinMs: 5000, what: 'it waits' });
    const source = `${TAKES_LONG} redis.call('rpush', 'list', 'a') redis.call('lpop', 'list') return redis.call('rpush', 'list', 'b')`;
    expect(await ask(client, 'EVAL', source, '0')).toBe(':1\r\n');
    expect(await popped).toBe('*2\r\n$4\r\nlist\r\n$1\r\nb\r\n');
  });
});

describe('a function that does not end', () => {
  beforeAll(scriptEngineReady);

  const LIBRARY = `#!lua name=endless
    local STEP = 1
    local function spin(n) while true do n = n + STEP end end
    redis.register_function('f', function() spin(0) end)
    redis.register_function{function_name = 'g', callback = function(keys) return redis.call('get', keys[1]) end, flags = {'no-writes'}}`;

  it('is ended by FUNCTION KILL, and told of by FUNCTION STATS', async () => {
    await using one = await served();
    using client = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    await client.exchange([
      ['FUNCTION', 'LOAD', LIBRARY],
      ['SET', 'k', 'v'],
    ]);
    const running = client.exchange([
      ['FCALL', 'f', '0'],
      ['FCALL', 'g', '1', 'k'],
    ]);
    await busy(one);
    expect(await ask(other, 'PING')).toBe(BUSY_FUNCTION);
    expect(await ask(other, 'SCRIPT', 'KILL')).toBe(BUSY_FUNCTION);
    expect(await ask(other, 'FUNCTION', 'STATS')).toMatch(
      /running_script\r\n\*6\r\n\$4\r\nname\r\n\$1\r\nf\r\n\$7\r\ncommand\r\n\*3\r\n\$5\r\nFCALL\r\n\$1\r\nf\r\n\$1\r\n0\r\n\$11\r\nduration_ms\r\n:\d+\r\n/,
    );
    expect(await ask(other, 'FUNCTION', 'KILL')).toBe('+OK\r\n');
    const [killed, next] = await running;
    expect(killed).toMatch(/^-ERR Script killed by user with SCRIPT KILL\.\.\. script: f, on @user_function:3\.\r\n$/);
    expect(next).toBe('$1\r\nv\r\n');
  });

  it('runs to a limit where its library keeps something from call to call', { timeout: 90_000 }, async () => {
    await using one = await served();
    using client = await RawClient.to(one.port);
    const library = `#!lua name=counting
      local calls = 0
      redis.register_function('f', function(keys, args) calls = calls + 1 while args[1] do end return calls end)`;
    const replies = await client.exchange([
      ['FUNCTION', 'LOAD', library],
      ['FCALL', 'f', '0'],
      ['FCALL', 'f', '0', 'endless'],
      ['FCALL', 'f', '0'],
    ]);
    expect(replies[2]).toMatch(/^-ERR .*Script killed by fuel limit script: f, on @user_function:3\.\r\n$/);
    expect([replies[1], replies[3]]).toEqual([':1\r\n', ':3\r\n']);
  });
});

describe('behind an endpoint', () => {
  beforeAll(scriptEngineReady);

  it('SCRIPT KILL does not wait behind the script that it is to end', async () => {
    await using database = await testDatabase();
    const client = await database.client();
    const other = await database.client();
    const script = client.call('EVAL', 'while true do end', '1', 'k');
    await eventually(() => database.shards.some(({ longScript }) => longScript !== null), {
      withinMs: 20_000,
      what: 'the script takes long',
    });
    for (const shard of database.shards) shard.longScript?.answerOthers();
    expect(await other.call('SCRIPT', 'KILL')).toBe('+OK\r\n');
    expect(await script).toContain('killed by user');
  });
});
