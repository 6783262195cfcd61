/** Short writes past the stream of a socket: in order with those that take the stream, and ended like them. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { DirectWrites } from '../../src/world/system-direct-writes.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import { eventually } from '../support/eventually.ts';

const WITHIN_MS = 15_000;
const until = (holds: () => boolean, what: string): Promise<void> => eventually(holds, { withinMs: WITHIN_MS, what });
/** More than any pair of sockets holds in the system. */
const BYTES_MAX = 64 * 1024 * 1024;
/** So much through one socket, with a reader as fast as the writer, that each meets the other's every moment. */
const MEETINGS_BYTES = 1024 * 1024 * 1024;
const READER = `
  const { connect } = require('node:net');
  const { workerData } = require('node:worker_threads');
  const buffer = Buffer.alloc(1024 * 1024);
  connect({ port: workerData.port, host: '127.0.0.1', onread: { buffer, callback: () => true } }).on('error', () => undefined);
`;

/** A reader that does not read yet, and our connection to it. */
async function setUp() {
  const sockets: Socket[] = [];
  const heard = { text: '', ended: false };
  const told = { closed: '', drained: 0 };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => (heard.ended = true));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { network } = new SystemWorld();
  const { port } = server.address() as AddressInfo;
  const outcome = await network.connect({ host: '127.0.0.1', port }, { timeoutMs: WITHIN_MS });
  if (!outcome.ok) throw new Error(outcome.detail);
  const { connection } = outcome;
  connection.handle({
    data: () => undefined,
    closed: (reason) => (told.closed = reason),
    drained: () => (told.drained += 1),
  });
  await until(() => sockets.length === 1, 'accepted');
  const reader = sockets[0]!;
  return {
    connection,
    reader,
    heard,
    told,
    read: () => {
      reader.on('data', (chunk) => (heard.text += chunk.toString('latin1')));
      reader.resume();
    },
    /** Short texts, until the system takes no more; gives all of them. */
    fill: (): string => {
      let written = '';
      for (let i = 0; connection.unsentBytes === 0 && written.length < BYTES_MAX; i++) {
        const text = `${i} ${'x'.repeat(i % 3_000)}\n`;
        connection.write(text);
        written += text;
      }
      expect(connection.unsentBytes).toBeGreaterThan(0);
      return written;
    },
    async [Symbol.asyncDispose]() {
      connection.destroy();
      reader.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('short writes to a socket', () => {
  it('go past its stream on this Node.js', async () => {
    await using at = await setUp();
    expect(DirectWrites.suits(at.reader)).toBe(true);
  });

  it('arrive in order, among those that take the stream, however late they are read', async () => {
    await using at = await setUp();
    let written = at.fill();
    const write = (bytes: string | Uint8Array): void => {
      at.connection.write(bytes);
      written += typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
    };
    for (let round = 0; round < 20; round++) {
      write(`short ${round}\n`);
      write(Buffer.from(`bytes ${round}\n`));
      write(`long ${round} ${'\xff'.repeat(20_000)}\n`);
    }
    expect(at.connection.write('y'.repeat(2_000_000))).toBe(false);
    written += 'y'.repeat(2_000_000);
    at.read();
    await until(() => at.heard.text.length >= written.length, 'all is read');
    expect(at.heard.text === written).toBe(true);
    await until(() => at.told.drained === 1, 'it was told');
    expect(at.connection.unsentBytes).toBe(0);
    at.connection.write('and again');
    await until(() => at.heard.text.endsWith('and again'), 'the last one');
  });

  it('arrive whole before the end that follows them', async () => {
    await using at = await setUp();
    const written = at.fill();
    at.connection.end();
    at.read();
    await until(() => at.heard.ended, 'the end');
    expect(at.heard.text === written).toBe(true);
  });

  it.each([
    ['the reader', 'reset'],
    ['the writer', 'local'],
  ] as const)('may wait when %s ends the connection', async (who, reason) => {
    await using at = await setUp();
    at.fill();
    if (who === 'the reader') at.reader.resetAndDestroy();
    else at.connection.destroy();
    await until(() => at.told.closed !== '', 'it is told');
    expect(at.told).toEqual({ closed: reason, drained: 0 });
    expect(at.connection.write('no more')).toBe(true);
  });

  // Between the system's refusal and libuv's second attempt; a request used twice then ends the process
  it('may find room that a reader makes at the same moment', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const reader = new Worker(READER, { eval: true, workerData: { port } });
    const [socket] = await accepted;
    let failures = 0;
    const direct = new DirectWrites(socket, (failed) => (failures += Number(failed)));
    const text = 'x'.repeat(16_000);
    let refused = 0;
    for (let written = 0; written < MEETINGS_BYTES;) {
      for (let i = 0; i < 1_000; i++) {
        if (direct.write(text)) written += text.length;
        else refused++;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => direct.unsentBytes === 0, 'all has gone');
    expect(refused).toBeGreaterThan(0);
    expect(failures).toBe(0);
    expect(socket.bytesWritten % text.length).toBe(0);
    socket.destroy();
    await reader.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
});
