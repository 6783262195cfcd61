/** CONFIG SET judged by a redis-server: parameters that are several words, and those that name files. */

import { expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { testShard } from '../../support/fixtures.ts';
import { RawClient } from '../../support/raw-client.ts';
import { describeReal, startRealRedis } from '../../support/real-redis.ts';

const REQUESTS = [
  'GET shutdown-on-sigint',
  ...['nosave force now', 'FORCE default', 'default', 'now now', 'save nosave', 'never', ''].flatMap((flags) => [
    ['SET', 'shutdown-on-sigint', flags],
    ['GET', 'shutdown-on-sigint'],
  ]),
  'SET dbfilename other.rdb',
  'SET dbfilename a/b',
  'SET dbfilename a\\b',
  'SET appendfilename other.aof',
  'GET dbfilename',
].map((words) => ['CONFIG', ...(typeof words === 'string' ? words.split(' ') : words)]);

describeReal('CONFIG SET', () => {
  it.each(['no', 'local', 'yes'])(
    'of flags and files is as in redis-server where enable-protected-configs is %s',
    async (setting) => {
      await using real = await startRealRedis({
        args: ['--enable-protected-configs', setting, '--dbfilename', 'first.rdb'],
      });
      using theirs = await RawClient.to(real.port);
      using test = testShard({
        commands: dataCommands,
        config: { 'enable-protected-configs': setting, dir: real.directory, dbfilename: 'first.rdb' },
      });
      const ours = test.client();
      const requests = [...REQUESTS, ['CONFIG', 'SET', 'dir', real.directory]];
      expect(requests.map((words) => ours.bytes(...words))).toEqual(await theirs.exchange(requests));
      // Its own folder is held: another one is not taken
      expect(ours.bytes('CONFIG', 'SET', 'dir', '/')).toMatch(/^-ERR CONFIG SET failed/);
    },
  );
});
