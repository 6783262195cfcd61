/** The first scripts of a process, which wait for the engine: their own file, since the engine is loaded once. */

import { expect, it } from 'vitest';
import { isEngineLoading } from '../../../src/node/scripting/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { RawClient } from '../../support/raw-client.ts';
import { servedShard } from '../../support/served-shard.ts';

it('wait for it in a transaction too; SCRIPT KILL ends one that has not begun', { timeout: 60_000 }, async () => {
  await using one = await servedShard({ 'busy-reply-threshold': '1' });
  using client = await RawClient.to(one.port);
  using other = await RawClient.to(one.port);
  using third = await RawClient.to(one.port);
  // A transaction that is refused does not
  const refused = [['MULTI'], ['EVAL', 'return 1', '0'], ['SET', 'k'], ['EXEC']];
  expect((await other.exchange(refused)).at(-1)).toContain('EXECABORT');
  expect(isEngineLoading()).toBe(false);
  // A whole transaction waits, and what follows it
  const transaction = third.exchange([
    ['WATCH', 'k'],
    ['MULTI'],
    ['SET', 'k', '1'],
    ['EVAL', "return redis.call('INCR', KEYS[1])", '1', 'k'],
    ['EXEC'],
    ['GET', 'k'],
  ]);
  const script = client.exchange([['EVAL', 'while true do end', '0']]);
  await eventually(isEngineLoading, { withinMs: 20_000, what: 'the engine is being loaded' });
  expect(await other.exchange([['SCRIPT', 'KILL']])).toEqual(['+OK\r\n']);
  expect((await script)[0]).toContain('killed by user');
  expect((await transaction).slice(-2)).toEqual(['*2\r\n+OK\r\n:2\r\n', '$1\r\n2\r\n']);
  expect(await other.exchange([['FUNCTION', 'KILL']])).toEqual(['-NOTBUSY No scripts in execution right now.\r\n']);
});
