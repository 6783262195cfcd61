/**
 * Full synchronisation of 1,000,000 keys with values of 100 bytes, in both directions.
 *
 * Taken: a real redis-server holds them; time until they are at a real replica, at a shard as its replica, and at the far end of
 * `antipode replicate` (from the start of its process to its end). Served: a shard holds them and a real replica takes
 * them; the delay of PINGs from outside is what other clients of the shard would feel.
 */

import { performance } from 'node:perf_hooks';
import { Contest } from './support/contest.ts';
import { FOLLOW_MS_MAX, replicaOf, untilLinkIsUp, untilUnfollowed } from './support/following.ts';
import { Load } from './support/load.ts';
import { pingWhile } from './support/pings.ts';
import { inTurn, rowOf } from './support/rounds.ts';
import { startRedis, startReplicate, startShard } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import { percentile } from './support/statistics.ts';
import { failedRow } from './support/table.ts';
import type { Row, Table } from './support/table.ts';
import { within } from './support/waiting.ts';

const KEYS = { quick: 50_000, full: 1_000_000 };
const ROUNDS = { quick: 1, full: 3 };
const SYNC_TARGET = { of: 'ratio', max: 1.2 } as const;
const DELAY_TARGET = { of: 'ours', max: 20 } as const;

const expectKeys = async (server: Server, keys: number): Promise<void> => {
  using client = await server.client();
  const found = Number(await client.ask('DBSIZE'));
  // The engine keeps its checkpoint there too.
  if (found < keys) throw new Error(`port ${server.port} has ${found} of ${keys} keys after its full synchronisation`);
};

const replicaMs = async (start: () => Promise<Server>, source: Server, keys: number): Promise<number> => {
  await untilUnfollowed(source);
  await using replica = await start();
  using client = await replica.client();
  const startedAt = performance.now();
  await replicaOf(client, source);
  await untilLinkIsUp(client);
  const elapsedMs = performance.now() - startedAt;
  await expectKeys(replica, keys);
  return elapsedMs;
};

const engineMs = async (start: () => Promise<Server>, source: Server, keys: number): Promise<number> => {
  await untilUnfollowed(source);
  await using target = await start();
  const startedAt = performance.now();
  await using engine = startReplicate(source, target, 'when-in-sync');
  const code = await within(engine.exited, FOLLOW_MS_MAX, 'antipode replicate --until in-sync');
  const elapsedMs = performance.now() - startedAt;
  if (code !== 0) throw engine.failure(`ended with exit code ${code}`);
  await expectKeys(target, keys);
  return elapsedMs;
};

const takenRows = async (load: Load, keys: number, rounds: number): Promise<readonly Row[]> => {
  await using source = await startRedis();
  await load.fill(source, keys);
  const contest = new Contest<number>({ name: 'real replica', run: () => replicaMs(startRedis, source, keys) }, [
    { name: 'shard as replica', run: () => replicaMs(startShard, source, keys) },
    { name: 'replicate into redis-server', run: () => engineMs(startRedis, source, keys) },
    { name: 'replicate into a shard', run: () => engineMs(startShard, source, keys) },
  ]);
  await contest.run(rounds);
  return contest.rows({ what: 'until in sync', unit: 's', target: SYNC_TARGET }, (ms) => ms / 1000);
};

interface Serving {
  readonly elapsedMs: number;
  readonly delaysMs: readonly number[];
}

const serving = (source: Server, keys: number) => async (): Promise<Serving> => {
  await untilUnfollowed(source);
  await using replica = await startRedis();
  using client = await replica.client();
  const startedAt = performance.now();
  const delaysMs = await pingWhile(source, async () => {
    await replicaOf(client, source);
    await untilLinkIsUp(client);
  });
  const elapsedMs = performance.now() - startedAt;
  await expectKeys(replica, keys);
  return { elapsedMs, delaysMs };
};

const servedRows = async (load: Load, keys: number, rounds: number): Promise<readonly Row[]> => {
  await using reference = await startRedis();
  await using ours = await startShard();
  await load.fill(reference, keys);
  await load.fill(ours, keys);
  const results = await inTurn(rounds, { reference: serving(reference, keys), ours: serving(ours, keys) });
  const delay = (what: string, share: number, more: object = {}): Row =>
    rowOf({ what: `PING while serving: ${what}`, unit: 'ms', ...more }, results, (each) =>
      percentile(each.delaysMs, share),
    );
  return [
    rowOf({ what: 'served to a real replica: until in sync', unit: 's' }, results, (each) => each.elapsedMs / 1000),
    delay('p50', 0.5),
    delay('p99', 0.99, { target: DELAY_TARGET }),
    delay('highest', 1),
  ];
};

export const fullSync = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  const keys = KEYS[size];
  await using load = new Load();
  const taken = await takenRows(load, keys, ROUNDS[size]);
  let served: readonly Row[];
  try {
    served = await servedRows(load, keys, ROUNDS[size]);
  } catch (error) {
    served = [failedRow('served to a real replica', error)];
  }
  return {
    name: 'full-sync',
    title: `Full synchronisation of ${keys} keys with values of 100 bytes`,
    columns: { reference: 'redis-server', ours: 'antipode' },
    rows: [...taken, ...served],
  };
};
