import { describe, expect, it } from 'vitest';
import { connectionCommands } from '../../../src/node/commands/connection.ts';
import { hashCommands } from '../../../src/node/commands/hashes.ts';
import { listCommands } from '../../../src/node/commands/lists.ts';
import { serverCommands } from '../../../src/node/commands/server.ts';
import { setCommands } from '../../../src/node/commands/sets.ts';
import { sortedSetCommands } from '../../../src/node/commands/sorted-sets.ts';
import { stringCommands } from '../../../src/node/commands/strings.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard, type TestClient } from '../../support/fixtures.ts';

const data = [...stringCommands, ...hashCommands, ...listCommands, ...setCommands, ...sortedSetCommands];
const commands = [...data, ...connectionCommands, ...serverCommands];

const info = (client: TestClient, ...sections: string[]): Record<string, string> =>
  Object.fromEntries(
    String(client.call('INFO', ...sections))
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => line.split(/:(.*)/s).slice(0, 2)),
  );

describe('INFO', () => {
  it('has the sections asked for, in its own order', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(String(client.call('INFO', 'keyspace', 'SERVER'))).toMatch(
      /^# Server\r\nredis_version:7\.4\.0\r\n[^]*\r\n\r\n# Keyspace\r\n$/,
    );
    expect(client.bytes('INFO', 'nope')).toBe('$0\r\n\r\n');
    const titles = String(client.call('INFO')).match(/# \w+/g);
    expect(titles).toEqual([
      '# Server',
      '# Clients',
      '# Memory',
      '# Persistence',
      '# Stats',
      '# Replication',
      '# CPU',
      '# Modules',
      '# Errorstats',
      '# Cluster',
      '# Keyspace',
    ]);
  });

  it('counts what happens, and CONFIG RESETSTAT begins anew', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    client.call('SET', 'a', '1', 'PX', '50');
    client.call('SET', 'b', '1');
    client.call('GET', 'b');
    client.call('GET', 'none');
    expect(info(client)).toMatchObject({
      connected_clients: '1',
      total_commands_processed: '5',
      keyspace_hits: '1',
      keyspace_misses: '1',
      loading: '0',
      db0: 'keys=2,expires=1,avg_ttl=50,subexpiry=0',
      expired_keys: '0',
    });
    await world.advance(3_000);
    const later = info(client);
    expect(later).toMatchObject({
      expired_keys: '1',
      uptime_in_seconds: '3',
      db0: 'keys=1,expires=0,avg_ttl=0,subexpiry=0',
    });
    client.call('CONFIG', 'RESETSTAT');
    expect(info(client)).toMatchObject({
      expired_keys: '0',
      total_commands_processed: '1',
      keyspace_hits: '0',
      uptime_in_seconds: '3',
    });
  });

  it('takes fields and sections from upper layers', () => {
    using test = testShard({ commands });
    test.shard.infoSections.set('replication', () => [['role', 'master']]);
    test.shard.infoSections.set('extra', () => [['x', 1]]);
    const text = String(test.client().call('INFO'));
    expect(text).toContain('# Replication\r\nrole:master\r\n\r\n# CPU');
    expect(text).toContain('# Extra\r\nx:1\r\n');
  });

  it('tells of the turns in which something was done, with details by name alone', async () => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands, world });
    const client = test.client();
    client.session.receive(Buffer.from('PING\r\nPING\r\nPING\r\n'));
    await world.advance(5_000);
    const told = info(client);
    expect(Number(told['eventloop_cycles'])).toBe(51); // one for the requests, ten each second
    expect(told['instantaneous_eventloop_cycles_per_sec']).toBe('10');
    expect(told).not.toHaveProperty('eventloop_cmd_per_cycle_max');
    expect(info(client, 'everything')).not.toHaveProperty('eventloop_cmd_per_cycle_max');
    expect(info(client, 'debug')).toMatchObject({ eventloop_cmd_per_cycle_max: '3', eventloop_duration_aof_sum: '0' });
    client.call('CONFIG', 'RESETSTAT');
    expect(info(client)['eventloop_cycles']).toBe('1');
  });

  it('measures them', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('SET', 'k', 'x'.repeat(1_000_000));
    const [told, more] = [info(client), info(client, 'debug')];
    const sum = Number(told['eventloop_duration_sum']);
    expect(sum).toBeGreaterThan(0);
    expect(Number(told['eventloop_duration_cmd_sum'])).toBeGreaterThan(0);
    expect(Number(more['eventloop_duration_max'])).toBeGreaterThan(0);
  });

  it('memory in an allocator is the same sum, as where libc counts nothing more', () => {
    using test = testShard({ commands });
    const info = test.client().bytes('INFO', 'memory');
    const [, used] = /^used_memory:(\d+)\r$/m.exec(info)!;
    for (const what of ['allocated', 'active', 'resident']) expect(info).toContain(`\r\nallocator_${what}:${used}\r\n`);
  });

  it('memory grows with the data', () => {
    using test = testShard({ commands });
    const client = test.client();
    const before = Number(info(client)['used_memory']);
    for (let i = 0; i < 1000; i++) client.call('SET', `key:${i}`, 'x'.repeat(100));
    const grown = Number(info(client)['used_memory']) - before;
    expect(grown).toBeGreaterThan(100_000);
    expect(grown).toBeLessThan(400_000);
  });
});

