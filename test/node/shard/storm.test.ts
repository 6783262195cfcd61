/**
 * A storm of connections on real sockets: hundreds open at once, each sends random, mutated and truncated requests in pieces and goes, by
 * a proper end or in the middle of a request. The shard neither crashes nor stops answering, and what it held for them is given back.
 *
 * ANTIPODE_SEED chooses the requests, ANTIPODE_RUNS scales: 10 makes 200,000 requests.
 */

import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt } from '../../support/chunks.ts';
import { eventually } from '../../support/eventually.ts';
import { hostileBytes } from '../../support/hostile-requests.ts';
import { rawExchange } from '../../support/raw-exchange.ts';
import { servedShard, type ServedShard } from '../../support/served-shard.ts';

const SEED = Number(process.env['ANTIPODE_SEED'] ?? 20261130);
const SCALE = Number(process.env['ANTIPODE_RUNS'] ?? 1);
const CONNECTIONS = 500;
const REQUESTS_PER_CONNECTION = 10;
const ROUNDS = 4 * SCALE;
const REQUESTS = CONNECTIONS * REQUESTS_PER_CONNECTION * ROUNDS;
/** A few thousand bytes for each connection of the shortest run: generating requests leaves the heap as uneven as that. */
const GROWTH_BYTES_MAX = 8 * 1024 * 1024;
const ROUND_MS_MAX = 60_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const heapBytes = async (): Promise<number> => {
  for (let turn = 0; turn < 4; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

type Ending = 'end' | 'cut' | 'stay';
interface Visit {
  readonly sendings: readonly (readonly [text: string, cuts: readonly number[]])[];
  readonly ending: Ending;
}

const visit: fc.Arbitrary<Visit> = fc.record({
  sendings: fc.array(fc.tuple(hostileBytes, fc.array(fc.nat(100_000), { maxLength: 2 })), {
    minLength: REQUESTS_PER_CONNECTION,
    maxLength: REQUESTS_PER_CONNECTION,
    size: 'max',
  }),
  ending: fc.constantFrom<Ending>('end', 'cut', 'stay'),
});

/** Once it was answered or cut off, and so surely accepted. */
async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // cut off by the shard, as it should
  socket.write('PING\r\n');
  await new Promise<unknown>((resolve) => socket.once('data', resolve).once('close', resolve));
  return socket.resume();
}

/** What one client does, with a new connection whenever the shard ended the last one. Those who stay are resolved with their socket. */
async function visited(port: number, { sendings, ending }: Visit): Promise<Socket | null> {
  let socket = await connected(port);
  for (const [text, cuts] of sendings) {
    if (!socket.writable) socket = await connected(port);
    for (const chunk of cutAt(Buffer.from(text, 'latin1'), cuts)) socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (ending === 'stay') return socket;
  if (ending === 'cut') socket.resetAndDestroy();
  else socket.end();
  return null;
}

/** Asks on a new connection, again and again, until it is over; how often it was answered. */
async function answeredUntil(port: number, isOver: () => boolean): Promise<number> {
  let answered = 0;
  // A CLIENT KILL of the storm may concern this one, too
  while (!isOver()) if ((await rawExchange(port, 'PING\r\n')) === '+PONG\r\n') answered++;
  return answered;
}

/** 500 at once; then nobody is left, and nothing of theirs. */
async function round({ shard, port }: ServedShard, seed: number, seen: WeakRef<object>[]): Promise<void> {
  const visits = fc.sample(visit, { numRuns: CONNECTIONS, seed });
  const ranBefore = shard.stats.commands;
  let isOver = false;
  const answered = answeredUntil(port, () => isOver);
  const staying = await Promise.all(visits.map((each) => visited(port, each)));
  isOver = true;
  expect(await answered).toBeGreaterThan(0);
  shard.config.set([['requirepass', '']]);
  expect(await rawExchange(port, 'PING\r\n')).toBe('+PONG\r\n');
  expect(shard.stats.commands - ranBefore).toBeGreaterThan((CONNECTIONS * REQUESTS_PER_CONNECTION) / 2);
  for (const session of shard.sessions.values()) seen.push(new WeakRef(session));
  for (const socket of staying) socket?.destroy();
  await eventually(() => shard.sessions.size === 0, { withinMs: ROUND_MS_MAX, what: 'every client is forgotten' });
  expect([shard.blocking.count, shard.watchers.count, shard.subscriptions.count('channel')]).toEqual([0, 0, 0]);
  await rawExchange(port, 'FLUSHALL\r\nSCRIPT FLUSH\r\nSLOWLOG RESET\r\nACL LOG RESET\r\n');
}

describe(`a storm of ${REQUESTS} requests over ${CONNECTIONS} connections at a time (seed ${SEED}, ANTIPODE_SEED changes it)`, () => {
  it('passes: the shard answers, and holds no more than before', { timeout: (ROUNDS + 2) * ROUND_MS_MAX }, async () => {
    await using served = await servedShard();
    const seen: WeakRef<object>[] = [];
    // What the first storms leave is code that was compiled, and tables that have grown
    await round(served, SEED - 1, []);
    await round(served, SEED - 2, []);
    const base = await heapBytes();
    for (let at = 0; at < ROUNDS; at++) await round(served, SEED + at, seen);
    expect(await heapBytes(), `bytes after ${ROUNDS * CONNECTIONS} connections`).toBeLessThan(base + GROWTH_BYTES_MAX);
    expect(seen.length).toBeGreaterThan(ROUNDS);
    // A connection that was told goodbye lingers for a moment
    const areCollected = async (): Promise<boolean> => {
      await heapBytes();
      return seen.every((session) => session.deref() === undefined);
    };
    await eventually(areCollected, { withinMs: ROUND_MS_MAX, what: 'nothing holds on to a client that is gone' });
  });
});
