import { describe, expect, it } from 'vitest';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { STRING_BYTES_MAX } from '../../../src/node/commands/raw-edit.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = [...stringCommands, ...keyCommands];

describe('SET and GET', () => {
  it('stores and returns any bytes', () => {
    using test = testShard({ commands: stringCommands });
    const client = test.client();
    expect(client.bytes('SET', 'k', '\r\n\0\xff')).toBe('+OK\r\n');
    expect(client.bytes('GET', 'k')).toBe('$4\r\n\r\n\0\xff\r\n');
    expect(client.bytes('get', 'none')).toBe('$-1\r\n');
  });

  it('refuses two different expiry options', () => {
    using test = testShard({ commands: stringCommands });
    expect(test.client().bytes('SET', 'k', 'v', 'EX', '1', 'PX', '1')).toBe('-ERR syntax error\r\n');
    expect(test.client().bytes('SET', 'k')).toBe("-ERR wrong number of arguments for 'set' command\r\n");
    expect(test.client().bytes('NOPE', 'a')).toBe("-ERR unknown command 'NOPE', with args beginning with: 'a' \r\n");
  });

  it('counts hits and misses once for each look', () => {
    using test = testShard({ commands: stringCommands });
    const client = test.client();
    client.call('GET', 'k');
    client.call('SET', 'k', 'v');
    client.call('APPEND', 'k', 'w');
    client.call('GET', 'k');
    expect([test.shard.hits, test.shard.misses]).toEqual([1, 1]);
  });
});

describe('what strings replicate', () => {
  it('is the absolute time, whatever form it was given in', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SET', 'k', 'v', 'EX', '100');
    const at = test.shard.now + 100_000;
    client.call('PSETEX', 'k', '60000', 'w');
    client.call('SET', 'k', 'v', 'KEEPTTL');
    client.call('GETEX', 'k', 'PXAT', '4102444800123');
    client.call('GETEX', 'k', 'PERSIST');
    client.call('GETEX', 'k', 'PERSIST');
    client.call('GETEX', 'k');
    client.call('set', 'k', 'v', 'nx', 'get');
    client.call('set', 'k', 'v', 'xx', 'pxat', '4102444800123'); // says it already
    client.call('set', 'k', 'get', 'xx', 'get', 'keepttl');
    client.call('set', 'new', 'v', 'nx');
    expect(writes[0]).toBe(`SET k v PXAT ${at}`);
    expect(writes[1]).toMatch(/^SET k w PXAT \d{13}$/);
    expect(writes.slice(2)).toEqual([
      'SET k v KEEPTTL',
      'PEXPIREAT k 4102444800123',
      'PERSIST k',
      'set k v xx pxat 4102444800123',
      'set k get xx keepttl',
      'set new v nx',
    ]);
  });

  it('is what was asked when the time is already over, and a deletion when somebody looks', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SET', 'k', 'v');
    client.call('GETEX', 'k', 'EXAT', '1');
    client.call('SET', 'k', 'v');
    client.call('SET', 'k', 'w', 'PXAT', '1');
    const [keyspace] = test.shard.keyspaces;
    expect([keyspace!.size, client.call('GET', 'k'), keyspace!.size]).toEqual([1, null, 0]);
    expect(writes).toEqual(['SET k v', 'DEL k', 'SET k v', 'SET k w PXAT 1', 'DEL k']);
  });

  it('has nothing of a key whose time was over, though nobody had looked', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SET', 'k', 'v', 'PXAT', '1');
    client.call('SET', 'k', 'w', 'KEEPTTL');
    expect([client.call('GET', 'k'), client.call('GETEX', 'k', 'PERSIST')]).toEqual(['w', 'w']);
    expect(writes).toEqual(['SET k v PXAT 1', 'MULTI', 'DEL k', 'SET k w KEEPTTL', 'EXEC']);
  });

  it('is the result, not the way to it, where that could differ elsewhere', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('INCRBYFLOAT', 'n', '0.1');
    client.call('INCRBYFLOAT', 'n', '0.2');
    client.call('GETSET', 'n', 'x');
    client.call('GETDEL', 'n');
    client.call('GETDEL', 'n');
    expect(writes).toEqual(['SET n 0.1 KEEPTTL', 'SET n 0.3 KEEPTTL', 'SET n x', 'DEL n']);
  });

  it('is nothing when nothing changed', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MSET', 'a', '1', 'b', '2');
    const writes = collectWrites(test.shard);
    client.call('SETNX', 'a', '2');
    client.call('MSETNX', 'c', '1', 'a', '2');
    client.call('SET', 'a', 'x', 'NX');
    client.call('SETRANGE', 'a', '5', '');
    client.call('INCR', 'x', 'too many');
    expect(writes).toEqual([]);
  });
});

describe('counters', () => {
  it('are exact to the ends of 64 bits and refuse to pass them', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'n', '9223372036854775806');
    expect(client.bytes('INCR', 'n')).toBe(':9223372036854775807\r\n');
    expect(client.bytes('INCR', 'n')).toBe('-ERR increment or decrement would overflow\r\n');
    expect(client.bytes('DECRBY', 'n', '-9223372036854775808')).toBe('-ERR decrement would overflow\r\n');
    expect(client.bytes('DECRBY', 'n', '9223372036854775807')).toBe(':0\r\n');
  });

  it('keep the expiry', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'n', '1', 'EX', '100');
    client.call('INCR', 'n');
    client.call('INCRBYFLOAT', 'n', '1');
    expect(client.call('TTL', 'n')).toBe(100);
  });
});

describe('strings that grow', () => {
  it('end where a JavaScript string ends, with the error of a limit', () => {
    using test = testShard({ commands });
    const client = test.client();
    const refused = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n';
    expect(client.bytes('SETRANGE', 'k', String(STRING_BYTES_MAX), 'x')).toBe(refused);
    expect(client.bytes('SETRANGE', 'k', '9223372036854775807', 'x')).toBe(refused);
    expect(client.call('EXISTS', 'k')).toBe(0);
  });

  it('are not changed under a copy', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('APPEND', 'a', 'one');
    client.call('APPEND', 'a', 'two');
    client.call('COPY', 'a', 'b');
    client.call('SETRANGE', 'a', '0', 'X');
    expect(client.call('MGET', 'a', 'b')).toEqual(['Xnetwo', 'onetwo']);
    expect(client.call('OBJECT', 'ENCODING', 'b')).toBe('raw');
  });
});

describe('LCS', () => {
  it('finds the ranges Redis finds in its own example, and says so in RESP3 as a map', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MSET', 'key1', 'ohmytext', 'key2', 'mynewtext');
    expect(client.call('LCS', 'key1', 'key2')).toBe('mytext');
    expect(client.call('LCS', 'key1', 'key2', 'IDX', 'MINMATCHLEN', '4', 'WITHMATCHLEN')).toEqual([
      'matches',
      [[[4, 7], [5, 8], 4]],
      'len',
      6,
    ]);
  });

  it('refuses a table larger than proto-max-bulk-len', () => {
    using test = testShard({ commands, config: { 'proto-max-bulk-len': '1mb' } });
    const client = test.client();
    client.call('MSET', 'a', 'x'.repeat(1000), 'b', 'y'.repeat(1000));
    expect(client.bytes('LCS', 'a', 'b', 'LEN')).toMatch(/^-ERR Insufficient memory/);
  });
});
