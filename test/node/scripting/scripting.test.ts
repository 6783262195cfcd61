import { beforeAll, describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { testShard } from '../../support/fixtures.ts';

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
    expect(client.bytes('EVAL', "return redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain('NOPERM');
    client.call('AUTH', 'default', '');
    expect(client.bytes('EVAL_RO', "return redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain(
      'ERR Write commands are not allowed from read-only scripts.',
    );
    expect(client.bytes('EVAL', "#!lua flags=no-writes\nreturn redis.call('set', KEYS[1], 'x')", '1', 'a')).toContain(
      'ERR Write commands are not allowed from read-only scripts.',
    );
    expect(client.call('EXISTS', 'a')).toBe(0);
  });

  it('draw the same random numbers each time', () => {
    using test = testShard({ commands });
    const client = test.client();
    const script = ['EVAL', 'return {math.random(1000), math.random(1000)}', '0'];
    expect(client.call(...script)).toEqual(client.call(...script));
  });

  it('that do not end are stopped, and the next ones run', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('EVAL', 'while true do end', '0')).toContain('Script killed by fuel limit');
    expect(client.call('EVAL', 'return 1', '0')).toBe(1);
    expect(client.bytes('SCRIPT', 'KILL')).toBe('-NOTBUSY No scripts in execution right now.\r\n');
  }, 30_000);

  it('run inside a transaction', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MULTI');
    client.call('EVAL', "return redis.call('incr', KEYS[1])", '1', 'n');
    client.call('GET', 'n');
    expect(client.call('EXEC')).toEqual([1, '1']);
  });
});
