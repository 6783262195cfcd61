/** Strings, counters and bits against redis-server. */

import fc from 'fast-check';
import { afterAll, beforeAll } from 'vitest';
import { bitmapCommands } from '../../../src/node/commands/bitmaps.ts';
import type { Command } from '../../../src/node/commands/command.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { dumpPayload } from '../../../src/rdb/payload.ts';
import { differential } from '../../support/differential.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';

const encodings = ['u8', 'i8', 'u1', 'i5', 'u63', 'i64', 'u33', 'u64', 'i0', 'x8'];
const pools = {
  ...POOLS,
  byName: {
    ...POOLS.byName,
    increment: ['1', '-1', '0.1', '1e2', '9223372036854775807', '-5', '3', '1.00000000000000000001', '0x10', 'inf'],
    decrement: ['1', '-1', '9223372036854775807', '-9223372036854775808', '5'],
    offset: ['0', '1', '7', '8', '9', '63', '100', '#0', '#3', '-1'],
    bit: ['0', '1'],
    encoding: encodings,
    start: ['0', '1', '-1', '2', '-3', '7', '9', '-100', '9223372036854775807'],
    end: ['0', '1', '-1', '2', '-3', '7', '9', '100', '-9223372036854775808'],
  },
};

describeReal('strings, counters and bits compared with redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real.stop());

  const commands = [...stringCommands, ...bitmapCommands, ...keyCommands];
  // Values of another type are what these commands refuse; none of them makes one
  const list = dumpPayload({ kind: 'list', items: ['a'] }).latin1Slice();
  const restored = fc.constantFrom('a', 'b').map((key) => ['RESTORE', key, '0', list, 'REPLACE']);
  const among = (asked: readonly Command[]): fc.Arbitrary<string[]> =>
    fc.oneof({ weight: 12, arbitrary: mutated(requestsFrom(asked, pools)) }, { weight: 1, arbitrary: restored });
  const bits = [...bitmapCommands, ...stringCommands.slice(0, 2)];
  differential({
    name: 'strings and counters',
    commands,
    real: () => real,
    requests: among(stringCommands),
    runs: 200,
  });
  differential({ name: 'bits', commands, real: () => real, requests: among(bits), runs: 200 });
  const all = among([...stringCommands, ...bitmapCommands]);
  differential({ name: 'strings in RESP3', commands, real: () => real, requests: all, protocol: 3, runs: 50 });
});
