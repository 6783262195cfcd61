import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largeInteger, smallInteger } from '../../src/rdb/integers.ts';
import { decodeIntset, encodeIntset, fitsIntset } from '../../src/rdb/intset.ts';
import { decodeListpack, ListpackBuilder } from '../../src/rdb/listpack.ts';
import { RdbError } from '../../src/rdb/rdb-error.ts';
import { decodeZiplist } from '../../src/rdb/ziplist.ts';
import { decodeZipmap } from '../../src/rdb/zipmap.ts';
import { buildZiplist, hex } from '../support/rdb-bytes.ts';
import { ALL_BYTES, INTEGER_EDGES, LONG_WORDS, word } from '../support/rdb-values.ts';

function listpack(bytes: Buffer): string[] {
  return decodeListpack(bytes, 0, bytes.length);
}

function ziplist(bytes: Buffer): string[] {
  return decodeZiplist(bytes, 0, bytes.length);
}

describe('integers in canonical spelling', () => {
  it('are exactly those that print as they were written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...INTEGER_EDGES), fc.bigInt().map(String), fc.string()), (text) => {
        const found = smallInteger(text) ?? largeInteger(text);
        if (found !== null) expect(String(found)).toBe(text);
        const canonical = /^(0|-?[1-9][0-9]*)$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
        expect(found !== null).toBe(canonical);
      }),
    );
  });
});

describe('listpack', () => {
  const golden: readonly (readonly [what: string, bytes: string, entries: readonly string[]])[] = [
    ['nothing', '07000000 0000 ff', []],
    ['a small integer and a short string', '0c000000 0200 2a01 8161 02 ff', ['42', 'a']],
    ['13-bit integers', '0d000000 0200 dfff02 d00002 ff', ['-1', '-4096']],
    ['16 bits', '0b000000 0100 f10080 03 ff', ['-32768']],
    ['24 bits', '0c000000 0100 f2ffff7f 04 ff', ['8388607']],
    ['32 bits', '0d000000 0100 f300000080 05 ff', ['-2147483648']],
    ['64 bits', '11000000 0100 f4ffffffffffffff7f 09 ff', ['9223372036854775807']],
    ['an integer in a wider form than it needs', '0d000000 0100 f307000000 05 ff', ['7']],
    ['a count that is not known', '09000000 ffff 2a01 ff', ['42']],
  ];

  for (const [what, bytes, entries] of golden) {
    it(`reads ${what}`, () => {
      expect(listpack(hex(bytes))).toEqual(entries);
    });
  }

  const wrong: readonly (readonly [what: string, bytes: string])[] = [
    ['a total that is not its size', '08000000 0000 ff'],
    ['no room for a header', '05000000 ff'],
    ['a missing end', '07000000 0000 00'],
    ['a count that does not fit', '09000000 0200 2a01 ff'],
    ['a backward length that does not fit', '09000000 0100 2a02 ff'],
    ['a string beyond the end', '0a000000 0100 bf61 02 ff'],
    ['a long string beyond the end', '0e000000 0100 f0ffffffff 6161 ff'],
    ['an unknown encoding', '09000000 0100 f501 ff'],
    ['an integer cut off', '09000000 0100 f401 ff'],
  ];

  for (const [what, bytes] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => listpack(hex(bytes))).toThrow(RdbError);
    });
  }

  it('gives back any words, whatever their length and kind', () => {
    const builder = new ListpackBuilder();
    const build = (words: readonly string[]): Buffer => {
      for (const one of words) builder.append(one);
      return builder.finish();
    };
    const all = [...INTEGER_EDGES, ...LONG_WORDS, ALL_BYTES];
    expect(listpack(build(all))).toEqual(all);
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(listpack(build(words))).toEqual(words);
      }),
    );
  });

  it('keeps integers as numbers in the shortest form', () => {
    const builder = new ListpackBuilder();
    builder.append('42');
    builder.append('-4096');
    builder.append('8388607');
    expect(builder.finish()).toEqual(hex('11000000 0300 2a01 d00002 f2ffff7f04 ff'));
  });
});

