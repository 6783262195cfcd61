/** What clients of a replica see: one that they may write to, and one whose data are about to be replaced. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/resp/reply.ts';
import { eventually } from '../support/eventually.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';
import { buildDump } from '../support/rdb-bytes.ts';
import { inSync, realNode, servedShard, type ReplicationNode } from '../support/replication.ts';

const differ = async (primary: ReplicationNode, replica: ReplicationNode): Promise<void> => {
  await replica.call('REPLICAOF', primary.host, String(primary.port));
  await inSync(primary, replica);
  await replica.call('CONFIG', 'SET', 'replica-read-only', 'no');
  await replica.call('SET', 'number', 'foo');
  expect(await primary.call('INCRBY', 'number', '1')).toBe(1);
  await primary.call('MULTI');
  await primary.call('INCRBY', 'number', '1');
  await primary.call('SET', 'in', 'v');
  await primary.call('EXEC');
  await primary.call('SET', 'behind', 'v');
  await eventually(async () => (await replica.call('GET', 'behind')) === 'v', {
    withinMs: 10_000,
    what: 'what stands behind the refused write has come',
  });
  expect(await replica.call('MGET', 'number', 'in')).toEqual(['foo', 'v']);
  expect((await replica.info('replication'))['master_link_status']).toBe('up');
  await replica.call('REPLICAOF', 'NO', 'ONE');
};

describeReal('a writable replica', () => {
  it('goes on behind a write that it refuses, as redis-server does', async () => {
    await using primary = await servedShard();
    await using real = await startRealRedis();
    await differ(primary, realNode(real));
    await using second = await servedShard();
    await using replica = await servedShard();
    await differ(second, replica);
  });
});

/** A primary by hand; says `answer` when it is asked for the stream. */
async function primaryThatSays(answer: string | Buffer): Promise<{ port: number } & Disposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const asks of chunk.toString('latin1').split(/(?=\*\d)/)) {
        if (/PSYNC/.test(asks)) {
          socket.write(`+FULLRESYNC ${'a'.repeat(40)} 0\r\n`);
          socket.write(answer);
        } else if (!/ACK/.test(asks)) socket.write('+OK\r\n');
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('a replica', () => {
  it('that waits for a snapshot shows its old data, and says that others are on their way', async () => {
    await using replica = await servedShard();
    await replica.call('SET', 'old', 'v');
    using primary = await primaryThatSays('$100\r\n');
    expect(await replica.info('persistence')).toMatchObject({ async_loading: '0', loading: '0' });
    await replica.call('REPLICAOF', '127.0.0.1', String(primary.port));
    await eventually(async () => (await replica.info('persistence'))['async_loading'] === '1', {
      withinMs: 10_000,
      what: 'it says that data are coming',
    });
    expect(await replica.call('GET', 'old')).toBe('v');
    await replica.call('REPLICAOF', 'NO', 'ONE');
    expect(await replica.info('persistence')).toMatchObject({ async_loading: '0' });
  });

  it('runs the scripts that an old primary sends, in their place', async () => {
    const dump = buildDump('REDIS0009');
    const stream = [
      ['SELECT', '0'],
      ['EVAL', "redis.call('SET', KEYS[1], 100)", '1', 'k'],
      ['MULTI'],
      ['EVAL', "redis.call('INCR', KEYS[1])", '1', 'k'],
      ['EXEC'],
      ['INCR', 'k'],
      ['SET', 'behind', 'v'],
    ]
      .map((words) => encodeRequest(words))
      .join('');
    await using replica = await servedShard();
    using primary = await primaryThatSays(
      Buffer.concat([Buffer.from(`$${dump.length}\r\n`), dump, Buffer.from(stream)]),
    );
    await replica.call('REPLICAOF', '127.0.0.1', String(primary.port));
    await eventually(async () => (await replica.call('GET', 'behind')) === 'v', {
      withinMs: 20_000,
      what: 'the end of the stream has come',
    });
    expect(await replica.call('GET', 'k')).toBe('102');
    expect(await replica.info('replication')).toMatchObject({ slave_repl_offset: String(stream.length) });
  });
});
