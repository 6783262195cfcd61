import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PIECE_BYTES_MAX, PieceError, PieceReader, PieceWriter } from '../../src/resp/compressed-pieces.ts';

const headed = (plainBytes: number, compressed: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(compressed.length, 0);
  header.writeUInt32BE(plainBytes, 4);
  return Buffer.concat([header, compressed]);
};

const readAll = (reader: PieceReader): Buffer => {
  const pieces: Buffer[] = [];
  for (let piece = reader.next(); piece !== null; piece = reader.next()) pieces.push(piece);
  return Buffer.concat(pieces);
};

describe('compressed pieces', () => {
  it('give back what was written, at every level, wherever the wire cuts them', () => {
    const chunks = fc.array(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc
          .tuple(fc.constantFrom('key', 'user:1', 'x'.repeat(9000)), fc.integer({ min: 1, max: 40 }))
          .map(([word, times]) => Buffer.from(word.repeat(times))),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5000 }), (given, level, cut) => {
        const writer = new PieceWriter(level);
        const wire = Buffer.concat(given.map((chunk) => writer.write(Buffer.from(chunk))));
        const reader = new PieceReader();
        const read: Buffer[] = [];
        for (let at = 0; at < wire.length; at += cut) {
          reader.push(wire.subarray(at, at + cut));
          read.push(readAll(reader));
        }
        expect(Buffer.concat(read).equals(Buffer.concat(given))).toBe(true);
        expect(reader.heldBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('shrink a stream of small writes to less than half', () => {
    const writer = new PieceWriter(6);
    let plain = 0;
    let wire = 0;
    for (let i = 0; i < 200; i++) {
      const write = Buffer.from(`*3\r\n$3\r\nSET\r\n$8\r\nuser:${100 + i}\r\n$20\r\n{"name":"somebody${i % 10}"}\r\n`);
      plain += write.length;
      wire += writer.write(write).length;
    }
    expect(wire).toBeLessThan(plain / 2);
  });

  it('never hold more than their limit, whatever they say or hide', () => {
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(PIECE_BYTES_MAX);
    for (const wire of [
      headed(PIECE_BYTES_MAX, bomb),
      headed(10, bomb),
      headed(PIECE_BYTES_MAX + 1, Buffer.from('x')),
      headed(0, Buffer.from('x')),
      headed(5, deflateRawSync(Buffer.from('four'))),
      headed(5, Buffer.from('neither this nor that')),
      Buffer.from('+FULLRESYNC 0123456789'),
    ]) {
      const reader = new PieceReader();
      reader.push(wire);
      expect(() => readAll(reader)).toThrow(PieceError);
    }
  });

  it('cuts what is larger than a piece', () => {
    const plain = Buffer.alloc(3 * PIECE_BYTES_MAX + 1, 'ab');
    const reader = new PieceReader();
    reader.push(new PieceWriter(1).write(plain));
    expect(reader.next()).toHaveLength(PIECE_BYTES_MAX);
    expect(readAll(reader)).toHaveLength(2 * PIECE_BYTES_MAX + 1);
  });
});
