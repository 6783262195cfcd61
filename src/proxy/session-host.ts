/** What the parts of a client's session (transaction, subscriber, pin) may ask of it. Types only. */

import type { Protocol } from '../resp/reply.ts';
import type { Anchor } from './key-slots.ts';
import type { ReplySlot } from './reply-queue.ts';
import type { FoldContext } from './scatter.ts';
import type { ShardConnection } from './shard-connection.ts';

export interface SessionHost {
  readonly protocol: Protocol;
  /** Takes no more requests until `release`: what was sent must be answered first, which may be never where it waits for an event. */
  hold(until?: 'answered' | 'event'): void;
  release(): void;
  /** The place of a reply that comes later. */
  openSlot(): ReplySlot;
  /** A reply that is known now. */
  put(bytes: string): void;
  /** Something that answers no request: goes out at once. The bytes are only lent. */
  sendOutOfBand(bytes: Buffer): void;
  /** Position of the shard that owns the slot, of the first without one. */
  shardOf(anchor: Anchor | null): number;
  /** A text: the error to tell the client. */
  shared(shard: number): ShardConnection | string;
  dedicated(shard: number): ShardConnection | string;
  giveBack(connection: ShardConnection): void;
  /** Calls back on a later turn, unless the client is gone by then. */
  soon(then: () => void): void;
  foldContext(): FoldContext;
  /** Answers what is pending, then ends the connection. */
  disconnect(): void;
}
