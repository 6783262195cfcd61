import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { keyCommands } from '../../../src/node/commands/keys.ts';
import { pubsubCommands } from '../../../src/node/commands/pubsub.ts';
import { scriptingCommands } from '../../../src/node/commands/scripting.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { scriptEngineReady } from '../../../src/node/scripting/engine.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

function fresh(config: Readonly<Record<string, string>> = {}) {
  const world = new SimWorld({ seed: 1 });
  const made = testShard({
    world,
    config,
    commands: [
      ...connectionCommands,
      ...keyCommands,
      ...pubsubCommands,
      ...scriptingCommands,
      ...serverCommands,
      ...stringCommands,
      ...transactionCommands,
    ],
  });
  const speaking3 = (): TestClient => {
    const each = made.client();
    each.call('HELLO', '3');
    return each;
  };
  return { world, ...made, speaking3 };
}

/** Raw bytes that came since the last look. */
function heard(client: TestClient): string {
  const { raw } = client;
  client.raw = '';
  return raw;
}

const invalidation = (...keys: string[]): string =>
  `>2\r\n$10\r\ninvalidate\r\n*${keys.length}\r\n${keys.map((key) => `$${key.length}\r\n${key}\r\n`).join('')}`;

describe('CLIENT TRACKING', () => {
  it('tells once of a key that was read, whoever changes it and however', async () => {
    using made = fresh();
    const { world, client, speaking3 } = made;
    const [reader, writer] = [speaking3(), client()];
    reader.call('CLIENT', 'TRACKING', 'ON');
    writer.call('SET', 'a', '1');
    reader.call('MGET', 'a', 'b');
    writer.call('SET', 'unread', '1');
    expect(heard(reader)).toBe('*2\r\n$1\r\n1\r\n_\r\n');
    writer.call('INCR', 'a');
    writer.call('INCR', 'a');
    expect(heard(reader)).toBe(invalidation('a'));
    writer.call('SET', 'b', '1', 'PX', '10');
    expect(heard(reader)).toBe(invalidation('b'));
    reader.call('GET', 'b');
    heard(reader);
    await world.advance(1_000);
    expect(heard(reader)).toBe(invalidation('b'));
    reader.call('GET', 'a');
    expect(reader.bytes('SET', 'a', '5')).toBe(`+OK\r\n${invalidation('a')}`);
    reader.call('GET', 'a');
    heard(reader);
    writer.call('FLUSHDB');
    expect(heard(reader)).toBe('>2\r\n$10\r\ninvalidate\r\n_\r\n');
    reader.call('CLIENT', 'TRACKING', 'OFF');
    reader.call('GET', 'a');
    heard(reader);
    writer.call('SET', 'a', '1');
    expect(heard(reader)).toBe('');
  });

  it('is heard before whoever wrote is answered', () => {
    using made = fresh();
    const { shard, client, speaking3 } = made;
    for (const mode of [[], ['BCAST']]) {
      const [reader, writer] = [speaking3(), client()];
      reader.call('CLIENT', 'TRACKING', 'ON', ...mode);
      reader.call('GET', 'a');
      heard(reader);
      const order: string[] = [];
      for (const [name, { session }] of Object.entries({ reader, writer })) {
        const write = session.output.write.bind(session.output);
        session.output.write = (bytes) => {
          order.push(name);
          write(bytes);
        };
      }
      writer.session.receive(Buffer.from(encodeRequest(['SET', 'a', '1'])));
      expect(order).toEqual(['reader', 'writer']);
      expect(heard(reader)).toBe(invalidation('a'));
      shard.closeSession(reader.session);
    }
  });

  it('follows the reply of a transaction, and counts what a script reads', async () => {
    using made = fresh();
    const { client, speaking3 } = made;
    await scriptEngineReady();
    const [reader, writer] = [speaking3(), client()];
    reader.call('CLIENT', 'TRACKING', 'ON');
    reader.call('EVAL_RO', "return redis.call('GET', 'inside')", '1', 'named');
    heard(reader);
    writer.call('MSET', 'named', '1', 'inside', '1');
    expect(heard(reader)).toBe(invalidation('inside'));
    reader.call('MULTI');
    reader.call('GET', 'a');
    reader.call('SET', 'a', '1');
    expect(reader.bytes('EXEC')).toBe(`*2\r\n_\r\n+OK\r\n${invalidation('a')}`);
  });

  it('pushes what a script causes at its own client in the protocol of the connection, not in that of the script', async () => {
    using made = fresh();
    const { speaking3 } = made;
    await scriptEngineReady();
    const client = speaking3();
    client.call('CLIENT', 'TRACKING', 'ON');
    client.call('SUBSCRIBE', 'c');
    heard(client);
    const script = "redis.call('GET', 'k') redis.call('SET', 'k', '1') return redis.call('PUBLISH', 'c', 'm')";
    expect(client.bytes('EVAL', script, '0')).toBe(
      `:1\r\n${invalidation('k')}>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n`,
    );
  });

  it('broadcasts every change below a prefix, together, but for its own when it says so', () => {
    using made = fresh();
    const { client, speaking3 } = made;
    const [all, some, writer] = [speaking3(), speaking3(), client()];
    all.call('CLIENT', 'TRACKING', 'ON', 'BCAST');
    some.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'a', 'PREFIX', 'b', 'NOLOOP');
    heard(all);
    writer.call('MSET', 'b1', '1', 'a2', '1', 'a1', '1', 'c', '1');
    expect(heard(all)).toBe(invalidation('a1', 'a2', 'b1', 'c'));
    heard(some);
    some.call('SET', 'a3', '1');
    expect(heard(some)).toBe('+OK\r\n');
    expect(heard(all)).toBe(invalidation('a3'));
    writer.call('SET', 'b3', '1');
    expect(heard(some)).toBe(invalidation('b3'));
  });

  it('obeys OPTIN and OPTOUT with CACHING for one request or one transaction', () => {
    using made = fresh();
    const { client, speaking3 } = made;
    const [reader, writer] = [speaking3(), client()];
    const isTold = (): boolean => {
      heard(reader);
      writer.call('SET', 'k', '1');
      return heard(reader) !== '';
    };
    reader.call('CLIENT', 'TRACKING', 'ON', 'OPTIN');
    reader.call('GET', 'k');
    expect(isTold()).toBe(false);
    reader.call('CLIENT', 'CACHING', 'yes');
    expect(reader.call('CLIENT', 'TRACKINGINFO')).toBeDefined();
    expect(reader.raw).toContain('caching-yes');
    reader.call('GET', 'k');
    expect(isTold()).toBe(true);
    reader.call('GET', 'k');
    expect(isTold()).toBe(false);
    for (const refused of [['NOSUCH'], ['GET']]) {
      reader.call('CLIENT', 'CACHING', 'yes');
      reader.call(...refused);
      reader.call('GET', 'k');
      expect(isTold()).toBe(false);
    }
    reader.call('CLIENT', 'CACHING', 'yes');
    for (const words of [['MULTI'], ['PING'], ['GET', 'k'], ['EXEC']]) reader.call(...words);
    expect(isTold()).toBe(true);
    reader.call('CLIENT', 'TRACKING', 'OFF');
    reader.call('CLIENT', 'TRACKING', 'ON', 'OPTOUT');
    reader.call('CLIENT', 'CACHING', 'NO');
    reader.call('GET', 'k');
    expect(isTold()).toBe(false);
    reader.call('GET', 'k');
    expect(isTold()).toBe(true);
  });

  it('tells another instead, which may speak RESP2 when it listens, and says when that one is gone', () => {
    using made = fresh();
    const { client, speaking3 } = made;
    const [reader, writer, other] = [speaking3(), client(), client()];
    const id = String(other.session.id);
    reader.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id);
    expect(reader.call('CLIENT', 'GETREDIR')).toBe(other.session.id);
    reader.call('GET', 'k');
    writer.call('SET', 'k', '1');
    expect(heard(other)).toBe('');
    other.call('SUBSCRIBE', '__redis__:invalidate');
    heard(other);
    reader.call('GET', 'k');
    heard(reader);
    writer.call('SET', 'k', '1');
    expect([heard(other), heard(reader)]).toEqual([
      '*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n',
      '',
    ]);
    reader.call('GET', 'k');
    other.call('QUIT');
    heard(reader);
    writer.call('SET', 'k', '1');
    expect(heard(reader)).toBe(`>2\r\n$21\r\ntracking-redir-broken\r\n:${id}\r\n`);
    expect(String(writer.call('CLIENT', 'LIST', 'ID', String(reader.session.id)))).toMatch(
      new RegExp(` flags=tR .* redir=${id} `),
    );
  });

  it('keeps no more keys than tracking-table-max-keys, and forgets with whoever goes', () => {
    using made = fresh({ 'tracking-table-max-keys': '2' });
    const { client, speaking3, shard } = made;
    const reader = speaking3();
    reader.call('CLIENT', 'TRACKING', 'ON');
    reader.call('MGET', 'a', 'b', 'c');
    expect(heard(reader)).toContain(invalidation('a'));
    const info = String(client().call('INFO'));
    for (const line of ['tracking_clients:1', 'tracking_total_keys:2', 'tracking_total_items:2'])
      expect(info).toContain(`${line}\r\n`);
    shard.closeSession(reader.session);
    expect([shard.tracking.count, shard.tracking.keys, shard.tracking.items]).toEqual([0, 0, 0]);
  });

  it.each([
    ['ON PREFIX a', 'ERR PREFIX option requires BCAST mode to be enabled'],
    ['ON BCAST OPTIN', 'ERR OPTIN and OPTOUT are not compatible with BCAST'],
    ['ON OPTIN OPTOUT', "ERR You can't specify both OPTIN mode and OPTOUT mode"],
    ['ON REDIRECT 1 REDIRECT 1', 'ERR A client can only redirect to a single other client'],
    ['ON REDIRECT 77', 'ERR The client ID you want redirect to does not exist'],
    ['ON REDIRECT x', 'ERR value is not an integer or out of range'],
    ['ON REDIRECT', 'ERR syntax error'],
    ['MAYBE', 'ERR syntax error'],
    [
      'ON BCAST PREFIX ab PREFIX a',
      "ERR Prefix 'ab' overlaps with another provided prefix 'a'. Prefixes for a single client must not overlap.",
    ],
  ])('refuses %s', (words, text) => {
    using made = fresh();
    expect(made.client().bytes('CLIENT', 'TRACKING', ...words.split(' '))).toBe(`-${text}\r\n`);
  });
});

