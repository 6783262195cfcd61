/**
 * An ordinary client pinned to one shard by ANTIPODE PIN: requests are still decoded, so that what is blocked stays blocked,
 * and everything else goes in order to a connection of the client's own. Slots are the client's own affair from then on.
 *
 * Border: which requests are whose is `route.ts`; `admin`'s pin is a `relay.ts` and decodes nothing. Limit: the session's
 * pipeline limit holds here too.
 */

import { parseInteger } from '../node/commands/numbers.ts';
import { COMPRESSION_LEVEL_MAX } from '../resp/compressed-pieces.ts';
import { encodeFailure, encodeRequest } from '../resp/reply.ts';
import { refuse, type Refusal } from '../resp/refusals.ts';
import type { ReplySlot } from './reply-queue.ts';
import type { SessionHost } from './session-host.ts';
import type { ReplyTaker, ShardConnection } from './shard-connection.ts';
import { SubscribedNames, type SubscriptionStep } from './subscriber.ts';

/** A name no shard knows: sent inside MULTI in the place of a blocked request, so that the shard spoils the transaction. */
const REFUSED_REQUEST = encodeRequest(['ANTIPODE-REFUSED']);
const PING = encodeRequest(['PING']);
const MESSAGE = /^\*[34]\r\n\$\d+\r\n[ps]?message\r\n/;
/** Longest beginning that `MESSAGE` looks at. */
const MESSAGE_BYTES = 24;
const SUBSCRIPTION = /^(?:P|S(?!UB))?(?:UN)?SUBSCRIBE$/;

/** `ANTIPODE PIN <index> [COMPRESS <level>]`; 0: not compressed. */
export function compressionLevel(words: readonly string[]): number {
  if (words.length === 3) return 0;
  const level = words[3]!.toUpperCase() === 'COMPRESS' && words.length === 5 ? parseInteger(words[4]!) : null;
  if (level === null || level < 1 || level > COMPRESSION_LEVEL_MAX) {
    throw refuse('ERR', `a pin is followed by nothing or by COMPRESS and a level from 1 to ${COMPRESSION_LEVEL_MAX}`);
  }
  return level;
}

/**
 * A connection to the shard for one client alone, handed over once it is known to work and nothing is awaited on it. When it
 * does not, `slot` gets the error and the client goes on unpinned.
 */
export function openPinned(
  host: SessionHost,
  shard: number,
  slot: ReplySlot,
  opened: (connection: ShardConnection) => void,
): void {
  const connection = host.dedicated(shard);
  const failed = (failure: string): void => {
    slot.lost(failure);
    host.release();
  };
  if (typeof connection === 'string') {
    failed(connection);
    return;
  }
  connection.send(PING, {
    // The connection is idle only when the taker of its last reply has returned.
    take: () =>
      host.soon(() => {
        if (connection.isClosed) failed(`ERR the connection to the shard was lost`);
        else opened(connection);
      }),
    lost: failed,
  });
}

export class Pin {
  readonly shard: number;
  readonly names = new SubscribedNames();
  readonly #host: SessionHost;
  readonly #connection: ShardConnection;
  #inMulti = false;
  /** What the shard says it has, channels and patterns together, shard channels apart: in RESP2 only then can an array be a message. */
  readonly #confirmed = { plain: 0, shard: 0 };

  constructor(host: SessionHost, shard: number, connection: ShardConnection) {
    this.#host = host;
    this.shard = shard;
    this.#connection = connection;
    connection.setOwner({
      outOfBand: (bytes, isPush) => this.#outOfBand(bytes, isPush),
      closed: () => host.disconnect(),
    });
  }

  get congested(): ShardConnection | null {
    return this.#connection.congested ? this.#connection : null;
  }

  forward(words: readonly string[]): void {
    const name = words[0]!.length <= 'PUNSUBSCRIBE'.length ? words[0]!.toUpperCase() : '';
    const request = encodeRequest(words);
    if (name === 'MULTI') this.#inMulti = true;
    else if (name === 'EXEC' || name === 'DISCARD') this.#inMulti = false;
    else if (SUBSCRIPTION.test(name) && !this.#inMulti) {
      this.#subscribe(name as SubscriptionStep, words, request);
      return;
    }
    this.#connection.send(request, this.#host.openSlot());
  }

  /** A request that must not reach the shard. */
  refuse(refusal: Refusal): void {
    const failure = encodeFailure(refusal.message);
    if (!this.#inMulti) {
      this.#host.put(failure);
      return;
    }
    const slot = this.#host.openSlot();
    this.#connection.send(REFUSED_REQUEST, { take: () => slot.fill(failure), lost: (reason) => slot.lost(reason) });
  }

  close(): void {
    this.#connection.close();
  }

  /** RESP3 confirms by pushes, RESP2 by one reply for each name. */
  #subscribe(step: SubscriptionStep, words: readonly string[], request: string): void {
    const isListed = words.length > 1 || step.includes('UN');
    const confirmations = isListed ? this.names.apply(step, words.slice(1)) : 1;
    if (this.#host.protocol === 3 && isListed) {
      this.#connection.sendUnanswered(request);
      return;
    }
    const of = step === 'SSUBSCRIBE' || step === 'SUNSUBSCRIBE' ? 'shard' : 'plain';
    this.#connection.send(request, this.#confirmation(of));
    for (let n = 1; n < confirmations; n++) this.#connection.await(this.#confirmation(of));
  }

  #confirmation(of: 'plain' | 'shard'): ReplyTaker {
    const slot = this.#host.openSlot();
    return {
      take: (bytes) => {
        const count = /:(\d+)\r\n$/.exec(bytes.latin1Slice(Math.max(0, bytes.length - 16)));
        if (count !== null) this.#confirmed[of] = Number(count[1]);
        slot.take(bytes);
      },
      lost: (failure) => slot.lost(failure),
    };
  }

  #outOfBand(bytes: Buffer, isPush: boolean): boolean {
    const isMessage =
      isPush ||
      (this.#confirmed.plain + this.#confirmed.shard > 0 &&
        MESSAGE.test(bytes.latin1Slice(0, Math.min(bytes.length, MESSAGE_BYTES))));
    if (isMessage) this.#host.sendOutOfBand(bytes);
    return isMessage;
  }
}
