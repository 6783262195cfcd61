import { beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = dataCommands;

describe('the first script', () => {
  it('waits for the engine, which no start loads, and is then answered', async () => {
    using test = testShard({ commands });
    const client = test.client();
    const other = test.client();
    client.send('EVAL', "return redis.call('incr', KEYS[1])", '1', 'n');
    client.send('GET', 'n');
    expect(client.replies).toEqual([]);
    expect(other.call('PING')).toBe('PONG');
    await eventually(() => client.replies.length === 2, { withinMs: 5000, what: 'both replies' });
    expect(client.replies).toEqual([1, '1']);
  });
});

describe('scripts', () => {
  beforeAll(scriptEngineReady);

  it('are replicated as the writes they made, in one unit', () => {
    using test = testShard({ commands });
    const lines: string[] = [];
    test.shard.writeLog.subscribe({ write: (database, words) => lines.push(`${database} ${words.join(' ')}`) });
    const client = test.client();
    client.call(
      'EVAL',
      "redis.call('set', KEYS[1], 'x', 'px', 50000) redis.call('select', 3) redis.call('incr', KEYS[2])",
      '2',
      'a',
      'b',
    );
    expect(lines.map((line) => line.replace(/PXAT \d+/, 'PXAT T'))).toEqual([
      '0 MULTI',
      '0 SET a x PXAT T',
      '3 incr b',
      '3 EXEC',
    ]);
    lines.length = 0;
    client.call('EVAL', "return redis.call('get', KEYS[1])", '1', 'a');
    expect(lines).toEqual([]);
    expect(client.call('GET', 'b')).toBeNull(); // the caller's database is still its own
  });

  it('are found by their digest, once loaded or run', () => {
    using test = testShard({ commands });
    const client = test.client();
    const sha = client.call('SCRIPT', 'LOAD', 'return ARGV[1]') as string;
    expect(sha).toMatch(/^[0-9a-f]{40}$/);
    expect(client.call('EVALSHA', sha.toUpperCase(), '0', 'x')).toBe('x');
    expect(client.call('SCRIPT', 'EXISTS', sha, '0'.repeat(40))).toEqual([1, 0]);
    expect(client.call('SCRIPT', 'FLUSH')).toBe('OK');
    expect(client.bytes('EVALSHA', sha, '0', 'x')).toBe('-NOSCRIPT No matching script. Please use EVAL.\r\n');
    client.call('EVAL', 'return ARGV[1]', '0', 'x');
    expect(client.call('EVALSHA', sha, '0', 'y')).toBe('y');
  });

  it('that only EVAL brought are forgotten beyond 500, the longest unused first', () => {
    using test = testShard({ commands });
    const client = test.client();
    const kept = client.call('SCRIPT', 'LOAD', 'return 0') as string;
    for (let n = 1; n <= 501; n++) client.call('EVAL', `return ${n}`, '0');
    expect(test.shard.scripts.count).toBe(501);
    expect(client.call('EVALSHA', kept, '0')).toBe(0);
    const first = client.call('EVAL', 'return redis.sha1hex(ARGV[1])', '0', 'return 1') as string;
    expect(client.call('SCRIPT', 'EXISTS', first)).toEqual([0]);
  });

  it('run with their client’s permissions and its server’s limits', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ACL', 'SETUSER', 'reader', 'on', 'nopass', '~*', '+@all', '-set');
    client.call('AUTH', 'reader', 'any');
    expect(client.bytes('EVAL', "return redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain(
      "ERR ACL failure in script: User reader has no permissions to run the 'set' command",
    );
    const asked = "return {redis.acl_check_cmd('set', 'a', 'x'), redis.acl_check_cmd('get', 'a')}";
    expect(client.call('EVAL', asked, '0')).toEqual([null, 1]);
    client.call('AUTH', 'default', '');
    expect(client.bytes('EVAL_RO', "return redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain(
      'ERR Write commands are not allowed from read-only scripts.',
    );
    expect(client.bytes('EVAL', "#!lua flags=no-writes\nreturn redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain(
      'ERR Write commands are not allowed from read-only scripts.',
    );
    expect(client.call('EXISTS', 'a')).toBe(0);
  });

  it('give doubles to commands in their shortest form, as 7.4 does', () => {
    using test = testShard({ commands });
    const client = test.client();
    const echo = (number: string) => client.call('EVAL', `return redis.call('echo', ${number})`, '0');
    expect(['0.1', '-0', '1e100', '2^62', '1/0', '1e-9'].map(echo)).toEqual([
      '0.1',
      '0',
      '1e+100',
      '4611686018427387904',
      'inf',
      '1e-9',
    ]);
  });

  it('see replies of every type, in both protocols', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('DEBUG', 'SET-DISABLE-DENY-SCRIPTS', '1');
    const seen = (protocol: 2 | 3, type: string): string =>
      client.bytes('EVAL', `redis.setresp(${protocol}) return redis.call('debug', 'protocol', ARGV[1])`, '0', type);
    const types = ['string', 'integer', 'double', 'null', 'array', 'bignum', 'true', 'false', 'verbatim'];
    for (const clientProtocol of [2, 3] as const) {
      client.session.wireProtocol = clientProtocol;
      for (const type of types) {
        const direct = client.bytes('DEBUG', 'PROTOCOL', type);
        const odd = (type === 'true' || type === 'false') && clientProtocol === 2;
        expect(seen(3, type), `${type} ${clientProtocol}`).toBe(odd ? (type === 'true' ? ':1\r\n' : ':0\r\n') : direct);
      }
      for (const type of ['set', 'map']) {
        // In whatever order Lua has them
        const sorted = (reply: string): string[] => reply.split('\r\n').toSorted();
        expect(sorted(seen(3, type))).toEqual(sorted(client.bytes('DEBUG', 'PROTOCOL', type)));
      }
      expect(seen(3, 'attrib')).toBe('$39\r\nSome real reply following the attribute\r\n');
      expect(seen(2, 'verbatim')).toBe('$25\r\nThis is a verbatim\nstring\r\n');
      expect(seen(2, 'true')).toBe(':1\r\n');
    }
  });

  it('count what their calls were refused, at the command that was refused', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CONFIG', 'SET', 'maxmemory', '1');
    expect(client.bytes('EVAL', "return redis.call('set', 'a', 'b')", '0')).toMatch(/^-OOM/);
    const told = client.bytes('INFO', 'commandstats') + client.bytes('INFO', 'errorstats');
    expect(told).toMatch(/cmdstat_set:calls=0,.*rejected_calls=1,failed_calls=0/);
    expect(told).toMatch(/cmdstat_eval:calls=1,.*rejected_calls=0,failed_calls=1/);
    expect(told).toContain('errorstat_OOM:count=1');
  });

  it('keep their writes from whom they say', () => {
    using test = testShard({ commands });
    const followers: string[] = [];
    const own: string[] = [];
    test.shard.writeLog.subscribe({ write: (_database, words) => followers.push(words.join(' ')) });
    test.shard.writeLog.subscribe({ write: (_database, words) => own.push(words.join(' ')), hearsNotes: true });
    const client = test.client();
    const script = `redis.set_repl(redis.REPL_NONE) redis.call('incr', 'none')
      redis.set_repl(redis.REPL_AOF) redis.call('incr', 'log')
      redis.set_repl(redis.REPL_REPLICA) redis.call('incr', 'replicas')
      redis.set_repl(redis.REPL_ALL) redis.call('incr', 'all')`;
    client.call('EVAL', script, '0');
    client.call('INCR', 'after');
    expect(followers).toEqual(['MULTI', 'incr replicas', 'incr all', 'EXEC', 'INCR after']);
    expect(own).toEqual(['MULTI', 'incr log', 'incr all', 'EXEC', 'INCR after']);
    expect(client.call('MGET', 'none', 'log', 'replicas', 'all')).toEqual(['1', '1', '1', '1']);
  });

  it('keep from nobody that a key or a field has expired', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ world, commands });
    const client = test.client();
    client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    client.call('SET', 'k', '1', 'PX', '10');
    client.call('HSET', 'h', 'f', '1', 'g', '1');
    client.call('HPEXPIRE', 'h', '10', 'FIELDS', '1', 'f');
    await world.advance(20);
    const writes = collectWrites(test.shard);
    client.call('EVAL', "redis.set_repl(redis.REPL_NONE) redis.call('get', 'k') redis.call('hget', 'h', 'f')", '0');
    expect(writes).toEqual(['MULTI', 'DEL k', 'HDEL h f', 'EXEC']);
  });

  it('on a replica that has lost its primary run only when they allow it', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    test.shard.role = 'replica';
    expect(client.bytes('EVAL', 'return 1', '0')).toMatch(/^-MASTERDOWN/);
    expect(client.bytes('EVAL', '#!lua flags=no-writes\nreturn 1', '0')).toMatch(/^-MASTERDOWN/);
    expect(client.bytes('EVAL', '#!lua\nreturn 1', '0')).toMatch(/^-READONLY/);
    expect(client.bytes('EVAL', '#!lua flags=allow-stale,no-writes\nreturn 1', '0')).toBe(':1\r\n');
    expect(client.bytes('EVAL', "#!lua flags=allow-stale,no-writes\nreturn redis.call('get','x')", '0')).toMatch(
      /^-ERR Can not execute the command on a stale replica script/,
    );
  });

  it('need no more than there is: what takes all memory or stack ends alone', async () => {
    using test = testShard({ commands });
    const client = test.client();
    const greedy = "local t = {} for i = 1, 1e7 do t[i] = string.rep('x', 1e5) .. i end return #t";
    expect(client.bytes('EVAL', greedy, '0')).toMatch(/^-ERR .*memory/);
    await scriptEngineReady();
    expect(client.call('EVAL', 'return 1', '0')).toBe(1);
    expect(client.bytes('EVAL', 'local a = {} a[1] = a return a', '0')).toContain('-ERR reached lua stack limit');
    const deep = 'local function f(n) return 1 + f(n + 1) end return f(1)';
    expect(client.bytes('EVAL', deep, '0')).toMatch(/^-ERR .*stack overflow/);
    expect(client.call('EVAL', 'return 2', '0')).toBe(2);
  }, 30_000);

  it('that do not end are stopped where they cannot go on in a thread, and the next ones run', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const endless of [
      'local f = function() while true do end end while true do pcall(f) end',
      "while true do xpcall(function() error('x') end, function() while true do end end) end",
    ]) {
      client.call('MULTI');
      client.call('EVAL', endless, '0');
      expect(client.bytes('EXEC'), endless).toContain('Script killed by fuel limit');
    }
    expect(client.call('EVAL', 'return 1', '0')).toBe(1);
    expect(client.bytes('SCRIPT', 'KILL')).toBe('-NOTBUSY No scripts in execution right now.\r\n');
  }, 60_000);

  it('run inside a transaction', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MULTI');
    client.call('EVAL', "return redis.call('incr', KEYS[1])", '1', 'n');
    client.call('GET', 'n');
    expect(client.call('EXEC')).toEqual([1, '1']);
  });
});
