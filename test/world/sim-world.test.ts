import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimWorld } from '../../src/world/sim-world.ts';
import type { SimWorldOptions } from '../../src/world/sim-world.ts';
import type { Connection, ConnectionHandler, LinkConditions } from '../../src/world/world.ts';
import { eventuallyIn } from '../support/eventually.ts';
import { worldContract } from '../support/world-contract.ts';

const WITHIN_VIRTUAL_MS = 60_000;
const SERVER = { host: '127.0.1.1', port: 7000 };

const contractOver = (name: string, conditions: Partial<LinkConditions>): void =>
  worldContract(name, () => {
    const world = new SimWorld({ seed: 'contract', conditions });
    return Promise.resolve({
      world,
      run: (work) => world.run(work),
      until: (holds, what) => eventuallyIn(world, holds, { withinMs: WITHIN_VIRTUAL_MS, what }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  });

contractOver('simulated', {});
contractOver('simulated, jittery', { latencyMs: 1, jitterMs: 5, bandwidth: 50_000_000 });

test('sockets in the file system are refused by name, to who listens and to who dials', async () => {
  const world = new SimWorld({ seed: 'paths' });
  const { network } = world;
  const at = { host: '/tmp/no.sock', port: 0 };
  expect(await world.run(network.listen(at, {}, () => undefined))).toEqual({
    ok: false,
    why: 'unavailable',
    detail: '/tmp/no.sock: sockets in the file system are not simulated',
  });
  expect(await world.run(network.connect(at, { timeoutMs: 1000 }))).toMatchObject({ ok: false, why: 'unreachable' });
});

const ignore: ConnectionHandler = { data: () => undefined, closed: () => undefined };

/** Everything that could differ between two runs: timers, chance, forks, promises, reconnects, faults. */
const chatter = async (options: SimWorldOptions): Promise<{ hash: string; lines: number; world: SimWorld }> => {
  const world = new SimWorld({
    conditions: { latencyMs: 2, jitterMs: 3, chunking: 'random' },
    datagramLoss: 0.3,
    ...options,
  });
  const { clock, network, random, log } = world;
  const accept = (connection: Connection): void => {
    const chance = random.fork(`server ${connection.remote.port}`);
    connection.handle({
      data: (chunk) => {
        connection.write(chunk.toString('latin1').toUpperCase());
        if (chance.unit() < 0.05) connection.destroy();
      },
      closed: (reason) => log.event('server-closed', { reason }),
    });
  };
  const client = async (host: string): Promise<void> => {
    const chance = random.fork(host);
    for (let round = 0; round < 5; round++) {
      const outcome = await network.from(host).connect(SERVER, { timeoutMs: 50 });
      log.event('dialled', { host, round, ok: outcome.ok });
      if (!outcome.ok) continue;
      const { connection } = outcome;
      const closed = new Promise<void>((resolve) => {
        connection.handle({ data: (chunk) => log.event('heard', { bytes: chunk.length }), closed: () => resolve() });
      });
      for (let word = 0; word < 10; word++) {
        connection.write(`word ${chance.integer(0, 1000)} `);
        await new Promise<void>((resolve) => clock.after(chance.integer(0, 4), resolve));
      }
      connection.end();
      await closed;
    }
  };
  await world.run(network.listen(SERVER, {}, accept));
  const group = '224.0.0.251';
  const hear = (): void => log.event('datagram');
  const socket = await world.run(network.datagrams({ host: '127.0.2.1', port: 5353 }, { group }, hear));
  if (!socket.ok) throw new Error(socket.detail);
  let beats = 0;
  const beat = (): void => {
    socket.socket.send({ host: group, port: 5353 }, random.bytes(4));
    if (++beats < 20) clock.after(10, beat);
  };
  beat();
  clock.after(30, () => network.faults.partition(['127.0.2.1'], ['127.0.1.'], 'both-ways'));
  clock.after(120, () => network.faults.heal());
  clock.after(150, () => network.faults.cut('127.0.3.1', '127.0.1.1', 'reset'));
  await world.run(Promise.all(['127.0.2.1', '127.0.3.1', '127.0.4.1'].map((host) => client(host))));
  return { hash: world.eventLogHash(), lines: world.eventLogLength, world };
};

const drawBeside = (more: boolean): number => {
  const { random } = new SimWorld({ seed: 5 });
  if (more) random.fork('one').unit();
  return random.fork('two').unit();
};

const hashOf = async (word: string): Promise<string> => {
  const world = new SimWorld({ seed: 1 });
  await world.run(world.network.listen(SERVER, {}, (connection) => connection.handle(ignore)));
  const outcome = await world.run(world.network.connect(SERVER, { timeoutMs: 100 }));
  if (!outcome.ok) throw new Error(outcome.detail);
  outcome.connection.handle(ignore);
  outcome.connection.write(word);
  await world.runUntilIdle();
  return world.eventLogHash();
};

describe('replaying', () => {
  test('any seed gives the same event log twice, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1_000_000 }), async (seed) => {
        const first = await chatter({ seed });
        const second = await chatter({ seed });
        expect(second.hash).toBe(first.hash);
        expect(second.lines).toBe(first.lines);
        expect(first.lines).toBeGreaterThan(200);
      }),
      { numRuns: 15 },
    );
  });

  test('another seed gives another event log', async () => {
    expect((await chatter({ seed: 1 })).hash).not.toBe((await chatter({ seed: 2 })).hash);
  });

  test('one more draw in one fork changes nothing elsewhere', () => {
    expect(drawBeside(true)).toBe(drawBeside(false));
  });

  test('the log hash sees a single different byte', async () => {
    expect(await hashOf('aaaa')).toBe(await hashOf('aaaa'));
    expect(await hashOf('aaaa')).not.toBe(await hashOf('aaab'));
  });

  test('two simulations at once do not disturb each other', async () => {
    const alone = await chatter({ seed: 9 });
    const [one, two] = await Promise.all([chatter({ seed: 9 }), chatter({ seed: 9 })]);
    expect([one.hash, two.hash]).toEqual([alone.hash, alone.hash]);
  });

  test('only the latest lines are kept, all are hashed', async () => {
    const few = await chatter({ seed: 3, eventLogLines: 10 });
    const none = await chatter({ seed: 3, eventLogLines: 0 });
    const many = await chatter({ seed: 3, eventLogLines: 100_000 });
    expect([few.hash, none.hash]).toEqual([many.hash, many.hash]);
    expect(none.world.eventLog).toEqual([]);
    expect(many.world.eventLog.length).toBe(many.lines);
    expect(few.world.eventLog).toEqual(many.world.eventLog.slice(-10));
  });
});

