/** The first script of a process, which waits for the engine: its own file, since the engine is loaded once. */

import { expect, it } from 'vitest';
import { isEngineLoading } from '../../../src/node/scripting/engine.ts';
import { eventually } from '../../support/eventually.ts';
import { RawClient } from '../../support/raw-client.ts';
import { servedShard } from '../../support/served-shard.ts';

it('is ended by a SCRIPT KILL that comes before the engine has been loaded', { timeout: 60_000 }, async () => {
  await using one = await servedShard({ 'busy-reply-threshold': '1' });
  using client = await RawClient.to(one.port);
  using other = await RawClient.to(one.port);
  const script = client.exchange([['EVAL', 'while true do end', '0']]);
  await eventually(isEngineLoading, { withinMs: 20_000, what: 'the engine is being loaded' });
  expect(await other.exchange([['SCRIPT', 'KILL']])).toEqual(['+OK\r\n']);
  expect((await script)[0]).toContain('killed by user');
  expect(await other.exchange([['FUNCTION', 'KILL']])).toEqual(['-NOTBUSY No scripts in execution right now.\r\n']);
});
