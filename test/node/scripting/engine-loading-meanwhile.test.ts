/** What happens to those who wait for the engine: their own file, since the engine is loaded once. */

import { expect, it } from 'vitest';
import { scriptEngine } from '../../../src/node/scripting/engine.ts';
import { RawClient } from '../../support/raw-client.ts';
import { servedShard } from '../../support/served-shard.ts';

const INCREMENT = ['EVAL', "return redis.call('INCR', KEYS[1])", '1', 'k'];

it(
  'nobody unblocks them, a pause of writes holds them, and SELECT in a transaction lasts',
  { timeout: 60_000 },
  async () => {
    await using one = await servedShard();
    using selecting = await RawClient.to(one.port);
    using paused = await RawClient.to(one.port);
    using other = await RawClient.to(one.port);
    const ids = [selecting, paused].map(async (each) => (await each.exchange([['CLIENT', 'ID']]))[0]!.slice(1).trim());
    const [first, second] = await Promise.all(ids);
    const transaction = selecting.exchange([['MULTI'], ['SELECT', '3'], INCREMENT, ['EXEC'], ['GET', 'k']]);
    const script = paused.exchange([INCREMENT]);
    const meanwhile = other.exchange([
      ['CLIENT', 'PAUSE', '600000', 'WRITE'],
      ['CLIENT', 'UNBLOCK', first!],
      ['CLIENT', 'UNBLOCK', second!, 'ERROR'],
    ]);
    expect(scriptEngine()).toBeNull();
    expect(await meanwhile).toEqual(['+OK\r\n', ':0\r\n', ':0\r\n']);
    // It can only be answered when the engine is there
    await other.exchange([['EVAL_RO', 'return 1', '0']]);
    expect(
      await other.exchange([
        ['GET', 'k'],
        ['SELECT', '3'],
        ['GET', 'k'],
        ['CLIENT', 'UNPAUSE'],
      ]),
    ).toEqual(['$-1\r\n', '+OK\r\n', '$-1\r\n', '+OK\r\n']);
    expect(await script).toEqual([':1\r\n']);
    expect((await transaction).slice(-2)).toEqual(['*2\r\n+OK\r\n:1\r\n', '$1\r\n1\r\n']);
  },
);
