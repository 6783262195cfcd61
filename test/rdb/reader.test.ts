import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RDB_LIMITS } from '../../src/rdb/limits.ts';
import type { RdbLimits } from '../../src/rdb/limits.ts';
import { RdbError } from '../../src/rdb/rdb-error.ts';
import { RdbReader } from '../../src/rdb/reader.ts';
import { RdbWriter } from '../../src/rdb/writer.ts';
import { cutAt, wholeAndBytewise } from '../support/chunks.ts';
import { buildDump, hex, OLD_VALUES, rdbEntry, rdbString } from '../support/rdb-bytes.ts';
import { noise, unordered, value, word } from '../support/rdb-values.ts';

type Event = readonly unknown[];

/** Everything a dump says, in order, with each value decoded and its bytes copied. */
function read(chunks: readonly Buffer[], limits: Partial<RdbLimits> = {}): { events: Event[]; reader: RdbReader } {
  const events: Event[] = [];
  const reader = new RdbReader(
    {
      header: (...words) => events.push(['header', ...words]),
      aux: (...words) => events.push(['aux', ...words]),
      resize: (...words) => events.push(['resize', ...words]),
      functionLibrary: (code) => events.push(['function', code]),
      entry: (entry) => {
        const { database, key, expireAtMs, idleSeconds, frequency, type } = entry;
        const raw = entry.raw.toString('hex');
        events.push(['entry', { database, key, expireAtMs, idleSeconds, frequency, type, raw, value: entry.decode() }]);
      },
    },
    limits,
  );
  let total = 0;
  for (const chunk of chunks) {
    // What a socket does: the chunk's memory is used again after the call.
    const lent = Buffer.from(chunk);
    total += reader.push(lent);
    lent.fill(0xee);
  }
  expect(reader.bytesRead).toBe(total);
  return { events, reader };
}

