import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import type { Value } from '../../../src/node/keyspace/value.ts';
import { cloneValue } from '../../../src/node/keyspace/value-facts.ts';
import { Loading } from '../../../src/node/persistence/loading.ts';
import { countedMemory, miscounted } from '../../support/counted-memory.ts';
import { testShard } from '../../support/fixtures.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';

const SEED = 45_001;
const RUNS = 200;
const NAMED = new Set(['string', 'generic', 'list', 'hash', 'set', 'sorted-set', 'bitmap']);
const commands = dataCommands.filter(({ group, flags }) => NAMED.has(group) && !flags.has('blocking'));
const request = requestsFrom(commands, POOLS);

describe('memory of keys', () => {
  it(`counted at each change is what counting anew gives, whatever commands ran (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(request, mutated(request)), { maxLength: 60 }), (requests) => {
        using test = testShard({
          commands: dataCommands,
          config: {
            'hash-max-listpack-entries': '2',
            'set-max-listpack-entries': '2',
            'zset-max-listpack-entries': '2',
          },
        });
        const client = test.client();
        for (const words of requests) {
          client.call(...words);
          const { counted, databases, anew } = countedMemory(test.shard);
          expect([counted, databases], words.join(' ')).toEqual([anew, anew]);
          expect(miscounted(test.shard), words.join(' ')).toEqual([]);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it('is nothing again after FLUSHALL, also inside a transaction that edits before and after it', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('RPUSH', 'list', 'a', 'b');
    for (const words of [['MULTI'], ['RPUSH', 'list', 'c'], ['FLUSHALL'], ['RPUSH', 'list', 'd'], ['EXEC']])
      client.call(...words);
    const { counted, anew } = countedMemory(test.shard);
    expect(counted).toBe(anew);
    client.call('FLUSHALL');
    expect(test.shard.memory.keys.bytes).toBe(0);
  });

  it('goes with the keys when databases are swapped', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    client.call('SET', 'a', 'x'.repeat(1000));
    const before = test.shard.keyspaces[0]!.memoryBytes;
    client.call('SWAPDB', '0', '1');
    expect(test.shard.keyspaces.slice(0, 2).map(({ memoryBytes }) => memoryBytes)).toEqual([0, before]);
  });

  it('of data that are loaded is counted while they load, in place of the old data when they are put in place, and not at all when they are thrown away', () => {
    using test = testShard({ commands: dataCommands });
    const { shard } = test;
    const client = test.client();
    client.call('SET', 'old', 'x'.repeat(5_000));
    const before = shard.memory.keys.bytes;
    const load = (): Loading => {
      const loading = new Loading(shard);
      const items = ['a', 'b', 'c'];
      const known = { idleSeconds: 7, frequency: null, type: 1, raw: Buffer.alloc(0) };
      loading.entry({
        ...known,
        database: 0,
        key: 'new',
        expireAtMs: 4_102_444_800_000,
        decode: () => ({ kind: 'list', items }),
      });
      return loading;
    };
    const thrownAway = load();
    expect(shard.memory.keys.bytes).toBeGreaterThan(before);
    thrownAway.discard();
    expect(shard.memory.keys.bytes).toBe(before);
    load().install();
    const { counted, anew } = countedMemory(shard);
    expect(counted).toBe(anew);
    expect(counted).toBeLessThan(before);
    expect(client.call('OBJECT', 'IDLETIME', 'new')).toBe(7);
  });

  it('of a copy is that of the value', () => {
    using test = testShard({ commands: dataCommands });
    const client = test.client();
    const members = Array.from({ length: 300 }, (_, i) => `member ${i}`);
    client.call('RPUSH', 'list', ...members);
    client.call('SADD', 'set', ...members);
    client.call('HSET', 'hash', ...members);
    client.call('ZADD', 'zset', ...members.flatMap((member, i) => [String(i), member]));
    const bytes = (value: Value): number => (typeof value === 'string' ? 0 : value.memoryBytes);
    for (const [key, value] of test.shard.keyspaces[0]!.values.entries()) {
      expect(bytes(cloneValue(value)), key).toBe(bytes(value));
    }
  });
});
