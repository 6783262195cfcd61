/**
 * Followers of a redis-server: a real replica, a shard as replica, the engine between two servers; and how to know what they have.
 *
 * Border: starts and asks; measuring belongs to the tables. Limits: FOLLOW_MS_MAX until something has arrived.
 */

import type { Child } from './child.ts';
import type { Client, Place } from './client.ts';
import { startReplicate } from './servers.ts';
import type { Server } from './servers.ts';
import { until } from './waiting.ts';

export const FOLLOW_MS_MAX = 300_000;
const LOOK_EVERY_MS = 5;
const MARKER = 'bench:marker';

export const replicaOf = async (client: Client, source: Place): Promise<void> => {
  await client.ask('REPLICAOF', source.host, String(source.port));
};

/** As the replica itself says it. */
export const untilLinkIsUp = async (client: Client): Promise<void> => {
  const isUp = async (): Promise<boolean> => (await client.info('replication')).get('master_link_status') === 'up';
  await until(isUp, { everyMs: LOOK_EVERY_MS, msMax: FOLLOW_MS_MAX, what: 'master_link_status:up at the replica' });
};

/** Nothing of an earlier transfer goes on at the source. */
export const untilUnfollowed = async (source: Server): Promise<void> => {
  using client = await source.client();
  const isFree = async (): Promise<boolean> =>
    (await client.info('replication')).get('connected_slaves') === '0' &&
    (await client.info('persistence')).get('rdb_bgsave_in_progress') !== '1';
  await until(isFree, {
    everyMs: LOOK_EVERY_MS,
    msMax: FOLLOW_MS_MAX,
    what: 'the end of an earlier transfer at the source',
  });
};

let markers = 0;

/** Writes something new at the source and waits until the follower's data have it: then they have all that was written before. */
export const untilFollowed = async (source: Client, follower: Client): Promise<void> => {
  markers += 1;
  const marker = String(markers);
  await source.ask('SET', MARKER, marker);
  const hasIt = async (): Promise<boolean> => {
    try {
      return (await follower.ask('GET', MARKER)) === marker;
    } catch (error) {
      if (/^(LOADING|MASTERDOWN)/.test(error instanceof Error ? error.message : '')) return false;
      throw error;
    }
  };
  await until(hasIt, { everyMs: LOOK_EVERY_MS, msMax: FOLLOW_MS_MAX, what: 'the last write at the follower' });
};

/** The engine as it follows, until `work` is done; it must not end by itself. */
export const whileReplicating = async <T>(from: Place, to: Place, work: (engine: Child) => Promise<T>): Promise<T> => {
  await using engine = startReplicate(from, to, 'when-told');
  const gone = engine.exited.then((): never => {
    throw engine.failure('it ended although it was to follow');
  });
  return await Promise.race([work(engine), gone]);
};
