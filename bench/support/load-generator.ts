/**
 * The program that makes load, a process of its own so that its work is not the benchmark's: takes jobs by messages, one at a
 * time, and answers with the time from the first request to the last reply.
 *
 * It is made to cost little: requests are encoded before the clock starts, replies are counted and not decoded, all sockets read
 * into one buffer. Border: it never starts anything and ends with its parent. Limits: CONNECTIONS at once,
 * POOL_REQUESTS encoded requests per kind; the time limit is its parent's.
 */

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect as connectTls } from 'node:tls';
import { KEYS_MAX } from './load-job.ts';
import type { LoadAnswer, LoadJob } from './load-job.ts';
import { chanceFrom, kindOf, preparationOf, requestOf, SUBSCRIBE } from './load-kinds.ts';
import { ReplyCounter } from './reply-counter.ts';

const CONNECTIONS = 20;
const POOL_REQUESTS = 100_000;
const READ_BUFFER_BYTES = 256 * 1024;

const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);

interface Batch {
  readonly bytes: Buffer;
  readonly requests: number;
}

/** Gives the next requests; null when there are no more. */
type Batches = () => Batch | null;

const batchOf = (requests: readonly string[]): Batch => ({
  bytes: Buffer.from(requests.join(''), 'latin1'),
  requests: requests.length,
});

const pools = new Map<string, readonly Batch[]>();

const poolOf = (job: LoadJob): readonly Batch[] => {
  const name = `${job.kind} ${job.pipeline} ${job.keys}`;
  let pool = pools.get(name);
  if (pool === undefined) {
    const chance = chanceFrom(1 + job.pipeline);
    pool = Array.from({ length: Math.ceil(POOL_REQUESTS / job.pipeline) }, () =>
      batchOf(Array.from({ length: job.pipeline }, () => requestOf(job.kind, chance(job.keys)))),
    );
    pools.set(name, pool);
  }
  return pool;
};

const randomBatches = (job: LoadJob): Batches => {
  const pool = poolOf(job);
  let left = job.operations / job.pipeline;
  let at = 0;
  return () => {
    if (left-- <= 0) return null;
    at = at + 1 === pool.length ? 0 : at + 1;
    return pool[at]!;
  };
};

/** Encoded as it goes: a million requests would be too much to hold. */
const preparingBatches = (job: LoadJob): Batches => {
  const preparation = preparationOf(job.kind, job);
  let at = 0;
  return () => {
    const left = (preparation?.requests ?? 0) - at;
    if (left <= 0) return null;
    const from = at;
    const requests = Array.from({ length: Math.min(job.pipeline, left) }, (_, i) => preparation!.request(from + i));
    at += requests.length;
    return batchOf(requests);
  };
};

/** Clients that read along and do nothing. */
const subscribe = async ({ host, port, kind }: LoadJob): Promise<readonly Socket[]> =>
  Promise.all(
    Array.from({ length: kindOf(kind).subscribers ?? 0 }, async () => {
      const socket = connect({ host, port, onread: { buffer: readBuffer, callback: () => true } });
      await new Promise<void>((resolve, reject) => socket.once('error', reject).once('connect', resolve));
      await new Promise<void>((resolve) => socket.write(SUBSCRIBE, () => resolve()));
      return socket;
    }),
  );

const run = async (job: LoadJob): Promise<number> => {
  if (job.keys > KEYS_MAX) throw new Error(`there are at most ${KEYS_MAX} keys`);
  const batches = job.phase === 'prepare' ? preparingBatches(job) : randomBatches(job);
  const sockets: Socket[] = [...(job.phase === 'run' ? await subscribe(job) : [])];
  try {
    return await new Promise<number>((resolve, reject) => {
      let connected = 0;
      let busy = CONNECTIONS;
      let startedAt = 0;
      const lane = (): (() => void) => {
        let missing = 0;
        const replies = new ReplyCounter();
        const next = (): void => {
          const batch = batches();
          if (batch === null) {
            busy -= 1;
            if (busy === 0) resolve(performance.now() - startedAt);
            return;
          }
          missing = batch.requests;
          socket.write(batch.bytes);
        };
        const received = (length: number, buffer: Uint8Array): boolean => {
          try {
            missing -= replies.count(buffer, length);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          if (missing === 0) next();
          else if (missing < 0) reject(new Error('more replies than requests'));
          return true;
        };
        const { host, port } = job;
        const socket = job.tls
          ? connectTls({ host, port, rejectUnauthorized: false })
          : connect({ host, port, noDelay: true, onread: { buffer: readBuffer, callback: received } });
        if (job.tls) socket.setNoDelay(true).on('data', (chunk: Buffer) => received(chunk.length, chunk));
        sockets.push(socket);
        socket.on('error', reject);
        socket.on('close', () => reject(new Error('the server closed a connection')));
        socket.once(job.tls ? 'secureConnect' : 'connect', () => {
          connected += 1;
          if (connected < CONNECTIONS) return;
          startedAt = performance.now();
          for (const start of lanes) start();
        });
        return next;
      };
      const lanes = Array.from({ length: CONNECTIONS }, lane);
    });
  } finally {
    for (const socket of sockets) socket.removeAllListeners('close').destroy();
  }
};

const answer = async (job: LoadJob): Promise<LoadAnswer> => {
  try {
    return { ok: true, elapsedMs: await run(job) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
};

process.on('message', (job: LoadJob) => {
  void answer(job).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit(0));
