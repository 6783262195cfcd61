/**
 * Clients that WAIT until enough replicas have acknowledged [redis replication.c waitCommand]. A wait ends when they have, when its
 * time is up (with the number reached), or with its session; the blocking list of the shard holds the session meanwhile.
 *
 * What is waited for is everything written so far by anybody, not only by this client: never less than asked.
 */

import type { Reply } from '../resp/reply.ts';
import { BLOCKED, type CommandContext } from '../node/shard/context.ts';
import type { Session } from '../node/shard/session.ts';
import type { Timer } from '../world/world.ts';
import type { Feed } from './feed.ts';
import type { Primary } from './primary.ts';

interface Wait {
  readonly session: Session;
  /** The request's own words tell it from a later wait of the same session. */
  readonly words: readonly string[];
  readonly offset: number;
  readonly replicas: number;
  readonly timer: Timer | null;
}

export class Waits {
  readonly #waits = new Set<Wait>();
  readonly #feed: Feed;
  readonly #primary: Primary;

  constructor(feed: Feed, primary: Primary) {
    this.#feed = feed;
    this.#primary = primary;
    primary.onProgress.push(() => this.#look());
  }

  wait(context: CommandContext, replicas: number, timeoutMs: number): Reply {
    const { offset } = this.#feed;
    const reached = this.#primary.acknowledgedBy(offset);
    if (reached >= replicas || !context.mayBlock) return reached;
    const { session, words, shard } = context;
    const wait: Wait = {
      session,
      words,
      offset,
      replicas,
      timer: timeoutMs === 0 ? null : shard.world.clock.after(timeoutMs, () => this.#end(wait)),
    };
    this.#waits.add(wait);
    this.#primary.requestAcks();
    return context.block({ keys: [], timeoutMs: 0, timeoutReply: BLOCKED });
  }

  close(): void {
    for (const { timer } of this.#waits) timer?.cancel();
    this.#waits.clear();
  }

  #look(): void {
    for (const wait of this.#waits) {
      if (wait.session.waiting?.words !== wait.words) this.#forget(wait);
      else if (this.#primary.acknowledgedBy(wait.offset) >= wait.replicas) this.#end(wait);
    }
  }

  #end(wait: Wait): void {
    this.#forget(wait);
    const { session } = wait;
    if (session.waiting?.words === wait.words)
      session.shard.blocking.release(session, this.#primary.acknowledgedBy(wait.offset));
  }

  #forget(wait: Wait): void {
    wait.timer?.cancel();
    this.#waits.delete(wait);
  }
}
