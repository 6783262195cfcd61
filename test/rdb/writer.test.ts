import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RdbReader } from '../../src/rdb/reader.ts';
import type { RdbValue } from '../../src/rdb/values.ts';
import { RdbWriter } from '../../src/rdb/writer.ts';
import { ALL_BYTES, INTEGER_EDGES, LONG_WORDS, noise, SCORE_EDGES } from '../support/rdb-values.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';

const FAR = 4_102_444_800_000;

const words = [...INTEGER_EDGES, ...LONG_WORDS, ALL_BYTES];
const values: readonly (readonly [key: string, value: RdbValue])[] = [
  ...words.map((word, index): [string, RdbValue] => [`string:${index}`, word]),
  ['list', { kind: 'list', items: words }],
  ['set', { kind: 'set', members: words }],
  ['intset', { kind: 'set', members: ['3', '-5000000000', '70000', '1'] }],
  ['zset', { kind: 'zset', members: words, scores: words.map((_, at) => SCORE_EDGES[at % SCORE_EDGES.length]!) }],
  ['small zset', { kind: 'zset', members: ['z', 'a', 'b'], scores: [-1, 5, 5] }],
  ['hash', { kind: 'hash', pairs: words.flatMap((word) => [word, word]) }],
  ['small hash', { kind: 'hash', pairs: ['f', '1', 'g', ''] }],
];
const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";

function write(chunks: Buffer[], compress = true): RdbWriter {
  const writer = new RdbWriter((chunk) => chunks.push(chunk), { compress });
  writer.header([['redis-ver', '7.0.15']]);
  writer.functionLibrary(code);
  writer.selectDatabase(0, values.length + 1, 1);
  for (const [key, value] of values) writer.entry(key, value, null);
  writer.entry('expiring', 'e', FAR);
  writer.selectDatabase(9, 1, 0);
  writer.entry('far away', 'x', null);
  writer.end();
  return writer;
}

describe('writing a dump', () => {
  it('hands over chunks of about 64 KiB that add up to what it says it wrote', () => {
    const chunks: Buffer[] = [];
    const writer = write(chunks, false);
    expect(chunks.length).toBeGreaterThan(10);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(65_536);
    expect(Buffer.concat(chunks).length).toBe(writer.bytesWritten);
  });

  it('writes the same bytes for the same data, and fewer when it compresses', () => {
    const [first, second, plain]: Buffer[][] = [[], [], []];
    write(first!);
    write(second!);
    write(plain!, false);
    expect(Buffer.concat(first!).equals(Buffer.concat(second!))).toBe(true);
    expect(Buffer.concat(first!).length).toBeLessThan(Buffer.concat(plain!).length * 0.8);
  });

  it('keeps an expiry of any size, the largest included', () => {
    const times = [0, 1, 2 ** 32 - 1, 2 ** 32, FAR, 2 ** 53 - 1, -1, -(2 ** 40) - 1, 2 ** 63];
    const chunks: Buffer[] = [];
    const writer = new RdbWriter((chunk) => chunks.push(chunk));
    writer.header([]);
    for (const time of times) writer.entry(String(time), 'v', time);
    writer.end();
    const found: (number | null)[] = [];
    const reader = new RdbReader({ entry: (entry) => void found.push(entry.expireAtMs) });
    for (const chunk of chunks) reader.push(chunk);
    expect(found).toEqual(times);
    expect(Buffer.concat(chunks).includes(Buffer.from('fcffffffffffffff7f', 'hex'))).toBe(true);
  });

  it('asserts its order: header, entries, end', () => {
    const writer = new RdbWriter(() => undefined);
    expect(() => writer.entry('k', 'v', null)).toThrow('header');
    writer.header([]);
    expect(() => writer.header([])).toThrow('one header');
    expect(() => writer.entry('k', { kind: 'list', items: [] }, null)).toThrow('has items');
    writer.end();
    expect(() => writer.end()).toThrow('end');
  });
});

describeReal('a dump that was written', () => {
  for (const compress of [true, false]) {
    it(`is loaded by a real redis-server, ${compress ? 'compressed' : 'plain'}, with the same digest as the same commands`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'rdb-writer-'));
      try {
        const chunks: Buffer[] = [];
        write(chunks, compress);
        await writeFile(join(directory, 'ours.rdb'), Buffer.concat(chunks));
        const args = ['--dir', directory, '--dbfilename', 'ours.rdb', '--sanitize-dump-payload', 'yes'];
        await using loaded = await startRealRedis({ args });
        await using judge = await startRealRedis();
        for (const [key, value] of values) {
          if (typeof value === 'string') await judge.command('SET', key, value);
          else if (value.kind === 'list') await judge.command('RPUSH', key, ...value.items);
          else if (value.kind === 'set') await judge.command('SADD', key, ...value.members);
          else if (value.kind === 'stream') throw new Error('streams are made elsewhere');
          else if (value.kind === 'hash') await judge.command('HSET', key, ...value.pairs);
          else {
            const scores = value.scores.map((score) => String(score).replace('Infinity', 'inf'));
            await judge.command('ZADD', key, ...value.members.flatMap((member, at) => [scores[at]!, member]));
          }
        }
        await judge.command('SET', 'expiring', 'e', 'PXAT', FAR);
        await judge.command('SELECT', 9);
        await judge.command('SET', 'far away', 'x');
        expect(await loaded.command('DEBUG', 'DIGEST')).toBe(await judge.command('DEBUG', 'DIGEST'));
        expect(await loaded.command('PEXPIRETIME', 'expiring')).toBe(FAR);
        expect(await loaded.command('ZRANGE', 'small zset', 0, -1)).toEqual(['z', 'a', 'b']);
        expect(await loaded.command('ZRANGEBYSCORE', 'small zset', 5, 5)).toEqual(['a', 'b']);
        expect(await loaded.command('FCALL', 'f', 0)).toBe(1);
        expect(await loaded.command('LINDEX', 'list', words.indexOf(noise(70_000)))).toBe(noise(70_000));
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    });
  }
});
