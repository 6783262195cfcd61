/**
 * One client's subscriptions: kept on a connection of its own to the shard where messages meet, and passed on as they come.
 *
 * The proxy counts along (which names, how many confirmations are due), since only then does it know when the client's next
 * request may be looked at, and whether a RESP2 client is in the mode where only subscriptions may be managed.
 * Border: keyspace notifications come from that one shard only. Limits: `NAMES_MAX`.
 */

import type { User } from '../node/acl/user.ts';
import { refuse } from '../resp/refusals.ts';
import { encodeReply, encodeRequest, Push } from '../resp/reply.ts';
import { PUBSUB_SHARD, type SessionStep } from './plan.ts';
import type { SessionHost } from './session-host.ts';
import type { ShardConnection } from './shard-connection.ts';

/** Channels and patterns of one client. */
const NAMES_MAX = 100_000;
const MINUS = 45;
const CONFIRMATION = /^[*>]3\r\n\$\d+\r\n[ps]?(?:un)?subscribe\r\n/;
/** Longest beginning that `CONFIRMATION` looks at. */
const CONFIRMATION_BYTES = 32;

export type SubscriptionStep = Extract<SessionStep, `${string}SUBSCRIBE`>;

const KINDS = { '': 'channels', P: 'patterns', S: 'shardChannels' } as const;

/** The names a client is subscribed to, as its requests say. */
export class SubscribedNames {
  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  readonly shardChannels = new Set<string>();

  get size(): number {
    return this.channels.size + this.patterns.size + this.shardChannels.size;
  }

  areAllowedTo(user: User): boolean {
    const all = (names: ReadonlySet<string>, isPattern: boolean): boolean =>
      [...names].every((name) => user.allowsChannel(name, isPattern));
    return all(this.channels, false) && all(this.patterns, true) && all(this.shardChannels, false);
  }

  /** Takes a request into account; says how many confirmations it gets. */
  apply(step: SubscriptionStep, names: readonly string[]): number {
    const [, prefix, un] = /^(P|S(?!UB))?(UN)?SUBSCRIBE$/.exec(step)!;
    const set = this[KINDS[(prefix ?? '') as keyof typeof KINDS]];
    if (un === undefined) {
      if (this.size + names.length > NAMES_MAX)
        throw refuse('ERR', `a client subscribes to at most ${NAMES_MAX} names`);
      for (const name of names) set.add(name);
      return names.length;
    }
    if (names.length > 0) {
      for (const name of names) set.delete(name);
      return names.length;
    }
    const count = Math.max(1, set.size);
    set.clear();
    return count;
  }
}

export class Subscriber {
  readonly names = new SubscribedNames();
  readonly #host: SessionHost;
  #connection: ShardConnection | null = null;
  #due = 0;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  get isActive(): boolean {
    return this.#connection !== null;
  }

  /** The host has made sure that nothing is outstanding. */
  handle(step: SubscriptionStep, words: readonly string[]): void {
    const host = this.#host;
    if (this.#connection === null) {
      if (step.includes('UN')) {
        this.#confirmNothing(step, words);
        return;
      }
      const opened = host.dedicated(PUBSUB_SHARD);
      if (typeof opened === 'string') throw refuse('RAW', opened);
      opened.setOwner({
        outOfBand: (bytes) => this.#relay(bytes),
        closed: () => host.disconnect(), // the client must not believe it is still subscribed
      });
      this.#connection = opened;
    }
    this.#due = this.names.apply(step, words.slice(1));
    host.hold();
    this.#connection.sendUnanswered(encodeRequest(words));
  }

  close(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  #relay(bytes: Buffer): boolean {
    if (this.#connection?.outstanding !== 0) return false; // the shard's greeting
    this.#host.sendOutOfBand(bytes);
    if (this.#due === 0) return true;
    if (bytes[0] === MINUS) this.#due = 0;
    else if (CONFIRMATION.test(bytes.latin1Slice(0, Math.min(bytes.length, CONFIRMATION_BYTES)))) this.#due--;
    if (this.#due > 0) return true;
    if (this.names.size === 0) {
      const connection = this.#connection;
      this.#connection = null;
      this.#host.giveBack(connection);
    }
    this.#host.release();
    return true;
  }

  /** As a server confirms that there was nothing to end [redis pubsub.c pubsubUnsubscribeAllChannels]. */
  #confirmNothing(step: SubscriptionStep, words: readonly string[]): void {
    const names = words.length > 1 ? words.slice(1) : [null];
    const kind = step.toLowerCase();
    this.#host.put(names.map((name) => encodeReply(new Push([kind, name, 0]), this.#host.protocol)).join(''));
  }
}
