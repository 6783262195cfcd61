/**
 * What requests to a sorted set of a million members cost, beside the same to one of a thousand: processor time of the server for each,
 * as a ratio. It should grow with the depth of an index, not with the number of members; beside it how redis-server's grows.
 */

import { askAll, fillWith } from './support/filling.ts';
import { inTurn, rowOf } from './support/rounds.ts';
import { startRedis, startShard } from './support/servers.ts';
import type { Server } from './support/servers.ts';
import { failedRow, type Row, type Table } from './support/table.ts';
import { processorMs } from './support/usage.ts';

const MEMBERS = { quick: 50_000, full: 1_000_000 };
const FEW_MEMBERS = 1_000;
const REQUESTS = { quick: 10_000, full: 60_000 };
const ROUNDS = { quick: 1, full: 3 };
/** Twice as deep, and out of the processor's caches. */
const GROWTH_MAX = 2;

type Request = (at: number, members: number) => readonly string[];

/** Spread over all members, the same each time. */
const spread = (at: number, members: number): number => (at * 7919) % members;

const KINDS: Readonly<Record<string, Request>> = {
  ZRANK: (at, members) => ['ZRANK', 'large', `member:${spread(at, members)}`],
  'ZRANGE of 10 by rank': (at, members) => {
    const from = spread(at, members);
    return ['ZRANGE', 'large', String(from), String(from + 9)];
  },
  'ZRANGE of 10 by score': (at, members) => [
    'ZRANGE',
    'large',
    String(spread(at, members)),
    '+inf',
    'BYSCORE',
    'LIMIT',
    '0',
    '10',
  ],
  ZCOUNT: (at, members) => ['ZCOUNT', 'large', String(spread(at, members)), '+inf'],
  'ZADD of a new score': (at, members) => [
    'ZADD',
    'large',
    `${spread(at + 1, members)}.25`,
    `member:${spread(at, members)}`,
  ],
};

const costUs = async (server: Server, request: Request, members: number, requests: number): Promise<number> => {
  using client = await server.client();
  await client.ask('FLUSHALL');
  await fillWith(client, 'sorted set of all', members);
  const all = function* (count: number): Generator<readonly string[]> {
    for (let at = 0; at < count; at++) yield request(at, members);
  };
  await askAll(client, all(requests / 4)); // warms up
  const before = processorMs(server.pid);
  await askAll(client, all(requests));
  return ((processorMs(server.pid) - before) * 1_000) / requests;
};

const rowFor = async (what: string, request: Request, size: 'quick' | 'full'): Promise<Row> => {
  try {
    const growthOf = (start: () => Promise<Server>) => async (): Promise<number> => {
      await using server = await start();
      const few = await costUs(server, request, FEW_MEMBERS, REQUESTS[size]);
      return (await costUs(server, request, MEMBERS[size], REQUESTS[size])) / few;
    };
    const results = await inTurn(ROUNDS[size], { reference: growthOf(startRedis), ours: growthOf(startShard) });
    const row = rowOf({ what, unit: 'x', target: { of: 'ours', max: GROWTH_MAX } }, results, (growth) => growth);
    return { ...row, ratio: null };
  } catch (error) {
    return failedRow(what, error);
  }
};

export const large = async (isQuick: boolean): Promise<Table> => {
  const size = isQuick ? 'quick' : 'full';
  const rows: Row[] = [];
  for (const [what, request] of Object.entries(KINDS)) rows.push(await rowFor(what, request, size));
  return {
    name: 'large',
    title: `Cost in a sorted set of ${MEMBERS[size]} members, as a multiple of that in one of ${FEW_MEMBERS}`,
    columns: { reference: 'redis-server', ours: 'antipode shard' },
    rows,
  };
};
