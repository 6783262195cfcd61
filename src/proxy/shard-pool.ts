/**
 * An endpoint's connections to its shards: a shared one per shard and protocol, and dedicated ones for clients that need one
 * to themselves (blocking commands, WATCH, subscriptions, pins).
 *
 * One shared connection is enough: a shard runs one request at a time anyway, more would only make smaller writes, and a
 * client's requests keep their order. A lost connection is
 * made again by the next request; after a failed attempt requests are refused at once until the backoff is over. A shard
 * that moved (failover) gets new connections, the old ones end with their last reply. Limits are the constants below.
 */

import type { Protocol } from '../resp/reply.ts';
import type { Clock, Network } from '../world/world.ts';
import type { ShardTarget } from './endpoint-settings.ts';
import { ShardConnection } from './shard-connection.ts';
import type { Turn } from './turn.ts';

/** Dedicated connections kept for the next client that needs one, per shard and protocol. */
const IDLE_DEDICATED_MAX = 16;
const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 1000;

export interface PoolOptions {
  readonly clock: Clock;
  readonly network: Network;
  readonly turn: Turn;
  readonly pipelineMax: () => number;
}

/** Connections to one shard that speak one protocol. */
interface Lane {
  target: ShardTarget;
  shared: ShardConnection | null;
  readonly idle: ShardConnection[];
}

/** How attempts at one shard went. */
interface Backoff {
  failures: number;
  untilMs: number;
}

export class ShardPool {
  readonly #options: PoolOptions;
  readonly #lanes: Record<Protocol, (Lane | undefined)[]> = { 2: [], 3: [] };
  readonly #backoff = new Map<string, Backoff>();
  readonly #open = new Set<ShardConnection>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Connections open or being made, of all kinds. */
  get size(): number {
    return this.#open.size;
  }

  /** Everybody's connection to the shard at `position`; a text: the error to tell the client. */
  shared(target: ShardTarget, position: number, protocol: Protocol): ShardConnection | string {
    const lane = this.#lane(target, position, protocol);
    if (lane.shared !== null && !lane.shared.isClosed) return lane.shared;
    return this.#refusedUntilLater(target) ?? (lane.shared = this.#connect(target, protocol));
  }

  /** A connection for one client alone; give it back by `giveBack` when it is as good as new, else close it. */
  dedicated(target: ShardTarget, position: number, protocol: Protocol): ShardConnection | string {
    const { idle } = this.#lane(target, position, protocol);
    for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
      if (!connection.isClosed) return connection;
    }
    return this.#refusedUntilLater(target) ?? this.#connect(target, protocol);
  }

  giveBack(connection: ShardConnection): void {
    if (connection.isClosed) return;
    connection.setOwner(null);
    const lane = this.#lanes[connection.protocol].find(
      (each) => each !== undefined && same(each.target, connection.target),
    );
    if (lane === undefined || lane.idle.length >= IDLE_DEDICATED_MAX || this.#closed) connection.close();
    else lane.idle.push(connection);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#open) connection.close();
  }

  #lane(target: ShardTarget, position: number, protocol: Protocol): Lane {
    const lanes = this.#lanes[protocol];
    const lane = lanes[position];
    if (lane !== undefined) {
      if (lane.target === target) return lane;
      if (same(lane.target, target)) {
        lane.target = target;
        return lane;
      }
      lane.shared?.retire();
      for (const connection of lane.idle) connection.close();
    }
    return (lanes[position] = { target, shared: null, idle: [] });
  }

  #connect(target: ShardTarget, protocol: Protocol): ShardConnection {
    const { clock, network, turn, pipelineMax } = this.#options;
    const place = placeOf(target);
    const connection: ShardConnection = new ShardConnection({
      network,
      turn,
      target,
      protocol,
      pipelineMax,
      closed: (wasReady) => {
        this.#open.delete(connection);
        if (wasReady) {
          this.#backoff.delete(place);
          return;
        }
        const failures = (this.#backoff.get(place)?.failures ?? 0) + 1;
        const delay = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 10));
        this.#backoff.set(place, { failures, untilMs: clock.elapsed() + delay });
      },
    });
    this.#open.add(connection);
    return connection;
  }

  #refusedUntilLater(target: ShardTarget): string | null {
    const backoff = this.#backoff.get(placeOf(target));
    if (backoff === undefined || backoff.untilMs <= this.#options.clock.elapsed()) return null;
    return `ERR shard ${target.index} is not reachable: ${backoff.failures} failed attempts, the next one soon`;
  }
}

const placeOf = (target: ShardTarget): string => `${target.address.host}:${target.address.port}`;

const same = (one: ShardTarget, other: ShardTarget): boolean =>
  one.index === other.index &&
  one.password === other.password &&
  one.address.host === other.address.host &&
  one.address.port === other.address.port;
