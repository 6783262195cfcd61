/**
 * Channels and patterns, and who listens to them. Border: no commands; a message goes out through `Session.push`.
 */

import { encodeReplyWithinLimit, Push, type Protocol } from '../../resp/reply.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import type { Session } from './session.ts';

export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

export class Subscriptions {
  readonly #listeners: Readonly<Record<SubscriptionKind, Map<string, Set<Session>>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  /** False when it was subscribed already. */
  add(session: Session, kind: SubscriptionKind, name: string): boolean {
    if (session.subscriptions[kind].has(name)) return false;
    session.subscriptions[kind].add(name);
    const listeners = this.#listeners[kind].get(name);
    if (listeners === undefined) this.#listeners[kind].set(name, new Set([session]));
    else listeners.add(session);
    return true;
  }

  remove(session: Session, kind: SubscriptionKind, name: string): boolean {
    if (!session.subscriptions[kind].delete(name)) return false;
    const listeners = this.#listeners[kind].get(name);
    listeners?.delete(session);
    if (listeners?.size === 0) this.#listeners[kind].delete(name);
    return true;
  }

  removeAll(session: Session): void {
    for (const kind of ['channel', 'pattern', 'shard'] as const) {
      for (const name of session.subscriptions[kind]) this.remove(session, kind, name);
    }
  }

  /** Returns how many listeners got the message. */
  publish(channel: string, message: string, kind: 'channel' | 'shard' = 'channel'): number {
    const word = kind === 'shard' ? 'smessage' : 'message';
    let count = tell(this.#listeners[kind].get(channel), [word, channel, message]);
    if (kind === 'shard') return count;
    for (const [pattern, listeners] of this.#listeners.pattern) {
      if (matchesGlob(pattern, channel)) count += tell(listeners, ['pmessage', pattern, channel, message]);
    }
    return count;
  }

  names(kind: SubscriptionKind): IterableIterator<string> {
    return this.#listeners[kind].keys();
  }

  listeners(kind: SubscriptionKind, name: string): number {
    return this.#listeners[kind].get(name)?.size ?? 0;
  }

  count(kind: SubscriptionKind): number {
    return this.#listeners[kind].size;
  }
}

/** Encoded once for all that speak one protocol. Returns how many there are. */
function tell(listeners: ReadonlySet<Session> | undefined, words: readonly string[]): number {
  if (listeners === undefined) return 0;
  const message = new Push(words);
  const encoded = new Map<Protocol, string>();
  for (const session of listeners) {
    let bytes = encoded.get(session.wireProtocol);
    if (bytes === undefined)
      encoded.set(session.wireProtocol, (bytes = encodeReplyWithinLimit(message, session.wireProtocol)));
    session.pushEncoded(bytes);
  }
  return listeners.size;
}
