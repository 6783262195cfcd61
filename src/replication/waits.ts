/**
 * Clients that wait until writes are safe: WAIT until enough replicas have acknowledged them, WAITAOF until they are in logs on disk,
 * here and at replicas [redis replication.c waitCommand, waitaofCommand]. A wait ends when that is so, when its time is up (with the
 * numbers reached), or with its session; the blocking list of the shard holds the session meanwhile, and says when it ends.
 *
 * What is waited for is everything written so far by anybody, not only by this client: never less than asked.
 */

import { refusalText } from '../resp/refusals.ts';
import { Failure, type Reply } from '../resp/reply.ts';
import type { CommandContext } from '../node/shard/context.ts';
import type { Session } from '../node/shard/session.ts';
import type { Shard } from '../node/shard/shard.ts';
import type { Feed } from './feed.ts';
import type { Primary } from './primary.ts';

/** What is waited for: whether it is so, and how far it has come. */
interface Goal {
  isReached(): boolean;
  reply(): Reply;
}

interface Wait {
  readonly session: Session;
  readonly goal: Goal;
}

export class Waits {
  readonly #waits = new Set<Wait>();
  readonly #shard: Shard;
  readonly #feed: Feed;
  readonly #primary: Primary;

  constructor(shard: Shard, feed: Feed, primary: Primary) {
    this.#shard = shard;
    this.#feed = feed;
    this.#primary = primary;
    primary.onProgress.push(() => this.#look());
    shard.onSynced.push(() => this.#look());
  }

  wait(context: CommandContext, replicas: number, timeoutMs: number): Reply {
    const { offset } = this.#feed;
    const reached = (): number => this.#primary.acknowledgedBy(offset);
    return this.#until(context, { isReached: () => reached() >= replicas, reply: reached }, timeoutMs);
  }

  waitForDisk(context: CommandContext, local: number, replicas: number, timeoutMs: number): Reply {
    const { offset } = this.#feed;
    // A log that is only begun has everything when it is there: its base, and what came behind it
    let place = this.#shard.syncedLog?.place;
    const isLost = (): boolean => local > 0 && !this.#shard.config.get('appendonly');
    const reachedHere = (): number => {
      const log = this.#shard.syncedLog;
      if (log === null) return 0;
      place ??= log.place;
      return log.synced >= place ? 1 : 0;
    };
    const reached = (): number => this.#primary.syncedBy(offset);
    return this.#until(
      context,
      {
        isReached: () => isLost() || (reachedHere() >= local && reached() >= replicas),
        reply: () => (isLost() ? new Failure(refusalText('WAITAOF_WITHOUT_LOG')) : [reachedHere(), reached()]),
      },
      timeoutMs,
    );
  }

  close(): void {
    this.#waits.clear();
  }

  #until(context: CommandContext, goal: Goal, timeoutMs: number): Reply {
    if (goal.isReached() || !context.mayBlock) return goal.reply();
    const { session } = context;
    const wait: Wait = { session, goal };
    this.#waits.add(wait);
    this.#primary.requestAcks();
    return context.block({
      keys: [],
      timeoutMs,
      get timeoutReply() {
        return goal.reply();
      },
      ended: () => this.#waits.delete(wait),
    });
  }

  #look(): void {
    for (const { session, goal } of this.#waits) {
      if (goal.isReached()) this.#shard.blocking.answer(session, goal.reply());
    }
  }
}
