/**
 * Measures two sides in turn, several times, so that what disturbs the machine disturbs both, and makes rows of it.
 *
 * Who goes first changes from round to round. Ratios are taken within a round, and the median of them counts: one disturbed
 * round does not decide.
 */

import type { Load, Cost } from './load.ts';
import { kindOf, type LoadKind } from './load-kinds.ts';
import type { Server } from './servers.ts';
import { median } from './statistics.ts';
import type { Row, Target } from './table.ts';

export interface Pair<T> {
  readonly reference: T;
  readonly ours: T;
}

/** A measurement of each side in each round. */
export const inTurn = async <T>(rounds: number, sides: Pair<() => Promise<T>>): Promise<readonly Pair<T>[]> => {
  const results: Pair<T>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const reference = await sides.reference();
      results.push({ reference, ours: await sides.ours() });
    } else {
      const ours = await sides.ours();
      results.push({ reference: await sides.reference(), ours });
    }
  }
  return results;
};

export interface Naming {
  readonly what: string;
  readonly unit: string;
  readonly target?: Target;
}

export const rowOf = <T>(naming: Naming, results: readonly Pair<T>[], value: (result: T) => number): Row => {
  const reference = results.map((each) => value(each.reference));
  const ours = results.map((each) => value(each.ours));
  return {
    what: naming.what,
    unit: naming.unit,
    reference: median(reference),
    ours: median(ours),
    ratio: median(ours.map((each, round) => each / reference[round]!)),
    target: naming.target ?? null,
    failure: null,
  };
};

export interface LoadCase {
  readonly kind: LoadKind;
  readonly pipeline: number;
  readonly operations: number;
  /** For processor time per operation. */
  readonly target?: Target;
}

export interface LoadedServers {
  readonly load: Load;
  readonly servers: Pair<Server>;
  readonly keys: number;
  readonly rounds: number;
}

/** The server is emptied before. */
export const prepareAnew = async (
  load: Load,
  server: Server,
  work: { readonly kind: LoadKind; readonly operations: number; readonly keys: number },
): Promise<void> => {
  using client = await server.client();
  await client.ask('FLUSHALL');
  await load.prepare(server, work);
};

/**
 * Two rows for a kind of load: processor time and throughput. The first run of each warms up and is not counted. What the kind
 * needs is there already, but for what it uses up.
 */
export const loadRows = async (
  each: LoadCase,
  { load, servers, keys, rounds }: LoadedServers,
): Promise<readonly Row[]> => {
  const { kind, pipeline, operations } = each;
  const work = { kind, pipeline, operations, keys };
  const run = (server: Server) => async (): Promise<Cost> => {
    if (kindOf(kind).consumes) await prepareAnew(load, server, work);
    return await load.run(server, work);
  };
  const sides = { reference: run(servers.reference), ours: run(servers.ours) };
  await inTurn(1, sides);
  const results = await inTurn(rounds, sides);
  const what = `${kindOf(kind).title}, pipeline ${pipeline}`;
  const target = each.target === undefined ? {} : { target: each.target };
  return [
    rowOf({ what: `${what}: processor time`, unit: 'us/op', ...target }, results, (cost) => cost.processorUs),
    rowOf({ what: `${what}: throughput`, unit: 'op/s' }, results, (cost) => cost.perSecond),
  ];
};
