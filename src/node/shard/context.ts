/**
 * What a command sees while it runs: the session, its database, one frozen moment, and ways to say what is to be replicated
 * or waited for. One object per shard, set anew for each command; a command must not keep it.
 */

import { Raw, type Reply } from '../../resp/reply.ts';
import type { Command } from '../commands/command.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Value } from '../keyspace/value.ts';
import type { Session } from './session.ts';
import type { Shard } from './shard.ts';

/** Returned by a command that now waits; its reply comes later. */
export const BLOCKED = new Raw('');

export interface BlockRequest {
  readonly keys: readonly string[];
  /** Milliseconds; 0 waits for ever. */
  readonly timeoutMs: number;
  /** Sent when the time is up, or taken to be (CLIENT UNBLOCK): asked for then. */
  readonly timeoutReply: Reply;
  /** Told when the wait has ended, however. */
  readonly ended?: () => void;
  /** What a key must hold before the command runs again; then every reply of it ends the wait. */
  readonly kind?: 'list' | 'zset' | 'stream';
  /** It runs again also when a key holds something else, or nothing: its refusal of that ends the wait. */
  readonly endsWhenGone?: boolean;
  /** What runs again, where that is not the request as it came. */
  readonly words?: readonly string[];
}

export class CommandContext {
  readonly shard: Shard;
  session!: Session;
  command!: Command;
  words: readonly string[] = [];
  /** Unix milliseconds, the same for the whole request. */
  now = 0;
  /** False inside a transaction: a command that would wait answers at once, as if its time were up. */
  mayBlock = true;
  /** What is replicated instead of the words themselves; null: the words. */
  replicated: (readonly string[])[] | null = null;
  /** It has begun before, and waited. */
  isRetry = false;
  /** Set by `block`. */
  blockRequest: BlockRequest | null = null;

  constructor(shard: Shard) {
    this.shard = shard;
  }

  get keyspace(): Keyspace {
    return this.shard.keyspaces[this.session.database]!;
  }

  /** Replicates these words instead of the request's own; more calls add more. */
  replicateAs(...words: readonly string[]): void {
    (this.replicated ??= []).push(words);
  }

  /** Replicates that a key and its value are gone, by the word that administrators chose for the cause [redis server.h lazyfree_lazy_*]. */
  replicateDeletion(key: string, value: Value, cause: 'lazyfree-lazy-expire' | 'lazyfree-lazy-server-del'): void {
    const isLazy = this.shard.config.get(cause);
    if (isLazy) this.shard.lazyFreed.value(value);
    this.replicateAs(isLazy ? 'UNLINK' : 'DEL', key);
  }

  /** Replicates nothing of this command, whatever it changed. */
  replicateNothing(): void {
    this.replicated = [];
  }

  /** Waits until one of the keys changes (then the command runs again) or the time is up. */
  block(request: BlockRequest): Reply {
    if (!this.mayBlock) return request.timeoutReply;
    this.blockRequest = request;
    return BLOCKED;
  }
}
