import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { valueDigest } from '../../../src/node/keyspace/digest.ts';
import { fromRdbValue } from '../../../src/node/keyspace/rdb-values.ts';
import { dumpPayload, parsePayload, payloadFrom } from '../../../src/rdb/payload.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';
import { value } from '../../support/rdb-values.ts';
import { collectWrites } from '../../support/writes.ts';

const commands = dataCommands;
const payload = dumpPayload({ kind: 'hash', pairs: ['f', 'v', 'g', '1'] }).latin1Slice();

describe('RESTORE', () => {
  it('refuses IDLETIME together with FREQ before it reads the number', () => {
    using test = testShard({ commands });
    const client = test.client();
    const restore = (...more: string[]): unknown => client.call('RESTORE', 'k', '0', payload, ...more);
    expect(restore('IDLETIME', '1', 'FREQ', '')).toMatchObject({ message: 'ERR syntax error' });
    expect(restore('FREQ', '1', 'IDLETIME', 'x')).toMatchObject({ message: 'ERR syntax error' });
    expect(restore('FREQ', '')).toMatchObject({ message: 'ERR value is not an integer or out of range' });
    expect(restore('FREQ', '256')).toMatchObject({ message: 'ERR Invalid FREQ value, must be >= 0 and <= 255' });
    expect(restore('IDLETIME', '7', 'IDLETIME', '8')).toBe('OK');
  });

  it('takes what DUMP gives, of every type', () => {
    using test = testShard({ commands });
    const client = test.client();
    const keyspace = test.shard.keyspaces[0]!;
    fc.assert(
      fc.property(value, (given) => {
        keyspace.put('a', fromRdbValue(given, keyspace.limits));
        const dumped = client.bytes('DUMP', 'a');
        const bytes = dumped.slice(dumped.indexOf('\n') + 1, -2);
        expect(client.call('RESTORE', 'b', '0', bytes, 'REPLACE')).toBe('OK');
        expect(valueDigest(keyspace, 'b')).toBe(valueDigest(keyspace, 'a'));
      }),
      { numRuns: 200 },
    );
  });

  it('replicates the absolute time', () => {
    using test = testShard({ commands });
    const client = test.client();
    const writes = collectWrites(test.shard);
    client.call('RESTORE', 'k', '0', payload);
    client.call('RESTORE', 'k', '5000', payload, 'REPLACE', 'FREQ', '3');
    const at = test.shard.now + 5000;
    client.call('RESTORE', 'k', '1', payload, 'REPLACE', 'ABSTTL');
    client.call('RESTORE', 'k', '1', payload, 'ABSTTL');
    expect(writes).toEqual([`RESTORE k 0 ${payload}`, `RESTORE k ${at} ${payload} REPLACE FREQ 3 ABSTTL`, 'DEL k']);
  });

  it('refuses what is no payload, what is corrupt, and types that are not held here', () => {
    using test = testShard({ commands });
    const client = test.client();
    const restore = (bytes: Buffer): string => client.bytes('RESTORE', 'k', '0', bytes.latin1Slice());
    const wrong = '-ERR DUMP payload version or checksum are wrong\r\n';
    const bad = '-ERR Bad data format\r\n';
    expect(restore(Buffer.alloc(0))).toBe(wrong);
    expect(restore(Buffer.from(payload.slice(1), 'latin1'))).toBe(wrong);
    expect(restore(payloadFrom(15, Buffer.from('\0\0\0', 'latin1')))).toBe(bad); // a stream
    expect(restore(payloadFrom(200, Buffer.alloc(9)))).toBe(bad);
    expect(restore(payloadFrom(2, Buffer.from('\x02\x01a\x01a', 'latin1')))).toBe(bad); // a member twice
    expect(restore(payloadFrom(4, Buffer.from('\x81\xff\xff\xff\xff\xff\xff\xff\xff', 'latin1')))).toBe(bad);
    expect(client.call('EXISTS', 'k')).toBe(0);
  });

  it('answers any payload with a sound checksum, and leaves a sound value or none', () => {
    using test = testShard({ commands });
    const client = test.client();
    const types = fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 255 }));
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    const broken = fc.tuple(value, fc.nat(), fc.nat({ max: 255 })).map(([given, at, byte]) => {
      const sound = parsePayload(dumpPayload(given));
      if (!sound.ok) throw new Error('a payload that was just made is sound');
      const raw = Buffer.from(sound.raw);
      if (raw.length > 0) raw[at % raw.length] = byte;
      return { type: sound.type, raw };
    });
    const cases = fc.oneof(
      fc.tuple(types, noise).map(([type, raw]) => ({ type, raw })),
      broken,
    );
    fc.assert(
      fc.property(cases, ({ type, raw }) => {
        const reply = client.bytes('RESTORE', 'k', '0', payloadFrom(type, raw).latin1Slice(), 'REPLACE');
        expect(['+OK\r\n', '-ERR Bad data format\r\n']).toContain(reply);
        expect(client.bytes('DUMP', 'k')).toMatch(/^\$/);
        expect(client.bytes('DEBUG', 'DIGEST')).toMatch(/^\+[0-9a-f]{40}\r\n$/);
      }),
      { numRuns: 1000 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
    );
  });
});

describeReal('payloads and fingerprints of redis-server', () => {
  it('go both ways with the same DEBUG DIGEST-VALUE', async () => {
    await using real = await startRealRedis();
    using test = testShard({ commands });
    const client = test.client();
    const keyspace = test.shard.keyspaces[0]!;
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        keyspace.put('k', fromRdbValue(given, keyspace.limits));
        const dumped = client.bytes('DUMP', 'k');
        const bytes = dumped.slice(dumped.indexOf('\n') + 1, -2);
        expect(await real.command('RESTORE', 'k', 0, Buffer.from(bytes, 'latin1'), 'REPLACE')).toBe('OK');
        const [digest] = client.call('DEBUG', 'DIGEST-VALUE', 'k') as string[];
        expect(await real.command('DEBUG', 'DIGEST-VALUE', 'k')).toEqual([digest]);
        const back = (await real.command('DUMP', 'k')) as string;
        expect(client.call('RESTORE', 'k2', '0', back, 'REPLACE')).toBe('OK');
        expect(client.call('DEBUG', 'DIGEST-VALUE', 'k2')).toEqual([digest]);
      }),
      { numRuns: 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1) },
    );
  });
});
