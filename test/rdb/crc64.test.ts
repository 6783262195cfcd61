import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crc64 } from '../../src/rdb/crc64.ts';

function crc(...pieces: readonly Buffer[]): string {
  const checksum = new Crc64();
  for (const piece of pieces) checksum.update(piece, 0, piece.length);
  const bytes = Buffer.alloc(8);
  checksum.write(bytes, 0);
  expect(checksum.matches(bytes, 0)).toBe(true);
  return bytes.readBigUInt64LE(0).toString(16);
}

describe('CRC-64 Jones', () => {
  it('gives the check value that its definition states', () => {
    expect(crc(Buffer.from('123456789'))).toBe('e9c6d914c4b8d9ca');
    expect(crc()).toBe('0');
  });

  it('is the same for any division into pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (data, a, b) => {
        const bytes = Buffer.from(data);
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        expect(crc(bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second))).toBe(crc(bytes));
      }),
    );
  });

  it('sees any single changed bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(), fc.nat(7), (data, at, bit) => {
        const changed = Buffer.from(data);
        changed[at % data.length]! ^= 1 << bit;
        expect(crc(changed)).not.toBe(crc(Buffer.from(data)));
      }),
    );
  });
});