describe('driving', () => {
  test('virtual months pass in no time, exactly', async () => {
    const world = new SimWorld({ seed: 1, startMs: 1000 });
    let fired = 0;
    world.clock.after(90 * 24 * 60 * 60 * 1000, () => (fired = world.clock.now()));
    await world.advance(90 * 24 * 60 * 60 * 1000 - 1);
    expect(fired).toBe(0);
    await world.advance(1);
    expect(fired).toBe(1000 + 90 * 24 * 60 * 60 * 1000);
    expect(world.clock.now()).toBe(fired);
  });

  test('a promise resolved by a callback goes on before time does, however long its chain', async () => {
    const world = new SimWorld({ seed: 1 });
    const seen: number[] = [];
    const program = async (): Promise<void> => {
      await new Promise<void>((resolve) => world.clock.after(10, resolve));
      for (let step = 0; step < 1000; step++) await Promise.resolve();
      seen.push(world.clock.elapsed());
    };
    world.clock.after(10.5, () => seen.push(-1));
    await world.run(program());
    expect(seen).toEqual([10]);
  });

  test('an async function called by an event goes on at its own time', async () => {
    const world = new SimWorld({ seed: 1 });
    const seen: number[] = [];
    const work = async (): Promise<void> => {
      await Promise.resolve();
      await Promise.resolve();
      seen.push(world.clock.elapsed());
    };
    world.clock.after(5, () => void work());
    world.clock.after(6, () => undefined);
    await world.runUntilIdle();
    expect(seen).toEqual([5]);
  });

  test('work outside the simulation stops its time', async () => {
    const world = new SimWorld({ seed: 1 });
    const seen: string[] = [];
    const program = async (): Promise<void> => {
      await new Promise<void>((resolve) => world.clock.after(10, resolve));
      await world.outside(crypto.subtle.digest('SHA-256', new Uint8Array(1024 * 1024)));
      seen.push(`digest at ${world.clock.elapsed()}`);
    };
    world.clock.after(11, () => seen.push('timer'));
    await world.run(program());
    await world.runUntilIdle();
    expect(seen).toEqual(['digest at 10', 'timer']);
  });

  test('runUntil stops at the event that makes it true, and says when the limit came first', async () => {
    const world = new SimWorld({ seed: 1 });
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      world.clock.after(100, tick);
    };
    tick();
    expect(await world.runUntil(() => ticks === 5)).toBe(true);
    expect(world.clock.elapsed()).toBe(400);
    expect(await world.runUntil(() => ticks === 1000, { virtualMs: 1000 })).toBe(false);
    expect(world.clock.elapsed()).toBe(1400);
    expect(await world.runUntil(() => ticks === 1000, { events: 7 })).toBe(false);
    expect(ticks).toBe(22);
  });

  test('a defect in an event fails the run and names the seed', async () => {
    const world = new SimWorld({ seed: 'unlucky' });
    world.clock.after(1, () => {
      throw new Error('offset went backwards');
    });
    await expect(world.runUntilIdle()).rejects.toThrow(/seed unlucky failed: offset went backwards/);
  });

  test('a program that never rests meets the limit, work that nothing finishes is reported', async () => {
    const world = new SimWorld({ seed: 1 });
    const tick = (): void => void world.clock.after(1, tick);
    tick();
    await expect(world.runUntilIdle({ virtualMs: 100 })).rejects.toThrow(/not idle/);
    await expect(world.run(new Promise(() => undefined), { virtualMs: 100 })).rejects.toThrow(/not finished/);
  });

  test('step runs one event without promises', () => {
    const world = new SimWorld({ seed: 1 });
    const fired: number[] = [];
    world.clock.after(2, () => fired.push(2));
    world.clock.after(1, () => fired.push(1));
    expect([world.step(), world.step(), world.step()]).toEqual([true, true, false]);
    expect(fired).toEqual([1, 2]);
  });
});

