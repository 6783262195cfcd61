import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { SystemWorld } from '../../src/world/system-world.ts';
import type { Connection } from '../../src/world/world.ts';
import { generateCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';

const WITHIN_MS = 15_000;

const until = (holds: () => boolean, what: string): Promise<void> => eventually(holds, { withinMs: WITHIN_MS, what });

const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP')).length;

test('however a connection ends, nothing of it keeps the process alive', async () => {
  const before = sockets();
  const { network } = new SystemWorld();
  const server = await generateCertificate({ cn: 'db' });
  const { certificate, key } = server;
  const tls = { certificate, key, mode: 'optional', clientCertificates: null, minVersion: 'TLSv1.2' } as const;
  const accepted: Connection[] = [];
  const keep = (connection: Connection): void => {
    accepted.push(connection);
    connection.handle({ data: () => undefined, closed: () => connection.destroy() });
  };
  const outcome = await network.listen({ host: '127.0.0.1', port: 0 }, { tls: () => tls }, keep);
  if (!outcome.ok) throw new Error(outcome.detail);
  const { address } = outcome.listener;
  const ways: readonly ((near: Connection, far: Connection) => void)[] = [
    (near) => near.end(),
    (_, far) => far.end(),
    (near) => near.destroy(),
    (_, far) => far.destroy(),
    (near, far) => [near, far].forEach((end) => end.end()),
    (near, far) => [near, far].forEach((end) => end.destroy()),
    (near) => [near.end(), near.destroy()],
    (near) => [near.write('x'.repeat(10_000_000)), near.destroy()],
    () => network.faults.cut('*', '*', 'reset'),
  ];
  for (const way of ways) {
    for (const clientTls of [null, { trusted: [certificate], serverName: null }]) {
      const count = accepted.length;
      const dialled = await network.connect(address, { tls: clientTls, timeoutMs: WITHIN_MS });
      if (!dialled.ok) throw new Error(dialled.detail);
      const near = dialled.connection;
      near.handle({ data: () => undefined, closed: () => near.destroy() });
      near.write('first'); // a port for both learns from this what it has
      await eventually(() => accepted.length > count, { withinMs: WITHIN_MS, what: 'accepted' });
      way(near, accepted[count]!);
    }
  }
  await outcome.listener.close();
  await eventually(() => sockets() <= before, { withinMs: WITHIN_MS, what: 'all sockets are gone' });
  expect(network.faults.cut('*', '*', 'reset')).toBe(0);
});

describe('faults between us and a server that is not ours', () => {
  const OURS = '127.0.2.1';
  const THEIRS = '127.0.3.1';

  /** An echo on a bare socket, outside the world's door, and our connection to it. */
  const setUp = async () => {
    const heard = { outside: '', inside: '', closed: '' };
    const sockets: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => (heard.outside += chunk.toString('latin1')));
    });
    await new Promise<void>((resolve) => server.listen(0, THEIRS, resolve));
    const { network, clock } = new SystemWorld();
    const { port } = server.address() as AddressInfo;
    const outcome = await network.from(OURS).connect({ host: THEIRS, port }, { timeoutMs: WITHIN_MS });
    if (!outcome.ok) throw new Error(outcome.detail);
    const { connection } = outcome;
    connection.handle({
      data: (chunk) => (heard.inside += chunk.toString('latin1')),
      closed: (reason) => (heard.closed = reason),
    });
    await eventually(() => sockets.length === 1, { withinMs: WITHIN_MS, what: 'accepted' });
    const outside = sockets[0]!;
    const close = async (): Promise<void> => {
      connection.destroy();
      outside.destroy();
      await new Promise((resolve) => server.close(resolve));
    };
    return { heard, network, clock, connection, outside, [Symbol.asyncDispose]: close };
  };

  test('what goes out is held at our end alone', async () => {
    await using set = await setUp();
    set.network.faults.partition([OURS], [THEIRS], 'one-way');
    set.connection.write('held');
    set.outside.write('open');
    await until(() => set.heard.inside === 'open', 'the open way');
    expect([set.heard.outside, set.connection.unsentBytes]).toEqual(['', 4]);
    set.network.faults.heal();
    set.connection.write(' and on');
    await until(() => set.heard.outside === 'held and on', 'what was held');
    expect(set.connection.unsentBytes).toBe(0);
  });

  test('what comes in is held at our end alone, an end too', async () => {
    await using set = await setUp();
    set.network.faults.partition([THEIRS], [OURS], 'one-way');
    set.outside.end('last words');
    set.connection.write('open');
    await until(() => set.heard.outside === 'open', 'the open way');
    expect([set.heard.inside, set.heard.closed]).toEqual(['', '']);
    set.network.faults.heal();
    await until(() => set.heard.closed !== '', 'the end');
    expect([set.heard.inside, set.heard.closed]).toEqual(['last words', 'ended']);
  });

  test('it is told when all has been sent, however little of what was held the system did not take at once', async () => {
    const PIECE = 'x'.repeat(8 * 1024);
    const fill = async (pieces: number | null, held: boolean) => {
      const set = await setUp();
      let drained = 0;
      set.connection.handle({ data: () => undefined, closed: () => undefined, drained: () => drained++ });
      set.outside.pause();
      if (held) set.network.faults.partition([OURS], [THEIRS], 'one-way');
      let count = 0;
      while (pieces === null ? set.connection.unsentBytes === 0 : count < pieces) {
        set.connection.write(PIECE);
        count++;
      }
      if (held) {
        const heldBytes = set.connection.unsentBytes;
        set.network.faults.heal();
        await until(() => set.connection.unsentBytes < heldBytes, 'what was held passes');
      }
      return Object.assign(set, { count, drained: () => drained });
    };
    let left = 0;
    let pieces = 0;
    {
      await using measured = await fill(null, false);
      pieces = measured.count;
    }
    // A few more or less until the system takes all but the last ones
    for (let attempt = 0; attempt < 40; attempt++) {
      await using set = await fill(pieces, true);
      left = set.connection.unsentBytes;
      if (left === 0) pieces++;
      else if (left > 4 * PIECE.length) pieces -= Math.floor(left / PIECE.length) - 1;
      else {
        expect(set.drained()).toBe(0);
        set.outside.resume();
        await until(() => set.drained() === 1, 'it is told');
        expect(set.connection.unsentBytes).toBe(0);
        return;
      }
    }
    expect.fail(`never only a few bytes were left, but ${left}`);
  });

  test('a reset that comes in is told only after the partition', async () => {
    await using set = await setUp();
    set.network.faults.partition([THEIRS], [OURS], 'one-way');
    set.outside.resetAndDestroy();
    for (let count = 0; count < 3; count++) {
      set.connection.write('into the void'); // makes the system tell us
      await using witness = await setUp();
      witness.outside.write('seen');
      await until(() => witness.heard.inside === 'seen', 'the witness');
    }
    expect(set.heard.closed).toBe('');
    set.network.faults.heal();
    await until(() => set.heard.closed === 'reset', 'the reset');
    await until(() => set.network.faults.cut('*', '*', 'reset') === 0, 'nothing is left');
  });

  test('what is held back is sent though the other side has ended meanwhile', async () => {
    await using set = await setUp();
    set.network.faults.partition([OURS], [THEIRS], 'one-way');
    set.connection.write('last words');
    set.outside.end();
    await until(() => set.heard.closed === 'ended', 'the end');
    expect(set.connection.unsentBytes).toBe(10);
    set.network.faults.heal();
    await until(() => set.outside.readableEnded, 'our own end');
    expect(set.heard.outside).toBe('last words');
    await until(() => set.network.faults.cut('*', '*', 'reset') === 0, 'nothing is left');
  });

  test('a silent cut tells nobody, whatever the other side does', async () => {
    await using set = await setUp();
    expect(set.network.faults.cut(OURS, THEIRS, 'silent')).toBe(1);
    set.outside.end('lost');
    await until(() => set.outside.writableFinished, 'sent');
    await using witness = await setUp();
    witness.outside.write('seen');
    await until(() => witness.heard.inside === 'seen', 'the witness');
    expect([set.heard.inside, set.heard.closed]).toEqual(['', '']);
    set.connection.destroy();
    await until(() => set.heard.closed === 'local', 'our own end');
  });

  test('latency is added on both ways, and while it is bytes pile up only so far', async () => {
    await using set = await setUp();
    set.network.faults.conditions(OURS, THEIRS, { latencyMs: 30 });
    const start = set.clock.elapsed();
    set.connection.write('ping');
    await until(() => set.heard.outside === 'ping', 'there');
    expect(set.clock.elapsed() - start).toBeGreaterThanOrEqual(29);
    set.outside.write('x'.repeat(5_000_000));
    await until(() => set.heard.inside.length === 5_000_000, 'all of it');
    expect(set.clock.elapsed() - start).toBeGreaterThanOrEqual(58);
    set.network.faults.conditions(OURS, THEIRS, { latencyMs: 0 });
    set.outside.end();
    await until(() => set.heard.closed === 'ended', 'the end');
  });
});
