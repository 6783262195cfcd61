import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import type { Connection } from '../../../src/world/world.ts';
import { NO_REPLICAS } from '../../../src/node/shard/upper-layers.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const fresh = (config: Readonly<Record<string, string>>) =>
  testShard({
    config,
    commands: [...connectionCommands, ...serverCommands, ...stringCommands, ...transactionCommands],
  });

const MEGABYTE = 1024 * 1024;
/** The beginning of a request whose end does not come. */
const begun = (bytes: number): Buffer =>
  Buffer.from(encodeRequest(['SET', 'k', 'x'.repeat(2 * bytes)]).slice(0, bytes), 'latin1');

describe('client-query-buffer-limit', () => {
  it('disconnects whoever has sent more than may wait, in one request or in a transaction', () => {
    using made = fresh({ 'client-query-buffer-limit': '1mb' });
    const [one, queueing, other] = [made.client(), made.client(), made.client()];
    one.session.receive(begun(MEGABYTE - 100));
    expect(one.closed).toBe(false);
    one.session.receive(Buffer.alloc(200, 'x'));
    expect([one.closed, one.raw]).toEqual([true, '']);
    queueing.call('MULTI');
    for (let at = 0; at < 3 && !queueing.closed; at++) queueing.send('SET', 'k', 'x'.repeat(400_000));
    expect(queueing.closed).toBe(true);
    expect(String(other.call('INFO', 'stats'))).toContain('client_query_buffer_limit_disconnections:2\r\n');
    expect(other.call('GET', 'k')).toBeNull();
  });
});

describe('maxmemory-clients', () => {
  it('disconnects those that take most until the rest fits, but for whoever asked to be kept', () => {
    using made = fresh({ 'maxmemory-clients': '1mb' });
    const [kept, large, small] = [made.client(), made.client(), made.client()];
    kept.call('CLIENT', 'NO-EVICT', 'on');
    kept.session.receive(begun(900_000));
    small.session.receive(begun(20_000));
    large.session.receive(begun(300_000));
    made.shard.endTurn();
    expect([kept, large, small].map(({ closed }) => closed)).toEqual([false, true, false]);
    expect(String(made.client().call('INFO', 'stats'))).toContain('evicted_clients:1\r\n');
  });

  it('may be a share of maxmemory', () => {
    using made = fresh({ maxmemory: '100mb', 'maxmemory-clients': '1%' });
    const [one, other] = [made.client(), made.client()];
    expect(other.call('CONFIG', 'GET', 'maxmemory-clients')).toEqual(['maxmemory-clients', '1%']);
    one.session.receive(begun(MEGABYTE));
    made.shard.endTurn();
    expect(one.closed).toBe(true);
    expect(String(other.call('CONFIG', 'SET', 'maxmemory-clients', '101%'))).toContain(
      'percentage argument must be less or equal to 100',
    );
    expect(String(other.call('CONFIG', 'SET', 'maxmemory-clients', 'x'))).toContain(
      'argument must be a memory or percent value',
    );
  });
});

describe('min-replicas-to-write', () => {
  it('refuses writes while too few replicas are there, in transactions too', () => {
    using made = fresh({ 'min-replicas-to-write': '1' });
    const asking = made.client();
    expect(asking.bytes('SET', 'k', 'v')).toBe('-NOREPLICAS Not enough good replicas to write.\r\n');
    expect(asking.call('GET', 'k')).toBeNull();
    made.shard.replicas = { ...NO_REPLICAS, within: (lagMsMax) => (lagMsMax >= 10_000 ? 1 : 0) };
    expect(asking.call('SET', 'k', 'v')).toBe('OK');
    asking.call('CONFIG', 'SET', 'min-slaves-max-lag', '9');
    asking.call('MULTI');
    expect(String(asking.call('SET', 'k', 'w'))).toContain('NOREPLICAS');
    expect(String(asking.call('EXEC'))).toContain('EXECABORT');
    asking.call('CONFIG', 'SET', 'min-replicas-max-lag', '0');
    expect(asking.call('SET', 'k', 'w')).toBe('OK');
  });
});