const opened = async (world: SimWorld): Promise<{ near: Connection; far: Connection }> => {
  const accepted: Connection[] = [];
  await world.run(world.network.listen(SERVER, {}, (connection) => void accepted.push(connection)));
  const outcome = await world.run(world.network.from('127.0.2.1').connect(SERVER, { timeoutMs: 10_000 }));
  if (!outcome.ok) throw new Error(outcome.detail);
  return { near: outcome.connection, far: accepted[0]! };
};

describe('the simulated network', () => {
  test('bandwidth takes its time', async () => {
    const world = new SimWorld({ seed: 1, conditions: { bandwidth: 1000 } });
    const { near, far } = await opened(world);
    let heard = 0;
    far.handle({ ...ignore, data: (chunk) => (heard += chunk.length) });
    const start = world.clock.elapsed();
    for (let piece = 0; piece < 10; piece++) near.write('x'.repeat(100));
    await eventuallyIn(world, () => heard === 1000, { withinMs: 2000, what: 'all of it' });
    expect(Math.round(world.clock.elapsed() - start)).toBe(1000);
  });

  test('a chunk kept without copying shows other bytes later', async () => {
    const world = new SimWorld({ seed: 1 });
    const { near, far } = await opened(world);
    const kept: Buffer[] = [];
    far.handle({ ...ignore, data: (chunk) => void kept.push(chunk) });
    near.write('first');
    near.write('other');
    await eventuallyIn(world, () => kept.length === 2, { withinMs: 100, what: 'both' });
    expect(kept[0]?.toString('latin1')).toBe('other');
  });

  test('random chunking cuts and joins', async () => {
    const world = new SimWorld({ seed: 1, conditions: { chunking: 'random', bandwidth: 1_000_000 } });
    const { near, far } = await opened(world);
    const sizes = new Set<number>();
    let heard = 0;
    far.handle({
      ...ignore,
      data: (chunk) => {
        sizes.add(chunk.length);
        heard += chunk.length;
      },
    });
    far.pause();
    for (let piece = 0; piece < 5000; piece++) near.write('0123456789');
    await world.advance(200);
    far.resume();
    await eventuallyIn(world, () => heard === 50_000, { withinMs: 1000, what: 'all of it' });
    expect(Math.min(...sizes)).toBeLessThan(10);
    expect(Math.max(...sizes)).toBeGreaterThan(10);
  });

  test('a reset takes with it what had not arrived', async () => {
    const world = new SimWorld({ seed: 1, conditions: { latencyMs: 10 } });
    const { near, far } = await opened(world);
    const heard: string[] = [];
    far.handle({ data: (chunk) => void heard.push(chunk.toString()), closed: (reason) => void heard.push(reason) });
    near.handle(ignore);
    near.write('arrives');
    await world.advance(11);
    near.write('does not');
    near.destroy();
    await world.advance(30);
    expect(heard).toEqual(['arrives', 'reset']);
  });

  test('a reset held back by a partition arrives after it, though its sender has gone', async () => {
    const world = new SimWorld({ seed: 2 });
    const { near, far } = await opened(world);
    const heard: string[] = [];
    near.handle({ ...ignore, closed: (reason) => void heard.push(reason) });
    far.handle(ignore);
    world.network.faults.partition(['127.0.1.1'], ['127.0.2.1'], 'both-ways');
    far.destroy();
    await world.advance(1000);
    expect(heard).toEqual([]);
    world.network.faults.heal();
    await world.advance(1);
    expect(heard).toEqual(['reset']);
  });

  test('datagrams are lost by chance', async () => {
    const world = new SimWorld({ seed: 1, datagramLoss: 0.5 });
    let heard = 0;
    const at = { host: '127.0.1.1', port: 53 };
    await world.run(world.network.datagrams(at, {}, () => heard++));
    const from = await world.run(world.network.datagrams({ host: '127.0.2.1', port: 0 }, {}, () => undefined));
    if (!from.ok) throw new Error(from.detail);
    for (let count = 0; count < 1000; count++) from.socket.send(at, Buffer.from('?'));
    await world.runUntilIdle();
    expect(heard).toBeGreaterThan(400);
    expect(heard).toBeLessThan(600);
  });

  test('connections leave nothing behind when they are closed', async () => {
    const world = new SimWorld({ seed: 1 });
    const accepted: Connection[] = [];
    await world.run(
      world.network.listen(SERVER, {}, (connection) => {
        accepted.push(connection);
        connection.handle({ data: () => undefined, closed: () => undefined });
      }),
    );
    for (let round = 0; round < 20; round++) {
      const outcome = await world.run(world.network.from('127.0.2.1').connect(SERVER, { timeoutMs: 100 }));
      if (!outcome.ok) throw new Error(outcome.detail);
      outcome.connection.handle(ignore);
      const [one, other] = [outcome.connection, accepted[round]!];
      if (round % 4 === 0) one.end();
      if (round % 4 === 1) other.end();
      if (round % 4 === 2) one.destroy();
      if (round % 4 === 3) {
        one.end();
        other.end();
      }
      await world.runUntilIdle();
    }
    expect(world.network.faults.cut('*', '*', 'reset')).toBe(0);
  });
});

test.each(['bytes', 'random', 'whole'] as const)(
  'a plain client of a port that also takes TLS loses nothing where its first words arrive in pieces (%s)',
  async (chunking) => {
    const world = new SimWorld({ seed: 1, conditions: { chunking } });
    const heard = await world.run(async () => {
      let text = '';
      const nobodyTrusted = { certificate: '', key: '', mode: 'optional', clientCertificates: null } as const;
      await world.network.listen(SERVER, { tls: () => ({ ...nobodyTrusted, minVersion: 'TLSv1.2' }) }, (connection) => {
        connection.handle({ data: (chunk) => void (text += chunk.toString('latin1')), closed: () => undefined });
      });
      const outcome = await world.network.from('127.0.9.1').connect(SERVER, { timeoutMs: 1_000 });
      if (!outcome.ok) throw new Error(outcome.why);
      outcome.connection.handle(ignore);
      outcome.connection.write('*1\r\n$4\r\nPING\r\n');
      outcome.connection.write('*1\r\n$4\r\nQUIT\r\n');
      await eventuallyIn(world, () => text.length >= 28, { withinMs: 1_000, what: 'both requests' });
      return text;
    });
    expect(heard).toBe('*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n');
  },
);