function errorOf(act: () => unknown): RdbError {
  try {
    act();
  } catch (error) {
    if (error instanceof RdbError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function refusal(dump: Buffer, limits: Partial<RdbLimits> = {}): RdbError {
  const whole = errorOf(() => read([dump], limits));
  const bytewise = errorOf(() => read(wholeAndBytewise(dump)[1]!, limits));
  expect(bytewise.why).toBe(whole.why);
  return whole;
}

function start(item: string): Buffer {
  return Buffer.concat([Buffer.from('REDIS0010'), hex(item)]);
}

const everything = buildDump(
  'REDIS0012',
  Buffer.concat([hex('fa'), rdbString('redis-ver'), rdbString('7.4.0')]),
  Buffer.concat([hex('fa'), rdbString('redis-bits'), hex('c040')]),
  Buffer.concat([hex('f5'), rdbString('#!lua name=lib\n' + 'x'.repeat(500))]),
  hex('fe 00 fb 0a 01'),
  hex('f4 05 4064 00'),
  rdbEntry(0, 'plain', rdbString('value')),
  Buffer.concat([hex('fc ffffffffffffff00'), hex('f8 4400'), rdbEntry(0, 'ms', hex('c2 00000080'))]),
  Buffer.concat([hex('fd 01000000'), hex('f9 c8'), rdbEntry(0, 'seconds', rdbString('s'))]),
  rdbEntry(0, '', rdbString('')),
  hex('fe 4200'),
  ...OLD_VALUES.map(({ type, raw }, index) => Buffer.concat([hex('6b 07'), rdbEntry(type, `old:${index}`, raw)])),
  rdbEntry(5, 'scores', hex('02 0161 000000000000f03f 0162 000000000000f07f')),
  rdbEntry(18, 'plain node', Buffer.concat([hex('01 01'), rdbString(noise(9000))])),
);

describe('reading a dump', () => {
  it('tells everything that is in it, in order', () => {
    const { events, reader } = read([everything]);
    expect(reader.done).toBe(true);
    expect(reader.bytesRead).toBe(everything.length);
    expect(events.slice(0, 5)).toEqual([
      ['header', 'REDIS', 12],
      ['aux', 'redis-ver', '7.4.0'],
      ['aux', 'redis-bits', '64'],
      ['function', `#!lua name=lib\n${'x'.repeat(500)}`],
      ['resize', 0, 10, 1],
    ]);
    const entries = events.slice(5).map(([, entry]) => entry as Record<string, unknown>);
    const none = { expireAtMs: null, idleSeconds: null, frequency: null, database: 0 };
    expect(entries[0]).toMatchObject({ ...none, key: 'plain', value: 'value', type: 0, raw: '0576616c7565' });
    expect(entries[1]).toMatchObject({
      ...none,
      key: 'ms',
      value: '-2147483648',
      expireAtMs: 2 ** 56 - 1,
      idleSeconds: 1024,
    });
    expect(entries[2]).toMatchObject({ ...none, key: 'seconds', expireAtMs: 1000, frequency: 200 });
    expect(entries[3]).toMatchObject({ ...none, key: '', value: '' });
    expect(entries.slice(4).every((entry) => entry['database'] === 512)).toBe(true);
    expect(entries.map((entry) => entry['type'])).toEqual([0, 0, 0, 0, ...OLD_VALUES.map(({ type }) => type), 5, 18]);
    expect(entries.at(-1)).toMatchObject({ key: 'plain node', value: { kind: 'list', items: [noise(9000)] } });
  });

  it('does not depend on where chunks end: every split in two, and byte by byte', () => {
    const expected = read([everything]).events;
    expect(read(wholeAndBytewise(everything)[1]!).events).toEqual(expected);
    for (let at = 0; at <= everything.length; at += at < 1200 ? 1 : 37) {
      const { events, reader } = read([everything.subarray(0, at), everything.subarray(at)]);
      expect(reader.done).toBe(true);
      expect(events).toEqual(expected);
    }
  });

  it('gives back what was written, for any keys and values and any chunks', () => {
    const entries = fc.array(fc.tuple(word, value, fc.option(fc.integer({ min: 0, max: 2 ** 45 }))), { maxLength: 8 });
    fc.assert(
      fc.property(entries, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (keys, places, compress) => {
        const chunks: Buffer[] = [];
        const writer = new RdbWriter((chunk) => chunks.push(chunk), { compress });
        writer.header([['redis-ver', '7.0.15']]);
        writer.selectDatabase(3, keys.length, 0);
        for (const [key, of, expireAtMs] of keys) writer.entry(key, of, expireAtMs);
        writer.end();
        const { events, reader } = read(cutAt(Buffer.concat(chunks), places));
        expect(reader.done).toBe(true);
        expect(writer.bytesWritten).toBe(reader.bytesRead);
        const found = events.slice(3).map(([, entry]) => entry as { key: string; value: never; expireAtMs: number });
        expect(found.map((entry) => [entry.key, unordered(entry.value), entry.expireAtMs])).toEqual(
          keys.map(([key, of, expireAtMs]) => [key, unordered(of), expireAtMs]),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('stops at the end and leaves what follows to the caller', () => {
    const reader = new RdbReader({ entry: () => undefined });
    expect(reader.push(Buffer.concat([everything, Buffer.from('*1\r\n')]))).toBe(everything.length);
    expect(reader.done).toBe(true);
    expect(reader.push(Buffer.from('PING'))).toBe(0);
  });

  it('walks a huge collection once, however small its pieces', () => {
    // Walked again for each piece it would take longer than a test may.
    const elements = 120_000;
    const raw = Buffer.concat([hex('80 0001d4c0'), Buffer.alloc(elements * 2, hex('0161'))]);
    const dump = buildDump('REDIS0010', rdbEntry(1, 'list', raw));
    const { events } = read(wholeAndBytewise(dump)[1]!);
    expect(events[1]?.[1]).toMatchObject({ value: { items: { length: elements } } });
  });

  it('accepts a dump without a checksum, and an old one that has none', () => {
    const off = Buffer.from(everything);
    off.fill(0, off.length - 8);
    expect(read([off]).reader.done).toBe(true);
    const old = Buffer.concat([Buffer.from('REDIS0003'), hex('fe00'), rdbEntry(0, 'k', rdbString('v')), hex('ff')]);
    const { events, reader } = read([Buffer.concat([old, hex('99')])]);
    expect(reader.done).toBe(true);
    expect(reader.bytesRead).toBe(old.length);
    expect(events.at(-1)?.[1]).toMatchObject({ key: 'k', value: 'v' });
  });
});

describe('a dump that cannot be read', () => {
  it('is refused when any byte is changed, or read as something else that the checksum denies', () => {
    for (let at = 0; at < everything.length; at += at < 400 ? 1 : 97) {
      const bytes = Buffer.from(everything);
      bytes[at]! ^= 0x15;
      // Changed into something longer, it waits for more: then it is not done.
      let done = true;
      const error = (() => {
        try {
          done = read([bytes]).reader.done;
          return null;
        } catch (caught) {
          return caught;
        }
      })();
      if (error === null) expect(done, `byte ${at}`).toBe(false);
      else expect(error, `byte ${at}`).toBeInstanceOf(RdbError);
    }
  });

  it('is refused by magic and by version, naming both', () => {
    expect(refusal(Buffer.from('-ERR no such thing\r\n')).why).toBe('bad-magic');
    expect(errorOf(() => read([Buffer.from('-')])).why).toBe('bad-magic');
    const version = refusal(Buffer.from('REDIS0016'));
    expect(version.why).toBe('unsupported-version');
    expect(version.message).toContain('16');
    expect(refusal(Buffer.from('VALKEY079')).why).toBe('unsupported-version');
    expect(refusal(Buffer.from('REDIS 1e1')).why).toBe('unsupported-version');
  });

  const unsupported: readonly (readonly [
    what: string,
    magic: string,
    item: Buffer,
    why: string,
    says: readonly string[],
  ])[] = [
    [
      'a stream',
      'REDIS0010',
      rdbEntry(26, 'my stream', hex('00')),
      'unsupported-type',
      ['26', 'stream', '"my stream"'],
    ],
    ['a module value', 'REDIS0009', rdbEntry(7, 'doc\xff', hex('00')), 'unsupported-type', ['module', '"doc\\xff"']],
    ['the same number of Valkey', 'VALKEY080', rdbEntry(22, 'h', hex('00')), 'unsupported-type', ['22', 'Valkey 9']],
    ['an array of Redis 8.8', 'REDIS0014', rdbEntry(28, 'a', hex('00')), 'unsupported-type', ['28', 'array']],
    ['a number that only Redis gave', 'VALKEY081', rdbEntry(28, 'a', hex('00')), 'unknown-type', ['28', 'VALKEY081']],
    ['an unknown type', 'REDIS0011', rdbEntry(50, 'a', hex('00')), 'unknown-type', ['50', 'REDIS0011', 'byte 9']],
    ['an unknown opcode', 'REDIS0011', hex('c8 00'), 'unknown-opcode', ['200', 'REDIS0011', 'byte 9']],
    ['key metadata', 'REDIS0013', hex('f3 00'), 'unknown-opcode', ['243', 'KEY_META']],
    ['a slot import', 'VALKEY080', hex('f3 00'), 'unknown-opcode', ['243', 'SLOT_IMPORT']],
    ['early functions', 'REDIS0010', hex('f6 00'), 'unknown-opcode', ['246', 'FUNCTION_PRE_GA']],
    ['an opcode of Redis Enterprise', 'REDIS0011', hex('79 00'), 'unknown-opcode', ['121', 'SLOT_NUM']],
    ['module data', 'REDIS0010', hex('f7 81 4924924924924924 00'), 'unknown-opcode', ['247', 'SSSSSSSSS']],
  ];

  for (const [what, magic, item, why, says] of unsupported) {
    it(`names ${what}`, () => {
      const error = refusal(buildDump(magic, item));
      expect(error.why).toBe(why);
      for (const part of [...says, magic]) expect(error.message).toContain(part);
    });
  }

  it('names the key of a value that turns out corrupt, and stays refused', () => {
    const dump = buildDump('REDIS0010', rdbEntry(0, 'good', rdbString('v')), rdbEntry(2, 'bad', hex('02 0161 0161')));
    expect(refusal(dump).message).toContain('a member is there twice, key "bad", in REDIS0010, at byte 17');
    const reader = new RdbReader({ entry: (entry) => void entry.decode() });
    const first = errorOf(() => reader.push(dump));
    expect(errorOf(() => reader.push(Buffer.from('more')))).toBe(first);
    expect(reader.done).toBe(false);
  });

  it('is refused when the checksum does not fit', () => {
    const bytes = Buffer.from(everything);
    bytes[bytes.length - 1]! ^= 1;
    expect(refusal(bytes).why).toBe('checksum-mismatch');
  });

  it('is refused on the word of a length beyond a limit, before the bytes are there', () => {
    expect(refusal(start('00 80 ffffffff')).why).toBe('too-large');
    expect(refusal(start('00 0161 81 0000000100000000')).why).toBe('too-large');
    expect(refusal(start('02 0161 02 0161 80 ffffffff')).why).toBe('too-large');
    expect(refusal(start('fa 81 0000000100000000')).why).toBe('too-large');
    expect(refusal(start('fe 80 ffffffff')).why).toBe('too-large');
    const value = buildDump('REDIS0010', rdbEntry(0, 'k', rdbString(noise(200))));
    expect(refusal(value, { valueBytesMax: 201 }).why).toBe('too-large');
    expect(read([value], { valueBytesMax: 202 }).reader.done).toBe(true);
    const key = buildDump('REDIS0010', rdbEntry(0, noise(50), rdbString('')));
    expect(refusal(key, { keyBytesMax: 49 }).why).toBe('too-large');
    expect(read([key], { keyBytesMax: 50 }).reader.done).toBe(true);
    expect(RDB_LIMITS.valueBytesMax).toBe(2 ** 30);
  });

  it('survives any bytes behind a header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 5 }), (bytes, places) => {
        try {
          read(cutAt(Buffer.concat([Buffer.from('REDIS0010'), bytes]), places));
        } catch (error) {
          expect(error).toBeInstanceOf(RdbError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
