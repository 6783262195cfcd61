import { describe, expect, it } from 'vitest';
import { bitmapCommands } from '../../../src/node/commands/bitmaps.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { STRING_BYTES_MAX } from '../../../src/node/commands/raw-edit.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { testShard } from '../../support/fixtures.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = [...bitmapCommands, ...stringCommands, ...keyCommands];

describe('SETBIT', () => {
  it('is replicated only when a bit changes or the string grows', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    client.call('SETBIT', 'k', '7', '0');
    client.call('SETBIT', 'k', '7', '0');
    client.call('SETBIT', 'k', '7', '1');
    client.call('SETBIT', 'k', '7', '1');
    expect(writes).toEqual(['SETBIT k 7 0', 'SETBIT k 7 1']);
  });

  it('keeps the expiry of a string it takes over', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'abc', 'EX', '100');
    client.call('SETBIT', 'k', '6', '1');
    expect([client.call('GET', 'k'), client.call('TTL', 'k')]).toEqual(['cbc', 100]);
  });

  it('refuses an offset beyond the longest string', () => {
    using test = testShard({ commands });
    const refused = '-ERR bit offset is not an integer or out of range\r\n';
    for (const offset of [String(STRING_BYTES_MAX * 8), '9223372036854775807', '-1', '1.0', '']) {
      expect(test.client().bytes('SETBIT', 'k', offset, '1')).toBe(refused);
    }
  });
});

describe('BITCOUNT and BITPOS', () => {
  it('read their arguments before they look for the key, as since 7.2', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('BITCOUNT', 'none', 'x', '1')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(client.bytes('BITCOUNT', 'none', '1')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('BITPOS', 'none', '0', '0', '1', 'NIBBLE')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('BITPOS', 'none', '0', '0', '1', 'BIT')).toBe(':0\r\n');
  });

  it('take a clear bit for found behind the end, unless an end is given', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', '\xff\xff');
    expect(client.call('BITPOS', 'k', '0')).toBe(16);
    expect(client.call('BITPOS', 'k', '0', '1')).toBe(16);
    expect(client.call('BITPOS', 'k', '0', '0', '-1')).toBe(-1);
    expect(client.call('BITCOUNT', 'k', '3', '9', 'BIT')).toBe(7);
  });
});

describe('BITFIELD', () => {
  it('changes nothing when a part of the request is wrong', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('BITFIELD', 'k', 'SET', 'u8', '0', '1', 'GET', 'u64', '0')).toMatch(
      /^-ERR Invalid bitfield type/,
    );
    expect(client.call('EXISTS', 'k')).toBe(0);
  });

  it('replicates a string that only grew', () => {
    using test = testShard({ commands });
    const writes = collectWrites(test.shard);
    const client = test.client();
    expect(client.call('BITFIELD', 'k', 'OVERFLOW', 'FAIL', 'INCRBY', 'u2', '0', '5')).toEqual([null]);
    expect(client.call('GET', 'k')).toBe('\0');
    expect(writes).toHaveLength(1);
  });

  it('takes a number near -2^63 for too large, as Redis does', () => {
    using test = testShard({ commands });
    const request = ['BITFIELD', 'k', 'OVERFLOW', 'SAT', 'SET', 'i8', '0', '-9223372036854775808', 'GET', 'i8', '0'];
    expect(test.client().call(...request)).toEqual([0, 127]);
  });
});
