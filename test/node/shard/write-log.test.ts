/**
 * What the write log says, done again elsewhere, makes the same data: every write command, those whose effect is chance or depends
 * on the moment, pops that had waited, transactions, keys that expire meanwhile. ANTIPODE_RUNS scales.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataCommands } from '../../../src/node/commands/index.ts';
import { datasetDigest } from '../../../src/node/keyspace/digest.ts';
import { dumpPayload } from '../../../src/rdb/payload.ts';
import type { Shard } from '../../../src/node/shard/shard.ts';
import { Failure } from '../../../src/resp/reply.ts';
import { SimWorld } from '../../../src/world/sim-world.ts';
import { testShard } from '../../support/fixtures.ts';
import { mutated, POOLS, requestsFrom } from '../../support/request-generator.ts';
import { writesOfEveryType } from '../../support/writes-of-every-type.ts';

const RUNS = 150 * Number(process.env['ANTIPODE_RUNS'] ?? 1);
const CLIENTS = 3;

const writes = dataCommands.filter(({ isWrite, name }) => isWrite && !['FLUSHALL', 'FLUSHDB'].includes(name));
/** Those of which anything at all may be wrong with what they replicate are asked more often. */
const chancy = writes.filter(
  ({ name, flags }) =>
    flags.has('blocking') ||
    ['SPOP', 'LMPOP', 'ZMPOP', 'GETEX', 'INCRBYFLOAT', 'HINCRBYFLOAT', 'SORT', 'COPY', 'RESTORE'].includes(name),
);
const pools = {
  ...POOLS,
  byName: {
    ...POOLS.byName,
    seconds: ['1', '100', '0', '-1'],
    milliseconds: ['1', '5', '20', '100000', '0', '-5'],
    timeout: ['0', '0.005', '0.05'],
    db: ['0', '1'],
    'destination-db': ['0', '1'],
    index1: ['0'],
    index2: ['1'],
    ttl: ['0', '7', '100000', '-1'],
    'serialized-value': [
      dumpPayload('text').latin1Slice(),
      dumpPayload({ kind: 'list', items: ['3', 'x'] }).latin1Slice(),
    ],
    offset: ['0', '1', '7', '100'],
    count: ['0', '1', '2', '1000'],
  },
};
const step = fc.oneof(
  { weight: 4, arbitrary: mutated(requestsFrom(writes, pools)) },
  { weight: 3, arbitrary: mutated(requestsFrom(chancy, pools)) },
  { weight: 3, arbitrary: writesOfEveryType(POOLS.key) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<string[]>(['MULTI'], ['EXEC'], ['EXEC'], ['SELECT', '1'], ['SELECT', '0'], ['FLUSHDB']),
  },
  { weight: 2, arbitrary: fc.constantFrom(...POOLS.key).map((key) => ['PEXPIRE', key, '3']) },
);

/** Follows a shard by its write log, as a replica does; what it refuses is told. */
function follow(leader: Shard, follower: Shard): string[] {
  const refusals: string[] = [];
  const session = follower.openSession({
    local: { host: '127.0.0.1', port: 6379 },
    remote: { host: '127.0.0.1', port: 50_000 },
    write: () => undefined,
    end: () => undefined,
  });
  session.kind = 'primary';
  follower.role = 'replica';
  follower.expiryPolicy = 'hide';
  let last: readonly string[] = [];
  session.replySeen = (reply) => {
    if (reply instanceof Failure) refusals.push(`${JSON.stringify(last)}: ${reply.text}`);
  };
  leader.writeLog.subscribe({
    write(database, words) {
      last = words;
      session.database = database;
      follower.tick();
      follower.execute(session, words);
      if (session.waiting !== null) refusals.push(`${JSON.stringify(words)} waits`);
    },
  });
  return refusals;
}

/** Deletes what has expired, as looking at it does. */
function settle(shard: Shard): void {
  shard.unit(() => {
    for (const keyspace of shard.keyspaces) for (const key of [...keyspace.expires.keys()]) keyspace.expireNow(key);
  });
}

const expiries = ({ keyspaces }: Shard): unknown =>
  keyspaces.slice(0, 2).map((keyspace) => [...keyspace.expires.entries()].sort(([a], [b]) => (a < b ? -1 : 1)));

describe('the write log', () => {
  it.each([
    ['BLPOP', 'k', '1'],
    ['BLMOVE', 'k', 'k', 'LEFT', 'LEFT', '1'],
    ['SPOP', 'k'],
    ['GETEX', 'k'],
    ['EXPIRE', 'k', '5'],
    ['SORT', 'k'],
    ['DEL', 'k'],
    ['LSET', 'k', '0', 'x'],
  ])('has the deletion of a key that %s found expired, and not the request, which did nothing', async (...request) => {
    const world = new SimWorld({ seed: 1 });
    using test = testShard({ commands: dataCommands, world });
    test.shard.activeExpiry = false;
    const client = test.client();
    client.call('RPUSH', 'k', 'a');
    client.call('PEXPIRE', 'k', '5');
    await world.advance(10);
    const log: string[] = [];
    test.shard.writeLog.subscribe({ write: (_database, words) => log.push(words.join(' ')) });
    client.send(...request);
    expect(log).toEqual(['DEL k']);
  });

  it(
    'done again by a replica makes the same data, whatever was asked',
    { timeout: 60_000 * (RUNS / 150) },
    async () => {
      const sequence = fc.array(fc.tuple(fc.nat(CLIENTS - 1), step, fc.constantFrom(0, 0, 0, 2, 10)), {
        maxLength: 40,
      });
      await fc.assert(
        fc.asyncProperty(sequence, async (sendings) => {
          const world = new SimWorld({ seed: 1 });
          using leader = testShard({ commands: dataCommands, world });
          using follower = testShard({ commands: dataCommands, world });
          const refusals = follow(leader.shard, follower.shard);
          const clients = Array.from({ length: CLIENTS }, () => leader.client());
          for (const [at, request, wait] of sendings) {
            clients[at]!.send(...request);
            if (wait > 0) await world.advance(wait);
          }
          for (const client of clients) client.send('DISCARD');
          await world.advance(100);
          settle(leader.shard);
          expect(refusals).toEqual([]);
          expect(datasetDigest(follower.shard.keyspaces)).toBe(datasetDigest(leader.shard.keyspaces));
          expect(expiries(follower.shard)).toEqual(expiries(leader.shard));
        }),
        { numRuns: RUNS },
      );
    },
  );
});