describe('MONITOR', () => {
  it('shows what others ask, when it has run, without secrets and without what administrators do', async () => {
    using made = fresh();
    const { client, speaking3, shard } = made;
    await scriptEngineReady();
    const [looking, other] = [speaking3(), client()];
    expect(looking.call('MONITOR')).toBe('OK');
    expect(looking.call('MONITOR')).toBeUndefined();
    heard(looking);
    other.call('SELECT', '5');
    other.call('SET', 'k"\n', '\x00\xe9\\');
    other.call('CONFIG', 'GET', 'port');
    other.call('AUTH', 'me', 'secret');
    other.call('NOSUCH');
    for (const words of [['MULTI'], ['GET', 'k'], ['EXEC']]) other.call(...words);
    other.call('EVAL', "return redis.call('GET', 'k')", '0');
    const lines = heard(looking).split('\r\n').slice(0, -1);
    expect(lines.map((line) => line.replace(/^\+\d+\.\d{6} /, ''))).toEqual([
      '[5 127.0.0.1:50000] "SELECT" "5"',
      String.raw`[5 127.0.0.1:50000] "SET" "k\"\n" "\x00\xe9\\"`,
      '[5 127.0.0.1:50000] "AUTH" "(redacted)" "(redacted)"',
      '[5 127.0.0.1:50000] "MULTI"',
      '[5 127.0.0.1:50000] "GET" "k"',
      '[5 127.0.0.1:50000] "EXEC"',
      `[5 127.0.0.1:50000] "EVAL" "return redis.call('GET', 'k')" "0"`,
      '[5 lua] "GET" "k"',
    ]);
    expect(String(other.call('CLIENT', 'LIST', 'ID', String(looking.session.id)))).toMatch(/ flags=O /);
    heard(looking);
    expect(looking.bytes('GET', 'k')).toBe("-ERR Replica can't interact with the keyspace\r\n");
    expect(looking.bytes('RESET')).toBe('+RESET\r\n');
    expect(shard.monitors.isOn).toBe(false);
    heard(looking);
    other.call('GET', 'k');
    expect(heard(looking)).toBe('');
    looking.call('MULTI');
    looking.call('MONITOR');
    expect(String((looking.call('EXEC') as unknown[])[0])).toContain("MONITOR isn't allowed");
  });
});
