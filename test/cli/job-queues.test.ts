/**
 * Libraries that lean on scripts, unchanged and with default options, at a shard that runs as a program of its own: BullMQ (queues,
 * delayed, repeated and failing jobs, flows, rate limits, events) and rate-limiter-flexible.
 */
import { FlowProducer, Queue, QueueEvents, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProgram } from '../support/antipode-program.ts';
import { eventually } from '../support/eventually.ts';

const patience = (what: string): { withinMs: number; what: string } => ({ withinMs: 20_000, what });

let program: ReturnType<typeof startProgram>;
let port = 0;
beforeAll(async () => {
  program = startProgram(['shard', '--port', '0', '--json']);
  ({ port } = JSON.parse(await program.line(/^\{/)) as { port: number });
});
afterAll(() => program[Symbol.asyncDispose]());

const connection = (): { host: string; port: number; maxRetriesPerRequest: null } => ({
  host: '127.0.0.1',
  port,
  maxRetriesPerRequest: null,
});

interface Closing {
  close(): Promise<unknown>;
}

/** Whatever is opened is closed, workers before the queues that they take from. */
class Open implements AsyncDisposable {
  readonly #all: Closing[] = [];
  add<T extends Closing>(one: T): T {
    this.#all.push(one);
    return one;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#all.toReversed()) await each.close();
  }
}

describe('BullMQ', () => {
  it('runs jobs at once, later, again and again, once more after a failure, and children before their parents', async () => {
    await using open = new Open();
    const queue = open.add(new Queue('jobs', { connection: connection() }));
    const flows = open.add(new FlowProducer({ connection: connection() }));
    const events = open.add(new QueueEvents('jobs', { connection: connection() }));
    await events.waitUntilReady();
    const completed = new Set<string>();
    events.on('completed', ({ jobId }) => completed.add(jobId));
    const ran: string[] = [];
    const startedAt = new Map<string, number>();
    open.add(
      new Worker(
        'jobs',
        async (job: Job) => {
          if (job.name === 'fails once' && job.attemptsMade === 0) throw new Error('not yet');
          ran.push(job.name);
          startedAt.set(job.name, Date.now());
          return job.name === 'parent'
            ? Object.values(await job.getChildrenValues<number>()).toSorted((a, b) => a - b)
            : null;
        },
        { connection: connection(), concurrency: 5 },
      ),
    );
    open.add(new Worker('children', async (job: Job) => (job.data as number) * 2, { connection: connection() }));

    const addedAt = Date.now();
    await queue.add('later', {}, { delay: 300 });
    await queue.add('fails once', {}, { attempts: 3, backoff: { type: 'fixed', delay: 20 } });
    await queue.upsertJobScheduler('again', { every: 50, limit: 3 }, { name: 'again' });
    await queue.addBulk(Array.from({ length: 40 }, (_, at) => ({ name: `job ${at}`, data: { at } })));
    const { job: parent } = await flows.add({
      name: 'parent',
      queueName: 'jobs',
      children: [1, 2, 3].map((data) => ({ name: 'child', queueName: 'children', data })),
    });

    await eventually(() => ran.length === 46 && completed.size === 46, patience('46 jobs are completed'));
    const names = [
      ...Array.from({ length: 40 }, (_, at) => `job ${at}`),
      'again',
      'again',
      'again',
      'fails once',
      'later',
    ];
    expect(ran.toSorted()).toEqual([...names, 'parent'].toSorted());
    expect(startedAt.get('later')! - addedAt).toBeGreaterThanOrEqual(299);
    expect((await queue.getJob(parent.id!))?.returnvalue).toEqual([2, 4, 6]);
    expect(await queue.getJobCounts('active', 'waiting', 'delayed', 'failed', 'completed')).toEqual({
      active: 0,
      waiting: 0,
      delayed: 0,
      failed: 0,
      completed: 46,
    });
  });

  it('takes no more jobs in a time than its rate limit allows', async () => {
    await using open = new Open();
    const queue = open.add(new Queue('limited', { connection: connection() }));
    const at: number[] = [];
    open.add(
      new Worker(
        'limited',
        async () => {
          at.push(Date.now());
        },
        { connection: connection(), limiter: { max: 4, duration: 300 } },
      ),
    );
    await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'job', data: {} })));
    await eventually(() => at.length === 10, patience('ten jobs ran'));
    expect(at[9]! - at[0]!).toBeGreaterThanOrEqual(550); // three windows of at most four
  });

  it('gives up a job for good after its attempts, and keeps why', async () => {
    await using open = new Open();
    const queue = open.add(new Queue('failing', { connection: connection() }));
    let tries = 0;
    open.add(
      new Worker(
        'failing',
        async () => {
          tries++;
          throw new Error('never');
        },
        { connection: connection() },
      ),
    );
    const job = await queue.add('job', {}, { attempts: 3 });
    await eventually(async () => (await job.getState()) === 'failed', patience('the job has failed'));
    expect([tries, (await queue.getFailed())[0]!.failedReason]).toEqual([3, 'never']);
    await queue.obliterate({ force: true });
    expect(await queue.getJobCounts('failed')).toEqual({ failed: 0 });
  });
});

describe('rate-limiter-flexible', () => {
  it('lets points be consumed up to the limit, tells when to come back, and blocks', async () => {
    const client = new Redis(port);
    try {
      const limiter = new RateLimiterRedis({
        storeClient: client,
        keyPrefix: 'limit',
        points: 3,
        duration: 60,
        blockDuration: 120,
      });
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => limiter.consume('user')));
      expect(results.map(({ status }) => status)).toEqual([
        'fulfilled',
        'fulfilled',
        'fulfilled',
        'rejected',
        'rejected',
      ]);
      expect((await limiter.get('user'))!.remainingPoints).toBe(0);
      expect(await client.pttl('limit:user')).toBeGreaterThan(60_000);
      await limiter.delete('user');
      expect((await limiter.consume('user', 2)).remainingPoints).toBe(1);
    } finally {
      client.disconnect();
    }
  });
});
