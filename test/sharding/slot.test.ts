import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16, redisSlot, SLOT_COUNT } from '../../src/sharding/slot.ts';

/** The slot function of ioredis; it carries no types of its own. */
const keySlot = createRequire(import.meta.url)('cluster-key-slot') as (key: Buffer) => number;

/** Few letters, many braces, so that tags of every shape occur; and any bytes at all. */
const key = fc.oneof(
  fc.array(fc.constantFrom('{', '}', 'a', 'b', '\n', '\xff'), { maxLength: 12 }).map((parts) => parts.join('')),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

describe('slots', () => {
  it('know the check value of CRC-16/XMODEM', () => {
    expect(crc16('123456789')).toBe(0x31c3);
    expect(crc16('xx123456789y', 2, 11)).toBe(0x31c3);
    expect(crc16('')).toBe(0);
  });

  it('are those that a Redis Cluster gives', () => {
    expect(redisSlot('foo')).toBe(12182);
    expect(redisSlot('{user1000}.following')).toBe(redisSlot('{user1000}.followers'));
    expect(redisSlot('foo{}{bar}')).toBe(crc16('foo{}{bar}') % SLOT_COUNT);
    expect(redisSlot('foo{{bar}}zap')).toBe(crc16('{bar') % SLOT_COUNT);
    expect(redisSlot('foo{bar}{zap}')).toBe(redisSlot('bar'));
  });

  it('agree with cluster-key-slot on any bytes', () => {
    fc.assert(
      fc.property(key, (text) => {
        // After an empty first tag cluster-key-slot goes on looking; redis-server does not (see `foo{}{bar}` above).
        fc.pre(text.charAt(text.indexOf('{') + 1) !== '}' || !text.includes('{'));
        expect(redisSlot(text)).toBe(keySlot(Buffer.from(text, 'latin1')));
      }),
      { numRuns: 2000 },
    );
  });
});