describe('what a client takes', () => {
  /** Names of which each costs more than its text. */
  const NAMES = Array.from({ length: 1000 }, (_, i) => `${i}`);
  const WAYS: readonly (readonly [what: string, begin: readonly string[], end: readonly string[]])[] = [
    ['watched keys', ['WATCH', ...NAMES], ['UNWATCH']],
    ['channels', ['SUBSCRIBE', ...NAMES], ['UNSUBSCRIBE']],
    ['patterns', ['PSUBSCRIBE', ...NAMES], ['PUNSUBSCRIBE']],
    ['shard channels', ['SSUBSCRIBE', ...NAMES], ['SUNSUBSCRIBE']],
    [
      'tracked prefixes',
      ['CLIENT', 'TRACKING', 'ON', 'BCAST', ...NAMES.map((name) => `${name}:`).flatMap((name) => ['PREFIX', name])],
      ['CLIENT', 'TRACKING', 'OFF'],
    ],
  ];
  const totals = (client: TestClient): number[] =>
    Array.from(client.bytes('CLIENT', 'LIST').matchAll(/tot-mem=(\d+)/g), ([, bytes]) => Number(bytes));

  it.each(WAYS)('includes %s until it ends them, and too many of them disconnect it', (_what, begin, end) => {
    using made = testShard({ commands: dataCommands });
    const [client, other] = [made.client(), made.client()];
    client.call('HELLO', '3');
    const [before = 0] = totals(other);
    client.send(...begin);
    expect(totals(other)[0]! - before).toBeGreaterThan(100_000);
    client.send(...end);
    expect(totals(other)[0]! - before).toBeLessThan(10_000);
    other.call('CONFIG', 'SET', 'maxmemory-clients', '150000');
    client.send(...begin);
    expect([client.closed, other.closed]).toEqual([true, false]);
    expect(String(other.call('INFO', 'stats'))).toContain('evicted_clients:1\r\n');
  });

  it('includes the words of a request that is not whole', () => {
    using made = testShard({ commands: dataCommands });
    const [client, other] = [made.client(), made.client()];
    const [before = 0] = totals(other);
    const request = encodeRequest(['DEL', ...Array.from({ length: 100 }, () => 'x'.repeat(1000))]);
    client.session.receive(Buffer.from(request.slice(0, -100), 'latin1'));
    expect(totals(other)[0]! - before).toBeGreaterThan(99_000);
    client.session.receive(Buffer.from(request.slice(-100), 'latin1'));
    expect(totals(other)[0]).toBe(before);
  });

  it('leaves as many as there is room for, by the byte, and grows by what it is pushed', () => {
    using made = testShard({ commands: dataCommands });
    const [asking, ...others] = Array.from({ length: 11 }, () => made.client());
    asking!.call('CLIENT', 'NO-EVICT', 'on');
    for (const other of others) other.session.receive(begun(MEGABYTE));
    const [own = 0, one = 0] = totals(asking!);
    asking!.call('CONFIG', 'SET', 'maxmemory-clients', String(5 * one + own));
    expect(totals(asking!)).toHaveLength(6);
    const left = others.filter(({ closed }) => !closed);
    expect(left).toHaveLength(5);
    const listening = made.client();
    listening.session.connection = { unsentBytes: 0, destroy: () => undefined } as unknown as Connection;
    asking!.call('CONFIG', 'SET', 'maxmemory-clients', String(6 * one));
    listening.call('SUBSCRIBE', 'c');
    Object.assign(listening.session.connection, { unsentBytes: 2 * MEGABYTE }); // it does not read
    asking!.call('PUBLISH', 'c', 'x');
    expect(made.shard.sessions.has(listening.session.id)).toBe(false);
  });

  it('is looked at before a request that completes it is run', () => {
    using made = fresh({ 'maxmemory-clients': '1mb' });
    const client = made.client();
    const request = Buffer.from(encodeRequest(['SET', 'k', 'x'.repeat(MEGABYTE)]), 'latin1');
    client.session.receive(request.subarray(0, 1000));
    client.session.receive(request.subarray(1000));
    expect([client.closed, client.raw]).toEqual([true, '']);
    expect(made.client().call('GET', 'k')).toBeNull();
  });
});

describe('a client that has not said who it is', () => {
  it('is cut off when replies for it gather, as in 7.4.3', () => {
    using made = fresh({ requirepass: 'p' });
    const pings = (count: number): Buffer => Buffer.from(encodeRequest(['PING']).repeat(count), 'latin1');
    const [one, other] = [made.client(), made.client()];
    one.session.receive(pings(400));
    expect(one.raw).toBe('-NOAUTH Authentication required.\r\n'.repeat(400));
    one.session.receive(pings(1_000));
    expect(one.closed).toBe(true);
    other.call('AUTH', 'p');
    other.session.receive(pings(10_000));
    expect([other.closed, other.raw.length]).toEqual([false, '+OK\r\n'.length + 10_000 * '+PONG\r\n'.length]);
  });

  it('is not once nobody is asked for a password any more', () => {
    using made = fresh({ requirepass: 'p' });
    const [one, other] = [made.client(), made.client()];
    other.call('AUTH', 'p');
    other.call('CONFIG', 'SET', 'requirepass', '');
    expect(one.call('ECHO', 'x'.repeat(100_000))).toBe('x'.repeat(100_000));
    expect(one.closed).toBe(false);
  });
});

describe('the hard limit of client-output-buffer-limit', () => {
  it('cuts off whoever asks for more random entries than that, before they are chosen', () => {
    using made = testShard({
      commands: dataCommands,
      config: { 'client-output-buffer-limit': 'normal 1mb 0 0' },
    });
    const filling = made.client();
    filling.call('HSET', 'h', 'f', 'v');
    filling.call('SADD', 's', 'm');
    filling.call('ZADD', 'z', '1', 'm');
    for (const words of [
      ['HRANDFIELD', 'h'],
      ['SRANDMEMBER', 's'],
      ['ZRANDMEMBER', 'z'],
    ]) {
      const client = made.client();
      expect(client.call(...words, '-3')).toHaveLength(3);
      client.call(...words, '-999999999');
      expect([client.closed, client.raw], words[0]).toEqual([true, '']);
    }
    expect(String(filling.call('INFO', 'stats'))).toContain('client_output_buffer_limit_disconnections:3\r\n');
  });

  it('cuts off whoever asks for more at once, and sends nothing of it', () => {
    using made = fresh({ 'client-output-buffer-limit': 'normal 100kb 0 0' });
    const [one, other] = [made.client(), made.client()];
    other.call('SET', 'k', 'x'.repeat(60_000));
    expect(String(one.call('GET', 'k'))).toHaveLength(60_000);
    one.session.receive(
      Buffer.from(encodeRequest(['MGET', 'k', 'k']) + encodeRequest(['SET', 'after', '1']), 'latin1'),
    );
    expect([one.closed, one.raw.length < 70_000]).toEqual([true, true]);
    expect(String(other.call('INFO', 'stats'))).toContain('client_output_buffer_limit_disconnections:1\r\n');
    expect(other.call('PING')).toBe('PONG');
  });
});
