import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressLzf, decompressLzf, LZF_EXPANSION_MAX } from '../../src/rdb/lzf.ts';
import { noise } from '../support/rdb-values.ts';

function compress(input: Buffer, room = input.length * 2 + 2): Buffer | null {
  const out = Buffer.alloc(room);
  const used = compressLzf(input, 0, input.length, out, room);
  return used === 0 ? null : out.subarray(0, used);
}

function decompress(input: Buffer, length: number): Buffer | null {
  const out = Buffer.alloc(length);
  return decompressLzf(input, 0, input.length, out, length) ? out : null;
}

const repetitive = fc
  .array(fc.oneof(fc.constantFrom('abc', 'aaaaaaa', 'xyz0', noise(300)), fc.string({ maxLength: 9 })), {
    maxLength: 400,
  })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('LZF', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 2000 }).map(Buffer.from)), (input) => {
        const packed = compress(input);
        if (input.length > 0) expect(decompress(packed!, input.length)?.equals(input)).toBe(true);
      }),
    );
  });

  it('gives the same bytes for the same input whatever came before', () => {
    const input = Buffer.from('the same words, the same words, the same bytes'.repeat(20), 'latin1');
    const first = compress(input)!;
    for (let round = 0; round < 50; round += 1) compress(Buffer.from(noise(500, round) + 'the same words', 'latin1'));
    expect(compress(input)!.equals(first)).toBe(true);
    expect(first.length).toBeLessThan(input.length / 10);
  });

  it('expands at most LZF_EXPANSION_MAX times, and reaches it', () => {
    const input = Buffer.alloc(264 * 100);
    expect(input.length / compress(input)!.length).toBeGreaterThan(LZF_EXPANSION_MAX * 0.97);
    expect(input.length / compress(input)!.length).toBeLessThanOrEqual(LZF_EXPANSION_MAX);
  });

  it('does not write beyond its room', () => {
    fc.assert(
      fc.property(repetitive, fc.nat(300), (input, room) => {
        const out = Buffer.alloc(room + 400, 0x77);
        const used = compressLzf(input, 0, input.length, out, room);
        expect(used).toBeLessThanOrEqual(room);
        expect(out.subarray(room).every((byte) => byte === 0x77)).toBe(true);
      }),
    );
  });

  it('refuses malformed input', () => {
    expect(decompress(Buffer.from([5, 1]), 6)).toBeNull();
    expect(decompress(Buffer.from([0x20, 0]), 3)).toBeNull();
    expect(decompress(Buffer.from([0, 65, 0x20, 5]), 4)).toBeNull();
    expect(decompress(Buffer.from([0, 65, 0xe0]), 4)).toBeNull();
    expect(decompress(Buffer.from([0, 65, 0xe0, 9]), 4)).toBeNull();
    expect(decompress(Buffer.from([0, 65]), 2)).toBeNull();
    expect(decompress(Buffer.from([0, 65, 0x20, 0]), 4)?.toString()).toBe('AAAA');
  });

  it('never fails otherwise on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(1000), (data, length) => {
        const result = decompress(Buffer.from(data), length);
        expect(result === null || result.length === length).toBe(true);
      }),
    );
  });
});
