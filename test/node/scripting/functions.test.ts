/** Libraries of functions: what is kept of them, by whom, and for how long. What each request answers is in the differential suite. */

import { describe, expect, it } from 'vitest';
import { shardCommands } from '../../../src/cluster/control/shard-commands.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { attachPersistence } from '../../../src/node/persistence/persistence.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { Shard } from '../../../src/node/shard/shard.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { eventually } from '../../support/eventually.ts';
import { TestClient, testShard } from '../../support/fixtures.ts';

const commands = dataCommands;
const library = (name: string, body: string, functionName = 'f'): string =>
  `#!lua name=${name}\nredis.register_function('${functionName}', function(keys, args) ${body} end)`;
const COUNTER = `#!lua name=counter
local n = 0
redis.register_function('count', function() n = n + 1 return n end)`;

describe('before the engine is loaded', () => {
  it('libraries that come in a stream are taken as they are, and a call waits', async () => {
    using test = testShard({ commands });
    const stream = test.client();
    stream.session.kind = 'primary';
    stream.send('FUNCTION', 'LOAD', library('streamed', 'return 7'));
    expect(test.shard.libraries.codes).toEqual([library('streamed', 'return 7')]);
    const client = test.client();
    client.send('FCALL', 'f', '0');
    client.send('FUNCTION', 'LOAD', library('other', 'return 8', 'g'));
    expect(client.replies).toEqual([]);
    await eventually(() => client.replies.length === 2, { withinMs: 5000, what: 'both replies' });
    expect(client.replies).toEqual([7, 'other']);
  });
});

describe('libraries', () => {
  it('are replicated as the requests that changed them, their calls as the writes they made', async () => {
    await scriptEngineReady();
    using test = testShard({ commands });
    const lines: string[] = [];
    test.shard.writeLog.subscribe({ write: (_database, words) => lines.push(words.join(' ')) });
    const client = test.client();
    const code = library('lib', "redis.call('set', keys[1], args[1]) return redis.call('incr', 'n')");
    client.call('FUNCTION', 'LOAD', code);
    client.call('FUNCTION', 'LOAD', '#!lua name=bad\n');
    const payload = client.bytes('FUNCTION', 'DUMP').slice(5, -2);
    client.call('FCALL', 'f', '1', 'k', 'v');
    client.call('FUNCTION', 'DELETE', 'lib');
    client.call('FUNCTION', 'DELETE', 'lib');
    client.call('FUNCTION', 'FLUSH');
    expect(lines).toEqual([
      `FUNCTION LOAD ${code}`,
      'MULTI',
      'set k v',
      'incr n',
      'EXEC',
      'FUNCTION DELETE lib',
      'FUNCTION FLUSH',
    ]);
    expect(payload).toContain('lib');
  });

  it('keep the values of their own variables, until they are loaded again', async () => {
    await scriptEngineReady();
    using test = testShard({ commands });
    using other = testShard({ commands });
    const client = test.client();
    const elsewhere = other.client();
    client.call('FUNCTION', 'LOAD', COUNTER);
    elsewhere.call('FUNCTION', 'LOAD', COUNTER);
    const count = (): unknown => client.call('FCALL', 'count', '0');
    expect([count(), count(), count()]).toEqual([1, 2, 3]);
    expect(elsewhere.call('FCALL', 'count', '0')).toBe(1);
    client.call('FLUSHALL');
    expect(count()).toBe(4);
    client.call('FUNCTION', 'LOAD', 'REPLACE', COUNTER);
    expect(count()).toBe(1);
  });

  it('are loaded again when one of them broke the machine', async () => {
    await scriptEngineReady();
    using test = testShard({ commands });
    const client = test.client();
    client.call('FUNCTION', 'LOAD', COUNTER);
    client.call('FCALL', 'count', '0');
    client.call('FUNCTION', 'LOAD', library('greedy', "local t = {} for i = 1, 1e7 do t[i] = ('x'):rep(1e5) .. i end"));
    expect(client.bytes('FCALL', 'f', '0')).toMatch(/^-ERR .*memory/);
    await scriptEngineReady();
    expect(client.call('FCALL', 'count', '0')).toBe(1);
    expect(client.call('EVAL', 'return 2', '0')).toBe(2);
  }, 30_000);

  it('come back all or none', async () => {
    await scriptEngineReady();
    using test = testShard({ commands });
    const client = test.client();
    client.call('FUNCTION', 'LOAD', library('a', 'return 1', 'fa'));
    client.call('FUNCTION', 'LOAD', library('b', 'return 2', 'fb'));
    const reply = client.bytes('FUNCTION', 'DUMP');
    const payload = reply.slice(reply.indexOf('\r\n') + 2, -2);
    client.call('FUNCTION', 'FLUSH');
    client.call('FUNCTION', 'LOAD', library('c', 'return 3', 'fb'));
    for (const policy of ['APPEND', 'REPLACE']) {
      expect(client.bytes('FUNCTION', 'RESTORE', payload, policy)).toBe('-ERR Function fb already exists\r\n');
      expect(test.shard.libraries.all.map(({ name }) => name)).toEqual(['c']);
    }
    expect(client.call('FCALL', 'fb', '0')).toBe(3);
    expect(client.call('FUNCTION', 'RESTORE', payload, 'FLUSH')).toBe('OK');
    expect([client.call('FCALL', 'fa', '0'), client.call('FCALL', 'fb', '0')]).toEqual([1, 2]);
    expect(client.bytes('INFO', 'memory')).toMatch(/number_of_functions:2\r\nnumber_of_libraries:2\r\n/);
  });

  it.each([{ appendonly: 'yes' }, { save: '3600 1' }])('are on disk with the data (%j)', async (config) => {
    await scriptEngineReady();
    const world = new SimWorld({ seed: 1 });
    await world.run(async () => {
      const start = async (): Promise<{ client: TestClient; end: () => Promise<void> }> => {
        const shard = new Shard({ world, commands: shardCommands, config });
        const persistence = attachPersistence(shard, world.files.folder('/data'));
        expect(await persistence.start()).toMatchObject({ ok: true });
        return {
          client: new TestClient(shard),
          end: async () => {
            await persistence.close('as-configured');
            shard.close();
          },
        };
      };
      const first = await start();
      for (const words of [
        ['FUNCTION', 'LOAD', library('gone', 'return 0', 'g')],
        ['FUNCTION', 'LOAD', library('lib', 'return 7')],
        ['FUNCTION', 'DELETE', 'gone'],
      ])
        first.client.send(...words);
      await first.end();
      const second = await start();
      expect(second.client.call('FUNCTION', 'STATS')).toEqual([
        'running_script',
        null,
        'engines',
        ['LUA', ['libraries_count', 1, 'functions_count', 1]],
      ]);
      expect(second.client.call('FCALL', 'f', '0')).toBe(7);
      await second.end();
    });
  });
});
