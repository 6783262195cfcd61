import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { scanCommands } from '../../../src/node/commands/scan.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const commands = [...scanCommands, ...stringCommands, ...keyCommands, ...hashCommands, ...sortedSetCommands];

/** Every step's elements until the cursor is 0 again; `between` runs after each step. */
function scanAll(
  client: TestClient,
  request: readonly string[],
  at: number,
  between: () => void = () => undefined,
): string[][] {
  const steps: string[][] = [];
  let cursor = '0';
  do {
    const words = request.slice();
    words.splice(at, 0, cursor);
    const [next, found] = client.call(...words) as [string, string[]];
    steps.push(found);
    cursor = next;
    between();
  } while (cursor !== '0');
  return steps;
}

describe('SCAN', () => {
  it('ends keys whose time has come, of other types than were asked for, too', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    test.shard.activeExpiry = false;
    const client = test.client();
    client.call('SET', 'gone', 'v', 'PX', '1');
    client.call('HSET', 'h', 'f', 'v');
    await world.advance(10);
    expect(client.call('SCAN', '0', 'TYPE', 'hash')).toEqual(['0', ['h']]);
    expect(test.shard.keyspaces[0]!.size).toBe(1);
  });

  it('returns whatever stays throughout, whatever comes and goes meanwhile', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 50 }), (keys, count) => {
        using test = testShard({ commands });
        const client = test.client();
        const stay = Array.from({ length: keys }, (_, n) => `stay:${n}`);
        for (const key of stay) client.call('SET', key, 'v');
        let n = 0;
        const steps = scanAll(client, ['SCAN', 'COUNT', String(count)], 1, () => {
          for (let i = 0; i < 20; i++) client.call('SET', `new:${n++}`, 'v');
          if (n > 2000) for (; n > 0; n--) client.call('DEL', `new:${n}`);
        });
        const seen = new Set(steps.flat());
        expect(stay.filter((key) => !seen.has(key))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it('filters by pattern and type, and never shows what has expired', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('MSET', 'a1', 'v', 'a2', 'v', 'b1', 'v');
    client.call('HSET', 'a3', 'f', 'v');
    const found = (...options: string[]): string[] =>
      scanAll(client, ['SCAN', ...options], 1)
        .flat()
        .sort();
    expect(found('MATCH', 'a*', 'TYPE', 'STRING')).toEqual(['a1', 'a2']);
    expect(found('TYPE', 'hash')).toEqual(['a3']);
    expect(found('TYPE', 'nosuch')).toEqual([]);
  });

  it('refuses what is no cursor and a count below 1', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const cursor of ['', 'x', '-1', '1x', '18446744073709551616']) {
      expect(client.bytes('SCAN', cursor)).toBe('-ERR invalid cursor\r\n');
    }
    expect(client.bytes('SCAN', '0', 'COUNT', '0')).toBe('-ERR syntax error\r\n');
    expect(client.bytes('SCAN', '0', 'NOVALUES')).toBe('-ERR NOVALUES option can only be used in HSCAN\r\n');
    expect(client.bytes('SCAN', '18446744073709551615')).toMatch(/^\*2\r\n/);
  });
});

describe('scans of collections', () => {
  it('return a small one whole, and a large one in steps', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (let n = 0; n < 100; n++) client.call('HSET', 'small', `f${n}`, String(n));
    for (let n = 0; n < 1000; n++) client.call('HSET', 'large', `f${n}`, String(n));
    expect(scanAll(client, ['HSCAN', 'small', 'COUNT', '3'], 2)).toHaveLength(1);
    const steps = scanAll(client, ['HSCAN', 'large', 'COUNT', '50', 'NOVALUES'], 2);
    expect(steps.length).toBeGreaterThan(10);
    expect(new Set(steps.flat()).size).toBe(1000);
  });

  it('show scores in the shortest form while small, and with 17 digits when large', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('ZADD', 'z', '0.1', 'a', '-inf', 'b', '1e20', 'c');
    expect(client.call('ZSCAN', 'z', '0')).toEqual(['0', ['b', '-inf', 'a', '0.1', 'c', '1e+20']]);
    client.call('ZADD', 'z', '3', 'x'.repeat(100));
    const [, found] = client.call('ZSCAN', 'z', '0', 'MATCH', '?') as [string, string[]];
    expect(new Set(found)).toEqual(new Set(['a', '0.10000000000000001', 'b', '-inf', 'c', '1e+20']));
  });

  it('answer a key that is not there without reading the options', () => {
    using test = testShard({ commands });
    expect(test.client().bytes('HSCAN', 'none', '0', 'COUNT', 'x')).toBe('*2\r\n$1\r\n0\r\n*0\r\n');
  });
});