describe('ziplist', () => {
  it('reads every encoding of an entry', () => {
    const entries = [
      hex('00 03 616263'), // a 6-bit length
      hex('05 f4'), // the immediate 3
      hex('02 fe80'), // 8 bits
      hex('03 c00080'), // 16 bits
      hex('04 f0ffff7f'), // 24 bits
      hex('05 d000000080'), // 32 bits
      hex('06 e0 0000000000000080'), // 64 bits
      Buffer.concat([hex('0a 4041'), Buffer.alloc(65, 'z')]), // a 14-bit length
      Buffer.concat([hex('44 80 00000041'), Buffer.alloc(65, 'y')]), // a 32-bit length
      hex('fe 47000000 01 71'), // the entry before in its long form
    ];
    expect(ziplist(buildZiplist(entries))).toEqual([
      'abc',
      '3',
      '-128',
      '-32768',
      '8388607',
      '-2147483648',
      '-9223372036854775808',
      'z'.repeat(65),
      'y'.repeat(65),
      'q',
    ]);
    expect(ziplist(buildZiplist([]))).toEqual([]);
  });

  it('refuses wrong sizes, counts, tails, backward lengths and encodings', () => {
    const good = buildZiplist([hex('00 01 61'), hex('03 01 62')]);
    expect(ziplist(good)).toEqual(['a', 'b']);
    const spoil = (at: number, byte: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] = byte;
      return bytes;
    };
    for (const [at, byte] of [
      [0, 99],
      [4, 10],
      [8, 3],
      [11, 63],
      [11, 0xff],
      [11, 0xc5],
      [13, 4],
      [good.length - 1, 0],
    ] as const) {
      expect(() => ziplist(spoil(at, byte)), `byte ${at}`).toThrow(RdbError);
    }
  });
});

describe('zipmap', () => {
  it('reads short and long lengths and skips free bytes', () => {
    const long = Buffer.alloc(300, 'v');
    const bytes = Buffer.concat([
      hex('02 01 61 02 03 6869 000000'),
      hex('01 62'),
      hex('fe 2c010000 00'),
      long,
      hex('ff'),
    ]);
    expect(decodeZipmap(bytes, 0, bytes.length)).toEqual(['a', 'hi', 'b', 'v'.repeat(300)]);
  });

  it('refuses a wrong count, a length beyond the end and a field alone', () => {
    for (const bytes of ['01 ff', '01 01 61 ff', '01 01 61 05 00 62 ff', '01 01 61 01 09 62 ff', 'ff', '', '00 00']) {
      const map = hex(bytes);
      expect(() => decodeZipmap(map, 0, map.length), bytes).toThrow(RdbError);
    }
  });
});

describe('intset', () => {
  it('gives back any set of 64-bit integers in ascending order', () => {
    const integer = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -70_000n, max: 70_000n }),
      fc.bigInt({ min: -200n, max: 200n }),
    );
    fc.assert(
      fc.property(fc.uniqueArray(integer, { minLength: 1 }), (numbers) => {
        const members = numbers.map(String);
        expect(fitsIntset(members)).toBe(true);
        const bytes = encodeIntset(members);
        const ascending = numbers.toSorted((a, b) => (a < b ? -1 : 1)).map(String);
        expect(decodeIntset(bytes, 0, bytes.length)).toEqual(ascending);
      }),
    );
  });

  it('uses the narrowest width', () => {
    expect(encodeIntset(['1', '-32768'])).toEqual(hex('02000000 02000000 0080 0100'));
    expect(encodeIntset(['32768']).length).toBe(12);
    expect(encodeIntset(['2147483648']).length).toBe(16);
  });

  it('refuses disorder, repetition and wrong sizes', () => {
    for (const bytes of [
      '02000000 02000000 0200 0100',
      '02000000 02000000 0100 0100',
      '03000000 01000000 010000',
      '02000000 02000000 0100',
      '02000000 ffffffff 0100',
      '0200',
    ]) {
      const set = hex(bytes);
      expect(() => decodeIntset(set, 0, set.length), bytes).toThrow(RdbError);
    }
  });
});
