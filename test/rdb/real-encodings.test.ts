/**
 * What a real redis-server writes, read by us; what we write, read by it. Every type in every encoding that its
 * configuration can force, judged by its own replies and by DEBUG DIGEST-VALUE.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ENCODE_OPTIONS } from '../../src/rdb/encode-value.ts';
import type { EncodeOptions } from '../../src/rdb/encode-value.ts';
import { dumpPayload, parsePayload, payloadFrom } from '../../src/rdb/payload.ts';
import { RdbError } from '../../src/rdb/rdb-error.ts';
import { RdbReader } from '../../src/rdb/reader.ts';
import { decodeValue } from '../../src/rdb/values.ts';
import type { RdbValue } from '../../src/rdb/values.ts';
import { OLD_VALUES } from '../support/rdb-bytes.ts';
import { ALL_BYTES, INTEGER_EDGES, LONG_WORDS, noise, SCORE_EDGES, unordered } from '../support/rdb-values.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import type { RealRedis, RealReply } from '../support/real-redis.ts';

const small = ['a', '', '7', '-70000', '5000000000', '\xff\x00', 'b'.repeat(64)];
const mixed = [...INTEGER_EDGES, ...LONG_WORDS, ALL_BYTES];

function pairsOf(words: readonly string[]): string[] {
  return words.flatMap((word, index) => [word, words[(index + 3) % words.length]!]);
}

function sortedSet(words: readonly string[]): RdbValue {
  return { kind: 'zset', members: words, scores: words.map((_, index) => SCORE_EDGES[index % SCORE_EDGES.length]!) };
}

/** The same data under keys that say what is what. */
const samples: readonly (readonly [key: string, value: RdbValue])[] = [
  ...mixed.map((word, index): [string, RdbValue] => [`string:${index}`, word]),
  ...[small, mixed].flatMap((words, index): [string, RdbValue][] => [
    [`list:${index}`, { kind: 'list', items: [...words, ...words] }],
    [`set:${index}`, { kind: 'set', members: words }],
    [`zset:${index}`, sortedSet(words)],
    [`hash:${index}`, { kind: 'hash', pairs: pairsOf(words) }],
  ]),
  ['set:int16', { kind: 'set', members: ['-32768', '0', '32767'] }],
  ['set:int32', { kind: 'set', members: ['-2147483648', '1', '2147483647'] }],
  ['set:int64', { kind: 'set', members: ['-9223372036854775808', '2', '9223372036854775807'] }],
  ['set:600 ints', { kind: 'set', members: Array.from({ length: 600 }, (_, index) => String(index * 7)) }],
  ['list:many', { kind: 'list', items: Array.from({ length: 3000 }, (_, index) => `item ${index}`) }],
  ['list:big', { kind: 'list', items: ['x', noise(9000), 'y'.repeat(20_000), '1', noise(70_000)] }],
  ['zset:200', sortedSet(Array.from({ length: 200 }, (_, index) => `m${index}`))],
  [ALL_BYTES, 'a key of all bytes'],
  ['12345', 'a key that is a number'],
];

async function writeByCommands(server: RealRedis, key: string, value: RdbValue): Promise<void> {
  if (typeof value === 'string') await server.command('SET', key, value);
  else if (value.kind === 'list') await server.command('RPUSH', key, ...value.items);
  else if (value.kind === 'set') await server.command('SADD', key, ...value.members);
  else if (value.kind === 'stream') throw new Error('streams are made elsewhere');
  else if (value.kind === 'hash') await server.command('HSET', key, ...value.pairs);
  else await server.command('ZADD', key, ...value.members.flatMap((m, i) => [scoreText(value.scores[i]!), m]));
}

function scoreText(score: number): string {
  return Math.abs(score) === Infinity ? (score > 0 ? '+inf' : '-inf') : String(score);
}

/** The value as the server tells it to a client. */
async function readByCommands(server: RealRedis, key: string): Promise<unknown> {
  const type = await server.command('TYPE', key);
  if (type === 'string') return await server.command('GET', key);
  if (type === 'list') return await server.command('LRANGE', key, 0, -1);
  if (type === 'set') return unordered({ kind: 'set', members: (await server.command('SMEMBERS', key)) as string[] });
  if (type === 'hash') return unordered({ kind: 'hash', pairs: (await server.command('HGETALL', key)) as string[] });
  const words = (await server.command('ZRANGE', key, 0, -1, 'WITHSCORES')) as string[];
  const members = words.filter((_, index) => index % 2 === 0);
  const scores = words.filter((_, index) => index % 2 === 1).map((text) => Number(text.replace('inf', 'Infinity')));
  return unordered({ kind: 'zset', members, scores });
}

