/**
 * Channels and patterns, and who listens to them. Border: no commands; a message goes out through `Session.push`.
 */

import { encodeReplyWithinLimit, Push, type Protocol } from '../../resp/reply.ts';
import { matchesGlob } from '../keyspace/glob.ts';
import { SharedOutput } from './client-output.ts';
import type { Session } from './session.ts';

export type SubscriptionKind = 'channel' | 'pattern' | 'shard';

/** A message that would make more of what is gathered begins anew, so that it can leave before the turn ends. */
const SHARED_BYTES_MAX = 64 * 1024;

/** Of one channel or pattern. */
interface Listeners {
  readonly sessions: Set<Session>;
  /** What they are sent, while nothing else is sent to one of them or about them: one for each protocol that they speak. */
  shared: ReadonlyMap<Protocol, SharedOutput> | null;
}

export class Subscriptions {
  readonly #listeners: Readonly<Record<SubscriptionKind, Map<string, Listeners>>> = {
    channel: new Map(),
    pattern: new Map(),
    shard: new Map(),
  };

  /** False when it was subscribed already. */
  add(session: Session, kind: SubscriptionKind, name: string): boolean {
    if (session.subscriptions[kind].has(name)) return false;
    session.subscriptions[kind].add(name);
    const listeners = this.#listeners[kind].get(name);
    if (listeners === undefined) this.#listeners[kind].set(name, { sessions: new Set([session]), shared: null });
    else {
      listeners.sessions.add(session);
      listeners.shared = null;
    }
    return true;
  }

  remove(session: Session, kind: SubscriptionKind, name: string): boolean {
    if (!session.subscriptions[kind].delete(name)) return false;
    const listeners = this.#listeners[kind].get(name)!;
    listeners.sessions.delete(session);
    listeners.shared = null;
    if (listeners.sessions.size === 0) this.#listeners[kind].delete(name);
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
    return this.#listeners[kind].get(name)?.sessions.size ?? 0;
  }

  count(kind: SubscriptionKind): number {
    return this.#listeners[kind].size;
  }
}

/** Encoded once for all that speak one protocol. Returns how many there are. */
function tell(listeners: Listeners | undefined, words: readonly string[]): number {
  if (listeners === undefined) return 0;
  const message = new Push(words);
  if (!addToShared(listeners, message)) tellEach(listeners, message);
  return listeners.sessions.size;
}

function addToShared({ shared }: Listeners, message: Push): boolean {
  if (shared === null) return false;
  for (const output of shared.values()) if (output.length > SHARED_BYTES_MAX) return false;
  for (const [protocol, output] of shared) output.add(encodeReplyWithinLimit(message, protocol));
  return true;
}

function tellEach(listeners: Listeners, message: Push): void {
  const shared = new Map<Protocol, SharedOutput>();
  const closed = (): void => {
    if (listeners.shared === shared) listeners.shared = null;
  };
  let isShared = true;
  for (const session of listeners.sessions) {
    let output = shared.get(session.wireProtocol);
    if (output === undefined) {
      output = new SharedOutput(encodeReplyWithinLimit(message, session.wireProtocol), closed);
      shared.set(session.wireProtocol, output);
    }
    if (session.share(output)) continue;
    isShared = false;
    session.push(message);
  }
  listeners.shared = isShared ? shared : null;
}
