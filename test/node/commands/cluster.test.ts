import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { testShard } from '../../support/fixtures.ts';
import { describeReal, startRealRedis, type RealRedis } from '../../support/real-redis.ts';

const NAMES = dataCommands.filter(({ group, since }) => group === 'cluster' && since < '7.2').map(({ name }) => name);
const LINES = ['CLUSTER', 'CLUSTER NOPE', 'CLUSTER KEYSLOT foo', 'CLUSTER GETKEYSINSLOT 1 x', 'cluster info', ...NAMES];

describeReal('CLUSTER of a shard and of redis-server', () => {
  let real: RealRedis;
  beforeAll(async () => {
    real = await startRealRedis();
  });
  afterAll(async () => real[Symbol.asyncDispose]());

  it.each(LINES.flatMap((line) => [line, `${line} 1`, `${line} 1 2`]))('refuse %s alike', async (line) => {
    using test = testShard({ commands: dataCommands });
    const words = line.split(' ');
    const theirs = await real.command(...words).catch((error: unknown) => (error as Error).message);
    expect(test.client().call(...words)).toMatchObject({ message: theirs });
  });

  it.each(['CLUSTER', 'READONLY', 'READWRITE', 'ASKING'])('describe %s alike', async (name) => {
    using test = testShard({ commands: dataCommands });
    const facts = (reply: unknown): unknown => (reply as unknown[][])[0]!.slice(0, 6);
    const ours = facts(test.client().call('COMMAND', 'INFO', name));
    expect(ours).toEqual(facts(await real.command('COMMAND', 'INFO', name)));
  });
});