async function dump(server: RealRedis, key: string): Promise<Buffer> {
  return Buffer.from((await server.command('DUMP', key)) as string, 'latin1');
}

async function digest(server: RealRedis, key: string): Promise<RealReply> {
  return await server.command('DEBUG', 'DIGEST-VALUE', key);
}

function decodePayload(payload: Buffer): { type: number; value: RdbValue } {
  const parsed = parsePayload(payload);
  if (!parsed.ok) throw new Error('a payload of a real server is not accepted');
  return { type: parsed.type, value: decodeValue(parsed.type, parsed.raw) };
}

type Config = Readonly<Record<string, string>>;

const packed: Config = {
  'hash-max-listpack-entries': '1000',
  'hash-max-listpack-value': '100000',
  'zset-max-listpack-entries': '1000',
  'zset-max-listpack-value': '100000',
  'list-max-listpack-size': '-5',
};
const flat: Config = {
  'hash-max-listpack-entries': '0',
  'zset-max-listpack-entries': '0',
  'set-max-intset-entries': '0',
  'list-max-listpack-size': '1',
};

const configs: readonly (readonly [what: string, config: Config, types: readonly number[]])[] = [
  ['its defaults', {}, [0, 2, 4, 5, 11, 16, 17, 18]],
  ['everything packed', packed, [0, 2, 11, 16, 17, 18]],
  ['everything packed and nothing compressed', { ...packed, rdbcompression: 'no' }, [0, 2, 11, 16, 17, 18]],
  ['nothing packed', flat, [0, 2, 4, 5, 18]],
  ['nothing packed or compressed', { ...flat, rdbcompression: 'no' }, [0, 2, 4, 5, 18]],
  ['list nodes compressed in memory', { 'list-compress-depth': '1' }, [0, 2, 4, 5, 11, 16, 17, 18]],
];

