import { describe, expect, it } from 'vitest';
import { clientCommands } from '../../../src/node/commands/client.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { blockingListCommands } from '../../../src/node/commands/blocking-lists.ts';
import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { scriptingCommands } from '../../../src/node/commands/scripting.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

function fresh(config: Readonly<Record<string, string>> = {}) {
  const world = new SimWorld({ seed: 1 });
  const made = testShard({
    world,
    config,
    commands: [
      ...clientCommands,
      ...stringCommands,
      ...keyCommands,
      ...blockingListCommands,
      ...pubsubCommands,
      ...scriptingCommands,
      ...transactionCommands,
    ],
  });
  return { world, ...made };
}

const sent = (client: TestClient): unknown[] => client.replies.splice(0);

describe('CLIENT PAUSE', () => {
  it('holds what may write until UNPAUSE, in order, and lets the rest pass', async () => {
    using made = fresh();
    const { world, shard, client } = made;
    await scriptEngineReady();
    const admin = client();
    expect(admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')).toBe('OK');
    expect(admin.call('GET', 'k')).toBeNull();
    expect(admin.call('EVAL', '#!lua flags=no-writes\nreturn 1', '0')).toBe(1);
    expect(String(admin.call('SET', 'k'))).toContain('wrong number of arguments');
    const requests = [
      ['APPEND', 'k', 'a'],
      ['PUBLISH', 'c', 'm'],
      ['EVAL', 'return 2', '0'],
      ['APPEND', 'k', 'b'],
    ];
    const waiting = requests.map((words) => {
      const each = client();
      expect(each.call(...words)).toBeUndefined();
      expect(each.call('GET', 'k')).toBeUndefined(); // behind it
      return each;
    });
    expect(String(admin.call('CLIENT', 'LIST', 'ID', String(waiting[0]!.session.id)))).toMatch(/ flags=b /);
    expect(admin.call('CLIENT', 'UNBLOCK', String(waiting[0]!.session.id))).toBe(0);
    expect(admin.call('GET', 'k')).toBeNull();
    expect(shard.pause.count).toBe(4);
    expect(admin.call('CLIENT', 'UNPAUSE')).toBe('OK');
    await world.advance(1);
    expect(waiting.map(sent)).toEqual([
      [1, 'a'],
      [0, 'a'],
      [2, 'a'],
      [2, 'ab'],
    ]);
    expect(shard.pause.count).toBe(0);
  });

  it('holds EXEC when its queue may write, and nothing of a transaction that pauses', async () => {
    using made = fresh();
    const { world, client } = made;
    const [admin, other, reader] = [client(), client(), client()];
    other.call('MULTI');
    expect(other.call('INCR', 'a')).toBe('QUEUED');
    admin.call('MULTI');
    admin.call('SET', 'a', '1');
    admin.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    admin.call('SET', 'b', '2');
    expect(admin.call('EXEC')).toEqual(['OK', 'OK', 'OK']);
    expect(other.call('EXEC')).toBeUndefined();
    reader.call('MULTI');
    expect(reader.call('GET', 'a')).toBe('QUEUED');
    expect(reader.call('EXEC')).toEqual(['1']);
    admin.call('CLIENT', 'UNPAUSE');
    await world.advance(1);
    expect(sent(other)).toEqual([[2]]);
  });

  it('ends by the clock, never before an earlier one would have, and holds every request unless told otherwise', async () => {
    using made = fresh();
    const { world, client } = made;
    const [admin, reader, writer] = [client(), client(), client()];
    admin.call('CLIENT', 'PAUSE', '1000', 'WRITE');
    admin.call('CLIENT', 'PAUSE', '10');
    expect(reader.call('GET', 'k')).toBeUndefined();
    expect(writer.call('SET', 'k', 'v')).toBeUndefined();
    await world.advance(990);
    expect([sent(reader), sent(writer)]).toEqual([[], []]);
    await world.advance(20);
    expect([sent(reader), sent(writer)]).toEqual([[null], ['OK']]);
    expect(admin.call('SET', 'k', 'w')).toBe('OK');
  });

  it('keeps keys whose time has come, and forgets a client that goes', async () => {
    using made = fresh();
    const { world, shard, client } = made;
    const [admin, leaving] = [client(), client()];
    admin.call('SET', 'k', 'v', 'PX', '5');
    admin.call('CLIENT', 'PAUSE', '60000', 'WRITE');
    leaving.call('SET', 'other', 'v');
    shard.closeSession(leaving.session);
    await world.advance(500);
    expect(admin.call('GET', 'k')).toBeNull();
    expect(shard.stats.expired).toBe(0);
    admin.call('CLIENT', 'UNPAUSE');
    await world.advance(500);
    expect(shard.stats.expired).toBe(1);
    expect(admin.call('EXISTS', 'other')).toBe(0);
  });

  it.each([
    [['x'], 'ERR timeout is not an integer or out of range'],
    [['-1'], 'ERR timeout is negative'],
    [['9223372036854775807'], 'ERR timeout is out of range'],
    [['x', 'WRITES'], 'ERR CLIENT PAUSE mode must be WRITE or ALL'],
    [['1', 'ALL', 'x'], "ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP."],
  ])('refuses %j', (words, text) => {
    using made = fresh();
    expect(made.client().bytes('CLIENT', 'PAUSE', ...words)).toBe(`-${text}\r\n`);
  });
});
