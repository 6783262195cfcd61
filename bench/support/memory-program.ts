/**
 * The process in which memory is measured: it holds a shard without a socket, and collects garbage when it is told to
 * (--expose-gc). Its arguments are one job, its last line the answer, both as JSON.
 *
 * Border: what the numbers mean is said by `estimate.ts` and `lazy-free.ts`.
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { shardCommands } from '../../src/cluster/control/shard-commands.ts';
import { Shard } from '../../src/node/shard/shard.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import { SystemWorld } from '../../src/world/system-world.ts';
import type { EstimateAnswer, LazyFreeAnswer, MemoryJob } from './memory-job.ts';
import { MEMORY_LOADS, type Words } from './memory-loads.ts';

const CHUNK_CHARS = 64 * 1024;
/** Turns of the event loop between chunks, so that building does not starve the collector's own tasks. */
const COLLECTIONS = 4;
const TRAFFIC_KEYS = 10_000;
const TRAFFIC_PER_TURN = 50;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const makeShard = (): { shard: Shard; send: (requests: string) => void } => {
  const shard = new Shard({ world: new SystemWorld({ seed: 1 }), commands: shardCommands });
  const at = { host: '127.0.0.1', port: 1 };
  const session = shard.openSession({
    local: at,
    remote: at,
    write: (bytes) => {
      if (bytes.startsWith('-')) throw new Error(`a request was refused: ${bytes}`);
    },
    end: () => undefined,
  });
  return { shard, send: (requests) => session.receive(Buffer.from(requests, 'latin1')) };
};

const build = async (send: (requests: string) => void, requests: Iterable<Words>): Promise<void> => {
  let chunk = '';
  for (const words of requests) {
    chunk += encodeRequest(words);
    if (chunk.length < CHUNK_CHARS) continue;
    send(chunk);
    chunk = '';
    await turn();
  }
  send(chunk);
};

const heldBytes = async (): Promise<number> => {
  for (let round = 0; round < COLLECTIONS; round++) {
    globalThis.gc!();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const estimate = async ({ load, elements }: Extract<MemoryJob, { kind: 'estimate' }>): Promise<EstimateAnswer> => {
  const { shard, send } = makeShard();
  const before = { held: await heldBytes(), counted: shard.memory.usedBytes };
  await build(send, MEMORY_LOADS[load](elements));
  const grownBytes = (await heldBytes()) - before.held;
  return { grownBytes, countedBytes: shard.memory.usedBytes - before.counted };
};

const lazyFree = async (job: Extract<MemoryJob, { kind: 'lazy-free' }>): Promise<LazyFreeAnswer> => {
  const { load, elements, request, watchedMs } = job;
  const { send } = makeShard();
  await build(send, MEMORY_LOADS[load](elements));
  const watched = async (first: string): Promise<{ p99Ms: number; maxMs: number }> => {
    await heldBytes();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const endsAt = Date.now() + watchedMs;
    if (first !== '') send(first);
    // Traffic goes on meanwhile: it is what a stall would hurt, and what makes the collector work
    for (let at = 0; Date.now() < endsAt;) {
      let requests = '';
      for (let i = 0; i < TRAFFIC_PER_TURN; i++)
        requests += encodeRequest(['SET', `traffic:${at++ % TRAFFIC_KEYS}`, `value ${at}`]);
      send(requests);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    delay.disable();
    return { p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 };
  };
  const before = await watched('');
  return { before, after: await watched(encodeRequest(request)) };
};

const job = JSON.parse(process.argv[2]!) as MemoryJob;
const answer = job.kind === 'estimate' ? await estimate(job) : await lazyFree(job);
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