describeReal('a real redis-server and src/rdb', () => {
  for (const [what, config, types] of configs) {
    it(`agree on DUMP, RESTORE and SAVE with ${what}`, async () => {
      await using server = await startRealRedis();
      for (const [name, value] of Object.entries(config)) await server.command('CONFIG', 'SET', name, value);
      const seen = new Set<number>();
      for (const [key, value] of samples) {
        await writeByCommands(server, key, value);
        const payload = await dump(server, key);
        const found = decodePayload(payload);
        seen.add(found.type);
        expect(unordered(found.value), key).toEqual(await readByCommands(server, key));
        expect(unordered(found.value), key).toEqual(unordered(value));
        const parsed = parsePayload(payload);
        if (parsed.ok) await server.command('RESTORE', 'raw', 0, payloadFrom(parsed.type, parsed.raw), 'REPLACE');
        expect(await digest(server, 'raw'), key).toEqual(await digest(server, key));
        await server.command('RESTORE', 'ours', 0, dumpPayload(found.value), 'REPLACE');
        expect(await digest(server, 'ours'), key).toEqual(await digest(server, key));
      }
      expect([...seen].toSorted((a, b) => a - b)).toEqual(types);
      await server.command('DEL', 'raw', 'ours');
      await expectSavedFile(server);
    });
  }

  it('agree whatever thresholds we write with', async () => {
    await using server = await startRealRedis({ args: ['--sanitize-dump-payload', 'yes'] });
    const options: readonly EncodeOptions[] = [
      { ...ENCODE_OPTIONS, compress: false },
      {
        ...ENCODE_OPTIONS,
        setIntsetEntriesMax: 0,
        hashListpackEntriesMax: 0,
        zsetListpackEntriesMax: 0,
        listNodeBytesMax: 10,
      },
      {
        ...ENCODE_OPTIONS,
        hashListpackEntriesMax: 1000,
        hashListpackBytesMax: 100_000,
        zsetListpackEntriesMax: 1000,
        zsetListpackBytesMax: 100_000,
        listNodeBytesMax: 1_000_000,
      },
    ];
    for (const [key, value] of samples) {
      await writeByCommands(server, 'judge', value);
      const wanted = await digest(server, 'judge');
      for (const option of options) {
        await server.command('RESTORE', 'ours', 0, dumpPayload(value, option), 'REPLACE');
        expect(await digest(server, 'ours'), key).toEqual(wanted);
      }
      await server.command('DEL', 'judge');
    }
  });

  it('agree on encodings that are no longer written', async () => {
    await using server = await startRealRedis({ args: ['--sanitize-dump-payload', 'yes'] });
    for (const { what, type, raw } of OLD_VALUES.filter((old) => old.type < 20)) {
      await server.command('RESTORE', 'old', 0, payloadFrom(type, raw), 'REPLACE');
      expect(unordered(decodeValue(type, raw)), what).toEqual(await readByCommands(server, 'old'));
    }
  });

  it('agree on damage: what RESTORE with deep sanitization refuses, we refuse, and what both accept is the same', async () => {
    await using server = await startRealRedis({ args: ['--sanitize-dump-payload', 'yes'] });
    const bases = OLD_VALUES.filter((old) => old.type < 20).map(({ type, raw }) => payloadFrom(type, raw));
    for (const [key, value] of samples) {
      const payload = dumpPayload(value, { ...ENCODE_OPTIONS, compress: false });
      if (payload.length < 1500 && !key.startsWith('string')) bases.push(payload);
    }
    let state = 7;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    let both = 0;
    for (let round = 0; round < 4000; round += 1) {
      const bytes = Buffer.from(bases[round % bases.length]!);
      // The type stays, or the damage is soon only "another type".
      for (let change = below(2); change >= 0; change -= 1) bytes[1 + below(bytes.length - 11)] = below(256);
      const raw = bytes.subarray(1, bytes.length - 10);
      const payload = payloadFrom(bytes[0]!, raw);
      const ours = tryDecode(bytes[0]!, raw);
      const accepted = await server.command('RESTORE', 'damaged', 0, payload, 'REPLACE').then(
        () => true,
        () => false,
      );
      if (ours === null) continue;
      expect(accepted, `we read what Redis refuses: type ${bytes[0]}, ${raw.toString('hex')}`).toBe(true);
      expect(unordered(ours)).toEqual(await readByCommands(server, 'damaged'));
      both += 1;
    }
    expect(both).toBeGreaterThan(200);
  });
});

function tryDecode(type: number, raw: Buffer): RdbValue | null {
  try {
    return decodeValue(type, raw);
  } catch (error) {
    if (error instanceof RdbError) return null;
    throw error;
  }
}

/** SAVEs, and reads the file in pieces: every sample is there, with its expiry, and the library of functions. */
async function expectSavedFile(server: RealRedis): Promise<void> {
  await server.command('PEXPIREAT', 'set:int16', 4_102_444_800_123);
  await server.command('SELECT', 5);
  await server.command('SET', 'elsewhere', 'x');
  await server.command('SELECT', 0);
  const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
  await server.command('FUNCTION', 'LOAD', code);
  await server.command('SAVE');
  const file = await readFile(join(server.directory, 'dump.rdb'));
  for (const pieceBytes of [file.length, 65_536, 997]) {
    const found = new Map<string, { value: RdbValue; expireAtMs: number | null; database: number }>();
    const seen = { version: 0, functions: [] as string[], aux: new Map<string, string>() };
    const reader = new RdbReader({
      header: (_, version) => (seen.version = version),
      aux: (name, value) => seen.aux.set(name, value),
      functionLibrary: (library) => seen.functions.push(library),
      entry: (entry) => {
        found.set(entry.key, { value: entry.decode(), expireAtMs: entry.expireAtMs, database: entry.database });
      },
    });
    for (let at = 0; at < file.length; at += pieceBytes) reader.push(file.subarray(at, at + pieceBytes));
    expect(reader.done).toBe(true);
    expect(seen.version).toBe(10);
    expect(seen.functions).toEqual([code]);
    expect(seen.aux.get('redis-ver')).toMatch(/^7\./);
    expect(found.size).toBe(samples.length + 1);
    for (const [key, value] of samples) {
      expect(unordered(found.get(key)!.value), key).toEqual(unordered(value));
      expect(found.get(key)!.expireAtMs, key).toBe(key === 'set:int16' ? 4_102_444_800_123 : null);
    }
    expect(found.get('elsewhere')).toEqual({ value: 'x', expireAtMs: null, database: 5 });
  }
}
