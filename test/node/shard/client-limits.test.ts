import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { transactionCommands } from '../../../src/node/commands/transactions.ts';
import { encodeRequest } from '../../../src/resp/reply.ts';
import { testShard } from '../../support/fixtures.ts';

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
    made.shard.replicasWithin = (lagMsMax) => (lagMsMax >= 10_000 ? 1 : 0);
    expect(asking.call('SET', 'k', 'v')).toBe('OK');
    asking.call('CONFIG', 'SET', 'min-slaves-max-lag', '9');
    asking.call('MULTI');
    expect(String(asking.call('SET', 'k', 'w'))).toContain('NOREPLICAS');
    expect(String(asking.call('EXEC'))).toContain('EXECABORT');
    asking.call('CONFIG', 'SET', 'min-replicas-max-lag', '0');
    expect(asking.call('SET', 'k', 'w')).toBe('OK');
  });
});

describe('the hard limit of client-output-buffer-limit', () => {
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