describe('CONFIG', () => {
  it('SET changes all or nothing', () => {
    using test = testShard({ commands });
    const client = test.client();
    expect(client.bytes('CONFIG', 'SET', 'hz', '20', 'timeout', 'x')).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an integer\r\n",
    );
    expect(client.call('CONFIG', 'GET', 'hz')).toEqual(['hz', '10']);
    // The memory would be taken at once
    expect(client.bytes('CONFIG', 'SET', 'repl-backlog-size', '9007199254740991')).toMatch(
      /argument must be between 1 and 1073741824 inclusive/,
    );
    client.call('CONFIG', 'SET', 'hz', '20', 'hash-max-ziplist-value', '1kb');
    expect(client.call('CONFIG', 'GET', 'HZ', 'hash-max-*-value')).toEqual([
      'hz',
      '20',
      'hash-max-listpack-value',
      '1024',
      'hash-max-ziplist-value',
      '1024',
    ]);
    expect(test.shard.limits.hashValueBytes).toBe(1024);
  });

  it('output limits change class by class', () => {
    using test = testShard({ commands });
    const client = test.client();
    client.call('CONFIG', 'SET', 'client-output-buffer-limit', 'replica 1mb 2 3');
    expect(client.call('CONFIG', 'GET', 'client-output-buffer-limit')).toEqual([
      'client-output-buffer-limit',
      'normal 0 0 0 slave 1048576 2 3 pubsub 33554432 8388608 60',
    ]);
    expect(test.shard.outputLimits.slave).toEqual({ hardBytes: 1_048_576, softBytes: 2, softSeconds: 3 });
  });
});

describe('databases', () => {
  it('flushing is replicated even when there was nothing', () => {
    using test = testShard({ commands });
    const lines: string[] = [];
    test.shard.writeLog.subscribe({ write: (database, words) => lines.push(`${database} ${words.join(' ')}`) });
    const client = test.client();
    client.call('FLUSHALL', 'async');
    client.call('SELECT', '3');
    client.call('FLUSHDB');
    expect(lines).toEqual(['0 FLUSHALL async', '3 FLUSHDB']);
    expect(client.bytes('FLUSHDB', 'NOW')).toBe('-ERR syntax error\r\n');
  });

  it('FLUSHDB empties one, FLUSHALL all', () => {
    using test = testShard({ commands });
    const client = test.client();
    for (const index of ['0', '1', '2']) {
      client.call('SELECT', index);
      client.call('SET', 'a', '1', 'EX', '100');
    }
    client.call('FLUSHDB');
    expect(test.shard.keyspaces.slice(0, 3).map((keyspace) => keyspace.size)).toEqual([1, 1, 0]);
    client.call('FLUSHALL');
    expect(test.shard.keyspaces.every((keyspace) => keyspace.size === 0 && keyspace.expiring === 0)).toBe(true);
  });

  it('SWAPDB exchanges contents for everybody at once', () => {
    using test = testShard({ commands });
    const [one, other] = [test.client(), test.client()];
    one.call('SET', 'a', 'zero');
    other.call('SELECT', '1');
    expect(other.call('SWAPDB', '0', '1')).toBe('OK');
    expect(other.call('GET', 'a')).toBe('zero');
    expect(one.call('GET', 'a')).toBeNull();
    expect(one.call('DBSIZE')).toBe(0);
  });

  it('TIME is the world’s', () => {
    const world = new SimWorld({ seed: 1, startMs: 1_700_000_000_123 });
    using test = testShard({ commands, world });
    expect(test.client().call('TIME')).toEqual(['1700000000', '123000']);
  });
});

describe('MEMORY USAGE', () => {
  it('grows with the value, for every type, and samples aggregates', () => {
    using test = testShard({ commands });
    const client = test.client();
    const usage = (key: string, ...more: string[]): number => client.call('MEMORY', 'USAGE', key, ...more) as number;
    client.call('SET', 's', 'x'.repeat(1000));
    client.call('APPEND', 'raw', 'x'.repeat(1000));
    for (let i = 0; i < 200; i++) {
      client.call('HSET', 'h', `f${i}`, 'v'.repeat(50));
      client.call('RPUSH', 'l', 'v'.repeat(50));
      client.call('SADD', 'set', `member-of-the-set-${i}`.padEnd(50));
      client.call('ZADD', 'z', String(i), `member-of-the-set-${i}`.padEnd(50));
    }
    for (const key of ['s', 'raw']) expect(usage(key), key).toBeGreaterThan(1000);
    for (const key of ['h', 'l', 'set', 'z']) {
      expect(usage(key), key).toBeGreaterThan(200 * 50);
      expect(usage(key), key).toBeLessThan(200 * 200);
      expect(Math.abs(usage(key) - usage(key, 'SAMPLES', '0')), key).toBeLessThan(usage(key) / 5);
    }
    expect(client.call('MEMORY', 'USAGE', 'none')).toBeNull();
  });
});
